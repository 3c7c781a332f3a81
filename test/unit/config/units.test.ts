import { describe, expect, test } from 'vitest';
import { longestDuration, parseBitRate, parseDuration, parseSize, parseSizeOrNone } from '../../../src/config/units.ts';

describe('durations', () => {
  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1000d', longestDuration],
    ['30 s', 30_000],
  ])('%s', (text, millis) => {
    expect(parseDuration(text)).toBe(millis);
  });

  test.each([
    '',
    '30',
    's',
    '0s',
    '0.1ms',
    '-5s',
    '1e3s',
    '0x10s',
    '1.2.3s',
    '.s',
    '5S',
    '5 min',
    '1001d',
    '٣s',
    `${'9'.repeat(400)}s`,
  ])('"%s" is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('sizes', () => {
  test.each([
    ['1B', 1],
    ['64kB', 64_000],
    ['64KB', 64_000],
    ['64MB', 64_000_000],
    ['1.5GB', 1_500_000_000],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['64', '64mb', '0MB', '-1B', '99999999999GB', 'MB'])('"%s" is none', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

test('a size may be none where that means something', () => {
  expect(parseSizeOrNone('0B')).toBe(0);
  expect(parseSizeOrNone('64MB')).toBe(64_000_000);
  for (const text of ['', '0', '0MB', 'none', '-1B']) expect(parseSizeOrNone(text)).toBeUndefined();
});

describe('rates', () => {
  test.each([
    ['64kbit', 64_000],
    ['1.5Mbit', 1_500_000],
    ['1Gbit', 1_000_000_000],
  ])('%s', (text, bits) => {
    expect(parseBitRate(text)).toBe(bits);
  });

  test.each(['', '8', '8M', '-1Mbit', '0kbit', '8 mbit', 'Mbit'])('"%s" is none', (text) => {
    expect(parseBitRate(text)).toBeUndefined();
  });
});
