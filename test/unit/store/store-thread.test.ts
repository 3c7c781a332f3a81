// The thread of the store: that it is started again, that nothing is lost or written twice, and that a real one does what it should.
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import { openSqliteStores } from '../../../src/store/sqlite/sqlite-stores.ts';
import { StateKeeper } from '../../../src/store/sqlite/state-keeper.ts';
import type { StoreThreadSettings } from '../../../src/store/sqlite/store-server.ts';
import type { Stores } from '../../../src/store/stores.ts';
import type { StoreRequest } from '../../../src/store/thread/store-protocol.ts';
import { firstRestart, openDelay, StoreThread, type StoreWorker } from '../../../src/store/thread/store-thread.ts';
import { FakeClock, FakeScheduler } from '../../support/fake-time.ts';
import { inProcess } from '../../support/store-in-process.ts';
import { stateOf, temporaryDirectory } from './stores.ts';

class FakeWorker extends EventEmitter {
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

describe('a thread that ends', () => {
  function threadOf(onStart = (): void => {}): {
    readonly workers: FakeWorker[];
    readonly told: string[];
    readonly scheduler: FakeScheduler;
    readonly thread: StoreThread<StoreThreadSettings>;
  } {
    const workers: FakeWorker[] = [];
    const told: string[] = [];
    const scheduler = new FakeScheduler();
    const start = (): StoreWorker => {
      onStart();
      const worker = new FakeWorker();
      workers.push(worker);
      return worker;
    };
    const thread = new StoreThread({
      settings: { directory: '/nowhere', run: 'run-1' },
      scheduler,
      logger: silentLogger,
      onWritten: (batch) => told.push(`written ${batch}`),
      onFailed: (batch, error) => told.push(`failed ${batch}: ${error}`),
      onStarted: () => told.push('started'),
      onLost: (error) => told.push(`lost: ${error}`),
      start,
    });
    return { workers, told, scheduler, thread };
  }

  test('is started again, more patiently each time until one has written something', () => {
    const { workers, told, scheduler, thread } = threadOf();
    void thread.open();
    workers[0]?.emit('error', new Error('out of memory'));
    workers[0]?.emit('exit', 1);
    expect(told).toEqual(['lost: out of memory']);
    scheduler.advance(firstRestart - 1);
    expect(workers).toHaveLength(1);
    scheduler.advance(1);
    expect(told.at(-1)).toBe('started');
    workers[1]?.emit('exit', 1);
    scheduler.advance(firstRestart);
    expect(workers).toHaveLength(2);
    scheduler.advance(firstRestart);
    expect(workers).toHaveLength(3);
    workers[2]?.emit('message', { type: 'written', batch: 1, unwritable: [] });
    workers[2]?.emit('exit', 1);
    scheduler.advance(firstRestart);
    expect(workers).toHaveLength(4);
    expect(thread.restarts).toBe(3);
  });

  test('stays ended after it was told to close', async () => {
    const { workers, scheduler, thread } = threadOf();
    void thread.open();
    workers[0]?.emit('exit', 1);
    scheduler.advance(firstRestart);
    await thread.close();
    scheduler.advance(60_000);
    expect(workers).toHaveLength(2);
    expect(scheduler.pending).toBe(0);
  });

  test('is not started before it is asked for, nor by what comes while it is to be started again', async () => {
    const { workers, told, scheduler, thread } = threadOf();
    expect(workers).toHaveLength(0);
    const batch = { number: 1, writes: [] };
    thread.send(batch);
    void thread.open();
    expect(workers.map(({ requests }) => requests)).toEqual([[{ type: 'open' }, { type: 'write', batch }]]);
    workers[0]?.emit('exit', 1);
    thread.send(batch);
    expect(workers).toHaveLength(1);
    scheduler.advance(firstRestart);
    expect(workers).toHaveLength(2);
    expect(told.at(-1)).toBe('started');
    await thread.close();
  });

  test('that was never needed is closed at once', async () => {
    const { workers, scheduler, thread } = threadOf();
    await thread.close();
    thread.send({ number: 1, writes: [] });
    await thread.open();
    expect(workers).toHaveLength(0);
    expect(scheduler.pending).toBe(0);
  });

  test('is open when it says so, or that it cannot be for now', async () => {
    for (const reply of [{ type: 'opened' }, { type: 'not-opened', error: 'database is locked' }] as const) {
      const { workers, thread } = threadOf();
      let isOpen = false;
      const opening = thread.open().then(() => {
        isOpen = true;
      });
      await Promise.resolve();
      expect([workers[0]?.requests, isOpen]).toEqual([[{ type: 'open' }], false]);
      workers[0]?.emit('message', reply);
      await opening;
    }
  });

  test('holds up nobody who waits until it is open when it ends before', async () => {
    const { workers, thread } = threadOf();
    const opening = thread.open();
    workers[0]?.emit('exit', 1);
    await opening;
    await thread.close();
  });

  test('that the system has no room for is tried again, more patiently each time, and whoever writes is none the worse', async () => {
    let refusals = 2;
    const { workers, told, scheduler, thread } = threadOf(() => {
      refusals -= 1;
      if (refusals >= 0) throw new Error('ERR_WORKER_INIT_FAILED: EAGAIN');
    });
    thread.send({ number: 1, writes: [] });
    expect(told).toEqual(['lost: ERR_WORKER_INIT_FAILED: EAGAIN']);
    scheduler.advance(firstRestart);
    scheduler.advance(2 * firstRestart - 1);
    expect([told.length, workers.length, thread.restarts]).toEqual([2, 0, 0]);
    scheduler.advance(1);
    expect([told.at(-1), workers.length, thread.restarts]).toEqual(['started', 1, 1]);
    await thread.close();
    expect(scheduler.pending).toBe(0);
  });
});

describe('a file that another version may come for', () => {
  async function open(isLeft?: Promise<void>): Promise<{
    readonly asked: string[];
    readonly scheduler: FakeScheduler;
    readonly stores: Stores;
    readonly directory: string;
  }> {
    const asked: string[] = [];
    const scheduler = new FakeScheduler();
    const directory = temporaryDirectory();
    const state = stateOf(directory);
    const stores = await openSqliteStores({
      directory,
      run: state.run,
      load: () => {
        asked.push('load');
        return new StateKeeper(state).load(0);
      },
      isLeft,
      scheduler,
      logger: silentLogger,
      onTrouble: ({ detail }) => asked.push(detail),
      start: (settings) => {
        const worker = inProcess(new FakeClock())(settings);
        worker.on('message', ({ type }) => void asked.push(type));
        return worker;
      },
    });
    onTestFinished(() => stores.close());
    return { asked, scheduler, stores, directory };
  }

  test('is open a while after the start, though nothing is written', async () => {
    const { asked, scheduler } = await open();
    scheduler.advance(openDelay - 1);
    await setImmediate();
    expect(asked).toEqual(['load']);
    scheduler.advance(1);
    await setImmediate();
    expect(asked).toEqual(['load', 'opened']);
  });

  test('is open when all is written, though that is nothing', async () => {
    const { asked, stores } = await open();
    await stores.flush();
    expect(asked).toEqual(['load', 'opened']);
  });

  test('is open before what the process before left is loaded', async () => {
    const { asked } = await open(Promise.resolve());
    expect(asked).toEqual(['opened', 'load']);
  });

  test('is written to when a newer version has brought it up to date', async () => {
    const { asked, stores, directory } = await open();
    await stores.flush();
    const newer = new DatabaseSync(join(directory, 'portcullis.db'));
    newer.exec('PRAGMA user_version = 9999');
    newer.close();
    stores.bans.keep({ source: '192.0.2.1', account: undefined, reason: 'operator', until: 9e12, times: 1 });
    await stores.flush();
    expect(asked).toEqual(['load', 'opened', 'written']);
  });

  test('is not opened any more by who was closed before', async () => {
    const { asked, scheduler, stores } = await open();
    await stores.close();
    scheduler.advance(openDelay);
    await setImmediate();
    expect(asked).toEqual(['load']);
  });
});

describe('a real thread', () => {
  interface Opened {
    readonly stores: Stores;
    readonly workers: Worker[];
    readonly troubles: string[];
  }

  async function opened(directory: string, run: string): Promise<Opened> {
    const scheduler = new SystemScheduler(systemClock, (thrown) => {
      throw thrown;
    });
    const workers: Worker[] = [];
    const troubles: string[] = [];
    const state = stateOf(directory);
    const stores = await openSqliteStores({
      directory,
      run,
      load: () => new StateKeeper(state).load(systemClock.wall()),
      scheduler,
      logger: silentLogger,
      onTrouble: ({ kind }) => troubles.push(kind),
      start: (settings) => {
        const url = new URL('../../../src/store/sqlite/store-main.ts', import.meta.url);
        const worker = new Worker(url, { workerData: settings });
        workers.push(worker);
        return worker;
      },
    });
    onTestFinished(() => stores.close());
    return { stores, workers, troubles };
  }

  test('that is killed loses nothing, and nothing counts twice', async () => {
    const directory = temporaryDirectory();
    const { stores, workers, troubles } = await opened(directory, 'run-1');
    const until = systemClock.wall() + 86_400_000;
    let settled = 0;
    const settle = (): void => {
      settled += 1;
      stores.budgets.settle(`call-${settled}`, [{ key: 'day', used: 1_000, until }]);
      stores.calls.write([{ id: `call-${settled}`, document: `{"n":${settled}}` }], []);
    };
    for (let round = 0; round < 4; round += 1) {
      for (let n = 0; n < 50; n += 1) settle();
      const flushing = stores.flush();
      await workers.at(-1)?.terminate();
      await flushing;
      await stores.flush();
    }
    expect(stores.figures.restarts()).toBeGreaterThanOrEqual(3);
    expect(troubles).toContain('thread-lost');
    await stores.close();
    const found = stateOf(directory);
    expect(found.calls.load().calls).toHaveLength(settled);
    expect(found.budgets.load(systemClock.wall()).budgets).toEqual([{ key: 'day', used: settled * 1_000, until }]);
  });

  test('that writes while the command line does keeps both', async () => {
    const directory = temporaryDirectory();
    const { stores } = await opened(directory, 'run-1');
    const cli = stateOf(directory);
    for (let n = 0; n < 20; n += 1) {
      stores.bans.keep({ source: `192.0.2.${n}`, account: undefined, reason: 'operator', until: 9e12, times: 1 });
      cli.audit.append({ actor: 'root', action: 'user add', subject: `user${n}` });
      await stores.flush();
    }
    await stores.close();
    expect(stateOf(directory).bans.load()).toHaveLength(20);
    expect(cli.audit.verify()).toMatchObject({ isWhole: true, entries: 20 });
  });
});
