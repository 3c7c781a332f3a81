// How many calls there were within a window, by key: the times of the last ones, as many as the cap lets pass.
import type { Millis } from '../../core/clock.ts';
import type { RateClaim } from '../../policy/verdict.ts';

interface Window {
  readonly times: Millis[];
  ends: Millis;
}

export class RateWindows {
  readonly #windows = new Map<string, Window>();
  #swept: Millis = 0;

  /** How many of the claim's window are used up at `now`. */
  used({ key, window }: RateClaim, now: Millis): number {
    const times = this.#windows.get(key)?.times;
    if (times === undefined) return 0;
    let first = times[0];
    while (first !== undefined && first <= now - window) {
      times.shift();
      first = times[0];
    }
    return times.length;
  }

  take({ key, window }: RateClaim, now: Millis): void {
    this.#sweep(now);
    const own = this.#windows.get(key) ?? { times: [], ends: 0 };
    own.times.push(now);
    own.ends = Math.max(own.ends, now + window);
    this.#windows.set(key, own);
  }

  /** The last one that was taken was none. */
  giveBack({ key }: RateClaim): void {
    this.#windows.get(key)?.times.pop();
  }

  get size(): number {
    return this.#windows.size;
  }

  /** Once a minute, what no window holds any more is forgotten. */
  #sweep(now: Millis): void {
    if (now - this.#swept < 60_000) return;
    this.#swept = now;
    for (const [key, { ends }] of this.#windows) if (ends <= now) this.#windows.delete(key);
  }
}
