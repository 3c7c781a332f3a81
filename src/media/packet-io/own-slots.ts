// Slots for packets of our own (RTCP, STUN, DTLS): taken one after the other, all free again when the batch has ended.
import type { Arena } from '../native/arena.ts';
import { packetSlotBytes } from './packet-io-base.ts';
import { PacketSlots } from './packet-slots.ts';

export class OwnSlots {
  readonly #slots: PacketSlots;
  #taken = 0;

  constructor(arena: Arena, count: number, hasCanaries: boolean) {
    this.#slots = new PacketSlots(arena, count, packetSlotBytes, hasCanaries);
  }

  get taken(): number {
    return this.#taken;
  }

  /** The offset of a slot, or -1 when the batch has used all of them. */
  take(): number {
    if (this.#taken === this.#slots.count) return -1;
    this.#taken += 1;
    return this.#slots.offset(this.#taken - 1);
  }

  /** The batch has ended and native code is done with every slot. */
  giveBack(): void {
    for (let index = 0; index < this.#taken; index += 1) this.#slots.check(index);
    this.#taken = 0;
  }
}
