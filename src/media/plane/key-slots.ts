// Master keys on their way to a worker: in shared memory, which the worker wipes when it has taken them. An array buffer of their own for
// each key and salt costs more than all else that a session is told.
//
//   slot, 64 B:  0 state i32, 0: free | 4 master key (32 B) | 36 master salt (14 B) | 50 …
import type { SrtpKeying } from '../srtp/profile.ts';

export const keySlotLimits = {
  /** Keys that may be on their way at a time; others travel by themselves. */
  slots: 512,
} as const;

const slotBytes = 64;
const keyAt = 4;
const saltAt = 36;
const longestKeyBytes = saltAt - keyAt;
const longestSaltBytes = slotBytes - saltAt;

export class KeySlots {
  readonly buffer: SharedArrayBuffer;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #count: number;
  #next = 0;

  /** Over the memory of another one, or over its own. */
  constructor(buffer = new SharedArrayBuffer(keySlotLimits.slots * slotBytes)) {
    this.buffer = buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#count = buffer.byteLength / slotBytes;
  }

  /** The slot that key and salt stand in now; -1 when it does not fit, or the next slot was not emptied yet. */
  put({ masterKey, masterSalt }: SrtpKeying): number {
    const slot = this.#next;
    const start = slot * slotBytes;
    if (masterKey.length > longestKeyBytes || masterSalt.length > longestSaltBytes) return -1;
    if (Atomics.load(this.#words, start >> 2) !== 0) return -1;
    this.#next = (slot + 1) % this.#count;
    this.#bytes.set(masterKey, start + keyAt);
    this.#bytes.set(masterSalt, start + saltAt);
    Atomics.store(this.#words, start >> 2, 1);
    return slot;
  }

  /** What stands in a slot, as copies; the slot is wiped, and free again. */
  take(slot: number, keyBytes: number, saltBytes: number): Pick<SrtpKeying, 'masterKey' | 'masterSalt'> {
    const start = slot * slotBytes;
    // Copies in memory of their own, not shared.
    const masterKey = Uint8Array.from(this.#bytes.subarray(start + keyAt, start + keyAt + keyBytes));
    const masterSalt = Uint8Array.from(this.#bytes.subarray(start + saltAt, start + saltAt + saltBytes));
    this.#bytes.fill(0, start + keyAt, start + slotBytes);
    Atomics.store(this.#words, start >> 2, 0);
    return { masterKey, masterSalt };
  }
}
