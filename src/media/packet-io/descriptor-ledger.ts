// Threads of a process share descriptors and mapped memory: what a worker opened through libc stays open when it ends, and its
// ports stay taken. The ledger is memory that outlives the worker; a successor takes over what is left, or whoever started it closes it.
import { closeSync } from 'node:fs';

/** The driver's own descriptors come first, then what it mapped, one place for each socket id, and one for the socket beside it. */
export const ledgerPlace = { ring: 0, wake: 1, firstSocket: 8 } as const;

/** Memory that the driver mapped; a ring lives until it is unmapped, whoever closes its descriptor. */
export interface Mapping {
  readonly address: number;
  readonly length: number;
}

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

  /** At most two. */
  noteMappings(mappings: readonly Mapping[]): void {
    for (const [index, { address, length }] of mappings.slice(0, mostMappings).entries()) {
      const at = firstMapping + mappingWords * index;
      this.#places[at] = address % 2 ** 32;
      this.#places[at + 1] = Math.floor(address / 2 ** 32);
      Atomics.store(this.#places, at + 2, length);
    }
  }

  /** Before they are unmapped. */
  forgetMappings(): void {
    this.#places.fill(0, firstMapping, ledgerPlace.firstSocket);
  }

  /** Something is still mapped. */
  get hasMappings(): boolean {
    return this.#places.subarray(firstMapping, ledgerPlace.firstSocket).some((word) => word !== 0);
  }

  /** What is still mapped; whoever takes it unmaps it. Only when the worker's thread has ended. */
  takeMappings(): readonly Mapping[] {
    const mappings: Mapping[] = [];
    for (let at: number = firstMapping; at < ledgerPlace.firstSocket; at += mappingWords) {
      const length = Atomics.exchange(this.#places, at + 2, 0);
      const address = ((this.#places[at] ?? 0) >>> 0) + (this.#places[at + 1] ?? 0) * 2 ** 32;
      if (length > 0) mappings.push({ address, length });
    }
    return mappings;
  }

  /** The descriptor at a place, which is the caller's from now on; -1 without one. Only when the worker's thread has ended. */
  take(place: number): number {
    return Atomics.exchange(this.#places, place, 0) - 1;
  }

  /** The descriptor at a place, for a look; -1 without one. */
  at(place: number): number {
    return Atomics.load(this.#places, place) - 1;
  }

  /** Sockets that there are places for, each with one beside it. */
  get maxSockets(): number {
    return (this.#places.length - ledgerPlace.firstSocket) >> 1;
  }

  /** Closes what the worker left open and returns how many that were. Only when its thread has ended. */
  closeAll(): number {
    let closed = 0;
    for (let place = 0; place < this.#places.length; place += 1) {
      if (place >= firstMapping && place < ledgerPlace.firstSocket) continue;
      const descriptor = this.take(place);
      if (descriptor < 0) continue;
      closeSync(descriptor);
      closed += 1;
    }
    return closed;
  }
}

const firstMapping = 2;
const mappingWords = 3;
const mostMappings = 2;
