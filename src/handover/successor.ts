// The process that takes the place of another one: it gets ready beside it, then goes on with its calls and sockets. Whatever goes wrong,
// it ends, and the other one goes on. One that stands by waits until the other one has ended, and goes on with what that left.
import { SbcError } from '../core/errors.ts';
import { type LeftMedia, ledgersOfProcess } from '../media/plane/media-plane.ts';
import type { ToChild } from '../supervisor/messages.ts';
import type { DescriptorReceiver } from './descriptors.ts';
import {
  batches,
  type Formats,
  type FromPredecessor,
  type FromSuccessor,
  type PassedListener,
  readFromPredecessor,
  wrapped,
} from './messages.ts';

export interface SuccessorParts {
  readonly program: string;
  /** What this program reads; older ones too. */
  readonly formats: Formats;
  readonly openReceiver: () => Promise<DescriptorReceiver | undefined>;
  readonly tellPredecessor: (message: unknown) => void;
  /** Set where it stands by: everything is there but the calls. */
  readonly onPrepared?: (() => void) | undefined;
}

type Waiting = {
  readonly resolve: (message: FromPredecessor) => void;
  readonly reject: (reason: SbcError) => void;
};

export class Successor {
  readonly #parts: SuccessorParts;
  readonly #messages: (FromPredecessor | SbcError)[] = [];
  #waiting: Waiting | undefined;
  #receiver: DescriptorReceiver | undefined;
  #passesSockets = false;
  #firstLedger = 0;
  #signedIn: unknown;
  readonly #left = Promise.withResolvers<undefined>();

  constructor(parts: SuccessorParts) {
    this.#parts = parts;
  }

  /** Who was signed in to the dashboard of the one before, once that is frozen; undefined where it did not say. */
  get signedIn(): unknown {
    return this.#signedIn;
  }

  /** From the supervisor. */
  hear(message: ToChild): void {
    if (message.type === 'take-over') this.#left.resolve(undefined);
    if (message.type !== 'peer') return;
    const read = readFromPredecessor(message.message);
    const heard = typeof read === 'string' ? new SbcError('handover-refused', read) : read;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#messages.push(heard);
    else if (heard instanceof SbcError) waiting.reject(heard);
    else waiting.resolve(heard);
  }

  /** What the one before has; rejects with SbcError `handover-refused` when this program cannot go on with it. */
  async offered(): Promise<{ readonly firstLedger: number }> {
    const { firstLedger, formats, program, passesSockets } = await this.#next('offer');
    const { call, media } = this.#parts.formats;
    if (formats.call > call || formats.media > media) {
      throw new SbcError('handover-refused', `portcullis ${program} keeps calls in a form that this one does not read`);
    }
    this.#passesSockets = passesSockets;
    this.#firstLedger = firstLedger;
    return { firstLedger };
  }

  /**
   * Everything is there but the calls: resolves when these are kept as they are, with the sockets of listeners by name. Those that are
   * not `isWanted` are closed.
   */
  async frozen(isWanted: (listener: PassedListener) => boolean): Promise<ReadonlyMap<string, number>> {
    const { onPrepared } = this.#parts;
    if (onPrepared !== undefined) {
      onPrepared();
      await this.#left.promise;
      return new Map();
    }
    this.#receiver = this.#passesSockets ? await this.#parts.openReceiver() : undefined;
    this.#tell({ type: 'prepared', program: this.#parts.program, socket: this.#receiver?.path });
    const { listeners, signedIn } = await this.#next('frozen');
    this.#signedIn = signedIn;
    const descriptors = (await this.#receiver?.receive(batches.listeners, listeners.length)) ?? [];
    const taken = new Map<string, number>();
    for (const [index, listener] of listeners.entries()) {
      const descriptor = descriptors[index];
      if (descriptor === undefined) continue;
      if (isWanted(listener)) taken.set(listener.name, descriptor);
      else this.#receiver?.discard(descriptor);
    }
    return taken;
  }

  /** The calls are there: resolves when their media is this process's. */
  async released(): Promise<LeftMedia> {
    if (this.#parts.onPrepared !== undefined) {
      const ledgers = Array.from({ length: ledgersOfProcess }, (_, index) => this.#firstLedger + index);
      return { descriptors: [], ledgers };
    }
    this.#tell({ type: 'loaded' });
    const { sockets, ledgers } = await this.#next('released');
    const descriptors = (await this.#receiver?.receive(batches.media, sockets)) ?? [];
    return { descriptors, ledgers };
  }

  /** It could not, or it has. */
  close(failure?: string): void {
    if (failure !== undefined) this.#tell({ type: 'refused', reason: failure });
    this.#receiver?.close();
    this.#receiver = undefined;
  }

  async #next<T extends FromPredecessor['type']>(type: T): Promise<Extract<FromPredecessor, { readonly type: T }>> {
    const message = await this.#message();
    if (isOf(message, type)) return message;
    throw new SbcError('handover-refused', `"${message.type}" came where "${type}" was expected`);
  }

  #message(): Promise<FromPredecessor> {
    return new Promise((resolve, reject) => {
      const next = this.#messages.shift();
      if (next === undefined) this.#waiting = { resolve, reject };
      else if (next instanceof SbcError) reject(next);
      else resolve(next);
    });
  }

  #tell(message: FromSuccessor): void {
    this.#parts.tellPredecessor(wrapped(message));
  }
}

function isOf<T extends FromPredecessor['type']>(
  message: FromPredecessor,
  type: T,
): message is Extract<FromPredecessor, { readonly type: T }> {
  return message.type === type;
}
