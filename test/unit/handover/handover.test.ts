// The two sides of an upgrade, joined as a supervisor joins them: one object for each process.
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import type { DescriptorReceiver, DescriptorSender } from '../../../src/handover/descriptors.ts';
import { handoverVersion } from '../../../src/handover/messages.ts';
import { type Heritage, handoverDeadlines, Predecessor } from '../../../src/handover/predecessor.ts';
import { Successor } from '../../../src/handover/successor.ts';
import { FakeScheduler } from '../../support/fake-time.ts';

const formats = { call: 1, media: 2 };
const phones = { name: 'phones', isDatagram: false, address: { address: '127.0.0.1', port: 5061 } };
const pbx = { name: 'to-pbx', isDatagram: true, address: { address: '127.0.0.1', port: 5060 } };

interface Options {
  readonly withoutNative?: 'both' | 'successor';
  readonly reads?: typeof formats;
  readonly fails?: 'freeze' | 'release' | 'thaw';
  readonly standsBy?: boolean;
  readonly prepares?: Promise<void>;
}

/** Whatever the dashboard of the one before said. */
const signedIn = [{ name: 'carol' }];

class Upgrade {
  readonly scheduler = new FakeScheduler();
  /** What became of the process before, in order. */
  readonly steps: string[] = [];
  readonly passed = new Map<number, readonly number[]>();
  readonly closed: number[] = [];
  readonly before: Predecessor;
  readonly after: Successor;
  /** What the process before said, as it was sent. */
  readonly said: unknown[] = [];
  isSuccessorDeaf = false;

  constructor({ withoutNative, reads = formats, fails, standsBy, prepares = Promise.resolve() }: Options = {}) {
    const step = async (name: string): Promise<void> => {
      this.steps.push(name);
      if (name === fails) throw new Error(`${name} fails by order`);
    };
    const heritage: Heritage = {
      firstLedger: 0,
      formats,
      listeners: [phones, pbx],
      signedIn: () => signedIn,
      prepare: () => prepares,
      settle: () => step('settle'),
      stay: () => void this.steps.push('stay'),
      freeze: () => step('freeze'),
      release: async (keepsSockets) => {
        await step('release');
        return { descriptors: keepsSockets ? [31, 32, 33] : [], ledgers: [0, 1] };
      },
      thaw: (listeners) => step(listeners.size === 0 ? 'thaw' : `thaw ${[...listeners.keys()].join(' ')}`),
    };
    const sender: DescriptorSender = {
      find: () =>
        new Map([
          ['to-pbx', 12],
          ['phones', 11],
        ]),
      send: async (_path, batch, descriptors) => void this.passed.set(batch, descriptors),
      close: (descriptors) => void this.closed.push(...descriptors),
    };
    const receiver: DescriptorReceiver = {
      path: '/tmp/sockets',
      receive: async (batch) => this.passed.get(batch) ?? [],
      discard: (descriptor) => void this.closed.push(descriptor),
      close: () => {},
    };
    this.before = new Predecessor({
      program: '1.0.0',
      heritage,
      openSender: async () => (withoutNative === 'both' ? undefined : sender),
      tellSuccessor: (message) => {
        this.said.push(message);
        if (!this.isSuccessorDeaf) this.after.hear({ type: 'peer', message });
      },
      tellSpare: (message) => this.after.hear({ type: 'peer', message }),
      abandon: (pid, reason) => void this.steps.push(`abandon ${pid}: ${reason}`),
      onTakenOver: () => void this.steps.push('taken over'),
      onBroken: () => void this.steps.push('broken'),
      scheduler: this.scheduler,
      logger: silentLogger,
    });
    this.after = new Successor({
      program: '2.0.0',
      formats: reads,
      openReceiver: async () => (withoutNative === undefined ? receiver : undefined),
      tellPredecessor: (message) => this.before.hear({ type: 'peer', message }),
      onPrepared: standsBy === true ? () => void this.steps.push('prepared') : undefined,
    });
  }

  begin(): void {
    this.before.hear({ type: 'successor', pid: 102 });
  }

  gone(reason = 'the successor ended with SIGKILL'): void {
    this.before.hear({ type: 'successor-gone', reason });
  }

  async turns(): Promise<void> {
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
  }

  async wait(time: number): Promise<void> {
    await this.turns();
    this.scheduler.advance(time);
    await this.turns();
  }
}

describe('files that the successor may bring up to date', () => {
  test('are open here before it is offered anything', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const upgrade = new Upgrade({ prepares: promise });
    upgrade.begin();
    await upgrade.turns();
    expect(upgrade.said).toEqual([]);
    resolve();
    await upgrade.turns();
    expect(upgrade.said).toMatchObject([{ type: 'offer' }]);
  });

  test('that are never open leave this process as it is', async () => {
    const upgrade = new Upgrade({ prepares: new Promise(() => {}) });
    upgrade.begin();
    await upgrade.wait(handoverDeadlines.open);
    upgrade.gone();
    await upgrade.turns();
    expect(upgrade.steps).toEqual(['abandon 102: its own files were not opened within 5000 ms', 'stay']);
    expect(upgrade.said).toEqual([]);
  });
});

