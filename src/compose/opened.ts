// What was opened, to be closed in the reverse order.
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';

export interface Closable {
  close(): Promise<void> | void;
}

export class Opened {
  readonly #logger: Logger;
  readonly #closings: (() => Promise<void> | void)[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Undefined is nothing. */
  add<T extends Closable | undefined>(opened: T): T {
    if (opened !== undefined) this.#closings.push(() => opened.close());
    return opened;
  }

  /** What takes long to start is started side by side; what did start is closed at the end, whatever became of the other. */
  async both<A extends Closable, B extends Closable>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
    for (const outcome of await Promise.allSettled([one, other])) {
      if (outcome.status === 'fulfilled') this.add<Closable>(outcome.value);
    }
    return Promise.all([one, other]);
  }

  /** Never rejects: one that fails is logged. */
  async close(): Promise<void> {
    for (const close of this.#closings.toReversed()) {
      try {
        await close();
      } catch (thrown) {
        this.#logger.error('stop-failed', { error: messageOf(thrown) });
      }
    }
  }
}
