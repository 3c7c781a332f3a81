// Who is turned away, for how long, and why. Each ban of the same target lasts twice as long as the one before, until the
// longest; one that stayed away for that long begins anew.
import type { EpochMillis, Millis } from '../core/clock.ts';
import type { OffenceReason } from './offences.ts';

export interface BanRules {
  readonly first: Millis;
  readonly longest: Millis;
  /** Bans that are kept, ended ones included; the one that ends first is forgotten for another. */
  readonly most: number;
}

export const defaultBanRules: BanRules = { first: 300_000, longest: 86_400_000, most: 100_000 };

/** `account` absent: everything from that source. */
export interface BanTarget {
  readonly source: string;
  readonly account?: string | undefined;
}

export type BanReason = OffenceReason | 'fraud' | 'operator';

export interface Ban extends BanTarget {
  readonly reason: BanReason;
  readonly until: Millis;
  /** How often it was banned in a row, this time included. */
  readonly times: number;
}

/** A ban as it is kept and shown. */
export interface BanRecord {
  readonly source: string;
  readonly account: string | undefined;
  readonly reason: BanReason;
  readonly until: EpochMillis;
  readonly times: number;
}

/** Where bans outlive the process. */
export interface BanStore {
  load(): readonly BanRecord[];
  keep(record: BanRecord): void;
  forget(target: BanTarget): void;
}

export class Bans {
  #rules: BanRules;
  /** By target. One that has ended stays until its repetition would cost nothing more. */
  readonly #bans = new Map<string, Ban>();

  constructor(rules: BanRules = defaultBanRules) {
    this.#rules = rules;
  }

  /** For bans from now on. */
  replaceRules(rules: BanRules): void {
    this.#rules = rules;
  }

  /** `duration` absent: by how often it was. A longer ban that runs already stays. */
  ban({ source, account }: BanTarget, reason: BanReason, now: Millis, duration?: Millis): Ban {
    const key = keyOf(source, account);
    const before = this.#bans.get(key);
    const times = before === undefined || this.#isForgiven(before, now) ? 1 : before.times + 1;
    const lasts = duration ?? Math.min(this.#rules.longest, this.#rules.first * 2 ** Math.min(times - 1, 40));
    const until = Math.max(now + lasts, before?.until ?? 0);
    const ban: Ban = { source, account, reason, until, times };
    this.#bans.delete(key);
    this.#makeRoom(now);
    this.#bans.set(key, ban);
    return ban;
  }

  isBanned(source: string, now: Millis): boolean {
    return this.#runs(keyOf(source, undefined), now);
  }

  /** Whether that account is banned from that source; the source itself is asked for apart. */
  isAccountBanned(source: string, account: string, now: Millis): boolean {
    return this.#runs(keyOf(source, account), now);
  }

  /** The bans that were lifted: of the source with all of its accounts, or of one account. How often it was is forgotten too. */
  lift({ source, account }: BanTarget): readonly Ban[] {
    const lifted = [...this.#bans.values()].filter(
      (ban) => ban.source === source && (account === undefined || ban.account === account),
    );
    for (const ban of lifted) this.#bans.delete(keyOf(ban.source, ban.account));
    return lifted;
  }

  /** Those that run. */
  list(now: Millis): readonly Ban[] {
    return [...this.#bans.values()].filter(({ until }) => until > now);
  }

  /** Takes up a ban of an earlier process. */
  restore(ban: Ban): void {
    this.#bans.set(keyOf(ban.source, ban.account), ban);
  }

  /** Takes a ban over that lasts longer than what is known. False: nothing is new. */
  adopt(ban: Ban, now: Millis): boolean {
    const key = keyOf(ban.source, ban.account);
    const known = this.#bans.get(key);
    if (known !== undefined && known.until >= ban.until) return false;
    this.#bans.delete(key);
    this.#makeRoom(now);
    this.#bans.set(key, ban);
    return true;
  }

  get size(): number {
    return this.#bans.size;
  }

  #runs(key: string, now: Millis): boolean {
    const ban = this.#bans.get(key);
    return ban !== undefined && ban.until > now;
  }

  #isForgiven({ until }: Ban, now: Millis): boolean {
    return now >= until + this.#rules.longest;
  }

  #makeRoom(now: Millis): void {
    if (this.#bans.size < this.#rules.most) return;
    for (const [key, ban] of this.#bans) if (this.#isForgiven(ban, now)) this.#bans.delete(key);
    if (this.#bans.size < this.#rules.most) return;
    let soonest: string | undefined;
    let until = Number.POSITIVE_INFINITY;
    for (const [key, ban] of this.#bans) {
      if (ban.until >= until) continue;
      until = ban.until;
      soonest = key;
    }
    if (soonest !== undefined) this.#bans.delete(soonest);
  }
}

/** An address has no blank, and an account may have any. */
function keyOf(source: string, account: string | undefined): string {
  return account === undefined ? source : `${source} ${account}`;
}
