// The stores over a file of SQLite: read here, once, and written by a thread of its own (`store-thread.ts`).
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { LoadedState } from '../loaded-state.ts';
import type { Stores } from '../stores.ts';
import { WriteBehind, type WriteTrouble } from '../write-behind.ts';
import { writtenStores } from '../written-stores.ts';
import { closePatience, StoreThread, type StoreThreadParts } from './store-thread.ts';

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
  /** Nothing is loaded before, and the thread is there then: calls are waited for. Absent: at once, and the thread comes with the first write. */
  readonly isLeft?: Promise<unknown> | undefined;
  readonly start?: StoreThreadParts['start'];
}

/** Rejects as `load` or `isLeft` does. */
export async function openSqliteStores(parts: SqliteStoresParts): Promise<Stores> {
  const { directory, run, load, scheduler, logger, onTrouble, isLeft, start } = parts;
  const queue = new WriteBehind({ send: (batch) => thread.send(batch), scheduler, logger, onTrouble });
  const thread = new StoreThread({
    settings: { directory, run },
    scheduler,
    logger,
    onWritten: (batch, unwritable) => queue.written(batch, unwritable),
    onFailed: (batch, error) => queue.failed(batch, error),
    onStarted: () => queue.again(),
    onLost: (detail) => onTrouble({ kind: 'thread-lost', detail }),
    ...(start === undefined ? {} : { start }),
  });
  try {
    if (isLeft !== undefined) thread.start();
    await isLeft;
    const state = await load();
    return {
      ...writtenStores(run, state, queue),
      figures: {
        waiting: () => queue.waiting,
        lost: () => queue.lost,
        failures: () => queue.failures,
        restarts: () => thread.restarts,
      },
      flush: () => queue.flush(),
      close: async () => {
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
