// Where the packet memory of a worker is, in memory that outlives it: a mapping belongs to the process, and when the thread is over the
// next worker goes on with it. A record is one worker's at a time; whoever gives it to another one makes sure that the thread has ended.
import type { Mapping, MappingRecord } from '../native/low-memory.ts';

export class MemoryRecord implements MappingRecord {
  /** Goes to the worker. */
  readonly buffer: SharedArrayBuffer;
  /** Address and length, which are both below 2^31; a length of 0: nothing is mapped. */
  readonly #words: Int32Array;

  /** Over a buffer from another thread, or a new one. */
  constructor(buffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  get mapping(): Mapping | undefined {
    const length = Atomics.load(this.#words, 1);
    return length === 0 ? undefined : { address: Atomics.load(this.#words, 0), length };
  }

  set mapping(mapping: Mapping | undefined) {
    Atomics.store(this.#words, 0, mapping?.address ?? 0);
    Atomics.store(this.#words, 1, mapping?.length ?? 0);
  }
}