describe('an upgrade', () => {
  test('passes on listeners, then calls, then media, and the one before ends', async () => {
    const upgrade = new Upgrade();
    upgrade.begin();
    expect(await upgrade.after.offered()).toEqual({ firstLedger: 0 });
    const listeners = await upgrade.after.frozen(() => true);
    expect([...listeners]).toEqual([
      ['phones', 11],
      ['to-pbx', 12],
    ]);
    expect(upgrade.steps).toEqual(['settle', 'freeze']);
    expect(upgrade.after.signedIn).toEqual(signedIn);
    expect(await upgrade.after.released()).toEqual({ descriptors: [31, 32, 33], ledgers: [0, 1] });
    upgrade.before.hear({ type: 'taken-over' });
    await upgrade.turns();
    expect(upgrade.steps).toEqual(['settle', 'freeze', 'release', 'taken over']);
    expect(upgrade.scheduler.pending).toBe(0);
  });

  test('closes sockets of listeners that the new configuration does not have', async () => {
    const upgrade = new Upgrade();
    upgrade.begin();
    await upgrade.after.offered();
    const listeners = await upgrade.after.frozen(({ name, port }) => name === 'phones' && port === 5061);
    expect([...listeners.keys()]).toEqual(['phones']);
    expect(upgrade.closed).toEqual([12]);
  });

  test.each(['both', 'successor'] as const)('passes no socket where %s cannot: ports are bound again', async (side) => {
    const upgrade = new Upgrade({ withoutNative: side });
    upgrade.begin();
    await upgrade.after.offered();
    expect(await upgrade.after.frozen(() => true)).toEqual(new Map());
    expect(await upgrade.after.released()).toEqual({ descriptors: [], ledgers: [0, 1] });
    expect(upgrade.passed.size).toBe(0);
  });
});

describe('the one before goes on', () => {
  test('when the successor ends before it was prepared: nothing had stood still', async () => {
    const upgrade = new Upgrade();
    upgrade.begin();
    await upgrade.turns();
    upgrade.gone();
    await upgrade.turns();
    expect(upgrade.steps).toEqual(['stay']);
    expect(upgrade.before.last).toEqual({ state: 'failed', reason: 'the successor ended with SIGKILL' });
  });

  test('when it ends with the calls in hand', async () => {
    const upgrade = new Upgrade();
    upgrade.begin();
    await upgrade.after.offered();
    await upgrade.after.frozen(() => true);
    upgrade.gone();
    await upgrade.turns();
    expect(upgrade.steps).toEqual(['settle', 'freeze', 'thaw to-pbx phones']);
  });

  test('when it ends with the media in hand', async () => {
    const upgrade = new Upgrade();
    upgrade.begin();
    await upgrade.after.offered();
    await upgrade.after.frozen(() => true);
    await upgrade.after.released();
    upgrade.gone();
    await upgrade.turns();
    expect(upgrade.steps).toEqual(['settle', 'freeze', 'release', 'thaw to-pbx phones']);
    expect(upgrade.before.last).toMatchObject({ state: 'failed' });
  });

  test.each([
    ['prepare', 'prepared', []],
    ['load', 'loaded', ['settle', 'freeze']],
    ['takeOver', 'taken-over', ['settle', 'freeze', 'release']],
  ] as const)('when the deadline "%s" passes, but not before the other has ended', async (deadline, state, before) => {
    const upgrade = new Upgrade();
    upgrade.begin();
    if (deadline !== 'prepare') {
      await upgrade.after.offered();
      await upgrade.after.frozen(() => true);
    }
    if (deadline === 'takeOver') await upgrade.after.released();
    await upgrade.wait(handoverDeadlines[deadline] - 1);
    expect(upgrade.steps).toEqual(before);
    await upgrade.wait(1);
    const reason = `the successor was not "${state}" within ${handoverDeadlines[deadline]} ms`;
    expect(upgrade.steps).toEqual([...before, `abandon 102: ${reason}`]);
    await upgrade.wait(60_000);
    expect(upgrade.steps).toHaveLength(before.length + 1);
    upgrade.gone('it was killed');
    await upgrade.turns();
    expect(upgrade.steps.at(-1)).toBe(before.length === 0 ? 'stay' : 'thaw to-pbx phones');
    expect(upgrade.before.last).toEqual({ state: 'failed', reason });
  });

  test.each(['freeze', 'release'] as const)('when %s fails', async (fails) => {
    const upgrade = new Upgrade({ fails });
    upgrade.begin();
    await upgrade.after.offered();
    void upgrade.after.frozen(() => true).then(() => upgrade.after.released());
    await upgrade.turns();
    upgrade.gone();
    await upgrade.turns();
    expect(upgrade.steps.slice(-2)).toEqual([`abandon 102: ${fails} fails by order`, 'thaw to-pbx phones']);
  });

  test('or ends, where it cannot: the next process takes up what it kept', async () => {
    const upgrade = new Upgrade({ withoutNative: 'both', fails: 'thaw' });
    upgrade.begin();
    await upgrade.after.offered();
    await upgrade.after.frozen(() => true);
    upgrade.gone();
    await upgrade.turns();
    expect(upgrade.steps.slice(-2)).toEqual(['thaw', 'broken']);
  });

  test('and hands over another time', async () => {
    const upgrade = new Upgrade();
    upgrade.begin();
    await upgrade.after.offered();
    upgrade.gone();
    await upgrade.turns();
    upgrade.begin();
    await upgrade.after.offered();
    await upgrade.after.frozen(() => true);
    await upgrade.after.released();
    upgrade.before.hear({ type: 'taken-over' });
    await upgrade.turns();
    expect(upgrade.steps.at(-1)).toBe('taken over');
  });

  test('without anything having been begun, where that was refused', async () => {
    const upgrade = new Upgrade();
    upgrade.before.asked();
    expect(upgrade.before.last).toEqual({ state: 'under-way' });
    upgrade.gone('no process serves yet');
    expect(upgrade.before.last).toEqual({ state: 'failed', reason: 'no process serves yet' });
  });
});

