// The ring of packet slots that the kernel receives into. A slot belongs to the kernel or to us, never to both: what comes
// back is believed only when we had given it away.
import type { Arena } from '../native/arena.ts';
import type { IoUring } from '../native/io-uring.ts';
import { IoUringError } from '../native/io-uring.ts';
import { bufferEntryBytes, bufferRegistrationBytes, bufferTailAt, REGISTER_PBUF_RING } from '../native/io-uring-abi.ts';
import { errnoName } from '../native/linux-abi.ts';
import { packetSlotBytes, receiveCapacity } from './packet-io-base.ts';
import { PacketSlots } from './packet-slots.ts';

export class ProvidedBuffers {
  readonly slots: PacketSlots;
  /** The address of each slot, as it stands in a ring entry. */
  readonly #templates: Int32Array;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #entriesWord: number;
  readonly #tailHalf: number;
  readonly #mask: number;
  /** 1: ours. */
  readonly #isOurs: Uint8Array;
  #tail = 0;
  #ours: number;

  /** Registers `count` (a power of two) slots as buffer group 0. Throws `IoUringError` when the kernel refuses; the ring is then closed. */
  constructor(arena: Arena, ring: IoUring, count: number, hasCanaries: boolean) {
    this.slots = new PacketSlots(arena, count, packetSlotBytes, hasCanaries);
    const entries = arena.allocate(count * bufferEntryBytes, 4096);
    this.#words = arena.words;
    this.#halves = new Uint16Array(arena.bytes.buffer);
    this.#entriesWord = entries >> 2;
    this.#tailHalf = (entries + bufferTailAt) >> 1;
    this.#mask = count - 1;
    this.#isOurs = new Uint8Array(count).fill(1);
    this.#ours = count;
    const registration = arena.allocate(bufferRegistrationBytes, 8);
    arena.putAddress(arena.words, registration >> 2, entries, count * bufferEntryBytes);
    arena.view.setUint32(registration + 8, count, true);
    const result = ring.register(REGISTER_PBUF_RING, registration, bufferRegistrationBytes, 1);
    if (result < 0) {
      ring.dispose();
      throw new IoUringError('io-uring-buffers', `a buffer ring is refused: ${errnoName(-result)}`);
    }
    this.#templates = new Int32Array(count * templateWords);
    for (let index = 0; index < count; index += 1) {
      arena.putAddress(this.#templates, index * templateWords, this.slots.offset(index), receiveCapacity);
      this.give(index);
    }
    this.publish();
  }

  /** How many slots are not the kernel's. */
  get ours(): number {
    return this.#ours;
  }

  /** Takes a slot that a completion named. False when it is out of range or was not the kernel's. */
  take(index: number): boolean {
    if (this.#isOurs[index] !== 0) return false;
    this.#isOurs[index] = 1;
    this.#ours += 1;
    return true;
  }

  /** Puts a slot back into the ring; the kernel sees it after `publish`. */
  give(index: number): void {
    this.slots.check(index);
    const entry = this.#entriesWord + ((this.#tail & this.#mask) << 2);
    this.#words[entry] = this.#templates[index * templateWords] ?? 0;
    this.#words[entry + 1] = this.#templates[index * templateWords + 1] ?? 0;
    this.#words[entry + 2] = receiveCapacity;
    this.#halves[(entry + 3) << 1] = index;
    this.#tail = (this.#tail + 1) & 0xffff;
    this.#isOurs[index] = 0;
    this.#ours -= 1;
  }

  publish(): void {
    Atomics.store(this.#halves, this.#tailHalf, this.#tail);
  }
}

const templateWords = 2;
