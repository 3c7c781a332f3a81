// Virtual time: nothing sleeps, and forty seconds of retransmissions pass in a few milliseconds.
import type { Clock, EpochMillis, Millis } from '../../src/core/clock.ts';
import type { Random } from '../../src/core/random.ts';
import { type Scheduler, type Timer, TimerHeap } from '../../src/core/scheduler.ts';

export class FakeClock implements Clock {
  #now: Millis = 1_000;
  #wall: EpochMillis = Date.UTC(2026, 0, 5, 10, 0, 0);

  now(): Millis {
    return this.#now;
  }

  wall(): EpochMillis {
    return this.#wall;
  }

  move(by: Millis): void {
    this.#now += by;
    this.#wall += by;
  }

  /** An operator or NTP changes the time of day; monotonic time does not notice. */
  jumpWall(by: Millis): void {
    this.#wall += by;
  }
}

export class FakeScheduler implements Scheduler {
  readonly clock: FakeClock;
  readonly #heap = new TimerHeap();

  constructor(clock = new FakeClock()) {
    this.clock = clock;
  }

  get pending(): number {
    return this.#heap.size;
  }

  after(delay: Millis, fire: () => void): Timer {
    return this.#heap.add(this.clock.now() + delay, fire);
  }

  /** Moves time forward, firing every timer at its own instant, those included that are added on the way. */
  advance(by: Millis): void {
    const end = this.clock.now() + by;
    for (let due = this.#heap.nextDue(); due !== undefined && due <= end; due = this.#heap.nextDue()) {
      this.clock.move(Math.max(0, due - this.clock.now()));
      this.#heap.takeDue(this.clock.now())?.fire();
    }
    this.clock.move(end - this.clock.now());
  }
}

/** Seeded and repeatable (a small xorshift); for tests only. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed = 1) {
    this.#state = seed | 0 || 1;
  }

  bytes(sizeBytes: number): Uint8Array {
    return Uint8Array.from({ length: sizeBytes }, () => this.#next() & 0xff);
  }

  below(limit: number): number {
    return this.#next() % limit;
  }

  #next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
}
