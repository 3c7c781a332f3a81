// What is logged while the process runs: what the configuration says, unless an operator asked for another level for a while.
import type { LogLevel, LogLevelView } from '../../admin/operations.ts';
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { RootLogger } from '../../observe/log.ts';

export interface LogLevelParts {
  readonly logger: RootLogger;
  readonly configured: LogLevel;
  readonly scheduler: Scheduler;
}

export class LogLevelDesk {
  readonly #parts: LogLevelParts;
  #configured: LogLevel;
  #level: LogLevel;
  #end: { readonly timer: Timer; readonly at: EpochMillis } | undefined;

  constructor(parts: LogLevelParts) {
    this.#parts = parts;
    this.#configured = parts.configured;
    this.#level = parts.configured;
  }

  view(): LogLevelView {
    return { level: this.#level, configured: this.#configured, until: this.#end?.at };
  }

  /** What was asked for before is over. */
  set(level: LogLevel, lasts: Millis | undefined): void {
    const { scheduler, logger } = this.#parts;
    this.close();
    this.#take(level);
    logger.info('log-level', { level, lastsMillis: lasts });
    if (lasts === undefined) return;
    const timer = scheduler.after(lasts, () => {
      this.#end = undefined;
      this.#take(this.#configured);
      logger.info('log-level', { level: this.#configured });
    });
    this.#end = { timer, at: scheduler.clock.wall() + lasts };
  }

  /** What a reload says. The same as before leaves alone what an operator asked for. */
  configure(level: LogLevel): void {
    if (level === this.#configured) return;
    this.close();
    this.#configured = level;
    this.#take(level);
  }

  close(): void {
    this.#end?.timer.cancel();
    this.#end = undefined;
  }

  #take(level: LogLevel): void {
    this.#level = level;
    this.#parts.logger.setLevel(level);
  }
}
