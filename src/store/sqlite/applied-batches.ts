// Which batches of writes are in the database, so that one that is sent again after its answer was lost is not taken twice.
import { messageOf } from '../../core/errors.ts';
import type { StoreWrite } from '../store-write.ts';
import type { Unwritable } from '../thread/store-protocol.ts';
import type { WriteBatch } from '../write-behind.ts';
import type { StateDatabase } from './database.ts';
import { number } from './row.ts';

export class AppliedBatches {
  readonly #database: StateDatabase;
  readonly #run: string;
  readonly #find;
  readonly #note;
  readonly #forgetOthers;

  constructor(database: StateDatabase, run: string) {
    this.#database = database;
    this.#run = run;
    this.#find = database.prepare('SELECT batch FROM applied WHERE run = ?');
    this.#note = database.prepare('INSERT OR REPLACE INTO applied (run, batch) VALUES (?, ?)');
    this.#forgetOthers = database.prepare('DELETE FROM applied WHERE run <> ?');
  }

  /** This run is the one that writes from now on. */
  begin(): void {
    this.#forgetOthers.run(this.#run);
  }

  /**
   * All of the batch in one transaction, or nothing when it throws. A write that can be kept by nobody, whatever the disk says, is left out
   * and told by its place.
   */
  apply({ number: batch, writes }: WriteBatch, one: (write: StoreWrite) => void): readonly Unwritable[] {
    try {
      this.#transaction(batch, () => {
        for (const write of writes) one(write);
      });
      return [];
    } catch (thrown) {
      if (isOfTheDisk(thrown)) throw thrown;
      return this.#apart(batch, writes, one);
    }
  }

  /** Each by itself, so that one does not hold up all others for ever. */
  #apart(batch: number, writes: readonly StoreWrite[], one: (write: StoreWrite) => void): readonly Unwritable[] {
    const unwritable: Unwritable[] = [];
    this.#transaction(batch, () => {
      for (const [index, write] of writes.entries()) {
        try {
          this.#database.attempt(() => one(write));
        } catch (thrown) {
          if (isOfTheDisk(thrown)) throw thrown;
          unwritable.push({ index, error: messageOf(thrown) });
        }
      }
    });
    return unwritable;
  }

  #transaction(batch: number, work: () => void): void {
    this.#database.transaction(() => {
      const row = this.#find.get(this.#run);
      if (row !== undefined && number(row, 'batch') >= batch) return;
      work();
      this.#note.run(this.#run, batch);
    });
  }
}

/** What SQLite says of the file, and not of what shall go into it (sqlite.org/rescode.html): another time it may be written. */
const ofTheDisk: ReadonlySet<number> = new Set([
  5, // SQLITE_BUSY
  6, // SQLITE_LOCKED
  7, // SQLITE_NOMEM
  8, // SQLITE_READONLY
  10, // SQLITE_IOERR
  11, // SQLITE_CORRUPT
  13, // SQLITE_FULL
  14, // SQLITE_CANTOPEN
  15, // SQLITE_PROTOCOL
  26, // SQLITE_NOTADB
]);

function isOfTheDisk(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !('errcode' in thrown)) return false;
  // The lower byte is the primary code.
  return typeof thrown.errcode === 'number' && ofTheDisk.has(thrown.errcode & 0xff);
}
