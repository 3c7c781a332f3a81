// The thread that keeps call records, as the rest of the process sees it. It is started with the first record, and again when it ended.
import type { Worker } from 'node:worker_threads';
import type { EpochMillis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { newThread } from '../../threads/new-thread.ts';
import type { KeptRecord } from '../call-records.ts';
import type { RecordReply, RecordRequest, RecordThreadSettings } from './call-record-protocol.ts';

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class CallRecordThread {
  readonly #settings: RecordThreadSettings;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();
  #next = 0;

  constructor(settings: RecordThreadSettings) {
    this.#settings = settings;
  }

  /** Rejects when none of them was taken. */
  add(records: readonly KeptRecord[], now: EpochMillis): Promise<void> {
    const id = this.#next;
    this.#next += 1;
    return new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ type: 'add', id, records, now });
    });
  }

  /** Resolves when the file is closed. */
  async close(): Promise<void> {
    if (this.#worker !== undefined) this.#post({ type: 'close' });
    await this.#ended;
  }

  #post(request: RecordRequest): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(request);
  }

  #start(): Worker {
    const worker = newThread(threadUrl(import.meta.url), { workerData: this.#settings });
    let failure = 'the thread that keeps call records ended';
    worker.on('message', ({ id, error }: RecordReply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve();
      else waiting?.reject(new Error(error));
    });
    worker.on('error', (thrown) => {
      failure = messageOf(thrown);
    });
    this.#ended = new Promise((resolve) => {
      worker.on('exit', () => {
        if (this.#worker === worker) this.#worker = undefined;
        for (const { reject } of this.#waiting.values()) reject(new Error(failure));
        this.#waiting.clear();
        resolve();
      });
    });
    return worker;
  }
}

/** In the sources beside this file, in the bundle flat beside the chunk that this is in. */
function threadUrl(here: string): URL {
  return new URL(here.endsWith('.ts') ? './call-records-main.ts' : './call-records-main.js', here);
}
