// Users in the database. What is kept of a password is its HA1 for every algorithm, sealed under the key file and bound to the user.
// Asking for a user that is not there, and proving nothing, does the same work as for one that is.
import type { Clock } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { ha1ForAll, type StoreFailure } from '../../sip/auth/credentials.ts';
import type { KeyRing } from '../../sip/auth/sealing.ts';
import { formatLimits, parseLimits } from '../own-limits.ts';
import type {
  NewUser,
  PasswordChange,
  PasswordState,
  StoredCredentials,
  StoredUser,
  UserProfile,
  UserStore,
} from '../user-store.ts';
import type { StateDatabase } from './database.ts';
import { FormerPasswords } from './former-passwords.ts';
import { OpenedCredentials } from './opened-credentials.ts';
import { number, optionalText, type Row, text } from './row.ts';
import { ownerOf, SealedCredentials } from './sealed-credentials.ts';

export interface SqliteUserStoreParts {
  readonly database: StateDatabase;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
}

export class SqliteUserStore implements UserStore {
  readonly #database: StateDatabase;
  readonly #clock: Clock;
  readonly #sealing: SealedCredentials;
  readonly #opened: OpenedCredentials;
  readonly #former: FormerPasswords;
  readonly #find;
  readonly #profile;
  readonly #add;
  readonly #setPassword;
  readonly #expirePassword;
  readonly #setLocked;
  readonly #remove;
  readonly #removeTotp;
  readonly #list;
  /** What is opened in the place of a user that is not there. */
  readonly #decoy: string;

  constructor({ database, keys, clock, random }: SqliteUserStoreParts) {
    this.#database = database;
    this.#clock = clock;
    this.#sealing = new SealedCredentials(keys, random);
    this.#opened = new OpenedCredentials(this.#sealing);
    this.#former = new FormerPasswords(database, this.#sealing);
    this.#find = database.prepare(
      'SELECT credentials, locked, password_changed_at, must_change, user_group FROM user WHERE domain = ? AND name = ?',
    );
    this.#profile = database.prepare(
      'SELECT user_group, limits FROM user WHERE domain = ? AND name = ? AND locked = 0',
    );
    this.#add = database.prepare(
      `INSERT INTO user (domain, name, realm, credentials, user_group, limits, locked, created_at, changed_at, password_changed_at)
       VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#setPassword = database.prepare(
      `UPDATE user SET realm = ?, credentials = ?, changed_at = ?, password_changed_at = ?, must_change = 0
       WHERE domain = ? AND name = ?`,
    );
    this.#expirePassword = database.prepare(
      'UPDATE user SET must_change = 1, changed_at = ? WHERE domain = ? AND name = ?',
    );
    this.#setLocked = database.prepare('UPDATE user SET locked = ?, changed_at = ? WHERE domain = ? AND name = ?');
    this.#removeTotp = database.prepare('DELETE FROM totp WHERE owner = ?');
    this.#remove = database.prepare('DELETE FROM user WHERE domain = ? AND name = ?');
    this.#list = database.prepare(
      `SELECT domain, name, realm, user_group, limits, locked, created_at, changed_at, password_changed_at, must_change
       FROM user ORDER BY domain, name`,
    );
    this.#decoy = this.#sealing.seal(ha1ForAll('decoy', 'decoy', ''), decoyOwner);
  }

  async find(name: string, domain: string): Promise<Result<StoredCredentials | undefined, StoreFailure>> {
    try {
      const row = this.#find.get(domain, name);
      if (row === undefined) {
        this.#openDecoy();
        return ok(undefined);
      }
      const { ha1, isKnown } = this.#opened.open(text(row, 'credentials'), ownerOf(name, domain));
      const locked = number(row, 'locked') !== 0;
      const group = locked ? undefined : optionalText(row, 'user_group');
      return ok({ ha1, locked, password: passwordStateOf(row), group, spared: isKnown ? this.#openDecoy : undefined });
    } catch (thrown) {
      const code = thrown instanceof SbcError ? thrown.code : 'database-failed';
      return err({ code, detail: messageOf(thrown) });
    }
  }

  async profile(name: string, domain: string): Promise<UserProfile | undefined> {
    const row = this.#profile.get(domain, name);
    return row === undefined ? undefined : profileOf(row);
  }

  async add({ name, domain, realm, secret, group, limits }: NewUser): Promise<boolean> {
    const now = this.#now();
    const ha1 = secret.kind === 'ha1' ? secret.ha1 : ha1ForAll(name, realm, secret.password);
    const credentials = this.#sealing.seal(ha1, ownerOf(name, domain));
    const row = [domain, name, realm, credentials, group ?? null, formatLimits(limits), now, now, now];
    return this.#add.run(...row).changes === 1;
  }

  async setPassword(change: PasswordChange): Promise<'changed' | 'reused' | 'no-such-user'> {
    const { name, domain, realm, password, history } = change;
    const ha1 = ha1ForAll(name, realm, password);
    const now = this.#now();
    return this.#database.transaction(() => {
      const row = this.#find.get(domain, name);
      if (row === undefined) return 'no-such-user';
      const present = text(row, 'credentials');
      if (history > 0 && this.#former.includes({ name, domain }, ha1, present, history)) return 'reused';
      this.#former.keep({ name, domain }, present, now, history);
      this.#setPassword.run(realm, this.#sealing.seal(ha1, ownerOf(name, domain)), now, now, domain, name);
      return 'changed';
    });
  }

  async expirePassword(name: string, domain: string): Promise<boolean> {
    return this.#expirePassword.run(this.#now(), domain, name).changes === 1;
  }

  async setLocked(name: string, domain: string, locked: boolean): Promise<boolean> {
    return this.#setLocked.run(locked ? 1 : 0, this.#now(), domain, name).changes === 1;
  }

  async remove(name: string, domain: string): Promise<boolean> {
    return this.#database.transaction(() => {
      this.#former.forget({ name, domain });
      this.#removeTotp.run(`user ${name}@${domain}`);
      return this.#remove.run(domain, name).changes === 1;
    });
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
      password: passwordStateOf(row),
    }));
  }

  /** Seals every row that an older key sealed with the current one; returns how many. All or none. */
  sealAgain(): number {
    return this.#database.transaction(() => this.#sealing.sealAgain(this.#database));
  }

  readonly #openDecoy = (): void => {
    this.#sealing.open(this.#decoy, decoyOwner);
  };

  #now(): number {
    return Math.round(this.#clock.wall());
  }
}

const decoyOwner = 'nobody';

function profileOf(row: Row): UserProfile {
  return { group: optionalText(row, 'user_group'), limits: parseLimits(text(row, 'limits')) };
}

function passwordStateOf(row: Row): PasswordState {
  return { changedAt: number(row, 'password_changed_at'), mustChange: number(row, 'must_change') !== 0 };
}
