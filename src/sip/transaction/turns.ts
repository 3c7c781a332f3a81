// One thing at a time: what arrives while the outputs of an input are applied waits until they all are.
import type { Scheduler } from '../../core/scheduler.ts';

export class Turns {
  readonly #scheduler: Scheduler;
  readonly #onError: (thrown: unknown) => void;
  #waiting: (() => void)[] = [];
  #isRunning = false;

  /** `onError` hears of a turn that threw; those after it still run. */
  constructor(scheduler: Scheduler, onError: (thrown: unknown) => void) {
    this.#scheduler = scheduler;
    this.#onError = onError;
  }

  /** Runs `turn`, and whatever it causes, before it returns; inside another turn, after that one. */
  take(turn: () => void): void {
    this.#waiting.push(turn);
    if (!this.#isRunning) this.#drain();
  }

  /** As `take`, but what the turn causes runs on the next tick: the caller first gets what it asked for. */
  takeAlone(turn: () => void): void {
    if (this.#isRunning || this.#waiting.length > 0) {
      this.take(turn);
      return;
    }
    this.#isRunning = true;
    this.#run(turn);
    this.#isRunning = false;
    if (this.#waiting.length > 0) this.#scheduler.after(0, () => this.take(() => {}));
  }

  #drain(): void {
    this.#isRunning = true;
    // A waiting turn may add others; they come after those that wait already.
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (const turn of batch) this.#run(turn);
    }
    this.#isRunning = false;
  }

  #run(turn: () => void): void {
    try {
      turn();
    } catch (thrown) {
      this.#onError(thrown);
    }
  }
}
