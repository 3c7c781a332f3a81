// What an orderly end left of nonces. It is good once: after a process that ended in any other way nobody knows what was used.
import type { KeptNonces, NonceStore } from '../../sip/auth/kept-nonces.ts';
import type { StateDatabase } from './database.ts';
import { text } from './row.ts';

export class SqliteNonceStore implements NonceStore {
  readonly #database: StateDatabase;
  readonly #find;
  readonly #put;
  readonly #remove;

  constructor(database: StateDatabase) {
    this.#database = database;
    this.#find = database.prepare('SELECT document FROM nonces');
    this.#put = database.prepare('INSERT OR REPLACE INTO nonces (id, document) VALUES (1, ?)');
    this.#remove = database.prepare('DELETE FROM nonces');
  }

  load(): KeptNonces | undefined {
    return this.#database.transaction(() => {
      const row = this.#find.get();
      this.#remove.run();
      if (row === undefined) return undefined;
      const document: unknown = JSON.parse(text(row, 'document'));
      return isKeptNonces(document) ? document : undefined;
    });
  }

  keep(nonces: KeptNonces): void {
    this.#put.run(JSON.stringify(nonces));
  }
}

/** Of another version: every nonce is stale then. What is inside was written by us. */
function isKeptNonces(value: unknown): value is KeptNonces {
  return typeof value === 'object' && value !== null && 'v' in value && value.v === 1 && 'windows' in value;
}