describe('of two versions', () => {
  test('a successor that does not read what is kept refuses, and nothing stands still', async () => {
    const upgrade = new Upgrade({ reads: { call: 1, media: 1 } });
    upgrade.begin();
    await expect(upgrade.after.offered()).rejects.toThrow('portcullis 1.0.0 keeps calls in a form');
    upgrade.after.close('it does not read it');
    await upgrade.turns();
    upgrade.gone();
    await upgrade.turns();
    expect(upgrade.steps).toEqual(['abandon 102: it does not read it', 'stay']);
  });

  test('a successor reads what an older program kept', async () => {
    const upgrade = new Upgrade({ reads: { call: 2, media: 3 } });
    upgrade.begin();
    expect(await upgrade.after.offered()).toEqual({ firstLedger: 0 });
  });

  test('a successor of another protocol is not taken', async () => {
    const upgrade = new Upgrade();
    upgrade.begin();
    await upgrade.turns();
    upgrade.before.hear({ type: 'peer', message: { v: handoverVersion + 1, type: 'prepared', program: '3.0.0' } });
    await upgrade.turns();
    const reason = `it hands over by version ${handoverVersion + 1}, this process by ${handoverVersion}`;
    expect(upgrade.steps).toEqual([`abandon 102: ${reason}`]);
  });

  test('a process before of another protocol is not followed', async () => {
    const upgrade = new Upgrade();
    upgrade.after.hear({ type: 'peer', message: { v: handoverVersion + 1, type: 'offer' } });
    await expect(upgrade.after.offered()).rejects.toMatchObject({ code: 'handover-refused' });
  });

  test.each([undefined, 7, {}, { v: 1, type: 'offer' }, { v: 1, type: 'frozen', listeners: [{ name: 'a' }] }])(
    'what is no message is refused: %j',
    async (message) => {
      const upgrade = new Upgrade();
      upgrade.after.hear({ type: 'peer', message });
      await expect(upgrade.after.offered()).rejects.toMatchObject({ code: 'handover-refused' });
    },
  );
});

describe('a process that stands by', () => {
  test('asks for nothing but what the other one would leave, and goes on with that when it has ended', async () => {
    const upgrade = new Upgrade({ standsBy: true });
    upgrade.before.hear({ type: 'spare' });
    expect(await upgrade.after.offered()).toEqual({ firstLedger: 0 });
    let listeners: ReadonlyMap<string, number> | undefined;
    void upgrade.after
      .frozen(() => true)
      .then((taken) => {
        listeners = taken;
      });
    await upgrade.wait(60_000);
    expect([upgrade.steps, listeners]).toEqual([['prepared'], undefined]);
    upgrade.after.hear({ type: 'take-over' });
    await upgrade.turns();
    expect(listeners).toEqual(new Map());
    const { descriptors, ledgers } = await upgrade.after.released();
    expect([descriptors, ledgers.slice(0, 2), ledgers.length]).toEqual([[], [0, 1], 256]);
    expect(upgrade.before.last).toBeUndefined();
  });

  test('refuses to wait for a process that keeps calls in a form that it does not read', async () => {
    const upgrade = new Upgrade({ standsBy: true, reads: { call: 0, media: 2 } });
    upgrade.before.hear({ type: 'spare' });
    await expect(upgrade.after.offered()).rejects.toMatchObject({ code: 'handover-refused' });
  });
});
