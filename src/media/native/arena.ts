// The memory that native code may touch: one buffer that never moves, handed out as offsets. `address` is the only place
// where an address is formed, because koffi turns NaN into 0 and truncates fractions without a word.
import { SbcError } from '../../core/errors.ts';
import type { PacketMemory } from '../rtp/packet-memory.ts';

/** A mistake of our own that would have made native code read or write where it must not. */
export class ArenaError extends SbcError {}

/** Equal pieces of memory: the one with index i starts at `first + i * stride` and has `sizeBytes`. */
export interface SlotRange {
  readonly first: number;
  readonly stride: number;
  readonly count: number;
  readonly sizeBytes: number;
}

/** How the pieces of an arena lie. */
export interface ArenaLayout {
  /** The first offset that is handed out. */
  readonly start?: number | undefined;
  /** Each piece gets pages of its own, and ends at a page that may not be touched. Undefined: one after the other. */
  readonly fences?: ArenaFences | undefined;
}

export interface ArenaFences {
  readonly pageBytes: number;
  /** Makes whole pages at an address untouchable, or usable again. */
  fence(address: number, sizeBytes: number, isOpen: boolean): void;
}

export class Arena implements PacketMemory {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  readonly sizeBytes: number;
  readonly #base: number;
  readonly #fences: ArenaFences | undefined;
  /** 0: packed. */
  readonly #page: number;
  /** Offset → what was asked for there. */
  readonly #live = new Map<number, Allocation>();
  /** Released pieces wait here for the same size and alignment. */
  readonly #released = new Map<string, number[]>();
  #top: number;
  /** Where tables begin. */
  #end: number;

  /** `buffer` is zeroed, which pieces rely on; `base` is its address; 0 where there is no native code, and then `address` throws. */
  constructor(buffer: ArrayBuffer, base: number, layout: ArenaLayout = {}) {
    if (!Number.isSafeInteger(base) || base < 0) throw new ArenaError('arena-base', `expected an address, got ${base}`);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
    this.sizeBytes = buffer.byteLength;
    this.#base = base;
    this.#fences = layout.fences;
    this.#page = layout.fences?.pageBytes ?? 0;
    this.#top = Math.max(layout.start ?? 0, this.#page, reservedBytes);
    this.#end = this.sizeBytes;
  }

  /** The bytes that may still be allocated. */
  get freeBytes(): number {
    return this.#end - this.#top;
  }

  /** The offset of `sizeBytes` zeroed bytes. `alignment` is a power of two up to 4096. Throws `ArenaError` when none are left. */
  allocate(sizeBytes: number, alignment = 16): number {
    if (!Number.isInteger(sizeBytes) || sizeBytes <= 0) {
      throw new ArenaError('arena-size', `expected a positive size, got ${sizeBytes}`);
    }
    if (!Number.isInteger(alignment) || alignment <= 0 || alignment > 4096 || (alignment & (alignment - 1)) !== 0) {
      throw new ArenaError('arena-alignment', `expected a power of two up to 4096, got ${alignment}`);
    }
    const key = `${sizeBytes}:${alignment}`;
    const again = this.#released.get(key)?.pop();
    const offset = again ?? this.#place(sizeBytes, alignment);
    // What was never handed out is as the system gave it: zeroed, and no page of it in memory until it is used.
    if (again !== undefined) {
      this.#fence(offset, sizeBytes, true);
      this.bytes.fill(0, offset, offset + sizeBytes);
    }
    this.#live.set(offset, { sizeBytes, key });
    return offset;
  }

