// The embedded database: one SQLite file under state_dir, readable by its owner only, shared with the command line (WAL).
// The schema has a version; a file of an older one is brought up in one transaction, a file of a newer one is refused.
// Call records are in a file of their own (`call-record-file.ts`), opened in the same way.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { messageOf, SbcError } from '../../core/errors.ts';
import { migrations } from './migrations.ts';

/** How long a statement waits for another process that writes, in milliseconds. Writers hold the file for one row's time. */
export const busyTimeout = 1_000;

export class StateDatabase {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Opens or creates `file`, whose schema comes of `steps`. Throws SbcError `database-unusable`, or `database-newer` when a later
   * version wrote it.
   */
  static open(file: string, steps: readonly string[] = migrations): StateDatabase {
    let database: DatabaseSync | undefined;
    try {
      createPrivately(file);
      database = new DatabaseSync(file);
      database.exec(settings);
      migrate(database, file, steps);
      return new StateDatabase(database);
    } catch (thrown) {
      database?.close();
      if (thrown instanceof SbcError) throw thrown;
      throw new SbcError('database-unusable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
    }
  }

  /**
   * Opens what another process may be writing; undefined where nothing was written to it yet. Throws SbcError `database-unusable`, or
   * `database-newer` for any other schema.
   */
  static openReadOnly(file: string, steps: readonly string[]): StateDatabase | undefined {
    if (!existsSync(file)) return undefined;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(file, { readOnly: true });
      database.exec(`PRAGMA busy_timeout = ${busyTimeout}; PRAGMA trusted_schema = OFF`);
      const version = versionOf(database);
      if (version === steps.length) return new StateDatabase(database);
      // Its writer has made the file, and is about to write the schema.
      if (version === 0) {
        database.close();
        return undefined;
      }
      throw otherSchema(file, version, steps);
    } catch (thrown) {
      database?.close();
      if (thrown instanceof SbcError) throw thrown;
      throw new SbcError('database-unusable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
    }
  }

  /** Prepared once and kept by its owner. */
  prepare(sql: string): StatementSync {
    return this.#database.prepare(sql);
  }

  /** All that `work` writes, or nothing when it throws. Within another one it is part of that. */
  transaction<T>(work: () => T): T {
    return this.#database.isTransaction ? work() : inTransaction(this.#database, work);
  }

  /** Within a transaction: what `work` wrote is taken back when it throws, and the transaction goes on. */
  attempt(work: () => void): void {
    this.#database.exec('SAVEPOINT attempt');
    try {
      work();
    } catch (thrown) {
      // A disk that is full may have ended the whole transaction.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK TO attempt; RELEASE attempt');
      throw thrown;
    }
    this.#database.exec('RELEASE attempt');
  }

  /** Gives back the memory of pages that were read: megabytes where a table was looked at as a whole. */
  shrink(): void {
    this.#database.exec('PRAGMA shrink_memory');
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

// secure_delete: a removed user's credentials do not stay in free pages.
const settings = `
  PRAGMA busy_timeout = ${busyTimeout};
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA secure_delete = ON;
  PRAGMA trusted_schema = OFF;
`;

/** SQLite gives its side files the mode of the main one, so that one has it before SQLite sees it. */
function createPrivately(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
}

function migrate(database: DatabaseSync, file: string, steps: readonly string[]): void {
  if (versionOf(database) === steps.length) return;
  inTransaction(database, () => {
    // Asked again under the write lock: another process may have done it meanwhile.
    const version = versionOf(database);
    if (version > steps.length) throw otherSchema(file, version, steps);
    for (const sql of steps.slice(version)) database.exec(sql);
    database.exec(`PRAGMA user_version = ${steps.length}`);
  });
}

function otherSchema(file: string, version: number, steps: readonly string[]): SbcError {
  const message = `${file} has schema ${version}, this version knows up to ${steps.length}`;
  return new SbcError('database-newer', message, { file, version });
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const value = work();
    database.exec('COMMIT');
    return value;
  } catch (thrown) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw thrown;
  }
}
