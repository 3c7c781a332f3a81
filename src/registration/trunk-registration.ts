// Our registration with a trunk (RFC 3261 §10.2): asked for, refreshed before it ends, asked again after a failure, with a back-off
// that not all of us share. Pure: what happened comes in with its instant, what to do goes out.
import type { Millis } from '../core/clock.ts';
import type { Random } from '../core/random.ts';

export type RegistrationInput =
  | { readonly type: 'started'; readonly delay: Millis }
  | { readonly type: 'timer' }
  | { readonly type: 'granted'; readonly seconds: number }
  /** 423: it wants a longer one. */
  | { readonly type: 'too-brief'; readonly minSeconds: number }
  /** The registrar said no. */
  | { readonly type: 'refused'; readonly retryAfter?: Millis | undefined }
  /** It did not answer, cannot be reached, or is out of order. */
  | { readonly type: 'failed'; readonly retryAfter?: Millis | undefined };

export type RegistrationOutput =
  | { readonly type: 'register'; readonly seconds: number }
  | { readonly type: 'start'; readonly delay: Millis }
  | { readonly type: 'changed'; readonly isRegistered: boolean };

/** What a registrar may make us wait or hold. */
export const longestSeconds = 86_400;
const longestRetryAfter: Millis = 3_600_000;
const firstBackOff: Millis = 2_000;
const longestBackOff: Millis = 300_000;
/** A refresh is due this long before the end, or at half of a short registration. */
const refreshAhead: Millis = 60_000;
const shortestRefresh: Millis = 1_000;

export class TrunkRegistration {
  readonly #random: Random;
  #seconds: number;
  #isRegistered = false;
  #endsAt: Millis = 0;
  #failures = 0;

  constructor(seconds: number, random: Random) {
    this.#seconds = seconds;
    this.#random = random;
  }

  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  handle(input: RegistrationInput, now: Millis): readonly RegistrationOutput[] {
    switch (input.type) {
      case 'started':
        return [{ type: 'start', delay: input.delay }];
      case 'timer':
        return [...this.#lapse(now), { type: 'register', seconds: this.#seconds }];
      case 'granted':
        return this.#granted(input.seconds, now);
      case 'too-brief':
        return this.#tooBrief(input.minSeconds, now);
      case 'refused':
        return [...this.#become(false), this.#again(input.retryAfter)];
      case 'failed':
        return [...this.#lapse(now), this.#again(input.retryAfter)];
      default:
        return input satisfies never;
    }
  }

  #granted(seconds: number, now: Millis): readonly RegistrationOutput[] {
    if (seconds <= 0) return [...this.#become(false), this.#again(undefined)];
    const held = Math.min(seconds, longestSeconds) * 1_000;
    this.#failures = 0;
    this.#endsAt = now + held;
    const delay = Math.max(shortestRefresh, held - refreshAhead, held / 2);
    return [...this.#become(true), { type: 'start', delay: Math.min(delay, Math.max(shortestRefresh, held * 0.9)) }];
  }

  /** Asked again at once, unless that asks for no more than before, or for more than a day. */
  #tooBrief(minSeconds: number, now: Millis): readonly RegistrationOutput[] {
    if (minSeconds <= this.#seconds || minSeconds > longestSeconds)
      return [...this.#lapse(now), this.#again(undefined)];
    this.#seconds = minSeconds;
    return [{ type: 'register', seconds: minSeconds }];
  }

  /** Half of the back-off at least, and the rest by chance: registrars that come back are not asked by all at once. */
  #again(retryAfter: Millis = 0): RegistrationOutput {
    const backOff = Math.min(longestBackOff, firstBackOff * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    const delay = backOff / 2 + this.#random.below(backOff / 2);
    return { type: 'start', delay: Math.max(delay, Math.min(retryAfter, longestRetryAfter)) };
  }

  #lapse(now: Millis): readonly RegistrationOutput[] {
    return this.#isRegistered && now >= this.#endsAt ? this.#become(false) : [];
  }

  #become(isRegistered: boolean): readonly RegistrationOutput[] {
    if (this.#isRegistered === isRegistered) return [];
    this.#isRegistered = isRegistered;
    return [{ type: 'changed', isRegistered }];
  }
}
