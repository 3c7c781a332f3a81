// SIP messages as they went over the wire, the latest of them, in memory that is taken once: two circles, one of bytes and one of
// entries. Nothing here grows, and writing down a message makes one small object and one copy.

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
  readonly #entries: (Entry | undefined)[];
  /** Bytes and messages that were ever written down. */
  #written = 0;
  #count = 0;

  /** `capacity` in bytes. */
  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
    this.#entries = new Array<Entry | undefined>(Math.ceil(capacity / usualMessageBytes)).fill(undefined);
  }

  /** Keeps a copy. A message that is larger than the ring is not kept. */
  write(key: number, message: TracedMessage): void {
    const { bytes } = message;
    const capacity = this.#bytes.length;
    if (bytes.length > capacity) return;
    const offset = this.#written % capacity;
    // A message lies in one piece: what does not fit before the end begins at the start.
    const start = offset + bytes.length <= capacity ? this.#written : this.#written + capacity - offset;
    this.#bytes.set(bytes, start % capacity);
    this.#written = start + bytes.length;
    const { at, direction, transport, local, remote } = message;
    const entry = { key, start, length: bytes.length, at, direction, transport, local, remote };
    this.#entries[this.#count % this.#entries.length] = entry;
    this.#count += 1;
  }

  /** Those of that key that were not written over, oldest first, each with bytes of its own. Different names may share a key. */
  read(key: number): readonly TracedMessage[] {
    const found: TracedMessage[] = [];
    const slots = this.#entries.length;
    for (let index = Math.max(0, this.#count - slots); index < this.#count; index += 1) {
      const entry = this.#entries[index % slots];
      if (entry === undefined || entry.key !== key || this.#isLost(entry)) continue;
      const { at, direction, transport, local, remote, start, length } = entry;
      const offset = start % this.#bytes.length;
      const bytes = Uint8Array.prototype.slice.call(this.#bytes, offset, offset + length);
      found.push({ at, direction, transport, local, remote, bytes });
    }
    return found;
  }

  /** The same, and forgets them here. */
  take(key: number): readonly TracedMessage[] {
    const found = this.read(key);
    for (const [slot, entry] of this.#entries.entries()) if (entry?.key === key) this.#entries[slot] = undefined;
    return found;
  }

  #isLost({ start }: Entry): boolean {
    return start < this.#written - this.#bytes.length;
  }
}

interface Entry extends Omit<TracedMessage, 'bytes'> {
  readonly key: number;
  /** Of its first byte, counted from the first that was ever written. */
  readonly start: number;
  readonly length: number;
}

/** There is an entry for each so many bytes: few messages are smaller. */
const usualMessageBytes = 256;
