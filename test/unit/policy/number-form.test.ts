import { describe, expect, test } from 'vitest';
import { writeNumber } from '../../../src/policy/number-form.ts';

const london = '+442071838750';

describe('a number as whoever reads it next wants it', () => {
  test.each([
    ['e164', 'GB', london, '+442071838750'],
    ['plain', 'GB', london, '442071838750'],
    ['international', 'GB', london, '00442071838750'],
    ['national', 'GB', london, '02071838750'],
    ['national', 'FR', london, '00442071838750'],
    ['national', undefined, london, '00442071838750'],
    ['national', 'XX', london, '00442071838750'],
    ['national', 'US', '+12025550123', '2025550123'],
    // An island that shares +1 is called as abroad; one that shares +44 is not.
    ['national', 'US', '+12684601234', '0012684601234'],
    ['national', 'GB', '+441534812345', '01534812345'],
    ['national', 'GB', '+999', '00999'],
  ] as const)('%s in %s: %s is %s', (form, home, number, expected) => {
    expect(writeNumber(number, form, home)).toBe(expected);
  });

  test.each(['e164', 'plain', 'international', 'national'] as const)('what is no E.164 stays as it is: %s', (form) => {
    expect(['101', '*97', 'alice'].map((one) => writeNumber(one, form, 'GB'))).toEqual(['101', '*97', 'alice']);
  });
});
