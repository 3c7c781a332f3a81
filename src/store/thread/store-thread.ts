// A thread that keeps what outlives the process, as the rest of the process sees it. It is started with the first batch, or before that
// where it is to be there, and again when it ended or could not be started, at once and then ever more patiently; whoever writes is told that what was not
// acknowledged must be sent again.
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { WriteBatch } from '../write-behind.ts';
import type { StoreReply, StoreRequest, Unwritable } from './store-protocol.ts';

/** A thread, as far as it is used. */
export interface StoreWorker {
  on(event: 'message', listener: (reply: StoreReply) => void): unknown;
  on(event: 'error', listener: (thrown: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  postMessage(request: StoreRequest): void;
  terminate(): Promise<number>;
}

export interface StoreThreadParts<Settings extends object> {
  readonly settings: Settings;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly onWritten: (batch: number, unwritable: readonly Unwritable[]) => void;
  readonly onFailed: (batch: number, error: string) => void;
  /** There is another thread: nothing is on its way to it. */
  readonly onStarted: () => void;
  /** The thread ended before it was told to. */
  readonly onLost: (error: string) => void;
  /** Throws where the system has no thread for it. */
  readonly start: (settings: Settings) => StoreWorker;
}

/** Until a thread that ended is started again; twice as long each time until one has written something. */
export const firstRestart: Millis = 100;
export const lastRestart: Millis = 10_000;
/** The thread is opened so long after the start where nothing is written before: whoever starts needs the processor for himself. */
export const openDelay: Millis = 3_000;
/** How long the thread may take to close what it has open. */
export const closePatience: Millis = 5_000;

export class StoreThread<Settings extends object> {
  readonly #parts: StoreThreadParts<Settings>;
  #worker: StoreWorker | undefined;
  #ended: Promise<void> = Promise.resolve();
  readonly #opened = Promise.withResolvers<void>();
  #restart: Timer | undefined;
  #delay = firstRestart;
  #restarts = 0;
  #isStarted = false;
  #isClosing = false;

  constructor(parts: StoreThreadParts<Settings>) {
    this.#parts = parts;
  }

  /** Times that it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Has it there, with its program read and its file open, before anything is sent: both may be of another version later. Idempotent.
   * Resolves when that is so, or cannot be for now: each batch tries again.
   */
  open(): Promise<void> {
    this.#begin();
    return this.#opened.promise;
  }

  /** Answered by `onWritten` or `onFailed`, unless the thread ends before. False: there is no thread at the moment. */
  send(batch: WriteBatch): boolean {
    this.#begin();
    if (this.#worker === undefined) return false;
    this.#post({ type: 'write', batch });
    return true;
  }

  /** Resolves when the file is closed. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#opened.resolve();
    this.#restart?.cancel();
    this.#post({ type: 'close' });
    const worker = this.#worker;
    const patience = this.#parts.scheduler.after(closePatience, () => void worker?.terminate());
    await this.#ended;
    patience.cancel();
  }

  #post(request: StoreRequest): void {
    this.#worker?.postMessage(request);
  }

  #begin(): void {
    if (this.#isStarted || this.#isClosing) return;
    this.#isStarted = true;
    this.#start();
  }

  #start(): void {
    const { settings, start } = this.#parts;
    try {
      this.#worker = this.#listen(start(settings));
      this.#post({ type: 'open' });
    } catch (thrown) {
      // The system has no thread for it, or no memory.
      this.#onExit(messageOf(thrown));
    }
  }

  #listen(worker: StoreWorker): StoreWorker {
    let failure = 'the thread of the store ended';
    worker.on('message', (reply) => this.#onReply(reply));
    worker.on('error', (thrown) => {
      failure = messageOf(thrown);
    });
    this.#ended = new Promise((resolve) => {
      worker.on('exit', () => {
        resolve();
        this.#onExit(failure);
      });
    });
    return worker;
  }

  #onReply(reply: StoreReply): void {
    switch (reply.type) {
      case 'opened':
        this.#opened.resolve();
        break;
      case 'not-opened':
        this.#opened.resolve();
        this.#parts.logger.error('store-not-opened', { error: reply.error });
        break;
      case 'written':
        this.#delay = firstRestart;
        this.#parts.onWritten(reply.batch, reply.unwritable);
        break;
      case 'not-written':
        this.#parts.onFailed(reply.batch, reply.error);
        break;
      default:
        reply satisfies never;
    }
  }

  #onExit(failure: string): void {
    this.#worker = undefined;
    this.#opened.resolve();
    if (this.#isClosing) return;
    const { logger, scheduler, onLost, onStarted } = this.#parts;
    logger.error('store-thread-lost', { error: failure, restartIn: this.#delay });
    onLost(failure);
    this.#restart = scheduler.after(this.#delay, () => {
      this.#start();
      if (this.#worker === undefined) return;
      this.#restarts += 1;
      onStarted();
    });
    this.#delay = Math.min(lastRestart, this.#delay * 2);
  }
}
