// So many things a second, and no more than a second's worth at once.
import type { Millis } from '../../core/clock.ts';

export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #filled: Millis;

  constructor(perSecond: number, now: Millis) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filled = now;
  }

  /** False: too many. */
  take(now: Millis): boolean {
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#filled) * this.#perSecond) / 1000);
    this.#filled = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
