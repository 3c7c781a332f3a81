// The timers of one call. That of its longest duration outlives a process: what is left of it is kept, and counts on.
import type { Millis } from '../core/clock.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import type { CallTimer } from './call/call-event.ts';

export class CallTimers {
  readonly #scheduler: Scheduler;
  readonly #onFired: (timer: CallTimer) => void;
  readonly #running = new Map<CallTimer, Timer>();
  #durationEnds: Millis | undefined;

  constructor(scheduler: Scheduler, onFired: (timer: CallTimer) => void) {
    this.#scheduler = scheduler;
    this.#onFired = onFired;
  }

  start(timer: CallTimer, delay: Millis): void {
    this.stop(timer);
    if (timer === 'duration') this.#durationEnds = this.#scheduler.clock.now() + delay;
    const fire = (): void => {
      this.#running.delete(timer);
      this.#onFired(timer);
    };
    this.#running.set(timer, this.#scheduler.after(delay, fire));
  }

  stop(timer: CallTimer): void {
    this.#running.get(timer)?.cancel();
    this.#running.delete(timer);
  }

  stopAll(): void {
    for (const timer of [...this.#running.keys()]) this.stop(timer);
  }

  /** Until the longest duration is reached; undefined: there is none. */
  get durationLeft(): Millis | undefined {
    return this.#durationEnds === undefined ? undefined : Math.max(0, this.#durationEnds - this.#scheduler.clock.now());
  }

  /** Of a call of an earlier process: it counts from now on, and fires once `startDuration` was called. */
  takeUpDuration(left: Millis | undefined): void {
    if (left !== undefined) this.#durationEnds = this.#scheduler.clock.now() + left;
  }

  startDuration(): void {
    const left = this.durationLeft;
    if (left !== undefined) this.start('duration', left);
  }
}
