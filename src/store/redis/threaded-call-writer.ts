// Calls of this node into Redis by way of a thread, which seals them and has a connection of its own: the thread that signals hands over
// documents, and does no more for them. What each call may, and what it has reserved, is asked where it was.
import { SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import { newThread } from '../../threads/new-thread.ts';
import type { KeptDocument } from '../call-store.ts';
import type { CallWriter } from '../shared/call-writer.ts';
import type { StoreWrite } from '../store-write.ts';
import { StoreThread, type StoreWorker } from '../thread/store-thread.ts';
import type { CallsThreadSettings } from './calls-server.ts';

export interface ThreadedCallWriterParts {
  readonly settings: CallsThreadSettings;
  /** For what waits as long as the process lives. */
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly start?: (settings: CallsThreadSettings) => StoreWorker;
}

interface Asked {
  readonly number: number;
  readonly resolve: () => void;
  readonly reject: (error: SbcError) => void;
}

export class ThreadedCallWriter implements CallWriter {
  readonly #thread: StoreThread<CallsThreadSettings>;
  /** Resolves when the thread is there and connected, or cannot be for now. */
  readonly opened: Promise<void>;
  #number = 0;
  #asked: Asked | undefined;

  constructor({ settings, scheduler, logger, start = startWorker }: ThreadedCallWriterParts) {
    this.#thread = new StoreThread({
      settings,
      scheduler,
      logger,
      start,
      onWritten: (number) => this.#take(number)?.resolve(),
      onFailed: (number, error) => this.#take(number)?.reject(lost(error)),
      // Who was told that it is lost asks again.
      onStarted: () => {},
      onLost: (error) => this.#take(this.#number)?.reject(lost(error)),
    });
    // At once: the first call is to be kept as soon as the thousandth.
    this.opened = this.#thread.open();
  }

  /** Rejects with SbcError `store-lost`: also where there is no thread at the moment. */
  write(put: readonly KeptDocument[], remove: readonly string[]): Promise<void> {
    this.#number += 1;
    const number = this.#number;
    const writes: readonly StoreWrite[] = [
      ...put.map(({ id, document }) => ({ kind: 'call', id, document }) as const),
      ...remove.map((id) => ({ kind: 'call-gone', id }) as const),
    ];
    return new Promise((resolve, reject) => {
      this.#asked = { number, resolve, reject };
      if (!this.#thread.send({ number, writes })) this.#take(number)?.reject(lost('no thread writes to it'));
    });
  }

  /** Resolves when the thread has ended. */
  async close(): Promise<void> {
    await this.#thread.close();
    this.#take(this.#number)?.reject(lost('it is closed'));
  }

  #take(number: number): Asked | undefined {
    const asked = this.#asked;
    if (asked?.number !== number) return undefined;
    this.#asked = undefined;
    return asked;
  }
}

function lost(detail: string): SbcError {
  return new SbcError('store-lost', `calls: ${detail}`);
}

function startWorker(settings: CallsThreadSettings): StoreWorker {
  return newThread(threadUrl(import.meta.url), { workerData: settings, name: 'calls' });
}

/** In the sources beside this file, in the bundle flat beside the chunk that this is in. */
function threadUrl(here: string): URL {
  return new URL(here.endsWith('.ts') ? './calls-main.ts' : './calls-main.js', here);
}
