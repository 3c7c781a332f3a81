// The thread of the store: that it is started again, that nothing is lost or written twice, and that a real one does what it should.
import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import { openSqliteStores } from '../../../src/store/sqlite/sqlite-stores.ts';
import { StateKeeper } from '../../../src/store/sqlite/state-keeper.ts';
import type { StoreRequest } from '../../../src/store/sqlite/store-protocol.ts';
import { firstRestart, StoreThread, type StoreWorker } from '../../../src/store/sqlite/store-thread.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { FakeScheduler } from '../../support/fake-time.ts';
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
  function threadOf(): {
    readonly workers: FakeWorker[];
    readonly told: string[];
    readonly scheduler: FakeScheduler;
    readonly thread: StoreThread;
  } {
    const workers: FakeWorker[] = [];
    const told: string[] = [];
    const scheduler = new FakeScheduler();
    const start = (): StoreWorker => {
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
    thread.start();
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
    thread.start();
    workers[0]?.emit('exit', 1);
    scheduler.advance(firstRestart);
    await thread.close();
    scheduler.advance(60_000);
    expect(workers).toHaveLength(2);
    expect(scheduler.pending).toBe(0);
  });

  test('is not started before there is something to write, nor by what comes while it is to be started again', async () => {
    const { workers, told, scheduler, thread } = threadOf();
    expect(workers).toHaveLength(0);
    const batch = { number: 1, writes: [] };
    thread.send(batch);
    thread.start();
    expect(workers.map(({ requests }) => requests)).toEqual([[{ type: 'write', batch }]]);
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
    expect(workers).toHaveLength(0);
    expect(scheduler.pending).toBe(0);
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
