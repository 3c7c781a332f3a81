// What a worker says to the plane, always as a list: each list wakes the main thread, so what it does not wait for is gathered.
import type { MessagePort } from 'node:worker_threads';
import { packMessage } from '../plane/compact-messages.ts';
import type { WorkerMessage } from '../plane/worker-protocol.ts';

/** Whoever asked for hundreds of things at once hears of the first before the last is done. */
const mostTogether = 32;

export class Outbox {
  readonly #port: Pick<MessagePort, 'postMessage'>;
  #waiting: WorkerMessage[] = [];
  #isGathering = false;
  #isUrgent = false;

  constructor(port: Pick<MessagePort, 'postMessage'>) {
    this.#port = port;
  }

  /** At once, or at the end of `together`, with all that waits. */
  post(message: WorkerMessage): void {
    this.#waiting.push(message);
    this.#isUrgent = true;
    if (!this.#isGathering || this.#waiting.length >= mostTogether) this.flush();
  }

  /** With the next list. */
  postSoon(message: WorkerMessage): void {
    this.#waiting.push(message);
  }

  /** What `work` posts goes together. */
  together(work: () => void): void {
    this.#isGathering = true;
    try {
      work();
    } finally {
      this.#isGathering = false;
      if (this.#isUrgent) this.flush();
    }
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const messages = this.#waiting;
    this.#waiting = [];
    this.#isUrgent = false;
    this.#port.postMessage(messages.map(packMessage));
  }
}
