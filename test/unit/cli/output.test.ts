import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, formatElapsed } from '../../../src/cli/output.ts';
import { formatTable } from '../../../src/cli/table.ts';
import { parseDuration } from '../../../src/config/units.ts';

describe('a duration', () => {
  test.each([
    [500, '500ms'],
    [1_500, '1500ms'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [7_200_000, '2h'],
    [86_400_000, '1d'],
  ])('of %i ms is %s', (duration, text) => {
    expect(formatDuration(duration)).toBe(text);
  });

  test('is read back as what it was', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400_000_000 }), (duration) => {
        expect(parseDuration(formatDuration(duration))).toBe(duration);
      }),
    );
  });
});

describe('an elapsed time', () => {
  test.each([
    [0, '0:00'],
    [-5_000, '0:00'],
    [59_999, '0:59'],
    [61_000, '1:01'],
    [3_600_000, '1:00:00'],
    [90_061_000, '25:01:01'],
  ])('of %i ms is %s', (elapsed, text) => {
    expect(formatElapsed(elapsed)).toBe(text);
  });
});

describe('a table', () => {
  test('has columns as wide as their widest cell, and no blanks at the end of a line', () => {
    expect(
      formatTable(
        ['A', 'LONG NAME', 'C'],
        [
          ['wide cell', '-', ''],
          ['x', 'y', 'z'],
        ],
      ),
    ).toBe('A          LONG NAME  C\nwide cell  -\nx          y          z\n');
  });
});
