// Users in the database. What is kept of a password is its HA1 for every algorithm, sealed under the key file and bound to
// the user. Asking for a user that is not there, or is locked, does the same work as for one that is.
import type { Clock } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import {
  type Ha1ByAlgorithm,
  ha1ForAll,
  parseHa1,
  type StoreFailure,
  type UserCredentials,
} from '../../sip/auth/credentials.ts';
import { isSealedWithOldKey, type KeyRing, open, seal } from '../../sip/auth/sealing.ts';
import { formatLimits, parseLimits } from '../own-limits.ts';
import type { NewUser, StoredUser, UserProfile, UserStore } from '../user-store.ts';
import type { StateDatabase } from './database.ts';
import { number, optionalText, type Row, text } from './row.ts';

export interface SqliteUserStoreParts {
  readonly database: StateDatabase;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
}

export class SqliteUserStore implements UserStore {
  readonly #parts: SqliteUserStoreParts;
  readonly #find;
  readonly #profile;
  readonly #add;
  readonly #setPassword;
  readonly #setLocked;
  readonly #remove;
  readonly #list;
  readonly #sealed;
  readonly #reseal;
  /** What is opened in the place of a user that is not there. */
  readonly #decoy: string;

  constructor(parts: SqliteUserStoreParts) {
    this.#parts = parts;
    const { database } = parts;
    this.#find = database.prepare('SELECT credentials, locked FROM user WHERE domain = ? AND name = ?');
    this.#profile = database.prepare(
      'SELECT user_group, limits FROM user WHERE domain = ? AND name = ? AND locked = 0',
    );
    this.#add = database.prepare(
      `INSERT INTO user (domain, name, realm, credentials, user_group, limits, locked, created_at, changed_at)
       VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#setPassword = database.prepare(
      'UPDATE user SET realm = ?, credentials = ?, changed_at = ? WHERE domain = ? AND name = ?',
    );
    this.#setLocked = database.prepare('UPDATE user SET locked = ?, changed_at = ? WHERE domain = ? AND name = ?');
    this.#remove = database.prepare('DELETE FROM user WHERE domain = ? AND name = ?');
    this.#list = database.prepare(
      `SELECT domain, name, realm, user_group, limits, locked, created_at, changed_at FROM user ORDER BY domain, name`,
    );
    this.#sealed = database.prepare('SELECT domain, name, credentials FROM user');
    this.#reseal = database.prepare('UPDATE user SET credentials = ? WHERE domain = ? AND name = ?');
    this.#decoy = this.#seal(ha1ForAll('decoy', 'decoy', ''), decoyOwner);
  }

  async find(name: string, domain: string): Promise<Result<UserCredentials | undefined, StoreFailure>> {
    try {
      const row = this.#find.get(domain, name);
      const isKnown = row !== undefined && number(row, 'locked') === 0;
      const ha1 = isKnown
        ? this.#open(text(row, 'credentials'), ownerOf(name, domain))
        : this.#open(this.#decoy, decoyOwner);
      return ok(isKnown ? { ha1 } : undefined);
    } catch (thrown) {
      const code = thrown instanceof SbcError ? thrown.code : 'database-failed';
      return err({ code, detail: messageOf(thrown) });
    }
  }

  async profile(name: string, domain: string): Promise<UserProfile | undefined> {
    const row = this.#profile.get(domain, name);
    return row === undefined ? undefined : profileOf(row);
  }

  async add({ name, domain, realm, password, group, limits }: NewUser): Promise<boolean> {
    const now = this.#now();
    const credentials = this.#seal(ha1ForAll(name, realm, password), ownerOf(name, domain));
    const row = [domain, name, realm, credentials, group ?? null, formatLimits(limits), now, now];
    return this.#add.run(...row).changes === 1;
  }

  async setPassword(name: string, domain: string, realm: string, password: string): Promise<boolean> {
    const credentials = this.#seal(ha1ForAll(name, realm, password), ownerOf(name, domain));
    return this.#setPassword.run(realm, credentials, this.#now(), domain, name).changes === 1;
  }

  async setLocked(name: string, domain: string, locked: boolean): Promise<boolean> {
    return this.#setLocked.run(locked ? 1 : 0, this.#now(), domain, name).changes === 1;
  }

  async remove(name: string, domain: string): Promise<boolean> {
    return this.#remove.run(domain, name).changes === 1;
  }

  async list(): Promise<readonly StoredUser[]> {
    return this.#list.all().map((row) => ({
      name: text(row, 'name'),
      domain: text(row, 'domain'),
      realm: text(row, 'realm'),
      ...profileOf(row),
      locked: number(row, 'locked') !== 0,
      createdAt: number(row, 'created_at'),
      changedAt: number(row, 'changed_at'),
    }));
  }

  /** Seals every row that an older key sealed with the current one; returns how many. All or none. */
  sealAgain(): number {
    return this.#parts.database.transaction(() => {
      const outdated = this.#sealed
        .all()
        .filter((row) => isSealedWithOldKey(text(row, 'credentials'), this.#parts.keys));
      for (const row of outdated) {
        const [name, domain] = [text(row, 'name'), text(row, 'domain')];
        const owner = ownerOf(name, domain);
        this.#reseal.run(this.#seal(this.#open(text(row, 'credentials'), owner), owner), domain, name);
      }
      return outdated.length;
    });
  }

  #seal(ha1: Ha1ByAlgorithm, owner: string): string {
    const { keys, random } = this.#parts;
    return seal(Buffer.from(JSON.stringify(ha1)), owner, keys, random);
  }

  #open(sealed: string, owner: string): Ha1ByAlgorithm {
    const opened = open(sealed, owner, this.#parts.keys);
    if (!opened.ok) throw notOpened(owner, opened.error);
    const document: unknown = JSON.parse(Buffer.from(opened.value).toString());
    if (typeof document !== 'object' || document === null) throw notOpened(owner, 'not an object');
    const ha1 = parseHa1({ ...document });
    if (!ha1.ok) throw notOpened(owner, ha1.error);
    return ha1.value;
  }

  #now(): number {
    return Math.round(this.#parts.clock.wall());
  }
}

const decoyOwner = 'nobody';

/** A domain has no "@", so that no two users have one owner. */
function ownerOf(name: string, domain: string): string {
  return `user ${name}@${domain}`;
}

function profileOf(row: Row): UserProfile {
  return { group: optionalText(row, 'user_group'), limits: parseLimits(text(row, 'limits')) };
}

function notOpened(owner: string, reason: string): SbcError {
  return new SbcError('credentials-not-opened', `credentials of ${owner}: ${reason}`, { owner });
}
