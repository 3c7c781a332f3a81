// G.711: each code stands for one level, each sample gets the nearest of them (ITU-T G.711 tables 1 and 2).
import { describe, expect, test } from 'vitest';
import { decodeG711, encodeG711, type G711 } from '../../../src/embedded-pbx/g711.ts';
import { frameSamples, sampleRate, toneFrames, toneHertz } from '../../../src/embedded-pbx/tone.ts';
import { ToneMeter } from '../../support/tone-meter.ts';

const laws: readonly G711[] = ['PCMA', 'PCMU'];
const codes = Array.from({ length: 256 }, (_, code) => code);

describe.each(laws)('%s', (law) => {
  test('gives each code back that it reads, but for the second zero of µ-law', () => {
    const back = codes.filter((code) => encodeG711(law, decodeG711(law, code)) !== code);
    expect(back).toEqual(law === 'PCMU' ? [0x7f] : []);
  });

  test('is off by a thirtieth of the sample at most, and by next to nothing near silence', () => {
    for (let sample = -32_000; sample <= 32_000; sample += 61) {
      const off = Math.abs(decodeG711(law, encodeG711(law, sample)) - sample);
      expect(off, `sample ${sample}`).toBeLessThanOrEqual(8 + Math.abs(sample) / 30);
    }
  });
});

test('the tables of the standard: silence, and the ends', () => {
  expect(encodeG711('PCMA', 0)).toBe(0xd5);
  expect(encodeG711('PCMU', 0)).toBe(0xff);
  expect(decodeG711('PCMA', 0xaa)).toBe(32_256);
  expect(decodeG711('PCMA', 0x2a)).toBe(-32_256);
  expect(decodeG711('PCMU', 0x80)).toBe(32_124);
  expect(decodeG711('PCMU', 0x00)).toBe(-32_124);
});

test.each(laws)('the tone in %s is one, and goes on over the end of its frames', (law) => {
  const frames = toneFrames(law);
  expect(frames.every((frame) => frame.length === frameSamples)).toBe(true);
  const samples = [...frames, ...frames].flatMap((frame) => Array.from(frame, (code) => decodeG711(law, code)));
  const whole = new ToneMeter(toneHertz, sampleRate);
  whole.add(samples);
  expect(whole.level.decibels).toBeCloseTo(-6.2, 1);
  expect(whole.level.share).toBeGreaterThan(0.999);
  const other = new ToneMeter(1_000, sampleRate);
  other.add(samples);
  expect(other.level.share).toBeLessThan(0.001);
});
