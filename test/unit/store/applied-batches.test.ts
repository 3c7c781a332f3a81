// A batch is in the database whole and once, whatever the disk, the thread or one of its writes does.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { AppliedBatches } from '../../../src/store/sqlite/applied-batches.ts';
import { StateDatabase } from '../../../src/store/sqlite/database.ts';
import type { StoreWrite } from '../../../src/store/store-write.ts';
import { temporaryDirectory } from './stores.ts';

const spent = (owner: string): StoreWrite => ({ kind: 'spent', owner, spent: [] });

class Bench {
  readonly file = join(temporaryDirectory(), 'portcullis.db');
  readonly database = StateDatabase.open(this.file, [
    'CREATE TABLE note (text TEXT NOT NULL) STRICT; CREATE TABLE applied (run TEXT NOT NULL PRIMARY KEY, batch INTEGER NOT NULL) STRICT;',
  ]);
  readonly #insert = this.database.prepare('INSERT INTO note (text) VALUES (?)');

  /** Each write is a note of its owner; `bad` is none that the table takes. */
  readonly note = (write: StoreWrite): void => {
    if (!('owner' in write)) throw new Error('expected an owner');
    this.#insert.run(write.owner === 'bad' ? null : write.owner);
  };

  get notes(): readonly unknown[] {
    return this.database
      .prepare('SELECT text FROM note ORDER BY rowid')
      .all()
      .map(({ text }) => text);
  }
}

describe('a batch', () => {
  test('that comes again is not applied again; one of another run is', () => {
    const bench = new Bench();
    const { database, note } = bench;
    const first = new AppliedBatches(database, 'run-1');
    first.begin();
    const batch = { number: 1, writes: [spent('a'), spent('b')] };
    expect(first.apply(batch, note)).toEqual([]);
    expect(first.apply(batch, note)).toEqual([]);
    first.apply({ number: 2, writes: [spent('c')] }, note);
    first.apply(batch, note);
    const second = new AppliedBatches(database, 'run-2');
    second.begin();
    second.apply(batch, note);
    expect(bench.notes).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect(database.prepare('SELECT run, batch FROM applied').all()).toMatchObject([{ run: 'run-2', batch: 1 }]);
  });

  test('with a write that no table takes keeps all others, and says which one', () => {
    const bench = new Bench();
    const applied = new AppliedBatches(bench.database, 'run-1');
    const unwritable = applied.apply({ number: 1, writes: [spent('a'), spent('bad'), spent('b')] }, bench.note);
    expect(unwritable).toMatchObject([{ index: 1 }]);
    expect(bench.notes).toEqual(['a', 'b']);
    expect(applied.apply({ number: 1, writes: [spent('a')] }, bench.note)).toEqual([]);
    expect(bench.notes).toEqual(['a', 'b']);
  });

  test('that the disk has no room for leaves nothing, and is applied once there is', () => {
    const bench = new Bench();
    const applied = new AppliedBatches(bench.database, 'run-1');
    const limit = (pages: number): void => void bench.database.prepare(`PRAGMA max_page_count = ${pages}`).get();
    limit(1);
    const large = { number: 1, writes: [spent('a'), spent('x'.repeat(100_000))] };
    expect(() => applied.apply(large, bench.note)).toThrow(/full/);
    expect(bench.notes).toEqual([]);
    expect(() => applied.apply(large, bench.note)).toThrow(/full/);
    limit(1_000_000);
    expect(applied.apply(large, bench.note)).toEqual([]);
    expect(bench.notes).toHaveLength(2);
  });

  test('that another process keeps from being written leaves nothing, and is applied when that one is done', () => {
    const bench = new Bench();
    const applied = new AppliedBatches(bench.database, 'run-1');
    bench.database.prepare('PRAGMA busy_timeout = 1').get();
    const other = new DatabaseSync(bench.file);
    other.exec('BEGIN IMMEDIATE');
    const batch = { number: 1, writes: [spent('a')] };
    expect(() => applied.apply(batch, bench.note)).toThrow(/locked/);
    other.exec('ROLLBACK');
    other.close();
    expect(applied.apply(batch, bench.note)).toEqual([]);
    expect(bench.notes).toEqual(['a']);
  });
});
