// Measures what this node has on its hands, and says what new work it turns away for it. The lag of the event loop is how late a
// timer is that comes again and again, also while it is still to come: a burst that is handled in one turn is seen within it.
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { type Load, type NewWork, overloadOf } from '../../policy/overload.ts';

export interface OverloadParts {
  readonly limits: () => Load;
  readonly lookUps: () => number;
  readonly transactions: () => number;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

const tick: Millis = 100;
/** One line in the log for so long. */
const quiet: Millis = 10_000;

export class OverloadGuard {
  readonly #parts: OverloadParts;
  #timer: Timer | undefined;
  #due: Millis = 0;
  #lastLag: Millis = 0;
  #loggedAt = -Infinity;

  constructor(parts: OverloadParts) {
    this.#parts = parts;
  }

  /** Watches the event loop from now on. */
  start(): void {
    const { scheduler } = this.#parts;
    this.#due = scheduler.clock.now() + tick;
    this.#timer = scheduler.after(tick, () => {
      this.#lastLag = Math.max(0, scheduler.clock.now() - this.#due);
      this.start();
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Of the last tick, or of the next one, which is late already. */
  get lag(): Millis {
    if (this.#timer === undefined) return 0;
    return Math.max(this.#lastLag, this.#parts.scheduler.clock.now() - this.#due);
  }

  /** The bound that such work has to wait for, or undefined. */
  boundOf(work: NewWork): keyof Load | undefined {
    return overloadOf(work, this.#load, this.#parts.limits());
  }

  turnsAway(work: NewWork): boolean {
    const bound = this.boundOf(work);
    if (bound !== undefined) this.tell(bound);
    return bound !== undefined;
  }

  /** Something is turned away for what this says. */
  tell(bound: string): void {
    const { scheduler, logger } = this.#parts;
    const now = scheduler.clock.now();
    if (now - this.#loggedAt < quiet) return;
    this.#loggedAt = now;
    const load = this.#load;
    logger.warn('overloaded', { bound, ...load, lag: Math.round(load.lag) });
  }

  get #load(): Load {
    const { lookUps, transactions } = this.#parts;
    return { lag: this.lag, lookUps: lookUps(), transactions: transactions() };
  }
}

export function overloadLimits(config: {
  readonly overload: { readonly loop_lag: Millis; readonly look_ups: number; readonly transactions: number };
}): Load {
  const { loop_lag: lag, look_ups: lookUps, transactions } = config.overload;
  return { lag, lookUps, transactions };
}
