// Calls in the database, sealed, since their SDP holds the keys of their media.
import type { Random } from '../../core/random.ts';
import { type KeyRing, open, seal } from '../../sip/auth/sealing.ts';
import type { CallStore, KeptDocument } from '../call-store.ts';
import type { StateDatabase } from './database.ts';
import { text } from './row.ts';

export class SqliteCallStore implements CallStore {
  readonly run: string;
  readonly #database: StateDatabase;
  readonly #keys: KeyRing;
  readonly #random: Random;
  readonly #put;
  readonly #remove;
  readonly #load;

  constructor(
    database: StateDatabase,
    { run, keys, random }: { readonly run: string; readonly keys: KeyRing; readonly random: Random },
  ) {
    this.run = run;
    this.#database = database;
    this.#keys = keys;
    this.#random = random;
    this.#put = database.prepare('INSERT OR REPLACE INTO call (id, sealed) VALUES (?, ?)');
    this.#remove = database.prepare('DELETE FROM call WHERE id = ?');
    this.#load = database.prepare('SELECT id, sealed FROM call ORDER BY id');
  }

  write(put: readonly KeptDocument[], remove: readonly string[]): void {
    this.#database.transaction(() => {
      for (const { id, document } of put) {
        this.#put.run(id, seal(Buffer.from(document), ownerOf(id), this.#keys, this.#random));
      }
      for (const id of remove) this.#remove.run(id);
    });
  }

  load(): ReturnType<CallStore['load']> {
    const calls: KeptDocument[] = [];
    const unreadable: string[] = [];
    for (const row of this.#load.all()) {
      const id = text(row, 'id');
      const opened = open(text(row, 'sealed'), ownerOf(id), this.#keys);
      if (opened.ok) calls.push({ id, document: Buffer.from(opened.value).toString() });
      else unreadable.push(id);
    }
    return { calls, unreadable };
  }
}

function ownerOf(id: string): string {
  return `call ${id}`;
}
