import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { openKeptState } from '../../../../src/compose/keeping/kept-state.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import { temporaryDirectory } from '../../store/stores.ts';

test('a file that opens and cannot be read is told by its name, as one that does not open', async () => {
  const directory = temporaryDirectory();
  const kept = openKeptState(directory, { scheduler: new FakeScheduler(), logger: silentLogger });
  onTestFinished(() => kept.close());
  const file = join(directory, 'portcullis.db');
  const other = new DatabaseSync(file);
  other.exec('DROP TABLE applied');
  other.close();
  const opening = kept.openStores(() => {});
  await expect(opening).rejects.toMatchObject({ code: 'database-unusable', context: { file } });
  await expect(opening).rejects.toThrow('no such table: applied');
});
