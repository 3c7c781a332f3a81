// Sums over the last while, in a fixed number of slices: its memory does not depend on how much happens.
import type { EpochMillis, Millis } from '../../core/clock.ts';

export const slicesOfWindow = 24;

export class SlidingWindow {
  readonly #slice: Millis;
  readonly #sums = new Float64Array(slicesOfWindow);
  #head = 0;

  constructor(window: Millis) {
    this.#slice = window / slicesOfWindow;
  }

  /** Adds, and returns the sum of the window that ends now. A time before the window is not counted. */
  add(at: EpochMillis, amount: number): number {
    const slice = this.#moveTo(at);
    if (slice > this.#head - slicesOfWindow) {
      const index = slice % slicesOfWindow;
      this.#sums[index] = (this.#sums[index] ?? 0) + amount;
    }
    return this.sum(at);
  }

  sum(at: EpochMillis): number {
    this.#moveTo(at);
    let sum = 0;
    for (const one of this.#sums) sum += one;
    return sum;
  }

  #moveTo(at: EpochMillis): number {
    const slice = Math.floor(at / this.#slice);
    if (slice - this.#head >= slicesOfWindow) this.#sums.fill(0);
    else for (let next = this.#head + 1; next <= slice; next += 1) this.#sums[next % slicesOfWindow] = 0;
    this.#head = Math.max(this.#head, slice);
    return slice;
  }
}

/** Different values of the last while, `bound` at most; beyond that the oldest is forgotten. */
export class RecentValues {
  readonly #window: Millis;
  readonly #bound: number;
  readonly #seen = new Map<string, EpochMillis>();

  constructor(window: Millis, bound: number) {
    this.#window = window;
    this.#bound = bound;
  }

  /** How many different ones there are, this one included. */
  add(at: EpochMillis, value: string): number {
    this.#seen.delete(value);
    this.#seen.set(value, at);
    for (const [one, seen] of this.#seen) {
      if (seen > at - this.#window && this.#seen.size <= this.#bound) break;
      this.#seen.delete(one);
    }
    return this.#seen.size;
  }

  has(value: string): boolean {
    return this.#seen.has(value);
  }

  get size(): number {
    return this.#seen.size;
  }
}
