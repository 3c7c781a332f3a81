import { describe, expect, test } from 'vitest';
import { RateCap } from '../../../../src/media/worker/rate-cap.ts';

/** What passes of `packets` of so many bytes that come `interval` apart. */
function passed(cap: RateCap, packets: number, sizeBytes: number, interval: number, start = 0): number {
  let count = 0;
  for (let index = 0; index < packets; index += 1) {
    if (!cap.isOver(sizeBytes, start + index * interval)) count += 1;
  }
  return count;
}

function capOf(packetsPerSecond: number, bytesPerSecond: number): RateCap {
  const cap = new RateCap(() => {});
  cap.limitTo({ packetsPerSecond, bytesPerSecond }, 0);
  return cap;
}

describe('a flood', () => {
  test.each([
    [0.1, 100_000],
    [1, 10_000],
    [7.3, 1_370],
  ])('of a packet each %d ms is cut to the packets of the limit, fractions included', (interval, packets) => {
    const through = passed(capOf(175, 1_000_000), packets, 182, interval);
    // Ten seconds, and one second's worth in hand.
    const wanted = Math.min(packets, 11 * 175);
    expect(through).toBeGreaterThan(0.99 * wanted);
    expect(through).toBeLessThanOrEqual(wanted);
  });

  test.each([0.1, 1])('of a packet each %d ms is cut to its bytes', (interval) => {
    const through = passed(capOf(100_000, 18_400), 10_000 / interval, 182, interval);
    expect(through * 182).toBeGreaterThan(0.99 * 11 * 18_400);
    expect(through * 182).toBeLessThanOrEqual(11 * 18_400);
  });

  test('after a pause has two seconds’ worth at most: what was in hand, and what came in meanwhile', () => {
    const cap = capOf(100, 1_000_000);
    expect(passed(cap, 50, 100, 0)).toBe(50);
    expect(passed(cap, 1_000, 100, 0, 60_000)).toBe(150);
  });
});

test('a stream below the limit passes whole, however long', () => {
  expect(passed(capOf(60, 12_000), 10_000, 182, 20)).toBe(10_000);
});
