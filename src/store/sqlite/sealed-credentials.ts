// HA1 values as the database keeps them: sealed under the key file and bound to their user, so that no row can take the place
// of another's.
import { SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { type Ha1ByAlgorithm, parseHa1 } from '../../sip/auth/credentials.ts';
import { type KeyRing, open, seal, sealPrefix } from '../../sip/auth/sealing.ts';
import type { StateDatabase } from './database.ts';
import { number, text } from './row.ts';

export class SealedCredentials {
  readonly #keys: KeyRing;
  readonly #random: Random;

  constructor(keys: KeyRing, random: Random) {
    this.#keys = keys;
    this.#random = random;
  }

  seal(ha1: Ha1ByAlgorithm, owner: string): string {
    return seal(Buffer.from(JSON.stringify(ha1)), owner, this.#keys, this.#random);
  }

  /** Throws SbcError `credentials-not-opened`. */
  open(sealed: string, owner: string): Ha1ByAlgorithm {
    const opened = open(sealed, owner, this.#keys);
    if (!opened.ok) throw notOpened(owner, opened.error);
    const document: unknown = JSON.parse(Buffer.from(opened.value).toString());
    if (typeof document !== 'object' || document === null) throw notOpened(owner, 'not an object');
    const ha1 = parseHa1({ ...document });
    if (!ha1.ok) throw notOpened(owner, ha1.error);
    return ha1.value;
  }

  /** Seals what an older key sealed, present and former passwords, with the current one; returns how many rows. */
  sealAgain(database: StateDatabase): number {
    let count = 0;
    const prefix = sealPrefix(this.#keys);
    // SQLite looks at each row, so that a start with many users does not read them all into JavaScript.
    const old = (columns: string, table: string) =>
      database
        .prepare(`SELECT ${columns}, credentials FROM ${table} WHERE substr(credentials, 1, ?) <> ?`)
        .all(prefix.length, prefix);
    const again = (sealed: string, owner: string, write: (sealed: string) => void): void => {
      write(this.seal(this.open(sealed, owner), owner));
      count += 1;
    };
    const present = database.prepare('UPDATE user SET credentials = ? WHERE domain = ? AND name = ?');
    for (const row of old('domain, name', 'user')) {
      const [domain, name] = [text(row, 'domain'), text(row, 'name')];
      again(text(row, 'credentials'), ownerOf(name, domain), (sealed) => present.run(sealed, domain, name));
    }
    const former = database.prepare(
      'UPDATE former_password SET credentials = ? WHERE domain = ? AND name = ? AND replaced_at = ?',
    );
    for (const row of old('domain, name, replaced_at', 'former_password')) {
      const [domain, name, at] = [text(row, 'domain'), text(row, 'name'), number(row, 'replaced_at')];
      again(text(row, 'credentials'), ownerOf(name, domain), (sealed) => former.run(sealed, domain, name, at));
    }
    return count;
  }
}

/** A domain has no "@", so that no two users have one owner. */
export function ownerOf(name: string, domain: string): string {
  return `user ${name}@${domain}`;
}

function notOpened(owner: string, reason: string): SbcError {
  return new SbcError('credentials-not-opened', `credentials of ${owner}: ${reason}`, { owner });
}
