// Slots of packet memory. In test mode every slot is followed by a canary: whoever writes past the tailroom is found at
// the next look, with the slot's number, instead of as a broken call much later.
import { type Arena, ArenaError, type SlotRange } from '../native/arena.ts';

export class PacketSlots {
  readonly count: number;
  readonly first: number;
  readonly stride: number;
  readonly #words: Int32Array;
  readonly #slotBytes: number;
  readonly #hasCanaries: boolean;

  constructor(arena: Arena, count: number, slotBytes: number, hasCanaries: boolean) {
    const range: SlotRange = arena.allocateSlots(count, slotBytes + (hasCanaries ? canaryBytes : 0));
    this.count = count;
    this.first = range.first;
    this.stride = range.stride;
    this.#words = arena.words;
    this.#slotBytes = slotBytes;
    this.#hasCanaries = hasCanaries;
    // Memory comes with the first touch: a huge page is looked for, or a limit of memory met, before there are packets that wait for it.
    for (let index = 0; index < count; index += 1) this.#words[this.offset(index) >> 2] = 0;
    if (hasCanaries) for (let index = 0; index < count; index += 1) this.#plant(index);
  }

  offset(index: number): number {
    return this.first + index * this.stride;
  }

  /** Throws `ArenaError` when something was written behind the slot. Does nothing without canaries. */
  check(index: number): void {
    if (!this.#hasCanaries) return;
    const start = (this.offset(index) + this.#slotBytes) >> 2;
    for (let word = start; word < start + canaryBytes / 4; word += 1) {
      if (this.#words[word] !== canary) throw new ArenaError('canary', `slot ${index} was written past its end`);
    }
  }

  #plant(index: number): void {
    const start = (this.offset(index) + this.#slotBytes) >> 2;
    this.#words.fill(canary, start, start + canaryBytes / 4);
  }
}

const canaryBytes = 16;
const canary = 0x5ca1ab1e;
