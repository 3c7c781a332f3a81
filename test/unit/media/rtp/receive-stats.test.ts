import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReceiveStats } from '../../../../src/media/rtp/receive-stats.ts';

const rate = 8000;

function feed(stats: ReceiveStats, sequences: readonly number[], ssrc = 1): void {
  for (const sequence of sequences)
    stats.record(ssrc, sequence & 0xffff, (sequence * 160) | 0, rate, sequence * 20, 172);
}

const range = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

describe('loss by sequence numbers (RFC 3550 §A.1, §A.3)', () => {
  test('counts gaps, across the wrap too', () => {
    const stats = new ReceiveStats();
    feed(
      stats,
      range(65_500, 100).filter((sequence) => sequence !== 65_510 && sequence !== 65_540),
    );
    expect(stats.packets).toBe(98);
    expect(stats.lost).toBe(2);
  });

  test('a late packet fills its gap, a repeated one hides nothing below zero', () => {
    const stats = new ReceiveStats();
    feed(stats, [1, 2, 4, 3, 5]);
    expect(stats.lost).toBe(0);
    feed(stats, [5, 5, 5]);
    expect(stats.lost).toBe(0);
  });

  test('a new SSRC starts over and keeps what was lost before', () => {
    const stats = new ReceiveStats();
    feed(stats, [1, 2, 5], 1);
    feed(stats, [40_000, 40_003], 2);
    expect(stats.lost).toBe(4);
  });

  test('one wild sequence number is no loss; two in a row are a restart', () => {
    const stats = new ReceiveStats();
    feed(stats, [1, 2, 30_000, 3, 4]);
    expect(stats.lost).toBe(0);
    feed(stats, [50_000, 50_001, 50_002, 50_004]);
    expect(stats.lost).toBe(1);
  });
});

describe('interarrival jitter (RFC 3550 §6.4.1, §A.8)', () => {
  test('is zero for a steady stream', () => {
    const stats = new ReceiveStats();
    feed(stats, range(0, 200));
    expect(stats.jitterMillis).toBe(0);
  });

  test('converges to the mean deviation of a stream that swings by 10 ms', () => {
    const stats = new ReceiveStats();
    for (const index of range(0, 1000)) {
      stats.record(1, index, index * 160, rate, index * 20 + (index % 2) * 10, 172);
    }
    expect(stats.jitterMillis).toBeGreaterThan(9);
    expect(stats.jitterMillis).toBeLessThan(10.1);
  });

  test('follows the formula of the RFC, to a timestamp unit', () => {
    const delays = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 2, maxLength: 200 });
    fc.assert(
      fc.property(delays, (each) => {
        const stats = new ReceiveStats();
        let [jitter, before] = [0, each[0] ?? 0];
        for (const [index, delay] of each.entries()) {
          stats.record(1, index, index * 160, rate, index * 20 + delay, 172);
          // J = J + (|D| - J) / 16, from the second packet on.
          if (index > 0) jitter += (Math.abs(delay - before) - jitter) / 16;
          before = delay;
        }
        expect(Math.abs(stats.jitterMillis - jitter)).toBeLessThanOrEqual(1_000 / rate);
      }),
    );
  });

  test('begins anew where the clock rate of the stream is another, and where its time base jumps by ten seconds', () => {
    const stats = new ReceiveStats();
    for (const index of range(0, 100)) stats.record(1, index, index * 160, rate, index * 20 + (index % 2) * 10, 172);
    const before = stats.jitterMillis;
    expect(before).toBeGreaterThan(5);
    stats.record(1, 100, 100 * 160 + 11 * rate, rate, 2_000, 172);
    expect(stats.jitterMillis).toBe(before);
    stats.record(1, 101, 0, 16_000, 2_020, 172);
    expect(stats.jitterMillis).toBe(0);
  });

  test('does not change with the clock rate of the codec', () => {
    const stats = new ReceiveStats();
    for (const index of range(0, 1000)) {
      stats.record(1, index, index * 960, 48_000, index * 20 + (index % 2) * 10, 172);
    }
    expect(stats.jitterMillis).toBeGreaterThan(9);
    expect(stats.jitterMillis).toBeLessThan(10.1);
  });

  test('a telephone event, whose packets share a timestamp, is not jitter (RFC 4733 §2.5.1.2)', () => {
    const stats = new ReceiveStats();
    for (const index of range(0, 100)) {
      const timestamp = index < 50 ? index * 160 : 50 * 160;
      stats.record(1, index, timestamp, rate, index * 20, 172);
    }
    expect(stats.jitterMillis).toBe(0);
  });

  test('survives the wrap of the timestamp', () => {
    const stats = new ReceiveStats();
    for (const index of range(0, 100)) stats.record(1, index, (0xffff_f000 + index * 160) | 0, rate, index * 20, 172);
    expect(stats.jitterMillis).toBe(0);
  });

  test('is unknown, and says 0, without a clock rate', () => {
    const stats = new ReceiveStats();
    for (const index of range(0, 100)) stats.record(1, index, index * 7, 0, index * 33, 172);
    expect(stats.jitterMillis).toBe(0);
  });
});
