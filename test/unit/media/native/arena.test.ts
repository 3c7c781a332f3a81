import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Arena, ArenaError } from '../../../../src/media/native/arena.ts';

const base = 0x7f12_3456_7010;
const sizeBytes = 1 << 16;

function arenaOf(size = sizeBytes): Arena {
  return new Arena(new ArrayBuffer(size), base);
}

describe('address', () => {
  test('is the base plus the offset for every range that lies in the arena', () => {
    const arena = arenaOf();
    const offset = arena.allocate(100);
    expect(arena.address(offset, 100)).toBe(base + offset);
    expect(arena.address(sizeBytes - 8, 8)).toBe(base + sizeBytes - 8);
    expect(arena.address(sizeBytes, 0)).toBe(base + sizeBytes);
  });

  const mistakes: readonly (readonly [what: string, offset: number, length: number])[] = [
    ['NaN, which koffi turns into 0', Number.NaN, 1],
    ['a NaN length', 100, Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY, 1],
    ['a fraction, which koffi truncates', 100.5, 1],
    ['a fractional length', 100, 1.5],
    ['a negative offset', -1, 1],
    ['a negative length', 100, -1],
    ['the reserved start', 0, 1],
    ['one byte too far', sizeBytes - 8, 9],
    ['an offset behind the end', sizeBytes + 1, 0],
    ['an offset that wraps in 32 bits', 2 ** 32 + 100, 1],
    ['a length that wraps in 32 bits', 100, 2 ** 32],
  ];
  test.each(mistakes)('refuses %s', (_what, offset, length) => {
    expect(() => arenaOf().address(offset, length)).toThrow(ArenaError);
    expect(arenaOf().contains(offset, length)).toBe(false);
  });

  test('does not exist without native code', () => {
    const arena = new Arena(new ArrayBuffer(1024), 0);
    expect(() => arena.address(arena.allocate(8), 8)).toThrow(/no address/);
  });

  test('is written as two words, low one first', () => {
    const arena = arenaOf();
    const words = new Int32Array(3);
    for (const offset of [64, 100, sizeBytes - 1]) {
      arena.putAddress(words, 1, offset, 1);
      const read = (words[1] ?? 0) >>> 0;
      expect(((words[2] ?? 0) >>> 0) * 2 ** 32 + read).toBe(base + offset);
    }
  });
});

describe('allocate', () => {
  test('hands out zeroed pieces that do not overlap, each aligned as an address', () => {
    const piece = fc.record({
      sizeBytes: fc.integer({ min: 1, max: 500 }),
      alignment: fc.constantFrom(1, 2, 4, 8, 16, 64, 4096),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const arena = arenaOf();
        for (const { sizeBytes, alignment } of pieces) {
          const offset = arena.allocate(sizeBytes, alignment);
          expect(arena.address(offset, sizeBytes) % alignment).toBe(0);
          const bytes = arena.bytes.subarray(offset, offset + sizeBytes);
          expect(bytes.every((byte) => byte === 0)).toBe(true);
          bytes.fill(0xff);
        }
      }),
    );
  });

  test('has tables at the far end, zeroed and aligned, and refuses what would reach the other pieces', () => {
    const arena = arenaOf();
    const before = arena.freeBytes;
    const first = arena.allocateTable(100, 32);
    const second = arena.allocateTable(64, 32);
    expect(arena.address(first, 100) % 32).toBe(0);
    expect(arena.address(second, 64) % 32).toBe(0);
    expect(first + 100).toBeGreaterThan(sizeBytes - 32);
    expect(second + 64).toBeLessThanOrEqual(first);
    expect(arena.freeBytes).toBeLessThanOrEqual(before - 164);
    expect(arena.bytes.subarray(second).every((byte) => byte === 0)).toBe(true);
    const left = arena.freeBytes;
    expect(() => arena.allocateTable(left + 1, 1)).toThrow(/B left/);
    expect(() => arena.allocate(left + 1, 1)).toThrow(/B left/);
    expect(arena.allocate(left, 1) + left).toBe(second);
  });

  test('refuses what is left over, and sizes and alignments that are none', () => {
    const arena = arenaOf();
    expect(() => arena.allocate(sizeBytes)).toThrow(/B left/);
    for (const size of [0, -1, 1.5, Number.NaN]) expect(() => arena.allocate(size)).toThrow(ArenaError);
    for (const alignment of [0, 3, -4, 8192]) expect(() => arena.allocate(8, alignment)).toThrow(ArenaError);
    arena.allocate(arena.freeBytes - 16, 1);
    expect(() => arena.allocate(17, 1)).toThrow(ArenaError);
  });

  test('reuses a released piece for the same size and alignment, zeroed', () => {
    const arena = arenaOf();
    const first = arena.allocate(48, 8);
    arena.bytes.fill(7, first, first + 48);
    arena.release(first);
    expect(arena.allocate(48, 16)).not.toBe(first);
    expect(arena.allocate(48, 8)).toBe(first);
    expect(arena.bytes[first]).toBe(0);
  });

  test('refuses to release what is not allocated', () => {
    const arena = arenaOf();
    const offset = arena.allocate(48);
    arena.release(offset);
    expect(() => arena.release(offset)).toThrow(ArenaError);
    expect(() => arena.release(offset + 8)).toThrow(ArenaError);
  });
});

test('slots lie at equal distances, packed in a plain arena', () => {
  const arena = arenaOf();
  const slots = arena.allocateSlots(5, 512);
  expect(slots).toMatchObject({ stride: 512, count: 5, sizeBytes: 512 });
  expect(arena.allocate(4, 4)).toBe(slots.first + 5 * 512);
});

test('with fences every piece ends at one, and slots a whole number of pages apart', () => {
  const calls: (readonly [number, number, boolean])[] = [];
  const pageBytes = 4096;
  const fence = (address: number, length: number, isOpen: boolean): void => {
    calls.push([address - base, length, isOpen]);
  };
  const arena = new Arena(new ArrayBuffer(1 << 18), base, { fences: { pageBytes, fence } });
  const offset = arena.allocate(100, 4);
  expect(calls).toEqual([[offset + 100, pageBytes, false]]);
  const slots = arena.allocateSlots(3, 2048);
  expect(slots.stride).toBe(2 * pageBytes);
  expect(calls.slice(1).map(([start]) => start)).toEqual([0, 1, 2].map((n) => slots.first + n * slots.stride + 2048));
  calls.length = 0;
  arena.release(offset);
  expect(calls).toEqual([[pageBytes, pageBytes, false]]);
});
