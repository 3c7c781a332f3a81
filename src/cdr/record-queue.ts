// Records on their way to where they are kept: gathered, so that a call does not wait for a disk, in order and bounded. What
// is not taken waits and is tried again; what is lost is counted and logged.
import type { Millis } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';

export interface RecordQueueOptions<T> {
  /** What the log says of: `cdr` gives `cdr-lost` and `cdr-not-written`. */
  readonly event: string;
  /** Takes all of them, or rejects and has taken none. */
  readonly append: (records: readonly T[]) => Promise<void>;
  /** Characters that a record keeps in memory while it waits. */
  readonly lengthOf: (record: T) => number;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Runs for each record that is lost. */
  readonly onLost?: (() => void) | undefined;
}

/** Characters of records that wait for a disk that does not take them. */
export const maxWaitingLength = 67_108_864;
/** Until a disk that failed is tried again. */
export const retryDelay: Millis = 5_000;
/** Records of so long are written together, since each write costs as much as the signalling of half a call. */
export const gatherDelay: Millis = 200;
/** Records that are written at once: a file exceeds its size by these at most. */
const recordsAtOnce = 256;

export class RecordQueue<T> {
  readonly #options: RecordQueueOptions<T>;
  #waiting: T[] = [];
  #waitingLength = 0;
  #writing: Promise<void> | undefined;
  #gathering: Timer | undefined;
  #retry: Timer | undefined;
  #lost = 0;

  constructor(options: RecordQueueOptions<T>) {
    this.#options = options;
  }

  /** Records that were given up because too many waited. */
  get lost(): number {
    return this.#lost;
  }

  write(record: T): void {
    const { event, lengthOf, logger, onLost } = this.#options;
    const length = lengthOf(record);
    if (this.#waitingLength + length > maxWaitingLength) {
      this.#lost += 1;
      onLost?.();
      // The first says what must be done; as many more would say it again.
      if (this.#lost === 1) logger.error(`${event}-lost`, { waiting: this.#waiting.length });
      return;
    }
    this.#waiting.push(record);
    this.#waitingLength += length;
    this.#gather();
  }

  /** Resolves when everything that was written before was taken, or could not be now. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#waiting.length > 0) await this.#start();
    this.#stopTimers();
  }

  #start(): Promise<void> {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0) this.#gather();
    });
    return this.#writing;
  }

  /** What is being written takes along what comes meanwhile, and what waits for the disk goes with its retry. */
  #gather(): void {
    if (this.#retry !== undefined || this.#writing !== undefined) return;
    this.#gathering ??= this.#options.scheduler.after(gatherDelay, () => void this.#start());
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    const { event, append, lengthOf, scheduler, logger } = this.#options;
    this.#stopTimers();
    try {
      while (this.#waiting.length > 0) {
        const records = this.#waiting.slice(0, recordsAtOnce);
        await append(records);
        this.#waiting.splice(0, records.length);
        for (const record of records) this.#waitingLength -= lengthOf(record);
      }
    } catch (thrown) {
      logger.error(`${event}-not-written`, { error: messageOf(thrown), waiting: this.#waiting.length });
      this.#retry = scheduler.after(retryDelay, () => void this.#start());
    }
  }

  #stopTimers(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
    this.#retry?.cancel();
    this.#retry = undefined;
  }
}
