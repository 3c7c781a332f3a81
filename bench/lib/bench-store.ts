// The store as in service, SQLite with its thread, in a folder of a benchmark. Whatever it is troubled by ends the benchmark.
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemRandom } from '../../src/core/random.ts';
import { SystemScheduler } from '../../src/core/scheduler.ts';
import { openSqliteStores } from '../../src/store/sqlite/sqlite-stores.ts';
import { openState } from '../../src/store/sqlite/state.ts';
import { StateKeeper } from '../../src/store/sqlite/state-keeper.ts';
import type { Stores } from '../../src/store/stores.ts';

export function openIn(directory: string): Promise<Stores> {
  const fail = (thrown: unknown): never => {
    throw thrown;
  };
  return openSqliteStores({
    directory,
    run: 'bench',
    load: async () => {
      const state = openState(directory, { clock: systemClock, random: systemRandom });
      try {
        return await new StateKeeper(state).load(systemClock.wall());
      } finally {
        state.close();
      }
    },
    scheduler: new SystemScheduler(systemClock, fail),
    logger: silentLogger,
    onTrouble: ({ kind, detail }) => fail(new Error(`${kind}: ${detail}`)),
  });
}
