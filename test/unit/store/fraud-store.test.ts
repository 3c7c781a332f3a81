import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
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
test('what is known is bounded', () => {
  const use = reopening(3);
  const values = [1, 2, 3, 4, 5].map((at) => ({ subject, of: 'source', value: `192.0.2.${at}`, at }) as const);
  use((store) => store.learn(values, 0));
  expect(use((store) => store.known()).map(({ at }) => at)).toEqual([3, 4, 5]);
});
