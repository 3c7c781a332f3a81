// What operators did, in the order they did it, each entry chained to the one before by a hash: an entry that is changed, taken out
// or put in between breaks the chain. Who can write the database can write a whole new chain, so its head is worth noting
// elsewhere; `verify` takes one that was noted.
import { createHash } from 'node:crypto';
import type { Clock, EpochMillis } from '../../core/clock.ts';
import type { StateDatabase } from './database.ts';
import { number, type Row, text } from './row.ts';

export interface AuditAct {
  /** Who did it, as far as the system tells: a login name, or the admin socket. */
  readonly actor: string;
  /** `user add`, `ban`, `reload` … */
  readonly action: string;
  readonly subject: string;
  readonly detail?: string | undefined;
}

export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  /** Empty where there is none. */
  readonly detail: string;
  readonly position: number;
  readonly at: EpochMillis;
  /** SHA-256 in hexadecimal, over this entry and the hash before it. */
  readonly hash: string;
}

export type AuditVerdict =
  | { readonly isWhole: true; readonly entries: number; readonly head: string }
  | { readonly isWhole: false; readonly position: number; readonly reason: string };

/** The hash before the first entry. */
export const auditRoot = '0'.repeat(64);

export class SqliteAuditLog {
  readonly #database: StateDatabase;
  readonly #clock: Clock;
  readonly #last;
  readonly #add;
  readonly #all;
  readonly #since;

  constructor(database: StateDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#last = database.prepare('SELECT position, hash FROM audit ORDER BY position DESC LIMIT 1');
    this.#add = database.prepare(
      'INSERT INTO audit (position, at, actor, action, subject, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#all = database.prepare('SELECT * FROM audit ORDER BY position');
    this.#since = database.prepare('SELECT * FROM audit WHERE at >= ? ORDER BY position DESC LIMIT ?');
  }

  append({ actor, action, subject, detail = '' }: AuditAct): void {
    this.#database.transaction(() => {
      const last = this.#last.get();
      const position = last === undefined ? 1 : number(last, 'position') + 1;
      const before = last === undefined ? auditRoot : text(last, 'hash');
      const entry = { position, at: Math.round(this.#clock.wall()), actor, action, subject, detail };
      this.#add.run(position, entry.at, actor, action, subject, detail, hashOf(before, entry));
    });
  }

  /** The newest first. */
  list(since: EpochMillis, most: number): readonly AuditEntry[] {
    return this.#since.all(Math.round(since), most).map(entryOf);
  }

  /** `noted`: a head that must be in the chain. */
  verify(noted?: string): AuditVerdict {
    let head = auditRoot;
    let position = 0;
    let isNotedSeen = noted === undefined || noted === auditRoot;
    for (const row of this.#all.iterate()) {
      const entry = entryOf(row);
      position += 1;
      if (entry.position !== position) return broken(position, 'an entry is missing');
      if (hashOf(head, entry) !== entry.hash)
        return broken(position, 'its hash does not fit what it says and what was before it');
      head = entry.hash;
      isNotedSeen ||= head === noted;
    }
    return isNotedSeen
      ? { isWhole: true, entries: position, head }
      : broken(position, 'the noted head is not in the chain');
  }
}

/** Every field with its length, so that no text can slide from one into another. */
function hashOf(before: string, { position, at, actor, action, subject, detail }: Omit<AuditEntry, 'hash'>): string {
  const fields = [String(position), String(at), actor, action, subject, detail];
  const bytes = fields.map((field) => `${Buffer.byteLength(field)}:${field}`).join('');
  return createHash('sha256').update(`${before}${bytes}`).digest('hex');
}

function entryOf(row: Row): AuditEntry {
  return {
    position: number(row, 'position'),
    at: number(row, 'at'),
    actor: text(row, 'actor'),
    action: text(row, 'action'),
    subject: text(row, 'subject'),
    detail: text(row, 'detail'),
    hash: text(row, 'hash'),
  };
}

function broken(position: number, reason: string): AuditVerdict {
  return { isWhole: false, position, reason };
}
