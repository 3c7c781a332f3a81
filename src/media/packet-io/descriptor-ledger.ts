// Threads of a process share descriptors: what a worker opened through libc stays open when it ends, and its ports stay taken.
// The ledger is memory that outlives the worker; whoever started it closes what is left.
import { closeSync } from 'node:fs';

/** The driver's own descriptors come first, then one place for each socket id, and one for the socket beside it. */
export const ledgerPlace = { ring: 0, wake: 1, firstSocket: 2 } as const;

export class DescriptorLedger {
  /** Goes to the worker. */
  readonly buffer: SharedArrayBuffer;
  /** Descriptor + 1; 0: none. */
  readonly #places: Int32Array;

  /** Over a buffer from another thread, or a new one for `maxSockets` sockets. */
  constructor(from: SharedArrayBuffer | number) {
    const placeCount = typeof from === 'number' ? ledgerPlace.firstSocket + 2 * from : 0;
    this.buffer = typeof from === 'number' ? new SharedArrayBuffer(4 * placeCount) : from;
    this.#places = new Int32Array(this.buffer);
  }

  /** The descriptor was opened. */
  note(place: number, descriptor: number): void {
    Atomics.store(this.#places, place, descriptor + 1);
  }

  /** Before the descriptor is closed: afterwards its number may be somebody else's. */
  forget(place: number): void {
    Atomics.store(this.#places, place, 0);
  }

  /** Closes what the worker left open and returns how many that were. Only when its thread has ended. */
  closeAll(): number {
    let closed = 0;
    for (let place = 0; place < this.#places.length; place += 1) {
      const descriptor = Atomics.exchange(this.#places, place, 0) - 1;
      if (descriptor < 0) continue;
      closeSync(descriptor);
      closed += 1;
    }
    return closed;
  }
}
