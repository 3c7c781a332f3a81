import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openKeyFile } from '../../../src/store/key-file.ts';
import { StateDatabase } from '../../../src/store/sqlite/database.ts';
import { migrations } from '../../../src/store/sqlite/migrations.ts';
import { SeededRandom } from '../../support/fake-time.ts';
import { alice, stateOf, temporaryDirectory } from './stores.ts';

function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}

describe('the state directory', () => {
  test('is made with its parents, and all in it is its owner’s alone', async () => {
    const directory = join(temporaryDirectory(), 'deep', 'var');
    await stateOf(directory).users.add(alice);
    expect(modeOf(directory)).toBe(0o700);
    for (const file of ['portcullis.db', 'portcullis.db-wal', 'portcullis.db-shm', 'keys']) {
      expect(modeOf(join(directory, file)), file).toBe(0o600);
    }
  });
});

describe('the database file', () => {
  test('is closed to others even where it was open', () => {
    const file = join(temporaryDirectory(), 'portcullis.db');
    writeFileSync(file, '', { mode: 0o644 });
    chmodSync(file, 0o644);
    StateDatabase.open(file).close();
    expect(modeOf(file)).toBe(0o600);
  });

  test('of a later version is refused and left alone', () => {
    const file = join(temporaryDirectory(), 'portcullis.db');
    StateDatabase.open(file).close();
    const later = new DatabaseSync(file);
    later.exec('PRAGMA user_version = 999');
    later.close();
    expect(() => StateDatabase.open(file)).toThrow(expect.objectContaining({ code: 'database-newer' }));
  });

  test('of an older version keeps its bindings, which had no path before version 2 of their record', async () => {
    const directory = temporaryDirectory();
    const old = new DatabaseSync(join(directory, 'portcullis.db'));
    for (const step of migrations.slice(0, 1)) old.exec(step);
    old.exec(`
      INSERT INTO binding VALUES ('alice@pbx.test', 0, 'run', 'sip:alice@192.0.2.1', 'sip:alice@192.0.2.1', 'call', 7, 0.5,
        1767610800000, 'flow-1', 'phones', 'softphone/1.0');
      PRAGMA user_version = 1;`);
    old.close();
    expect(await stateOf(directory).locations.find('alice@pbx.test')).toEqual([
      {
        v: 3,
        aor: 'alice@pbx.test',
        contact: 'sip:alice@192.0.2.1',
        key: 'sip:alice@192.0.2.1',
        callId: 'call',
        sequence: 7,
        priority: 0.5,
        expiresAt: 1767610800000,
        flowId: 'earlier-run:run:flow-1',
        listener: 'phones',
        userAgent: 'softphone/1.0',
        datagram: undefined,
        path: [],
      },
    ]);
  });

  test('that is no database is an error that names it', () => {
    const file = join(temporaryDirectory(), 'portcullis.db');
    writeFileSync(file, 'not a database at all, just text that somebody put here'.repeat(50));
    expect(() => StateDatabase.open(file)).toThrow(
      expect.objectContaining({ code: 'database-unusable', context: { file } }),
    );
  });

  test('keeps nothing of a transaction that threw', () => {
    const database = StateDatabase.open(join(temporaryDirectory(), 'portcullis.db'));
    database.transaction(() => database.prepare('CREATE TABLE t (n INTEGER)').run());
    expect(() =>
      database.transaction(() => {
        database.prepare('INSERT INTO t VALUES (1)').run();
        throw new Error('half way');
      }),
    ).toThrow('half way');
    expect(database.prepare('SELECT count(*) AS n FROM t').get()).toMatchObject({ n: 0 });
    database.close();
  });
});

describe('the key file', () => {
  test('is made once and read ever after', () => {
    const file = join(temporaryDirectory(), 'keys');
    const first = openKeyFile(file, new SeededRandom(1));
    const text = readFileSync(file, 'utf8');
    expect(openKeyFile(file, new SeededRandom(2))).toEqual(first);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(modeOf(file)).toBe(0o600);
  });

  test('that others can read is refused', () => {
    const file = join(temporaryDirectory(), 'keys');
    openKeyFile(file, new SeededRandom(1));
    chmodSync(file, 0o640);
    expect(() => openKeyFile(file, new SeededRandom(1))).toThrow(/chmod 600/);
  });

  test.each([
    ['empty', ''],
    ['a key of the wrong length', 'one:AAAA\n'],
  ])('that is damaged (%s) is refused, never replaced', (_name, text) => {
    const file = join(temporaryDirectory(), 'keys');
    writeFileSync(file, text, { mode: 0o600 });
    expect(() => openKeyFile(file, new SeededRandom(1))).toThrow(
      expect.objectContaining({ code: 'key-file-unusable' }),
    );
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('that cannot be made is an error that names it', () => {
    const file = join(temporaryDirectory(), 'keys');
    mkdirSync(file, { mode: 0o700 });
    expect(() => openKeyFile(file, new SeededRandom(1))).toThrow(/keys/);
  });
});
