// The stores in memory, over the tables of a database at once, and over a database by the queue and the requests of its thread.

import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import { openSqliteStores } from '../../../src/store/sqlite/sqlite-stores.ts';
import { StateKeeper } from '../../../src/store/sqlite/state-keeper.ts';
import { MemoryPlace } from '../../support/memory-place.ts';
import { inProcess } from '../../support/store-in-process.ts';
import type { Place } from './conformance/place.ts';
import { describeStores } from './conformance/stores.ts';
import { directStores, stateOf, temporaryDirectory } from './stores.ts';

let runs = 0;
function nextRun(): string {
  runs += 1;
  return `run-${runs}`;
}

describeStores('in memory', (): Place => {
  const place = new MemoryPlace();
  return { open: (clock) => Promise.resolve(place.open(nextRun(), clock.wall())) };
});

describeStores('in tables', (): Place => {
  const directory = temporaryDirectory();
  return { open: (clock) => directStores(directory, clock, nextRun()) };
});

describeStores('in a file, over the queue of the thread', (): Place => {
  const directory = temporaryDirectory();
  const scheduler = new SystemScheduler(systemClock, (thrown) => {
    throw thrown;
  });
  return {
    open: (clock) => {
      const state = stateOf(directory, clock);
      return openSqliteStores({
        directory,
        run: state.run,
        load: () => new StateKeeper(state).load(clock.wall()),
        start: inProcess(clock),
        scheduler,
        logger: silentLogger,
        onTrouble: ({ detail }) => {
          throw new Error(detail);
        },
      });
    },
  };
});
