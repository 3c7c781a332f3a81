// Calls on their way to Redis by a thread of their own: that none is given up, whatever becomes of the thread, and that a real one writes.
import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { KeyRing } from '../../../../src/sip/auth/sealing.ts';
import { CallsServer, type CallsThreadSettings } from '../../../../src/store/redis/calls-server.ts';
import { ThreadedCallWriter } from '../../../../src/store/redis/threaded-call-writer.ts';
import { SharedCalls } from '../../../../src/store/shared/shared-calls.ts';
import type { StoreRequest } from '../../../../src/store/thread/store-protocol.ts';
import { firstRestart, type StoreWorker } from '../../../../src/store/thread/store-thread.ts';
import { FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';
import { MemoryPlace } from '../../../support/memory-place.ts';
import { redisIsMissing } from '../../../support/redis-server.ts';
import { describeCalls } from '../conformance/calls.ts';
import type { Place } from '../conformance/place.ts';
import { scheduler as realScheduler, TestRedis } from './redis.ts';

class FakeWorker extends EventEmitter implements StoreWorker {
  readonly requests: StoreRequest[] = [];

  postMessage(request: StoreRequest): void {
    this.requests.push(request);
    if (request.type === 'close') this.emit('exit', 0);
  }

  terminate(): Promise<number> {
    this.emit('exit', 1);
    return Promise.resolve(1);
  }
}

const keys: KeyRing = { current: 'k1', keys: new Map([['k1', new Uint8Array(32).fill(7)]]) };

function settingsFor(port: number, prefix: string, run = 'run-1'): CallsThreadSettings {
  const unused = { username: undefined, password: undefined, tls: undefined, sentinels: undefined, cluster: undefined };
  const address = { host: '127.0.0.1', port };
  return {
    connection: { address, database: 0, ...unused, connectTimeout: 5_000, timeout: 5_000, prefix },
    node: { prefix, node: 'one', run, machine: 'here', lease: 10_000, takeover: 1_000 },
    keys,
  };
}

describe('calls that a thread writes', () => {
  function writerOf(): {
    readonly workers: FakeWorker[];
    readonly scheduler: FakeScheduler;
    readonly writer: ThreadedCallWriter;
  } {
    const workers: FakeWorker[] = [];
    const scheduler = new FakeScheduler();
    const start = (): StoreWorker => {
      const worker = new FakeWorker();
      workers.push(worker);
      return worker;
    };
    const settings = settingsFor(1, '{t}:');
    return { workers, scheduler, writer: new ThreadedCallWriter({ settings, scheduler, logger: silentLogger, start }) };
  }

  test('are written when it says so, and are not when it says that', async () => {
    const { workers, writer } = writerOf();
    const first = writer.write([{ id: 'a', document: 'A' }], ['b']);
    const writes = [
      { kind: 'call', id: 'a', document: 'A' },
      { kind: 'call-gone', id: 'b' },
    ];
    expect(workers[0]?.requests).toEqual([{ type: 'open' }, { type: 'write', batch: { number: 1, writes } }]);
    workers[0]?.emit('message', { type: 'written', batch: 1, unwritable: [] });
    await first;
    const second = writer.write([], ['a']);
    workers[0]?.emit('message', { type: 'not-written', batch: 2, error: 'NOTOWNER another process is this node' });
    await expect(second).rejects.toMatchObject({ code: 'store-lost', message: /NOTOWNER/ });
    await writer.close();
  });

  test('are lost for whoever asked when it ends before it answers, and while there is none', async () => {
    const { workers, scheduler, writer } = writerOf();
    const asked = writer.write([{ id: 'a', document: 'A' }], []);
    workers[0]?.emit('exit', 1);
    await expect(asked).rejects.toMatchObject({ code: 'store-lost' });
    await expect(writer.write([], ['a'])).rejects.toMatchObject({ code: 'store-lost' });
    expect(workers).toHaveLength(1);
    scheduler.advance(firstRestart);
    const again = writer.write([], ['a']);
    expect(workers).toHaveLength(2);
    // The answer to what was given up comes late, and is none to what was asked since.
    workers[1]?.emit('message', { type: 'written', batch: 1, unwritable: [] });
    workers[1]?.emit('message', { type: 'written', batch: 3, unwritable: [] });
    await again;
    await writer.close();
  });

  test('find it there from the start', async () => {
    const { workers, writer } = writerOf();
    expect(workers[0]?.requests).toEqual([{ type: 'open' }]);
    workers[0]?.emit('message', { type: 'opened' });
    await writer.opened;
    await writer.close();
  });

  test('that are on their way when it is closed are lost', async () => {
    const { writer } = writerOf();
    const asked = expect(writer.write([{ id: 'a', document: 'A' }], [])).rejects.toMatchObject({ code: 'store-lost' });
    await writer.close();
    await asked;
  });
});

describe.skipIf(redisIsMissing() !== undefined)('the thread that writes calls to Redis', () => {
  const redis = new TestRedis();

  test('seals them, and what it wrote is there for the next process of the node', async () => {
    const prefix = redis.newPrefix();
    const { store, close } = await redis.open({ prefix });
    onTestFinished(close);
    const settings = settingsFor(redis.server.port, prefix);
    const writer = new ThreadedCallWriter({ settings, scheduler: realScheduler, logger: silentLogger });
    await writer.write([{ id: 'a', document: '{"text":"grüße"}' }], []);
    await writer.write([{ id: 'b', document: '{}' }], ['never']);
    await writer.close();
    const [first, second] = await store.calls();
    expect([first?.id, second?.id]).toEqual(['a', 'b']);
    expect(first?.document).toMatch(/^v1\.k1\./);
  });

  test('of a process that another one has replaced writes nothing', async () => {
    const prefix = redis.newPrefix();
    const { store, close } = await redis.open({ prefix, run: 'run-2' });
    onTestFinished(close);
    await store.own('at-once');
    const server = new CallsServer(settingsFor(redis.server.port, prefix), {
      scheduler: realScheduler,
      random: new SeededRandom(),
    });
    expect(await server.open()).toEqual({ type: 'opened' });
    const batch = { number: 1, writes: [{ kind: 'call', id: 'a', document: '{}' }] } as const;
    expect(await server.write({ type: 'write', batch })).toMatchObject({ type: 'not-written', error: /NOTOWNER/ });
    expect(await store.calls()).toEqual([]);
    server.close();
  });

  test('says that a server does not answer, when it opens and with each batch', async () => {
    const settings = settingsFor(1, '{t}:');
    const server = new CallsServer(
      { ...settings, connection: { ...settings.connection, connectTimeout: 50 } },
      { scheduler: realScheduler, random: new SeededRandom() },
    );
    expect(await server.open()).toMatchObject({ type: 'not-opened' });
    const batch = { number: 1, writes: [] };
    expect(await server.write({ type: 'write', batch })).toMatchObject({ type: 'not-written', batch: 1 });
    server.close();
  });

  describeCalls('of one node in Redis, by its requests', (): Place => {
    const prefix = redis.newPrefix();
    const own = new MemoryPlace();
    let runs = 0;
    return {
      open: async (clock) => {
        runs += 1;
        const run = `run-${runs}`;
        const { store, close } = await redis.open({ prefix, run });
        await store.own('at-once');
        const settings = settingsFor(redis.server.port, prefix, run);
        const parts = { scheduler: realScheduler, logger: silentLogger, start: inProcess };
        const writer = new ThreadedCallWriter({ settings, ...parts });
        const fail = (): never => {
          throw new Error('Redis does not take what is written');
        };
        const link = { isUp: true, doubt: fail };
        const calls = new SharedCalls({ run, store, writer, link, keys, onTrouble: fail, ...parts });
        await calls.fetch();
        return {
          ...own.open(run, clock.wall()),
          calls,
          flush: () => calls.flush(),
          close: async () => {
            await writer.close();
            close();
          },
        };
      },
    };
  });
});

/** The thread without a thread. */
function inProcess(settings: CallsThreadSettings): StoreWorker {
  const worker = new EventEmitter();
  const server = new CallsServer(settings, { scheduler: realScheduler, random: new SeededRandom() });
  const answer = async (request: StoreRequest): Promise<void> => {
    await setImmediate();
    if (request.type === 'open') worker.emit('message', await server.open());
    else if (request.type === 'write') worker.emit('message', await server.write(request));
    else {
      server.close();
      worker.emit('exit', 0);
    }
  };
  return Object.assign(worker, {
    postMessage: (request: StoreRequest) => void answer(structuredClone(request)),
    terminate: () => Promise.resolve(1),
  });
}
