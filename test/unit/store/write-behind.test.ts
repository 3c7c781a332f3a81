// Writes on their way to whoever keeps them: gathered, in order, once, bounded.
import { describe, expect, test } from 'vitest';
import type { LogFields, Logger } from '../../../src/core/logger.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { StoreWrite } from '../../../src/store/store-write.ts';
import { defaultWriteLimits, type WriteBatch, WriteBehind, type WriteLimits } from '../../../src/store/write-behind.ts';
import { FakeScheduler } from '../../support/fake-time.ts';

const call = (id: string, document = 'x'): StoreWrite => ({ kind: 'call', id, document });
const gone = (id: string): StoreWrite => ({ kind: 'call-gone', id });
const spent = (owner: string): StoreWrite => ({ kind: 'spent', owner, spent: [] });
const lease = (owner: string): StoreWrite => ({ kind: 'lease', owner, leases: [], at: 0 });

class Bench {
  readonly scheduler = new FakeScheduler();
  readonly sent: WriteBatch[] = [];
  readonly troubles: string[] = [];
  readonly logged: { readonly event: string; readonly fields: LogFields }[] = [];
  readonly queue: WriteBehind;

  constructor(limits: Partial<WriteLimits> = {}) {
    const logger: Logger = {
      ...silentLogger,
      error: (event: string, fields: LogFields = {}) => {
        this.logged.push({ event, fields });
      },
    };
    this.queue = new WriteBehind({
      send: (batch) => this.sent.push(batch),
      scheduler: this.scheduler,
      logger,
      onTrouble: ({ kind }) => this.troubles.push(kind),
      limits: { ...defaultWriteLimits, ...limits },
    });
  }

  /** What of the last batch is told by what it is about. */
  get last(): readonly string[] {
    return (this.sent.at(-1)?.writes ?? []).map((write) => {
      if (write.kind === 'call' || write.kind === 'call-gone') return `${write.kind} ${write.id}`;
      return 'owner' in write ? `${write.kind} ${write.owner}` : write.kind;
    });
  }

  gathered(): void {
    this.scheduler.advance(defaultWriteLimits.gather);
  }
}

async function endOfTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('writes', () => {
  test('that nobody waits for are gathered and go as one batch', () => {
    const bench = new Bench();
    bench.queue.put(call('a'));
    bench.queue.put(spent('b'));
    bench.scheduler.advance(defaultWriteLimits.gather - 1);
    expect(bench.sent).toEqual([]);
    bench.scheduler.advance(1);
    expect(bench.last).toEqual(['call a', 'spent b']);
    expect(bench.queue.waiting).toBe(2);
    bench.queue.written(1, []);
    expect(bench.queue.waiting).toBe(0);
    expect(bench.scheduler.pending).toBe(0);
  });

  test('of one thing take each other’s place while they wait, and keep the order of the last; those that count each stay all', () => {
    const bench = new Bench();
    for (const write of [call('a', '1'), spent('x'), call('b'), spent('x'), call('a', '2')]) bench.queue.put(write);
    bench.gathered();
    expect(bench.last).toEqual(['spent x', 'call b', 'spent x', 'call a']);
    expect(bench.sent[0]?.writes.at(-1)).toEqual(call('a', '2'));
    bench.queue.written(1, []);
    bench.queue.put(call('c'));
    bench.queue.put(gone('c'));
    bench.gathered();
    expect(bench.last).toEqual(['call-gone c']);
  });

  test('that come while a batch is out go together with the next, at once when it was answered', () => {
    const bench = new Bench();
    bench.queue.put(call('a'));
    bench.gathered();
    bench.queue.put(call('a', '2'));
    bench.queue.put(call('b'));
    bench.scheduler.advance(60_000);
    expect(bench.sent).toHaveLength(1);
    bench.queue.written(1, []);
    expect(bench.sent.map(({ number }) => number)).toEqual([1, 2]);
    expect(bench.last).toEqual(['call a', 'call b']);
  });

  test('that somebody waits for go at the end of the turn, with all that was put before, and are done when that is written', async () => {
    const bench = new Bench();
    const done: string[] = [];
    bench.queue.put(call('a'));
    void bench.queue.durable(lease('x')).then(() => done.push('x'));
    void bench.queue.durable(lease('y')).then(() => done.push('y'));
    expect(bench.sent).toEqual([]);
    await endOfTurn();
    expect(bench.last).toEqual(['call a', 'lease x', 'lease y']);
    expect(done).toEqual([]);
    bench.queue.written(1, []);
    await endOfTurn();
    expect(done).toEqual(['x', 'y']);
    expect(bench.scheduler.pending).toBe(0);
  });

  test('that somebody waits for longer than may be are refused, and written all the same', async () => {
    const bench = new Bench();
    const write = bench.queue.durable(lease('x'));
    const refused = expect(write).rejects.toThrow('nothing was written within 2000 ms');
    await endOfTurn();
    bench.scheduler.advance(2_000);
    await refused;
    bench.queue.written(1, []);
    expect(bench.queue.waiting).toBe(0);
  });
});

