// How many messages of one source are passed on to other processes in a second. Nobody has judged them yet: what says that it is of another
// process's dialog may be forged, and must not fill the link, nor that process.
import type { Clock, Millis } from '../../core/clock.ts';
import { sourceBlock } from '../../core/ip-address.ts';

/** Sources that are counted at a time; more of them in one second are passed nothing. */
export const mostSources = 20_000;

const second: Millis = 1_000;

export class PassRates {
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  #since: Millis;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Counts one. */
  allows(address: string, perSecond: number): boolean {
    const source = sourceBlock(address);
    const now = this.#clock.now();
    if (now - this.#since >= second) {
      this.#counts.clear();
      this.#since = now;
    }
    const count = this.#counts.get(source) ?? 0;
    if (count >= perSecond || (count === 0 && this.#counts.size >= mostSources)) return false;
    this.#counts.set(source, count + 1);
    return true;
  }
}
