// The store as in service, SQLite with its thread, in a folder of a benchmark. Whatever it is troubled by ends the benchmark.
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { SystemScheduler } from '../../src/core/scheduler.ts';
import { openSqliteStores } from '../../src/store/sqlite/sqlite-stores.ts';
import type { Stores } from '../../src/store/stores.ts';

export function openIn(directory: string): Promise<Stores> {
  const fail = (thrown: unknown): never => {
    throw thrown;
  };
  return openSqliteStores({
    directory,
    run: 'bench',
    scheduler: new SystemScheduler(systemClock, fail),
    logger: silentLogger,
    onTrouble: ({ kind, detail }) => fail(new Error(`${kind}: ${detail}`)),
  });
}
