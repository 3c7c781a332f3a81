// Secrets of one-time codes, sealed under the key file and bound to their owner. A code is judged and noted in one transaction, so that
// two processes cannot take the same one.
import type { Clock } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { freshTotp, judgeTotp, type TotpState, type TotpVerdict } from '../../policy/totp.ts';
import { isSealedWithOldKey, type KeyRing, open, seal } from '../../sip/auth/sealing.ts';
import type { StateDatabase } from './database.ts';
import { number, type Row, text } from './row.ts';

export interface TotpStoreParts {
  readonly database: StateDatabase;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
}

export class SqliteTotpStore {
  readonly #parts: TotpStoreParts;
  readonly #find;
  readonly #put;
  readonly #note;
  readonly #remove;

  constructor(parts: TotpStoreParts) {
    const { database } = parts;
    this.#parts = parts;
    this.#find = database.prepare('SELECT * FROM totp WHERE owner = ?');
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO totp (owner, secret, last_step, failures, locked_until) VALUES (?, ?, ?, ?, ?)',
    );
    this.#note = database.prepare('UPDATE totp SET last_step = ?, failures = ?, locked_until = ? WHERE owner = ?');
    this.#remove = database.prepare('DELETE FROM totp WHERE owner = ?');
  }

  /** In the place of the secret that `owner` had. */
  enrol(owner: string, secret: Uint8Array): void {
    const { lastStep, attempts } = freshTotp;
    this.#put.run(owner, this.#seal(secret, owner), lastStep, attempts.failures, attempts.lockedUntil);
  }

  /** False when `owner` had none. */
  remove(owner: string): boolean {
    return this.#remove.run(owner).changes === 1;
  }

  has(owner: string): boolean {
    return this.#find.get(owner) !== undefined;
  }

  /** Forgets failures; what was taken stays taken. */
  unlock(owner: string): void {
    const row = this.#find.get(owner);
    if (row !== undefined) this.#note.run(number(row, 'last_step'), 0, 0, owner);
  }

  /** Throws SbcError `totp-not-opened` when the secret cannot be read. */
  judge(owner: string, code: string): TotpVerdict | 'not-enrolled' {
    return this.#parts.database.transaction(() => {
      const row = this.#find.get(owner);
      if (row === undefined) return 'not-enrolled';
      const secret = this.#open(text(row, 'secret'), owner);
      const { verdict, next } = judgeTotp(secret, stateOf(row), code, this.#parts.clock.wall());
      const { failures, lockedUntil } = next.attempts;
      this.#note.run(next.lastStep, failures, Math.round(lockedUntil), owner);
      return verdict;
    });
  }

  /** Seals what an older key sealed with the current one; returns how many. */
  sealAgain(): number {
    const { database, keys } = this.#parts;
    const write = database.prepare('UPDATE totp SET secret = ? WHERE owner = ?');
    return database.transaction(() => {
      const old = database
        .prepare('SELECT owner, secret FROM totp')
        .all()
        .filter((row) => isSealedWithOldKey(text(row, 'secret'), keys));
      for (const row of old) {
        const owner = text(row, 'owner');
        write.run(this.#seal(this.#open(text(row, 'secret'), owner), owner), owner);
      }
      return old.length;
    });
  }

  #seal(secret: Uint8Array, owner: string): string {
    return seal(secret, `totp ${owner}`, this.#parts.keys, this.#parts.random);
  }

  #open(sealed: string, owner: string): Uint8Array {
    const opened = open(sealed, `totp ${owner}`, this.#parts.keys);
    if (opened.ok) return opened.value;
    throw new SbcError('totp-not-opened', `one-time codes of ${owner}: ${opened.error}`, { owner });
  }
}

function stateOf(row: Row): TotpState {
  const attempts = { failures: number(row, 'failures'), lockedUntil: number(row, 'locked_until') };
  return { lastStep: number(row, 'last_step'), attempts };
}
