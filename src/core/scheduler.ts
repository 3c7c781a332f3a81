// One ordered timer structure for everything that waits. `TimerHeap` is pure: it is asked with a `now` and never sleeps.
// `SystemScheduler` drives it from one setTimeout; tests drive it by hand (test/support/fake-time.ts).
import type { Clock, Millis } from './clock.ts';

export interface Timer {
  /** Idempotent. After it returns, the callback does not run. */
  cancel(): void;
}

export interface Scheduler {
  readonly clock: Clock;
  /**
   * Runs `fire` once, `delay` from now, never within this call; 0 or less is as soon as possible. It may come later by less than `slack`
   * (0 when absent): timers that nobody waits for then fire together, where each would wake the process by itself.
   */
  after(delay: Millis, fire: () => void, slack?: Millis): Timer;
  /** Timers that wait. */
  readonly pending: number;
}

class HeapTimer implements Timer {
  readonly due: Millis;
  readonly order: number;
  readonly fire: () => void;
  index = -1;
  readonly #heap: TimerHeap;

  constructor(heap: TimerHeap, due: Millis, order: number, fire: () => void) {
    this.#heap = heap;
    this.due = due;
    this.order = order;
    this.fire = fire;
  }

  cancel(): void {
    this.#heap.remove(this);
  }
}

/** A binary heap of timers, earliest first; timers of the same instant fire in the order they were added. */
export class TimerHeap {
  readonly #timers: HeapTimer[] = [];
  readonly #onEmpty: () => void;
  #added = 0;

  /** `onEmpty` runs when the last timer was taken or cancelled. */
  constructor(onEmpty: () => void = () => {}) {
    this.#onEmpty = onEmpty;
  }

  get size(): number {
    return this.#timers.length;
  }

  add(due: Millis, fire: () => void): Timer {
    this.#added += 1;
    const timer = new HeapTimer(this, due, this.#added, fire);
    timer.index = this.#timers.length;
    this.#timers.push(timer);
    this.#up(timer.index);
    return timer;
  }

  /** When the earliest timer is due, or undefined when none waits. */
  nextDue(): Millis | undefined {
    return this.#timers[0]?.due;
  }

  /** Removes and returns the earliest timer that is due at `now`, or undefined. */
  takeDue(now: Millis): { readonly fire: () => void } | undefined {
    const first = this.#timers[0];
    if (first === undefined || first.due > now) return undefined;
    this.remove(first);
    return first;
  }

  remove(timer: HeapTimer): void {
    const { index } = timer;
    if (index < 0) return;
    timer.index = -1;
    const last = this.#timers.pop();
    if (last !== undefined && last !== timer) {
      this.#timers[index] = last;
      last.index = index;
      this.#up(index);
      this.#down(last.index);
    }
    if (this.#timers.length === 0) this.#onEmpty();
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const child = this.#isEarlier(right, left) ? right : left;
      if (!this.#swapIfEarlier(child, index)) return;
      index = child;
    }
  }

  #isEarlier(a: number, b: number): boolean {
    const first = this.#timers[a];
    const second = this.#timers[b];
    if (first === undefined || second === undefined) return false;
    return first.due < second.due || (first.due === second.due && first.order < second.order);
  }

  #swapIfEarlier(lower: number, upper: number): boolean {
    if (!this.#isEarlier(lower, upper)) return false;
    const a = this.#timers[lower];
    const b = this.#timers[upper];
    if (a === undefined || b === undefined) return false;
    this.#timers[upper] = a;
    this.#timers[lower] = b;
    a.index = upper;
    b.index = lower;
    return true;
  }
}

/** The scheduler of the running process. A callback that throws is reported to `onError`; the others still run. */
export class SystemScheduler implements Scheduler {
  readonly clock: Clock;
  /** Without a timer nothing keeps the process alive. */
  readonly #heap = new TimerHeap(() => this.#disarm());
  readonly #onError: (thrown: unknown) => void;
  #armedFor: Millis | undefined;
  #handle: NodeJS.Timeout | undefined;
  #isHeld = false;

  constructor(clock: Clock, onError: (thrown: unknown) => void) {
    this.clock = clock;
    this.#onError = onError;
  }

  get pending(): number {
    return this.#heap.size;
  }

  after(delay: Millis, fire: () => void, slack: Millis = 0): Timer {
    const due = this.clock.now() + delay;
    const timer = this.#heap.add(slack > 0 ? Math.ceil(due / slack) * slack : due, fire);
    this.#arm();
    return timer;
  }

  /** Nothing fires until `release`; what falls due meanwhile fires then. */
  hold(): void {
    this.#isHeld = true;
    this.#disarm();
  }

  /** Without an effect where nothing was on hold. */
  release(): void {
    this.#isHeld = false;
    this.#arm();
  }

  /** setTimeout takes 31 bits; a longer wait is armed again when it wakes. */
  #arm(): void {
    const due = this.#heap.nextDue();
    if (this.#isHeld || due === undefined || (this.#armedFor !== undefined && this.#armedFor <= due)) return;
    this.#disarm();
    this.#armedFor = due;
    const delay = Math.min(Math.max(0, Math.ceil(due - this.clock.now())), 0x7fffffff);
    this.#handle = setTimeout(() => this.#wake(), delay);
  }

  /** A callback may have put everything on hold. */
  #next(now: Millis): { readonly fire: () => void } | undefined {
    return this.#isHeld ? undefined : this.#heap.takeDue(now);
  }

  #disarm(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
    this.#armedFor = undefined;
  }

  #wake(): void {
    this.#disarm();
    const now = this.clock.now();
    for (let timer = this.#heap.takeDue(now); timer !== undefined; timer = this.#next(now)) {
      try {
        timer.fire();
      } catch (thrown) {
        this.#onError(thrown);
      }
    }
    this.#arm();
  }
}
