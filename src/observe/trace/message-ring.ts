// SIP messages as they went over the wire, the latest of them, in memory that is bounded: a circle of bytes, and a circle of
// entries in columns. Writing down a message makes no object that the collector would have to follow. The system gives the memory as
// messages come for the first time: nothing is written to what is not used yet.
// Entries of one key are a chain from the latest to the earliest, so that finding a call does not look at those of others.

import type { EpochMillis } from '../../core/clock.ts';
import type { SocketAddress } from '../../core/socket-address.ts';

export interface TracedMessage {
  readonly at: EpochMillis;
  /** As we see it. */
  readonly direction: 'in' | 'out';
  readonly transport: string;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly bytes: Uint8Array;
}

export class MessageRing {
  readonly #bytes: Buffer;
  readonly #entries: Entries;
  /** The latest entry of all keys that share a chain, as its number and one more; 0: none. */
  readonly #latest: Float64Array;
  /** Bytes and messages that were ever written down. */
  #written = 0;
  #count = 0;

  /** `capacity` in bytes. */
  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
    this.#entries = new Entries(Math.max(1, Math.ceil(capacity / usualMessageBytes)));
    this.#latest = new Float64Array(this.#entries.size);
  }

  /** Keeps a copy. A message that is larger than the ring is not kept. `key`: 32 bits without sign. */
  write(key: number, message: TracedMessage): void {
    const { bytes } = message;
    const capacity = this.#bytes.length;
    if (bytes.length > capacity) return;
    const offset = this.#written % capacity;
    // A message lies in one piece: what does not fit before the end begins at the start.
    const start = offset + bytes.length <= capacity ? this.#written : this.#written + capacity - offset;
    this.#bytes.set(bytes, start % capacity);
    this.#written = start + bytes.length;
    const chain = key % this.#entries.size;
    this.#entries.set(this.#count, key, start, this.#latestOf(chain), message);
    this.#count += 1;
    this.#latest[chain] = this.#count;
  }

  /** Those of that key that were not written over, oldest first, each with bytes of its own. Different names may share a key. */
  read(key: number): readonly TracedMessage[] {
    return this.#entriesOf(key).map((entry) => this.#entries.message(entry, this.#bytes));
  }

  /** The same, and forgets them here. */
  take(key: number): readonly TracedMessage[] {
    const entries = this.#entriesOf(key);
    const messages = entries.map((entry) => this.#entries.message(entry, this.#bytes));
    for (const entry of entries) this.#entries.forget(entry);
    return messages;
  }

  #entriesOf(key: number): number[] {
    const found: number[] = [];
    const oldest = Math.max(0, this.#count - this.#entries.size);
    // Each entry names an earlier one, so the chain ends, at the latest where entries were written over.
    let entry = this.#latestOf(key % this.#entries.size);
    for (; entry >= oldest; entry = this.#entries.before(entry)) {
      const isThere = this.#entries.startOf(entry) >= this.#written - this.#bytes.length;
      if (isThere && this.#entries.keyOf(entry) === key) found.push(entry);
    }
    return found.reverse();
  }

  #latestOf(chain: number): number {
    return (this.#latest[chain] ?? 0) - 1;
  }
}

/** The circle of entries. They are numbered from the first that was ever written; the caller knows which are still there. */
class Entries {
  readonly size: number;
  readonly #keys: Uint32Array;
  /** Where the first byte is, counted from the first that was ever written. */
  readonly #starts: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #before: Float64Array;
  readonly #times: Float64Array;
  readonly #isOutgoing: Uint8Array;
  /** These have as many places as entries were ever written, until there are enough. */
  readonly #transports: string[] = [];
  readonly #locals: SocketAddress[] = [];
  readonly #remotes: SocketAddress[] = [];

  constructor(size: number) {
    this.size = size;
    this.#keys = new Uint32Array(size);
    this.#starts = new Float64Array(size);
    this.#lengths = new Uint32Array(size);
    this.#before = new Float64Array(size);
    this.#times = new Float64Array(size);
    this.#isOutgoing = new Uint8Array(size);
  }

  set(entry: number, key: number, start: number, before: number, message: TracedMessage): void {
    const slot = entry % this.size;
    this.#keys[slot] = key;
    this.#starts[slot] = start;
    this.#lengths[slot] = message.bytes.length;
    this.#before[slot] = before;
    this.#times[slot] = message.at;
    this.#isOutgoing[slot] = message.direction === 'out' ? 1 : 0;
    this.#transports[slot] = message.transport;
    this.#locals[slot] = message.local;
    this.#remotes[slot] = message.remote;
  }

  keyOf(entry: number): number | undefined {
    return this.#keys[entry % this.size];
  }

  startOf(entry: number): number {
    return this.#starts[entry % this.size] ?? none;
  }

  before(entry: number): number {
    return this.#before[entry % this.size] ?? none;
  }

  forget(entry: number): void {
    this.#starts[entry % this.size] = Number.NEGATIVE_INFINITY;
  }

  message(entry: number, bytes: Buffer): TracedMessage {
    const slot = entry % this.size;
    const offset = this.startOf(entry) % bytes.length;
    return {
      at: this.#times[slot] ?? 0,
      direction: this.#isOutgoing[slot] === 1 ? 'out' : 'in',
      transport: this.#transports[slot] ?? '',
      local: this.#locals[slot] ?? nowhere,
      remote: this.#remotes[slot] ?? nowhere,
      bytes: Uint8Array.prototype.slice.call(bytes, offset, offset + (this.#lengths[slot] ?? 0)),
    };
  }
}

const none = -1;
const nowhere: SocketAddress = { address: '', port: 0 };

/** There is an entry for each so many bytes: few messages are smaller. */
const usualMessageBytes = 256;
