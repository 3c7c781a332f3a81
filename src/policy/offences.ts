// When failed attempts become too many: scored for each account that is tried from one source, and for the source as a whole.
// An office behind one address is not banned for one phone with an old password: that account is, from there. A source that
// somebody proved himself from may try ten times as many accounts. A first challenge is no failure: phones begin that way.
import type { Millis } from '../core/clock.ts';

export interface OffenceRules {
  /** After so long a score is half of what it was. */
  readonly halfLife: Millis;
  /** Failures of one account from one source. */
  readonly failuresPerAccount: number;
  /** Different accounts that failed from one source. */
  readonly accountsPerSource: number;
  /** Challenges in a row that nobody at the source answered, for at least `patience`: phones that all come at once are no scanner. */
  readonly unanswered: number;
  readonly patience: Millis;
  /** Messages that could not be read. */
  readonly malformed: number;
  /** How long a source counts as known after somebody proved himself there. */
  readonly knownFor: Millis;
  /** Sources that are remembered; those that were quiet for the longest are forgotten first. */
  readonly sources: number;
}

export const defaultOffenceRules: OffenceRules = {
  halfLife: 300_000,
  failuresPerAccount: 10,
  accountsPerSource: 5,
  unanswered: 60,
  patience: 30_000,
  malformed: 20,
  knownFor: 86_400_000,
  sources: 50_000,
};

/** What is to be banned, and why. `account` absent: the source altogether. */
export interface Offence {
  readonly source: string;
  readonly account?: string;
  readonly reason: OffenceReason;
}

export type OffenceReason = 'wrong-password' | 'many-accounts' | 'no-credentials' | 'malformed';

/** Known sources may be wrong about so many times as many things. */
const knownFactor = 10;
/** Accounts that are scored apart for one source; what comes beyond them counts for the source only. */
const accountsRemembered = 64;

interface SourceScore {
  readonly accounts: Map<string, Score>;
  readonly unanswered: Score;
  readonly malformed: Score;
  /** When the first challenge was sent that nobody answered since. */
  silentSince: Millis | undefined;
  knownUntil: Millis;
}

export class OffenceScores {
  #rules: OffenceRules;
  /** In the order of their last event. */
  readonly #sources = new Map<string, SourceScore>();

  constructor(rules: OffenceRules = defaultOffenceRules) {
    this.#rules = rules;
  }

  replaceRules(rules: OffenceRules): void {
    this.#rules = rules;
  }

  /** Sources that are remembered. */
  get size(): number {
    return this.#sources.size;
  }

  /** Credentials that proved nothing. `account` is what they claimed. */
  failed(source: string, account: string, now: Millis): Offence | undefined {
    const { failuresPerAccount, accountsPerSource, halfLife } = this.#rules;
    const score = this.#of(source);
    answered(score);
    const failures = score.accounts.get(account) ?? new Score();
    if (score.accounts.size < accountsRemembered) score.accounts.set(account, failures);
    failures.add(now, halfLife);
    const tried = this.#accountsTried(score, now);
    if (tried >= accountsPerSource * this.#factor(score, now)) return this.#forget({ source, reason: 'many-accounts' });
    if (failures.at(now, halfLife) <= failuresPerAccount - 1) return undefined;
    score.accounts.delete(account);
    return { source, account, reason: 'wrong-password' };
  }

  /** Somebody proved himself: what that account did wrong is forgiven, and the source is known. */
  succeeded(source: string, account: string, now: Millis): void {
    const score = this.#of(source);
    score.knownUntil = now + this.#rules.knownFor;
    answered(score);
    score.accounts.delete(account);
  }

  /** A request without credentials was challenged. */
  challenged(source: string, now: Millis): Offence | undefined {
    const score = this.#of(source);
    score.silentSince ??= now;
    const isOver = this.#isOver(score, 'unanswered', now) && now - score.silentSince >= this.#rules.patience;
    return isOver ? this.#forget({ source, reason: 'no-credentials' }) : undefined;
  }

  /** The node was too busy to hear the answer to its challenge. Nothing is kept of who has no score. */
  turnedAway(source: string): void {
    const score = this.#sources.get(source);
    if (score !== undefined) answered(score);
  }

  malformed(source: string, now: Millis): Offence | undefined {
    const isOver = this.#isOver(this.#of(source), 'malformed', now);
    return isOver ? this.#forget({ source, reason: 'malformed' }) : undefined;
  }

  /** Counts one more. */
  #isOver(score: SourceScore, what: 'unanswered' | 'malformed', now: Millis): boolean {
    const { halfLife } = this.#rules;
    score[what].add(now, halfLife);
    return score[what].at(now, halfLife) > this.#rules[what] * this.#factor(score, now) - 1;
  }

  /** A ban begins with a clean slate, but for what its repetition costs. */
  #forget(offence: Offence): Offence {
    this.#sources.delete(offence.source);
    return offence;
  }

  #of(source: string): SourceScore {
    const found = this.#sources.get(source);
    if (found !== undefined) {
      this.#sources.delete(source);
      this.#sources.set(source, found);
      return found;
    }
    if (this.#sources.size >= this.#rules.sources) this.#forgetQuietest();
    const score: SourceScore = {
      accounts: new Map(),
      unanswered: new Score(),
      malformed: new Score(),
      silentSince: undefined,
      knownUntil: 0,
    };
    this.#sources.set(source, score);
    return score;
  }

  /** A tenth at a time: to take one out of the front of a map for each that comes costs its whole length now and then. */
  #forgetQuietest(): void {
    let left = Math.ceil(this.#rules.sources / 10);
    for (const source of this.#sources.keys()) {
      if (left === 0) return;
      this.#sources.delete(source);
      left -= 1;
    }
  }

  #accountsTried({ accounts }: SourceScore, now: Millis): number {
    let tried = 0;
    for (const [account, score] of accounts) {
      if (score.at(now, this.#rules.halfLife) >= stillCounts) tried += 1;
      else accounts.delete(account);
    }
    return tried;
  }

  #factor({ knownUntil }: SourceScore, now: Millis): number {
    return now < knownUntil ? knownFactor : 1;
  }
}

function answered(score: SourceScore): void {
  score.unanswered.clear();
  score.silentSince = undefined;
}

/** An account whose only failure is three half-lives ago is not one that is being tried. */
const stillCounts = 0.125;

/** A count that halves with time. */
class Score {
  #value = 0;
  #since: Millis = 0;

  add(now: Millis, halfLife: Millis): void {
    this.#value = this.at(now, halfLife) + 1;
    this.#since = now;
  }

  at(now: Millis, halfLife: Millis): number {
    return this.#value === 0 ? 0 : this.#value * 2 ** (-Math.max(0, now - this.#since) / halfLife);
  }

  clear(): void {
    this.#value = 0;
  }
}