describe('a batch that', () => {
  test('could not be written is told once, and refuses who waited; what it held is tried again until it is written', async () => {
    const bench = new Bench();
    bench.queue.put(call('a'));
    const refused = expect(bench.queue.durable(lease('x'))).rejects.toThrow('the disk is full');
    await endOfTurn();
    bench.queue.failed(1, 'the disk is full');
    await refused;
    bench.queue.put(call('b'));
    bench.scheduler.advance(999);
    expect(bench.sent).toHaveLength(1);
    bench.scheduler.advance(1);
    bench.queue.failed(2, 'the disk is full');
    bench.scheduler.advance(1_000);
    expect(bench.last).toEqual(['call a', 'lease x', 'call b']);
    expect(bench.troubles).toEqual(['not-written']);
    expect(bench.logged.map(({ event }) => event)).toEqual(['store-not-written', 'store-not-written']);
    expect(bench.queue.failures).toBe(2);
    bench.queue.written(3, []);
    bench.queue.put(call('c'));
    bench.gathered();
    bench.queue.failed(4, 'the disk is full');
    expect(bench.troubles).toEqual(['not-written', 'not-written']);
    expect(bench.queue.lost).toBe(0);
  });

  test('could not be written gives way to newer states of the same things', () => {
    const bench = new Bench();
    for (const write of [call('a', 'x'.repeat(9_000)), spent('x'), call('b')]) bench.queue.put(write);
    bench.gathered();
    bench.queue.put(gone('a'));
    bench.queue.failed(1, 'the disk is full');
    bench.queue.put(call('b', '2'));
    bench.scheduler.advance(1_000);
    expect(bench.last).toEqual(['spent x', 'call-gone a', 'call b']);
    bench.queue.written(2, []);
    expect(bench.queue.waiting).toBe(0);
  });

  test('would follow one that could not be written refuses who would wait for it, until another try', async () => {
    const bench = new Bench();
    bench.queue.put(call('a'));
    bench.gathered();
    bench.queue.failed(1, 'the disk is full');
    await expect(bench.queue.durable(lease('x'))).rejects.toThrow('nothing can be written at the moment');
    bench.scheduler.advance(1_000);
    const granted = bench.queue.durable(lease('y'));
    bench.queue.written(2, []);
    expect(bench.last).toEqual(['lease y']);
    bench.queue.written(3, []);
    await granted;
  });

  test('would be large is several', () => {
    const bench = new Bench({ batch: 2 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) bench.queue.put(call(id));
    bench.gathered();
    const sent: (readonly string[])[] = [];
    for (const number of [1, 2, 3]) {
      sent.push(bench.last);
      bench.queue.written(number, []);
    }
    expect(sent).toEqual([['call a', 'call b'], ['call c', 'call d'], ['call e']]);
    expect(bench.queue.waiting).toBe(0);
  });

  test('nobody answered is sent again to who comes next, and an answer to it counts once', () => {
    const bench = new Bench();
    bench.queue.put(call('a'));
    bench.gathered();
    bench.queue.put(call('b'));
    bench.queue.again();
    expect(bench.sent.map(({ number }) => number)).toEqual([1, 1]);
    bench.queue.written(1, []);
    bench.queue.written(1, []);
    expect(bench.sent.map(({ number }) => number)).toEqual([1, 1, 2]);
  });

  test('holds what can never be written loses that alone, and says so', async () => {
    const bench = new Bench();
    bench.queue.put(call('a'));
    const refused = expect(bench.queue.durable(lease('x'))).rejects.toThrow('no such column');
    const kept = bench.queue.durable(lease('y'));
    await endOfTurn();
    bench.queue.written(1, [{ index: 1, error: 'no such column' }]);
    await refused;
    await kept;
    expect(bench.queue.lost).toBe(1);
    expect(bench.troubles).toEqual(['unwritable']);
    expect(bench.logged).toEqual([
      { event: 'store-write-unwritable', fields: { kind: 'lease', error: 'no such column' } },
    ]);
  });
});

test('more than may wait is lost, told once, and whoever waits for it is refused at once', async () => {
  const bench = new Bench({ waiting: 2_200 });
  bench.queue.put(call('a', 'x'.repeat(1_000)));
  bench.gathered();
  bench.queue.put(call('b', 'x'.repeat(600)));
  bench.queue.put(call('c', 'x'.repeat(600)));
  bench.queue.put(call('d', 'x'.repeat(600)));
  await expect(bench.queue.durable({ kind: 'known', values: [], oldest: 0 })).rejects.toThrow('too many writes wait');
  expect(bench.queue.lost).toBe(3);
  expect(bench.troubles).toEqual(['lost']);
  // The same call smaller: there is room for it.
  bench.queue.put(gone('b'));
  bench.queue.written(1, []);
  expect(bench.last).toEqual(['call-gone b']);
});

test('a batch that nobody answers for long is told of, once, and is taken when it is answered after all', () => {
  const bench = new Bench();
  bench.queue.put(call('a'));
  bench.gathered();
  bench.scheduler.advance(9_999);
  expect(bench.troubles).toEqual([]);
  bench.scheduler.advance(60_000);
  expect(bench.troubles).toEqual(['silent']);
  expect(bench.logged.map(({ event }) => event)).toEqual(['store-silent']);
  bench.queue.written(1, []);
  expect(bench.queue.waiting).toBe(0);
  expect(bench.scheduler.pending).toBe(0);
});

describe('a flush', () => {
  test('is over when all that was put before is written', async () => {
    const bench = new Bench();
    let isDone = false;
    bench.queue.put(call('a'));
    bench.gathered();
    bench.queue.put(call('b'));
    const flushed = bench.queue.flush().then(() => {
      isDone = true;
    });
    bench.queue.written(1, []);
    await endOfTurn();
    expect(isDone).toBe(false);
    bench.queue.written(2, []);
    await flushed;
    expect(bench.scheduler.pending).toBe(0);
    await bench.queue.flush();
  });

  test('tries at once what could not be written before, and is over when it cannot be now', async () => {
    const bench = new Bench();
    bench.queue.put(call('a'));
    bench.gathered();
    bench.queue.failed(1, 'the disk is full');
    const flushed = bench.queue.flush();
    expect(bench.sent).toHaveLength(2);
    bench.queue.failed(2, 'the disk is full');
    await flushed;
    expect(bench.queue.waiting).toBe(1);
  });
});
