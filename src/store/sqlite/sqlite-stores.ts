// The stores over a file of SQLite: read here, once, and written by a thread of its own (`store-thread.ts`).
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import { newThread } from '../../threads/new-thread.ts';
import type { LoadedState } from '../loaded-state.ts';
import type { Stores } from '../stores.ts';
import { closePatience, openDelay, StoreThread, type StoreWorker } from '../thread/store-thread.ts';
import { WriteBehind, type WriteTrouble } from '../write-behind.ts';
import { writtenStores } from '../written-stores.ts';
import type { StoreThreadSettings } from './store-server.ts';

export type StoreTrouble = WriteTrouble | { readonly kind: 'thread-lost'; readonly detail: string };

export interface SqliteStoresParts {
  /** `state_dir`. */
  readonly directory: string;
  /** The name of this run of the process. */
  readonly run: string;
  /** For what waits as long as the process lives. */
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly onTrouble: (trouble: StoreTrouble) => void;
  /** What the process before left. */
  readonly load: () => Promise<LoadedState>;
  /** Nothing is loaded before, and the thread has its file open then: calls are waited for. Absent: at once, and the thread comes later. */
  readonly isLeft?: Promise<unknown> | undefined;
  readonly start?: (settings: StoreThreadSettings) => StoreWorker;
}

/** Rejects as `load` or `isLeft` does. */
export async function openSqliteStores(parts: SqliteStoresParts): Promise<Stores> {
  const { directory, run, load, scheduler, logger, onTrouble, isLeft, start = startWorker } = parts;
  const queue = new WriteBehind({ send: (batch) => thread.send(batch), scheduler, logger, onTrouble });
  const thread = new StoreThread({
    settings: { directory, run },
    scheduler,
    logger,
    onWritten: (batch, unwritable) => queue.written(batch, unwritable),
    onFailed: (batch, error) => queue.failed(batch, error),
    onStarted: () => queue.again(),
    onLost: (detail) => onTrouble({ kind: 'thread-lost', detail }),
    start,
  });
  try {
    if (isLeft !== undefined) await Promise.all([isLeft, thread.open()]);
    const state = await load();
    // Not with the first write, which may be days later: another version may be installed then, and the file be of its schema.
    const opening = scheduler.after(openDelay, () => void thread.open());
    return {
      ...writtenStores(run, state, queue),
      figures: {
        waiting: () => queue.waiting,
        lost: () => queue.lost,
        failures: () => queue.failures,
        restarts: () => thread.restarts,
      },
      flush: async () => {
        await Promise.all([thread.open(), queue.flush()]);
      },
      close: async () => {
        opening.cancel();
        await within(closePatience, queue.flush(), scheduler);
        if (queue.waiting > 0) logger.error('store-writes-lost', { waiting: queue.waiting });
        await thread.close();
      },
    };
  } catch (thrown) {
    await thread.close();
    throw thrown;
  }
}

async function within(patience: Millis, work: Promise<void>, scheduler: Scheduler): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = scheduler.after(patience, late.resolve);
  await Promise.race([work, late.promise]);
  timer.cancel();
}

function startWorker(settings: StoreThreadSettings): StoreWorker {
  return newThread(threadUrl(import.meta.url), { workerData: settings, name: 'store' });
}

/** In the sources beside this file, in the bundle flat beside the chunk that this is in. */
function threadUrl(here: string): URL {
  return new URL(here.endsWith('.ts') ? './store-main.ts' : './store-main.js', here);
}
