// Processes of one machine on real Unix sockets, in one process.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listenOnSocket } from '../../../../src/admin/unix-socket.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { encodeFrame, FrameReader, noBytes, type ProcessFrame } from '../../../../src/sip/transport/process-frames.ts';
import { type LinkedProcess, linkLimits, ProcessLink } from '../../../../src/sip/transport/process-link.ts';
import type { Flow } from '../../../../src/sip/transport/transport.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import { Happenings } from './transport-kit.ts';

const flow: Flow = {
  id: 'flow-7',
  listener: 'phones',
  network: 'outside',
  transport: 'tls',
  reliable: true,
  secure: true,
  local: { address: '192.0.2.1', port: 5_061 },
  remote: { address: '198.51.100.7', port: 40_000 },
  peerNames: ['alice.example'],
};

interface Got {
  readonly from: LinkedProcess;
  readonly frame: ProcessFrame;
  readonly text: string;
}

class End {
  readonly link: ProcessLink;
  readonly scheduler = new FakeScheduler();
  readonly frames = new Happenings<Got>();
  readonly reached = new Happenings<number>();
  readonly gone = new Happenings<LinkedProcess>();

  constructor(folder: string, process: number, run = `run-${process}`) {
    this.link = new ProcessLink({
      process,
      run,
      processes: 2,
      pathOf: (other) => join(folder, `process-${other}.sock`),
      bind: listenOnSocket,
      scheduler: this.scheduler,
      logger: silentLogger,
      events: {
        onFrame: (from, frame, body) => this.frames.add({ from, frame, text: Buffer.from(body).toString() }),
        onReached: (other) => this.reached.add(other),
        onGone: (from) => this.gone.add(from),
      },
    });
    onTestFinished(() => this.link.close());
  }

  /** Tries again until the other one is there. Between two tries only the system is waited for. */
  async reaches(): Promise<void> {
    let isThere = false;
    void this.reached.next().then(() => {
      isThere = true;
    });
    while (!isThere) {
      if (this.scheduler.pending > 0) this.scheduler.advance(linkLimits.again);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'pc-link-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Both listen, and have reached each other. */
async function linked(): Promise<{ readonly at: string; readonly one: End; readonly two: End }> {
  const at = folder();
  const [one, two] = [new End(at, 1), new End(at, 2)];
  await two.link.listen();
  await one.link.listen();
  await one.reaches();
  await two.reaches();
  return { at, one, two };
}

describe('processes of one machine', () => {
  test('say to each other what came over a flow, with its bytes', async () => {
    const { one, two } = await linked();
    expect(one.link.others).toEqual([2]);
    expect(one.link.send(2, { type: 'message', flow }, Buffer.from('BYE'))).toBe(true);
    expect(two.link.send(1, { type: 'send', flow: 'flow-7', serves: true }, Buffer.from('SIP/2.0 200'))).toBe(true);
    expect(await two.frames.next()).toEqual({
      from: { process: 1, run: 'run-1' },
      frame: { type: 'message', flow },
      text: 'BYE',
    });
    expect(await one.frames.next()).toMatchObject({ frame: { type: 'send', serves: true }, text: 'SIP/2.0 200' });
    expect(one.link.send(3, { type: 'closed', flow: 'flow-7' })).toBe(false);
  });

  test('keep what is for one that is being started again, for a while', async () => {
    const at = folder();
    const one = new End(at, 1);
    await one.link.listen();
    one.link.send(2, { type: 'closed', flow: 'too-old' });
    one.scheduler.advance(linkLimits.patience);
    one.link.send(2, { type: 'closed', flow: 'recent' });
    const two = new End(at, 2);
    await two.link.listen();
    await one.reaches();
    expect(await two.frames.next()).toMatchObject({ frame: { type: 'closed', flow: 'recent' } });
  });

  test('drop messages beyond what may wait, and still say what became of flows', async () => {
    const one = new End(folder(), 1);
    await one.link.listen();
    const body = new Uint8Array(1_000_000);
    const sent = Array.from({ length: 10 }, () => one.link.send(2, { type: 'message', flow }, body));
    expect(sent.filter(Boolean)).toHaveLength(Math.floor(linkLimits.waiting / (body.length + 1)));
    expect(one.link.send(2, { type: 'closed', flow: 'flow-7' })).toBe(true);
  });

  test('hear that one is gone, and of its next run when it is back', async () => {
    const { at, one, two } = await linked();
    two.link.close();
    expect(await one.gone.next()).toEqual({ process: 2, run: 'run-2' });
    const again = new End(at, 2, 'run-3');
    await again.link.listen();
    again.link.send(1, { type: 'closed', flow: 'x' });
    await again.reaches();
    expect((await one.frames.next()).from.run).toBe('run-3');
  });

  test('end a connection that does not speak as they do, and nothing else', async () => {
    const { at, one, two } = await linked();
    const stranger = connect(join(at, 'process-2.sock'));
    const closed = new Promise((resolve) => stranger.once('close', resolve));
    stranger.on('error', () => {});
    stranger.write(Buffer.alloc(64, 0xff));
    await closed;
    one.link.send(2, { type: 'closed', flow: 'y' });
    expect(await two.frames.next()).toMatchObject({ frame: { flow: 'y' } });
  });
});

describe('frames', () => {
  test('are read in whatever pieces they come', () => {
    const frames: readonly ProcessFrame[] = [
      { type: 'hello', process: 2, run: 'r' },
      { type: 'watch', flow: 'f' },
      { type: 'came', flow, aor: 'a@b', key: 'k', before: { process: 1, run: 'q', flow: 'flow-3' } },
      { type: 'came', flow, aor: 'a@b', key: 'k', before: undefined },
    ];
    const bytes = Buffer.concat(
      frames.map((frame, index) => encodeFrame(frame, Buffer.from(`body ${index}`)) ?? noBytes),
    );
    const reader = new FrameReader();
    const read = Array.from(bytes, (byte) => {
      const pushed = reader.push(Uint8Array.of(byte));
      return pushed.ok ? pushed.value : [];
    }).flat();
    expect(read.map(({ frame }) => frame)).toEqual(frames);
    expect(read.map(({ body }) => Buffer.from(body).toString())).toEqual(['body 0', 'body 1', 'body 2', 'body 3']);
  });

  test.each([
    ['of another kind', '{"type":"dance"}'],
    ['no JSON', '{'],
    ['no object', '7'],
    ['a flow without an address', '{"type":"message","flow":{"id":"x"}}'],
    ['a phone without a name', JSON.stringify({ type: 'came', flow })],
    ['names that are none', JSON.stringify({ type: 'message', flow: { ...flow, peerNames: [1] } })],
  ])('that are %s are passed over', (_what, head) => {
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(Buffer.byteLength(head), 0);
    const next = encodeFrame({ type: 'watch', flow: 'f' }, noBytes) ?? noBytes;
    const pushed = new FrameReader().push(Buffer.concat([lengths, Buffer.from(head), next]));
    expect(pushed).toMatchObject({ ok: true, value: [{ frame: undefined }, { frame: { type: 'watch' } }] });
  });

  test('that are too long are not sent, and end the stream of who sends them', () => {
    const names = Array.from({ length: 4_000 }, (_, index) => `name-${index}.example.com`);
    expect(encodeFrame({ type: 'message', flow: { ...flow, peerNames: names } }, noBytes)).toBeUndefined();
    expect(new FrameReader().push(Buffer.alloc(8, 0x7f)).ok).toBe(false);
  });
});