  /**
   * The same for what fills up with calls, never released: at the far end, so that what is used from the start lies on as few huge pages
   * as it fills.
   */
  allocateTable(sizeBytes: number, alignment: number): number {
    if (this.#page !== 0) return this.allocate(sizeBytes, alignment);
    const offset = alignUp(this.#end - sizeBytes - alignment + 1, alignment, this.#base);
    if (offset < this.#top) throw fullOf(sizeBytes, this.freeBytes);
    this.#end = offset;
    return offset;
  }

  /** Gives back what `allocate` returned. Native code must be done with it. */
  release(offset: number): void {
    const allocation = this.#live.get(offset);
    if (allocation === undefined)
      throw new ArenaError('arena-release', `nothing is allocated at ${offset}`, { offset });
    this.#live.delete(offset);
    this.#fence(offset, allocation.sizeBytes, false);
    const waiting = this.#released.get(allocation.key);
    if (waiting === undefined) this.#released.set(allocation.key, [offset]);
    else waiting.push(offset);
  }

  /** `count` pieces of `sizeBytes` at equal distances, never released: packet slots. */
  allocateSlots(count: number, sizeBytes: number): SlotRange {
    const page = this.#page;
    if (page === 0) return { first: this.allocate(count * sizeBytes, 4096), stride: sizeBytes, count, sizeBytes };
    const first = this.allocate(sizeBytes, slotAlignment);
    for (let index = 1; index < count; index += 1) this.allocate(sizeBytes, slotAlignment);
    return { first, stride: roundUp(sizeBytes, page) + page, count, sizeBytes };
  }

  contains(offset: number, length: number): boolean {
    // x | 0 is x for integers below 2^31 only: not for NaN, fractions or what an addition carried too far.
    return (
      (offset | 0) === offset &&
      (length | 0) === length &&
      offset >= reservedBytes &&
      length >= 0 &&
      offset + length <= this.sizeBytes
    );
  }

  /** The address of `length` bytes at `offset`, for native code. Throws `ArenaError` when they are not all in the arena. */
  address(offset: number, length: number): number {
    if (this.#base === 0)
      throw new ArenaError('arena-no-native', 'this memory has no address: native code is not loaded');
    if (!this.contains(offset, length)) {
      throw new ArenaError(
        'arena-range',
        `expected a range in [${reservedBytes}, ${this.sizeBytes}), got ${offset}+${length}`,
      );
    }
    return this.#base + offset;
  }

  /** Writes that address as a little-endian u64 into `words[index]` and `words[index + 1]`, without a BigInt. */
  putAddress(words: Int32Array, index: number, offset: number, length: number): void {
    const address = this.address(offset, length);
    words[index] = address | 0;
    words[index + 1] = (address * twoToMinus32) | 0;
  }

  #place(sizeBytes: number, alignment: number): number {
    const page = this.#page;
    const start = page === 0 ? alignUp(this.#top, alignment, this.#base) : this.#top;
    const offset = page === 0 ? start : (start + roundUp(sizeBytes, page) - sizeBytes) & ~(alignment - 1);
    const end = page === 0 ? offset + sizeBytes : start + roundUp(sizeBytes, page) + page;
    if (end > this.#end) throw fullOf(sizeBytes, this.freeBytes);
    this.#fences?.fence(this.address(end - page, page), page, false);
    this.#top = end;
    return offset;
  }

  #fence(offset: number, sizeBytes: number, isOpen: boolean): void {
    const page = this.#page;
    if (page === 0) return;
    const start = Math.floor(offset / page) * page;
    const length = roundUp(offset + sizeBytes - start, page);
    this.#fences?.fence(this.address(start, length), length, isOpen);
  }
}

/** Offset 0 is never handed out, so that a forgotten offset does not pass as one. */
const reservedBytes = 64;
const slotAlignment = 16;
const twoToMinus32 = 1 / 0x1_0000_0000;

interface Allocation {
  readonly sizeBytes: number;
  readonly key: string;
}

function fullOf(sizeBytes: number, freeBytes: number): ArenaError {
  const context = { sizeBytes, freeBytes };
  return new ArenaError('arena-full', `${sizeBytes} B asked for, ${freeBytes} B left`, context);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Aligns the address `base + offset`, not the offset: the buffer itself may start anywhere. */
function alignUp(offset: number, alignment: number, base: number): number {
  return roundUp(base + offset, alignment) - base;
}
