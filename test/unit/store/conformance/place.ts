// Where stores are, for the suites beside this file: processes come one after the other and find what the ones before left.
import { onTestFinished } from 'vitest';
import type { Stores } from '../../../../src/store/stores.ts';
import { FakeClock } from '../../../support/fake-time.ts';

export interface Place {
  /** The stores of a process that starts now, under a run of its own. Whoever opened before has flushed and is gone. */
  open(clock: FakeClock): Promise<Stores>;
  /** All that was made for the place goes. */
  end?(): Promise<void> | void;
}

export type MakePlace = () => Place | Promise<Place>;

export class Processes {
  readonly clock = new FakeClock();
  readonly #place: Promise<Place>;
  #current: Stores | undefined;

  constructor(make: MakePlace) {
    this.#place = Promise.resolve(make());
    onTestFinished(async () => {
      await this.#current?.close();
      await (await this.#place).end?.();
    });
  }

  /** The next process; what the one before wrote is flushed, and it ends. */
  async next(): Promise<Stores> {
    await this.#current?.flush();
    await this.#current?.close();
    this.#current = await (await this.#place).open(this.clock);
    return this.#current;
  }
}
