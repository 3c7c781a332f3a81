// A second process that has everything but the calls, so that a crash is over when it has read those: a process takes longer to start
// than a call should be silent. It is started a while after the one that serves, again when it ends, and anew when what it read may have changed.
import type { Millis } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import type { Child, ChildEvents, ChildExit, ChildRole } from './child.ts';
import { readFromChild } from './messages.ts';

export const spareLimits = {
  /** After the one that serves is ready, or after the last one has ended: whoever starts needs the processor for himself. */
  delay: 3_000,
  /** It doubles while they end by themselves. */
  longestDelay: 60_000,
} as const;

export interface SpareParts {
  readonly launch: (role: ChildRole, events: ChildEvents) => Child;
  /** It is up, and wants to know what it would go on with. */
  readonly onUp: () => void;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

interface Waiting {
  readonly child: Child;
  isPrepared: boolean;
  /** Whoever has taken it. */
  owner: ChildEvents | undefined;
}

export class Spare {
  readonly #parts: SpareParts;
  #isWanted = false;
  #waiting: Waiting | undefined;
  #start: Timer | undefined;
  #delay: Millis = spareLimits.delay;

  constructor(parts: SpareParts) {
    this.#parts = parts;
  }

  /** There is to be one. Idempotent. */
  keep(): void {
    this.#isWanted = true;
    if (this.#waiting !== undefined || this.#start !== undefined) return;
    this.#start = this.#parts.scheduler.after(this.#delay, () => this.#launch());
  }

  /** There is to be none. */
  drop(): void {
    this.#isWanted = false;
    this.#start?.cancel();
    this.#start = undefined;
    this.#delay = spareLimits.delay;
    this.#waiting?.child.kill('SIGKILL');
    this.#waiting = undefined;
  }

  /** What it has read may be out of date. */
  renew(): void {
    const isWanted = this.#isWanted;
    this.drop();
    if (isWanted) this.keep();
  }

  /** From the one that serves. */
  tell(message: unknown): void {
    this.#waiting?.child.send({ type: 'peer', message });
  }

  /** The process is the caller's, where there is one that is prepared; else there is none any more. */
  take(events: ChildEvents): Child | undefined {
    const waiting = this.#waiting;
    if (waiting?.isPrepared === true) {
      waiting.owner = events;
      this.#waiting = undefined;
    }
    this.drop();
    return waiting?.isPrepared === true ? waiting.child : undefined;
  }

  #launch(): void {
    const { launch, logger } = this.#parts;
    this.#start = undefined;
    const waiting: Waiting = {
      isPrepared: false,
      owner: undefined,
      child: launch('spare', {
        onMessage: (message) => this.#hear(waiting, message),
        onExit: (exit) => this.#exited(waiting, exit),
      }),
    };
    this.#waiting = waiting;
    logger.info('spare-started', { pid: waiting.child.pid });
  }

  #hear(waiting: Waiting, value: unknown): void {
    if (waiting.owner !== undefined) {
      waiting.owner.onMessage(value);
      return;
    }
    if (this.#waiting !== waiting) return;
    const { logger, onUp } = this.#parts;
    const message = readFromChild(value);
    if (message?.type === 'up') onUp();
    if (message?.type !== 'prepared') return;
    waiting.isPrepared = true;
    this.#delay = spareLimits.delay;
    logger.info('spare-ready', { pid: waiting.child.pid });
  }

  #exited(waiting: Waiting, exit: ChildExit): void {
    if (waiting.owner !== undefined) {
      waiting.owner.onExit(exit);
      return;
    }
    if (this.#waiting !== waiting) return;
    this.#waiting = undefined;
    this.#delay = Math.min(2 * this.#delay, spareLimits.longestDelay);
    this.#parts.logger.warn('spare-lost', { pid: waiting.child.pid, ...exit, startsIn: this.#delay });
    if (this.#isWanted) this.keep();
  }
}
