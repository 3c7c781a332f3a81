import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { meanOpinionScore, transmissionRating } from '../../../../src/media/rtp/quality.ts';

describe('mean opinion score (ITU-T G.107)', () => {
  test('a clean G.711 call is 4.4, and nothing is better', () => {
    expect(meanOpinionScore({ lossRatio: 0, jitter: 0 })).toBeCloseTo(4.4, 1);
    expect(transmissionRating({ lossRatio: 0, jitter: 0 })).toBeLessThanOrEqual(93.2);
  });

  test.each([
    [0.01, 4.3, 4.4],
    [0.05, 3.7, 4.1],
    [0.2, 2.0, 2.9],
  ])('loss of %d lies between %d and %d', (lossRatio, low, high) => {
    const score = meanOpinionScore({ lossRatio, jitter: 5 });
    expect(score).toBeGreaterThan(low);
    expect(score).toBeLessThan(high);
  });

  test('is between 1 and 4.5 and never better for more loss, jitter or delay', () => {
    const quality = fc.record({
      lossRatio: fc.double({ min: 0, max: 1, noNaN: true }),
      jitter: fc.integer({ min: 0, max: 2000 }),
      delay: fc.integer({ min: 0, max: 2000 }),
    });
    fc.assert(
      fc.property(quality, (one) => {
        const score = meanOpinionScore(one);
        expect(score).toBeGreaterThanOrEqual(1);
        expect(score).toBeLessThanOrEqual(4.5);
        // The polynomial of Annex B dips below 1 near a rating of 0, where it is clamped; above that it only rises.
        const worse = meanOpinionScore({
          lossRatio: Math.min(1, one.lossRatio + 0.05),
          jitter: one.jitter + 10,
          delay: one.delay + 10,
        });
        expect(worse).toBeLessThanOrEqual(score + 1e-9);
      }),
    );
  });
});
