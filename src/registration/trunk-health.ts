// Whether a trunk or PBX answers: OPTIONS at an interval, with hysteresis both ways (RFC 3261 §11). Any answer but 503 is a sign of
// life. Pure: what happened comes in, what to do goes out.
import type { Millis } from '../core/clock.ts';

export interface HealthTerms {
  readonly interval: Millis;
  /** Failures in a row that make it down, and answers in a row that make it up again. */
  readonly downAfter: number;
  readonly upAfter: number;
}

export type HealthInput =
  /** `delay` spreads the first pings of many peers. */
  | { readonly type: 'started'; readonly delay: Millis }
  | { readonly type: 'timer' }
  | { readonly type: 'answered' }
  /** No answer, no way there, or a 503, with its Retry-After if it has one. */
  | { readonly type: 'failed'; readonly retryAfter?: Millis | undefined };

export type HealthOutput =
  | { readonly type: 'ping' }
  | { readonly type: 'start'; readonly delay: Millis }
  | { readonly type: 'changed'; readonly isUp: boolean };

/** The longest Retry-After that puts a ping off. */
const longestRetryAfter: Millis = 600_000;

export class TrunkHealth {
  readonly #terms: HealthTerms;
  /** Until something else is known it is up: nobody waits for the first ping. */
  #isUp = true;
  /** Outcomes in a row that speak against the state. */
  #against = 0;

  constructor(terms: HealthTerms) {
    this.#terms = terms;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  handle(input: HealthInput): readonly HealthOutput[] {
    switch (input.type) {
      case 'started':
        return [{ type: 'start', delay: input.delay }];
      case 'timer':
        return [{ type: 'ping' }];
      case 'answered':
        return [...this.#heard(true), { type: 'start', delay: this.#terms.interval }];
      case 'failed': {
        const delay = Math.max(this.#terms.interval, Math.min(input.retryAfter ?? 0, longestRetryAfter));
        return [...this.#heard(false), { type: 'start', delay }];
      }
      default:
        return input satisfies never;
    }
  }

  #heard(isAlive: boolean): readonly HealthOutput[] {
    this.#against = isAlive === this.#isUp ? 0 : this.#against + 1;
    if (this.#against < (this.#isUp ? this.#terms.downAfter : this.#terms.upAfter)) return [];
    this.#against = 0;
    this.#isUp = isAlive;
    return [{ type: 'changed', isUp: isAlive }];
  }
}
