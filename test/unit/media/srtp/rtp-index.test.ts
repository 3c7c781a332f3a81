import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { replayWindowSize } from '../../../../src/media/srtp/replay-window.ts';
import { RtpIndex } from '../../../../src/media/srtp/rtp-index.ts';

const space = 0x10000;
const highest = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  fc.integer({ min: 0, max: 3 * space }),
  fc.constantFrom(0, 1, space - 1, space),
  fc.tuple(fc.nat(3), fc.constantFrom(-2, -1, 0, 1, 2)).map(([rollOver, by]) => rollOver * space + 0x8000 + by),
);
/** How far the next packet is from the highest, whole and half turns of the sequence number often. */
const step = fc.oneof(
  fc.integer({ min: -0x8000, max: 0x8000 }),
  fc.tuple(fc.constantFrom(-0x8000, 0, 0x8000), fc.integer({ min: -2, max: 2 })).map(([turn, by]) => turn + by),
);
/** The ends of the window. */
const edge = fc.constantFrom(1 - replayWindowSize, -replayWindowSize, -replayWindowSize - 1, -1, 0, 1);
const indexOf = (sequence: number, rollOver: number): number => rollOver * space + sequence;

describe('the index of a packet (RFC 3711 §3.3.1)', () => {
  test('is the one nearest to the highest, and that of the same roll-over counter where two are as near', () => {
    fc.assert(
      fc.property(highest, fc.integer({ min: 0, max: 0xffff }), step, (from, any, by) => {
        const index = RtpIndex.resumed(from);
        for (const sequence of [any, (((from + by) % space) + space) % space]) {
          const rollOver = Math.floor(from / space);
          const distances = [rollOver - 1, rollOver, rollOver + 1].map((one) =>
            Math.abs(indexOf(sequence, one) - from),
          );
          const estimated = index.estimateRollOver(sequence);
          const distance = Math.abs(indexOf(sequence, estimated) - from);
          expect(distance).toBe(Math.min(...distances));
          if (distance === distances[1]) expect(estimated).toBe(rollOver);
        }
      }),
    );
  });

  test('has the roll-over counter 0 before the first packet, and none is used', () => {
    const index = new RtpIndex();
    for (const sequence of [0, 0x7fff, 0x8000, 0xffff]) expect(index.estimateRollOver(sequence)).toBe(0);
    expect([index.highest, index.highestSequence, index.rollOver]).toEqual([-1, -1, 0]);
    expect(index.isUsed(0, 0)).toBe(false);
    expect(index.isBehindWindow(0, 0)).toBe(false);
  });

  test('below that of the very first packet was used, as far as anybody knows', () => {
    const index = new RtpIndex();
    index.commit(3, 0);
    expect(index.estimateRollOver(0xffff)).toBe(-1);
    expect(index.isUsed(0xffff, -1)).toBe(true);
    expect(index.isBehindWindow(0xffff, -1)).toBe(true);
  });

  test('of a stream that goes on elsewhere counts as used up to the highest, and is free above', () => {
    fc.assert(
      fc.property(highest, fc.oneof(fc.integer({ min: -300, max: 300 }), edge), (from, by) => {
        const index = RtpIndex.resumed(from);
        expect([index.highest, indexOf(index.highestSequence, index.rollOver)]).toEqual([from, from]);
        const one = Math.max(0, from + by);
        const [sequence, rollOver] = [one % space, Math.floor(one / space)];
        expect(index.isUsed(sequence, rollOver)).toBe(one <= from);
        expect(index.isBehindWindow(sequence, rollOver)).toBe(one <= from - replayWindowSize);
      }),
    );
  });

  test('that was committed is the highest only when it is higher, and does not reach a copy', () => {
    const index = new RtpIndex();
    index.commit(0xfff0, 0);
    index.commit(2, 1);
    const copy = index.copy();
    index.commit(0xffff, 0);
    index.commit(9, 1);
    expect([index.highest, copy.highest]).toEqual([indexOf(9, 1), indexOf(2, 1)]);
    expect([index.isUsed(0xffff, 0), copy.isUsed(0xffff, 0)]).toEqual([true, false]);
    expect([index.isUsed(0xfff0, 0), copy.isUsed(0xfff0, 0)]).toEqual([true, true]);
  });
});
