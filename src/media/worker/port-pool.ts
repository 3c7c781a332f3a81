// The ports of one local address: pairs of an even RTP port and the odd RTCP port above it (RFC 3550 §11).
// A pair that was given back rests for a while, so that late packets of the last call do not reach the next one.
import type { Clock, Millis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';

/** Both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const pairState = { free: 0, taken: 1, resting: 2 } as const;

export class PortPool {
  readonly #clock: Clock;
  readonly #quarantine: Millis;
  readonly #firstEven: number;
  readonly #states: Uint8Array;
  /** Pairs that rest, oldest first. */
  readonly #resting: { readonly pair: number; readonly until: Millis }[] = [];
  #next: number;
  #free: number;

  /** `quarantine`: how long a released pair rests. The first port is chosen at random, so that it is not the same after a restart. */
  constructor(range: PortRange, quarantine: Millis, clock: Clock, random: Random) {
    this.#clock = clock;
    this.#quarantine = quarantine;
    this.#firstEven = range.first + (range.first & 1);
    const pairs = Math.max(0, (range.last - this.#firstEven + 1) >> 1);
    this.#states = new Uint8Array(pairs);
    this.#free = pairs;
    this.#next = pairs === 0 ? 0 : random.below(pairs);
  }

  /** Pairs that are neither in use nor resting. */
  get free(): number {
    this.#wake();
    return this.#free;
  }

  /** An even port whose pair is the caller's until `release`, or undefined when there is none. */
  take(): number | undefined {
    this.#wake();
    if (this.#free === 0) return undefined;
    const pairs = this.#states.length;
    while (this.#states[this.#next] !== pairState.free) this.#next = (this.#next + 1) % pairs;
    const pair = this.#next;
    this.#states[pair] = pairState.taken;
    this.#free -= 1;
    this.#next = (pair + 1) % pairs;
    return this.#firstEven + 2 * pair;
  }

  /** This very pair, which had been the caller's before; true also for one that is not of this pool. */
  claim(evenPort: number): boolean {
    const pair = (evenPort - this.#firstEven) >> 1;
    const state = this.#states[pair];
    if (state === undefined) return true;
    if (state === pairState.taken) return false;
    if (state === pairState.free) this.#free -= 1;
    const resting = this.#resting.findIndex((one) => one.pair === pair);
    if (resting >= 0) this.#resting.splice(resting, 1);
    this.#states[pair] = pairState.taken;
    return true;
  }

  /** Gives a pair back, by its even port, that nothing was ever sent to. */
  releaseUnused(evenPort: number): void {
    const pair = (evenPort - this.#firstEven) >> 1;
    if (this.#states[pair] !== pairState.taken) return;
    this.#states[pair] = pairState.free;
    this.#free += 1;
  }

  /** Gives a pair back, by its even port; it rests. */
  release(evenPort: number): void {
    const pair = (evenPort - this.#firstEven) >> 1;
    if (this.#states[pair] !== pairState.taken) return;
    this.#states[pair] = pairState.resting;
    this.#resting.push({ pair, until: this.#clock.now() + this.#quarantine });
  }

  #wake(): void {
    const now = this.#clock.now();
    let woken = 0;
    for (const { pair, until } of this.#resting) {
      if (until > now) break;
      this.#states[pair] = pairState.free;
      woken += 1;
    }
    if (woken === 0) return;
    this.#resting.splice(0, woken);
    this.#free += woken;
  }
}
