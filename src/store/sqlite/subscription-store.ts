// Subscriptions of phones in the database. Nothing in them is a secret: who reads the file sees who watched what.
import type { KeptDocument } from '../call-store.ts';
import type { SubscriptionStore } from '../subscription-store.ts';
import type { StateDatabase } from './database.ts';
import { text } from './row.ts';

export class SqliteSubscriptionStore implements SubscriptionStore {
  readonly #database: StateDatabase;
  readonly #put;
  readonly #remove;
  readonly #load;

  constructor(database: StateDatabase) {
    this.#database = database;
    this.#put = database.prepare('INSERT OR REPLACE INTO subscription (id, document) VALUES (?, ?)');
    this.#remove = database.prepare('DELETE FROM subscription WHERE id = ?');
    this.#load = database.prepare('SELECT id, document FROM subscription ORDER BY id');
  }

  write(put: readonly KeptDocument[], remove: readonly string[]): void {
    this.#database.transaction(() => {
      for (const { id, document } of put) this.#put.run(id, document);
      for (const id of remove) this.#remove.run(id);
    });
  }

  load(): readonly KeptDocument[] {
    return this.#load.all().map((row) => ({ id: text(row, 'id'), document: text(row, 'document') }));
  }
}
