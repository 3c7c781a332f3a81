// Stores in a folder of their own that ends with the test, and users to put into them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openState, type State } from '../../../src/store/sqlite/state.ts';
import type { NewUser } from '../../../src/store/user-store.ts';
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
