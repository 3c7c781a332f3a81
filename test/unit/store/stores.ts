// Stores in a folder of their own that ends with the test, and users to put into them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openState, type State } from '../../../src/store/sqlite/state.ts';
import { StateKeeper } from '../../../src/store/sqlite/state-keeper.ts';
import type { StoreWrite } from '../../../src/store/store-write.ts';
import type { Stores } from '../../../src/store/stores.ts';
import type { NewUser } from '../../../src/store/user-store.ts';
import { writtenStores } from '../../../src/store/written-stores.ts';
import { FakeClock, SeededRandom } from '../../support/fake-time.ts';

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-store-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

let opened = 0;

/** The state of one process; opening the same directory again is another process. */
export function stateOf(directory: string, clock = new FakeClock()): State {
  opened += 1;
  const state = openState(directory, { clock, random: new SeededRandom(opened) });
  onTestFinished(() => state.close());
  return state;
}

export const alicePassword = 'Wonderland-1865';

export const alice: NewUser = {
  name: 'alice',
  domain: 'pbx.test',
  realm: 'pbx.test',
  secret: { kind: 'password', password: alicePassword },
  limits: {},
};

/** The stores of one process whose writes are in the database when they return. */
export async function directStores(directory: string, clock: FakeClock, run: string): Promise<Stores> {
  const state = openState(directory, { clock, random: new SeededRandom(1) }, run);
  const keeper = new StateKeeper(state);
  let batches = 0;
  const write = (one: StoreWrite): void => {
    batches += 1;
    const unwritable = keeper.apply({ number: batches, writes: [one] });
    if (unwritable.length > 0) throw new Error(JSON.stringify(unwritable));
  };
  return {
    ...writtenStores(run, await keeper.load(clock.wall()), {
      put: write,
      durable: async (one) => write(one),
    }),
    figures: { waiting: () => 0, lost: () => 0, failures: () => 0, restarts: () => 0 },
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(state.close()),
  };
}
