// Requests a second of each source, counted by rate-limiter-flexible. Its memory keeps a timer for each key for a second,
// so keys are bounded here: beyond the bound, sources that were not seen in this second share one count.
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Clock, Millis } from '../../core/clock.ts';
import { sourceBlock } from '../../core/ip-address.ts';
import type { SourceRateLimiter } from '../../policy/source-rate.ts';

export const maxCountedSources = 50_000;
const window: Millis = 1_000;

export class MemorySourceRateLimiter implements SourceRateLimiter {
  readonly #limiter: RateLimiterMemory;
  readonly #clock: Clock;
  readonly #seen = new Set<string>();
  #windowEnds: Millis = 0;

  constructor(requestsPerSecond: number, clock: Clock) {
    this.#limiter = new RateLimiterMemory({ points: requestsPerSecond, duration: window / 1_000 });
    this.#clock = clock;
  }

  allow(source: string): Promise<boolean> {
    return this.#limiter.consume(this.#key(source)).then(
      () => true,
      () => false,
    );
  }

  #key(source: string): string {
    const now = this.#clock.now();
    if (now >= this.#windowEnds) {
      this.#seen.clear();
      this.#windowEnds = now + window;
    }
    const key = sourceBlock(source);
    if (this.#seen.has(key)) return key;
    if (this.#seen.size >= maxCountedSources) return 'many';
    this.#seen.add(key);
    return key;
  }
}
