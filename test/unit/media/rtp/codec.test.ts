import { describe, expect, test } from 'vitest';
import { codecOf, growthOf, isQuiet } from '../../../../src/media/rtp/codec.ts';

describe('what a codec sends at most', () => {
  test.each([
    ['pcmu/8000/1', 64_000],
    ['pcma/8000', 64_000],
    ['g722/8000/1', 64_000],
    ['g729/8000/1', 8_000],
    ['g726-32/8000/1', 32_000],
    ['opus/48000/2', 510_000],
    ['speex/8000/1', 24_600],
    ['speex/32000/1', 44_200],
    ['l16/44100/2', 1_411_200],
    ['l16/16000', 256_000],
  ])('%s: %d bit/s', (name, bitsPerSecond) => {
    expect(codecOf(name)?.bitsPerSecond).toBe(bitsPerSecond);
  });

  test.each(['', 'speex/11025/1', 'h264/90000/1', 'telephone-event/8000/1'])('%j is not known', (name) => {
    expect(codecOf(name)).toBeUndefined();
  });

  test.each(
    'pcmu pcma g729 g723 gsm gsm-efr amr g728 g726-40 g726-24 g726-16 aal2-g726-40 aal2-g726-32 aal2-g726-24 aal2-g726-16 g726-32 ilbc g722 g7221 amr-wb evs'.split(
      ' ',
    ),
  )('%s is speech: between 5 and 128 kbit/s, in packets of 10 to 30 ms', (name) => {
    const { bitsPerSecond = 0, shortestPacket = 0 } = codecOf(`${name}/8000/1`) ?? {};
    expect(bitsPerSecond).toBeGreaterThan(5_000);
    expect(bitsPerSecond).toBeLessThanOrEqual(128_000);
    expect(shortestPacket).toBeGreaterThanOrEqual(10);
    expect(shortestPacket).toBeLessThanOrEqual(30);
  });

  test('is in packets of so many milliseconds at least', () => {
    const shortest = ['pcmu/8000', 'g723/8000', 'gsm/8000', 'opus/48000/2', 'l16/8000'].map(
      (name) => codecOf(name)?.shortestPacket,
    );
    expect(shortest).toEqual([10, 30, 20, 2.5, 10]);
  });
});

test('redundancy, correction and repetition each double a stream, and nothing else makes it larger', () => {
  const names = ['red/8000/1', 'ulpfec/8000', 'parityfec/8000', 'rtx/90000', 'pcmu/8000/1', 'cn/8000', ''];
  expect(names.map(growthOf)).toEqual([2, 2, 2, 2, 1, 1, 1]);
});

test('events and comfort noise are quiet', () => {
  expect(['telephone-event/8000/1', 'cn/8000/1', 'pcmu/8000/1', ''].map(isQuiet)).toEqual([true, true, false, false]);
});
