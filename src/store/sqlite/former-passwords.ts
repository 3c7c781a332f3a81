// The passwords that a user had before, as sealed HA1, so that none of the last few comes back.
import { type Ha1ByAlgorithm, sameHa1 } from '../../sip/auth/credentials.ts';
import type { StateDatabase } from './database.ts';
import { text } from './row.ts';
import { ownerOf, type SealedCredentials } from './sealed-credentials.ts';

interface Owner {
  readonly name: string;
  readonly domain: string;
}

export class FormerPasswords {
  readonly #sealing: SealedCredentials;
  readonly #list;
  readonly #add;
  readonly #trim;
  readonly #forget;

  constructor(database: StateDatabase, sealing: SealedCredentials) {
    this.#sealing = sealing;
    this.#list = database.prepare(
      'SELECT credentials FROM former_password WHERE domain = ? AND name = ? ORDER BY replaced_at DESC LIMIT ?',
    );
    this.#add = database.prepare(
      'INSERT OR REPLACE INTO former_password (domain, name, replaced_at, credentials) VALUES (?, ?, ?, ?)',
    );
    this.#trim = database.prepare(
      `DELETE FROM former_password WHERE domain = ?1 AND name = ?2 AND replaced_at NOT IN
       (SELECT replaced_at FROM former_password WHERE domain = ?1 AND name = ?2 ORDER BY replaced_at DESC LIMIT ?3)`,
    );
    this.#forget = database.prepare('DELETE FROM former_password WHERE domain = ? AND name = ?');
  }

  /** Whether it is the present password, or one of the last `history` before it. */
  includes({ name, domain }: Owner, ha1: Ha1ByAlgorithm, present: string, history: number): boolean {
    const earlier = this.#list.all(domain, name, history).map((row) => text(row, 'credentials'));
    return [present, ...earlier].some((sealed) => sameHa1(this.#sealing.open(sealed, ownerOf(name, domain)), ha1));
  }

  keep({ name, domain }: Owner, present: string, now: number, history: number): void {
    if (history > 0) this.#add.run(domain, name, now, present);
    this.#trim.run(domain, name, history);
  }

  forget({ name, domain }: Owner): void {
    this.#forget.run(domain, name);
  }
}
