// What next hops did wrong lately, by transport, address and port: the negative cache of fail-over (RFC 3263 §4.3). Bounded;
// the oldest entry makes room.
import type { Clock, Millis } from '../../core/clock.ts';
import type { NextHop } from './hop-locator.ts';

export class HopPenalties {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #until = new Map<string, Millis>();

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get size(): number {
    return this.#until.size;
  }

  add(hop: NextHop, duration: Millis): void {
    const key = keyOf(hop);
    this.#until.delete(key);
    const [oldest] = this.#until.keys();
    if (this.#until.size >= this.#limit && oldest !== undefined) this.#until.delete(oldest);
    this.#until.set(key, this.#clock.now() + duration);
  }

  has(hop: NextHop): boolean {
    if (this.#until.size === 0) return false;
    const key = keyOf(hop);
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#until.delete(key);
    return false;
  }
}

function keyOf({ transport, host, port }: NextHop): string {
  return `${transport} ${host} ${port}`;
}
