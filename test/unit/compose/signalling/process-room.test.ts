// Two processes of a machine, of which the other one is away: what comes here for it over a real connection.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { ProcessRoom } from '../../../../src/compose/signalling/process-room.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { linkLimits } from '../../../../src/sip/transport/process-link.ts';
import { processMark } from '../../../../src/sip/transport/process-mark.ts';
import type { Flow } from '../../../../src/sip/transport/transport.ts';
import { FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';
import { request } from '../../../support/sip-messages.ts';
import { closeAll, connectPeer, openSite, type Peer, until, wire } from '../../sip/transport/transport-kit.ts';

const toTag = `${processMark(2)}12ab`;

afterEach(closeAll);

/** The first of two processes. `rate`: of what it passes on; 0 for a source that is banned. */
async function firstOfTwo(rate?: number): Promise<{ readonly room: ProcessRoom; readonly peer: Peer }> {
  const folder = mkdtempSync(join(tmpdir(), 'pc-room-'));
  const room = new ProcessRoom({
    place: { process: 1, processes: 2, run: 'run-1', folder, nodes: new Map() },
    userAgent: () => {
      throw new Error('no phone comes');
    },
    rateOf: () => rate,
    scheduler: new FakeScheduler(),
    random: new SeededRandom(),
    logger: silentLogger,
  });
  onTestFinished(() => {
    room.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { transports, port } = await openSite({ isShared: true }, {}, room.flows);
  await room.listen(transports);
  return { room, peer: await connectPeer(port) };
}

function inDialog(method: string, branch: string): Uint8Array {
  return wire(request(method, { protocol: 'TCP', branch, toTag, headers: [['Content-Length', '0']] }));
}

/** As much as may wait for the other process, but for a few bytes. */
function fill(room: ProcessRoom): void {
  const local = { address: '192.0.2.1', port: 5_061 };
  const place = { id: 'flow-0', listener: 'main', network: 'outside', local, remote: local, peerNames: [] };
  const other: Flow = { ...place, transport: 'udp', reliable: false, secure: false };
  const update = request('UPDATE', { toTag });
  for (const size of [1_000_000, 100]) {
    for (let left = linkLimits.waiting; left > 0; left -= size) {
      room.flows.pass(2, update, other, new Uint8Array(size));
    }
  }
}

describe('a request in a dialog of another process, over a connection', () => {
  test('is answered 503 with Retry-After when no more may wait for that process: its sender does not say it again', async () => {
    const { room, peer } = await firstOfTwo();
    fill(room);
    peer.write(inDialog('INFO', 'z9hG4bK-1'));
    const answer = await peer.read('\r\n\r\n');
    expect(answer).toMatch(/^SIP\/2\.0 503 /);
    expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/);
    expect(answer).toContain('branch=z9hG4bK-1');
    expect(room.flows.counts.refused).toBe(1);
  });

  test('has its place all the same where it ends the dialog', async () => {
    const { room, peer } = await firstOfTwo();
    fill(room);
    const { passed } = room.flows.counts;
    peer.write(inDialog('BYE', 'z9hG4bK-1'));
    await until(() => room.flows.counts.passed > passed);
    expect(room.flows.counts.refused).toBe(0);
    expect(peer.text).toBe('');
  });

  test('is answered 503 over the rate of its source, and not at all when that is banned', async () => {
    const [busy, banned] = [await firstOfTwo(1), await firstOfTwo(0)];
    for (const branch of ['z9hG4bK-1', 'z9hG4bK-2']) busy.peer.write(inDialog('INFO', branch));
    expect(await busy.peer.read('\r\n\r\n')).toContain('branch=z9hG4bK-2');
    banned.peer.write(inDialog('BYE', 'z9hG4bK-1'));
    await until(() => banned.room.flows.counts.dropped === 1);
    expect(banned.peer.text).toBe('');
  });
});
