import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codecOf } from '../../../../src/media/rtp/codec.ts';
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

  // ITU-T G.113 Appendix I: what a codec does to speech (Ie), and how it bears loss (Bpl).
  test.each([
    ['pcma/8000/1', 0, 25.1],
    ['g729/8000/1', 11, 19],
    ['g723/8000/1', 15, 16.1],
    ['gsm-efr/8000/1', 5, 10],
    ['g726-32/8000/1', 7, 10],
    ['gsm/8000/1', 20, 10],
    ['g726-24/8000/1', 25, 10],
    ['aal2-g726-24/8000/1', 25, 10],
  ])('%s costs %d points of the rating, and more with loss', (name, impairment, lossRobustness) => {
    const codec = codecOf(name)?.quality;
    expect(codec).toEqual({ impairment, lossRobustness });
    const best = transmissionRating({ lossRatio: 0, jitter: 0 });
    expect(best - transmissionRating({ lossRatio: 0, jitter: 0, codec })).toBeCloseTo(impairment);
    const lossy = impairment + (95 - impairment) * (2 / (2 + lossRobustness));
    expect(best - transmissionRating({ lossRatio: 0.02, jitter: 0, codec })).toBeCloseTo(lossy);
  });

  test('a perfect call in G.729 is 4.1', () => {
    expect(meanOpinionScore({ lossRatio: 0, jitter: 0, codec: codecOf('g729/8000')?.quality })).toBeCloseTo(4.09, 2);
  });

  test.each(['opus/48000/2', 'g722/8000/1', 'amr-wb/16000/1', 'l16/44100/2', 'ilbc/8000/1'])(
    '%s has no value on the narrowband scale',
    (name) => {
      expect(codecOf(name)).toMatchObject({ quality: undefined });
    },
  );

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
