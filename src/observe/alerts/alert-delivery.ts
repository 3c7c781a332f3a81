// Delivers notices to one receiver, in order, from its spool: again after a while when the receiver does not take one.
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { AlertSpool, SpooledNotice } from './alert-spool.ts';
import type { Notice } from './notice.ts';

/** Somebody who is told. `deliver` rejects when the notice was not taken. */
export interface AlertReceiver {
  readonly name: string;
  deliver(notice: SpooledNotice): Promise<void>;
}

export interface AlertDeliveryOptions {
  readonly receiver: AlertReceiver;
  readonly spool: AlertSpool;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly onLost: (count: number) => void;
}

/** Until a receiver that failed is tried again; twice as long each time, up to the longest. */
export const firstRetry: Millis = 2_000;
export const longestRetry: Millis = 600_000;

export class AlertDelivery {
  readonly #options: AlertDeliveryOptions;
  #working: Promise<void> | undefined;
  #isWanted = false;
  #retry: Timer | undefined;
  #failures = 0;
  #isClosed = false;

  constructor(options: AlertDeliveryOptions) {
    this.#options = options;
  }

  /** Takes up what an earlier process left. */
  begin(): void {
    this.#deliverSoon();
  }

  /** Resolves when the notice is on the disk, or could not be put there, which is logged and counted. */
  async send(notice: Notice): Promise<void> {
    const { spool, logger, receiver, onLost } = this.#options;
    try {
      await spool.add(notice);
      const lost = await spool.trim();
      if (lost > 0) onLost(lost);
    } catch (thrown) {
      logger.error('alert-not-spooled', { receiver: receiver.name, notice, error: messageOf(thrown) });
      onLost(1);
    }
    this.#deliverSoon();
  }

  /** What is being sent is finished; the rest waits for the next process. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#working;
  }

  #deliverSoon(): void {
    this.#isWanted = true;
    if (this.#retry !== undefined || this.#working !== undefined || this.#isClosed) return;
    this.#working = this.#deliverAll().finally(() => {
      this.#working = undefined;
      if (this.#isWanted) this.#deliverSoon();
    });
  }

  async #deliverAll(): Promise<void> {
    const { spool, receiver, logger } = this.#options;
    this.#isWanted = false;
    try {
      const spooled = await spool.list((file) => logger.error('alert-damaged', { file }));
      for (const { file, notice } of spooled) {
        if (this.#isClosed) return;
        await receiver.deliver(notice);
        await spool.remove(file);
        this.#failures = 0;
      }
    } catch (thrown) {
      this.#failures += 1;
      const delay = Math.min(longestRetry, firstRetry * 2 ** Math.min(this.#failures - 1, 20));
      logger.warn('alert-not-delivered', { receiver: receiver.name, error: messageOf(thrown), retryInMillis: delay });
      this.#retryAfter(delay);
    }
  }

  #retryAfter(delay: Millis): void {
    if (this.#isClosed) return;
    this.#isWanted = false;
    this.#retry = this.#options.scheduler.after(delay, () => {
      this.#retry = undefined;
      this.#deliverSoon();
    });
  }
}
