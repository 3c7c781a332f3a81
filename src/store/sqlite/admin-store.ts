// Administrators: a password, kept as scrypt (RFC 7914), and one-time codes. An attempt is counted before it is looked at, so that many at
// the same time are no more than one after another; somebody who is no administrator costs the same time.
import { type BinaryLike, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock, EpochMillis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { failed, isLocked } from '../../policy/totp.ts';
import type { StateDatabase } from './database.ts';
import { number, type Row, text } from './row.ts';
import type { SqliteTotpStore } from './totp-store.ts';

export interface AdminStoreParts {
  readonly database: StateDatabase;
  readonly totp: SqliteTotpStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** A viewer sees everything and changes nothing. */
export type AdminRole = 'admin' | 'viewer';

export interface Administrator {
  readonly name: string;
  readonly role: AdminRole;
  readonly createdAt: EpochMillis;
  readonly failures: number;
  /** In the past where it is not locked. */
  readonly lockedUntil: EpochMillis;
}

/** Why somebody was not signed in is for the log; whoever tries is told `refused` and nothing else. */
export type SignIn = 'signed-in' | 'unknown' | 'wrong-password' | 'wrong-code' | 'locked';

export class SqliteAdminStore {
  readonly #database: StateDatabase;
  readonly #totp: SqliteTotpStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #add;
  readonly #find;
  readonly #list;
  readonly #remove;
  readonly #note;

  constructor(parts: AdminStoreParts) {
    const { database } = parts;
    this.#database = database;
    this.#totp = parts.totp;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#add = database.prepare(
      `INSERT INTO admin_account (name, password, created_at, failures, locked_until, role) VALUES (?, ?, ?, 0, 0, ?)
       ON CONFLICT DO NOTHING`,
    );
    this.#find = database.prepare('SELECT * FROM admin_account WHERE name = ?');
    this.#list = database.prepare('SELECT * FROM admin_account ORDER BY name');
    this.#remove = database.prepare('DELETE FROM admin_account WHERE name = ?');
    this.#note = database.prepare('UPDATE admin_account SET failures = ?, locked_until = ? WHERE name = ?');
  }

  /** False when there is one of that name. */
  async add(name: string, password: string, totpSecret: Uint8Array, role: AdminRole = 'admin'): Promise<boolean> {
    const hash = await hashOf(password, Buffer.from(this.#random.bytes(saltBytes)));
    return this.#database.transaction(() => {
      const isAdded = this.#add.run(name, hash, Math.round(this.#clock.wall()), role).changes === 1;
      if (isAdded) this.#totp.enrol(ownerOf(name), totpSecret);
      return isAdded;
    });
  }

  /** False when there is none of that name. */
  remove(name: string): boolean {
    return this.#database.transaction(() => {
      this.#totp.remove(ownerOf(name));
      return this.#remove.run(name).changes === 1;
    });
  }

  /** False when there is none of that name. */
  unlock(name: string): boolean {
    this.#totp.unlock(ownerOf(name));
    return this.#note.run(0, 0, name).changes === 1;
  }

  list(): readonly Administrator[] {
    return this.#list.all().map(administratorOf);
  }

  find(name: string): Administrator | undefined {
    const row = this.#find.get(name);
    return row === undefined ? undefined : administratorOf(row);
  }

  async signIn(name: string, password: string, code: string): Promise<SignIn> {
    const begun = this.#database.transaction(() => {
      const row = this.#find.get(name);
      if (row === undefined) return { hash: undefined, isLocked: false };
      const attempts = { failures: number(row, 'failures'), lockedUntil: number(row, 'locked_until') };
      const now = this.#clock.wall();
      if (isLocked(attempts, now)) return { hash: undefined, isLocked: true };
      const counted = failed(attempts, now);
      this.#note.run(counted.failures, Math.round(counted.lockedUntil), name);
      return { hash: text(row, 'password'), isLocked: false };
    });
    const isRight = await isPassword(password, begun.hash ?? decoy);
    if (begun.isLocked) return 'locked';
    if (begun.hash === undefined) return 'unknown';
    if (!isRight) return 'wrong-password';
    const verdict = this.#totp.judge(ownerOf(name), code);
    if (verdict !== 'right') return verdict === 'locked' ? 'locked' : 'wrong-code';
    this.#note.run(0, 0, name);
    return 'signed-in';
  }
}

function administratorOf(row: Row): Administrator {
  return {
    name: text(row, 'name'),
    role: text(row, 'role') === 'admin' ? 'admin' : 'viewer',
    createdAt: number(row, 'created_at'),
    failures: number(row, 'failures'),
    lockedUntil: number(row, 'locked_until'),
  };
}

function ownerOf(name: string): string {
  return `admin ${name}`;
}

const saltBytes = 16;
const keyBytes = 32;
/** 32 MB and some 80 ms for each attempt. */
const cost = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const decoy = `scrypt.${Buffer.alloc(saltBytes).toString('base64url')}.${Buffer.alloc(keyBytes).toString('base64url')}`;

const derive = promisify<BinaryLike, BinaryLike, number, ScryptOptions, Buffer>(scrypt);

async function hashOf(password: string, salt: Buffer): Promise<string> {
  const key = await derive(password, salt, keyBytes, cost);
  return `scrypt.${salt.toString('base64url')}.${key.toString('base64url')}`;
}

async function isPassword(password: string, hash: string): Promise<boolean> {
  const [, salt = '', key = ''] = hash.split('.');
  const given = await derive(password, Buffer.from(salt, 'base64url'), keyBytes, cost);
  const kept = Buffer.from(key, 'base64url');
  return kept.length === given.length && timingSafeEqual(kept, given);
}
