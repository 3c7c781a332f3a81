import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Hold } from '../../../src/policy/fraud/holds.ts';
import { StateDatabase } from '../../../src/store/sqlite/database.ts';
import { SqliteFraudStore } from '../../../src/store/sqlite/fraud-store.ts';

/** Opens the file anew for each step. */
function reopening(most?: number): <T>(work: (store: SqliteFraudStore) => T) => T {
  const folder = mkdtempSync(join(tmpdir(), 'pc-fraud-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return (work) => {
    const database = StateDatabase.open(join(folder, 'portcullis.db'));
    try {
      return work(new SqliteFraudStore(database, most));
    } finally {
      database.close();
    }
  };
}

const subject = 'user:alice@pbx.test';
const refused: Hold = { action: 'refuse', subject, of: 'international', rule: 'watch', since: 5, until: 100 };
const all: Hold = { ...refused, of: undefined, since: 6, until: 200 };
const lock: Hold = { action: 'lock', subject, of: undefined, rule: 'places', since: 7, until: undefined };

test('holds outlive the process until they are over or forgotten, locks until they are forgotten', () => {
  const use = reopening();
  use((store) => [refused, all, lock].map((hold) => store.keep(hold)));
  expect(use((store) => store.holds(99))).toEqual([refused, all, lock]);
  use((store) => store.keep({ ...all, until: 300.4 }));
  expect(use((store) => store.holds(100))).toEqual([{ ...all, until: 300 }, lock]);
  use((store) => store.forget(all));
  expect(use((store) => store.holds(100))).toEqual([lock]);
  use((store) => store.forget(lock));
  expect(use((store) => store.holds(0))).toEqual([]);
});

test('what is known outlives the process, each value once, as it was last seen, and the oldest goes', () => {
  const use = reopening();
  const value = { subject, of: 'called-country', value: 'FR', at: 10 } as const;
  const place = { subject, of: 'source', value: '192.0.2.1', at: 20 } as const;
  use((store) => store.learn([value, place], 0));
  use((store) => store.learn([{ ...value, at: 30.2 }], 0));
  expect(use((store) => store.known())).toEqual([place, { ...value, at: 30 }]);
  use((store) => store.learn([], 21));
  expect(use((store) => store.known())).toEqual([{ ...value, at: 30 }]);
});

test('what is known is bounded', () => {
  const use = reopening(3);
  const values = [1, 2, 3, 4, 5].map((at) => ({ subject, of: 'source', value: `192.0.2.${at}`, at }) as const);
  use((store) => store.learn(values, 0));
  expect(use((store) => store.known()).map(({ at }) => at)).toEqual([3, 4, 5]);
});
