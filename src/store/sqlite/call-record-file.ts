// Call records in a database of their own, so that they neither slow down nor outgrow what the SBC needs to work. One process
// writes; any number reads, while it runs and when it does not.
import type { EpochMillis } from '../../core/clock.ts';
import type { KeptRecord, RecordQuery, RecordRetention } from '../call-records.ts';
import { StateDatabase } from './database.ts';
import { text } from './row.ts';

/** Step n brings a file of version n to version n + 1; a step that was released is never changed. */
const recordMigrations: readonly string[] = [
  `
  CREATE TABLE call_record (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    call TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    caller TEXT NOT NULL,
    payer TEXT,
    callee TEXT,
    number TEXT,
    dialled TEXT NOT NULL,
    verdict TEXT NOT NULL,
    decided_by TEXT,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX call_record_call ON call_record (call);
  CREATE INDEX call_record_start ON call_record (started_at);
  CREATE INDEX call_record_caller ON call_record (caller, started_at);
  CREATE INDEX call_record_payer ON call_record (payer, started_at) WHERE payer IS NOT NULL;
  CREATE INDEX call_record_callee ON call_record (callee, started_at) WHERE callee IS NOT NULL;
  CREATE INDEX call_record_number ON call_record (number, started_at) WHERE number IS NOT NULL;
  CREATE INDEX call_record_dialled ON call_record (dialled, started_at) WHERE number IS NULL;
  `,
];

/** Rows that go at once for those that come: a retention that was shortened takes a few batches to hold. */
const mostTrimmed = 5_000;

/** Each in the order of the index that finds its rows: in another one every batch would read the whole table. */
export const trims = {
  tooOld: trim('started_at < ?', 'started_at'),
  tooMany: trim('position <= (SELECT max(position) FROM call_record) - ?', 'position'),
} as const;

function trim(condition: string, order: string): string {
  const rows = `SELECT position FROM call_record WHERE ${condition} ORDER BY ${order} LIMIT ${mostTrimmed}`;
  return `DELETE FROM call_record WHERE position IN (${rows})`;
}

export class CallRecordFile {
  readonly #database: StateDatabase;

  private constructor(database: StateDatabase) {
    this.#database = database;
  }

  /** Throws as `StateDatabase.open` does. */
  static open(file: string): CallRecordFile {
    return new CallRecordFile(StateDatabase.open(file, recordMigrations));
  }

  /** Undefined where no record was written yet. Throws as `StateDatabase.openReadOnly` does. */
  static openReadOnly(file: string): CallRecordFile | undefined {
    const database = StateDatabase.openReadOnly(file, recordMigrations);
    return database === undefined ? undefined : new CallRecordFile(database);
  }

  /** All of them, but for calls that have their record, or none when it throws; then as many go as `retention` no longer keeps. */
  add(records: readonly KeptRecord[], { keepFor, keepRows }: RecordRetention, now: EpochMillis): void {
    const add = this.#database.prepare(
      `INSERT INTO call_record
       (call, started_at, ended_at, caller, payer, callee, number, dialled, verdict, decided_by, record)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
       WHERE NOT EXISTS (SELECT 1 FROM call_record WHERE call = ?1)`,
    );
    this.#database.transaction(() => {
      for (const one of records) {
        const { call, startedAt, endedAt, caller, payer, callee, number, dialled, verdict, decidedBy, line } = one;
        const parties = [caller, payer ?? null, callee ?? null] as const;
        const decision = [verdict, decidedBy ?? null] as const;
        add.run(call, startedAt, endedAt, ...parties, number ?? null, dialled, ...decision, line);
      }
      this.#database.prepare(trims.tooOld).run(Math.round(now - keepFor));
      this.#database.prepare(trims.tooMany).run(keepRows);
    });
  }

  /** The records as lines of JSON, those that began last first. */
  *list(query: RecordQuery): Generator<string> {
    const { sql, values } = conditionsOf(query);
    const statement = this.#database.prepare(
      `SELECT record FROM call_record ${sql} ORDER BY started_at DESC, position DESC LIMIT ?`,
    );
    for (const row of statement.iterate(...values, query.limit)) yield text(row, 'record');
  }

  /** The record of that call. */
  find(call: string): string | undefined {
    const found = this.#database.prepare(
      'SELECT record FROM call_record WHERE call = ? ORDER BY position DESC LIMIT 1',
    );
    const row = found.get(call);
    return row === undefined ? undefined : text(row, 'record');
  }

  close(): void {
    this.#database.close();
  }
}

function conditionsOf({ since, until, party, number, verdict }: RecordQuery): {
  readonly sql: string;
  readonly values: readonly (string | number)[];
} {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, ...bound: readonly (string | number)[]): void => {
    conditions.push(`(${condition})`);
    values.push(...bound);
  };
  if (since !== undefined) add('started_at >= ?', Math.round(since));
  if (until !== undefined) add('started_at <= ?', Math.round(until));
  if (party !== undefined) add('caller = ? OR payer = ? OR callee = ?', party, party, party);
  if (number?.endsWith('*')) {
    const [first, behind] = [number.slice(0, -1), `${number.slice(0, -1)}\u{10ffff}`];
    add('number >= ? AND number < ? OR number IS NULL AND dialled >= ? AND dialled < ?', first, behind, first, behind);
  } else if (number !== undefined) add('number = ? OR number IS NULL AND dialled = ?', number, number);
  if (verdict !== undefined) add('verdict = ?', verdict);
  return { sql: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`, values };
}
