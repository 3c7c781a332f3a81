// The running timers of one transaction, by name. There are two or three at most, so that a scan beats a Map.
import type { Millis } from '../../core/clock.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { slackOf, type TimerName } from './timers.ts';

interface Running {
  readonly name: TimerName;
  readonly timer: Timer;
}

export class TimerSet {
  readonly #scheduler: Scheduler;
  readonly #onFire: (name: TimerName) => void;
  readonly #running: Running[] = [];

  constructor(scheduler: Scheduler, onFire: (name: TimerName) => void) {
    this.#scheduler = scheduler;
    this.#onFire = onFire;
  }

  /** Starts the timer anew when it runs. */
  start(name: TimerName, delay: Millis): void {
    this.stop(name);
    const fire = (): void => {
      this.#forget(name);
      this.#onFire(name);
    };
    const timer = this.#scheduler.after(delay, fire, slackOf(name));
    this.#running.push({ name, timer });
  }

  stop(name: TimerName): void {
    this.#forget(name)?.timer.cancel();
  }

  stopAll(): void {
    for (const { timer } of this.#running) timer.cancel();
    this.#running.length = 0;
  }

  #forget(name: TimerName): Running | undefined {
    const running = this.#running;
    for (let index = 0; index < running.length; index += 1) {
      const found = running[index];
      if (found?.name !== name) continue;
      const last = running.pop();
      if (last !== undefined && last !== found) running[index] = last;
      return found;
    }
    return undefined;
  }
}
