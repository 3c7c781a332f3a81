// What the thread of the store does with each request. It waits for the disk as long as that takes.
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { StoreReply, StoreRequest } from '../thread/store-protocol.ts';
import { openState, type State } from './state.ts';
import { StateKeeper } from './state-keeper.ts';

export interface StoreThreadSettings {
  /** `state_dir`. */
  readonly directory: string;
  /** The name of this run of the process. */
  readonly run: string;
}

export class StoreServer {
  readonly #settings: StoreThreadSettings;
  readonly #parts: { readonly clock: Clock; readonly random: Random };
  #opened: { readonly state: State; readonly keeper: StateKeeper } | undefined;

  constructor(settings: StoreThreadSettings, parts: { readonly clock: Clock; readonly random: Random }) {
    this.#settings = settings;
    this.#parts = parts;
  }

  open(): StoreReply {
    try {
      this.#open();
      return { type: 'opened' };
    } catch (thrown) {
      return { type: 'not-opened', error: messageOf(thrown) };
    }
  }

  /** A file that cannot be opened now may be another time: each batch tries. */
  write({ batch }: Extract<StoreRequest, { readonly type: 'write' }>): StoreReply {
    try {
      return { type: 'written', batch: batch.number, unwritable: this.#open().apply(batch) };
    } catch (thrown) {
      return { type: 'not-written', batch: batch.number, error: messageOf(thrown) };
    }
  }

  close(): void {
    this.#opened?.state.close();
  }

  #open(): StateKeeper {
    if (this.#opened === undefined) {
      const { directory, run } = this.#settings;
      const state = openState(directory, this.#parts, run);
      this.#opened = { state, keeper: new StateKeeper(state) };
    }
    return this.#opened.keeper;
  }
}
