// Bans in the database, so that a restart is no amnesty.
import type { Clock, Millis } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import type { BanReason, BanRecord, BanStore, BanTarget } from '../../policy/bans.ts';
import type { StateDatabase } from './database.ts';
import { number, text } from './row.ts';

/** Bans that ended are kept for so long, since the next one of the same target lasts longer. */
const remembered: Millis = 86_400_000;

export class SqliteBanStore implements BanStore {
  readonly #clock: Clock;
  readonly #load;
  readonly #keep;
  readonly #forget;
  readonly #trim;

  constructor(database: StateDatabase, clock: Clock) {
    this.#clock = clock;
    this.#load = database.prepare('SELECT source, account, reason, until, times FROM ban');
    this.#keep = database.prepare(
      'INSERT OR REPLACE INTO ban (source, account, reason, until, times) VALUES (?, ?, ?, ?, ?)',
    );
    this.#forget = database.prepare('DELETE FROM ban WHERE source = ? AND account = ?');
    this.#trim = database.prepare('DELETE FROM ban WHERE until < ?');
  }

  load(): readonly BanRecord[] {
    this.#trim.run(Math.round(this.#clock.wall() - remembered));
    return this.#load.all().map((row) => ({
      source: text(row, 'source'),
      account: text(row, 'account') === '' ? undefined : text(row, 'account'),
      reason: reasonOf(text(row, 'reason')),
      until: number(row, 'until'),
      times: number(row, 'times'),
    }));
  }

  keep({ source, account, reason, until, times }: BanRecord): void {
    this.#keep.run(source, account ?? '', reason, until, times);
  }

  forget({ source, account }: BanTarget): void {
    this.#forget.run(source, account ?? '');
  }
}

const reasons = [
  'wrong-password',
  'many-accounts',
  'no-credentials',
  'malformed',
  'fraud',
  'operator',
] as const satisfies readonly BanReason[];

function reasonOf(value: string): BanReason {
  const reason = reasons.find((one) => one === value);
  if (reason !== undefined) return reason;
  throw new SbcError('database-damaged', `reason of a ban: expected one of ${reasons.join(', ')}, got "${value}"`);
}
