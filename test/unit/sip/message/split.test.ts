import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Source } from '../../../../src/sip/message/source.ts';
import { nextComma, splitCommas } from '../../../../src/sip/message/split.ts';

const inside = fc.string({ unit: fc.constantFrom('a', ',', ' ', ';', '<'), maxLength: 5 });
const quoted = fc.string({ unit: fc.constantFrom('a', ',', '>', '\\"', '\\\\', '\\,'), maxLength: 5 });
const piece = fc.oneof(
  fc.constantFrom('', ' ', 'a', ' b=c ', '\t'),
  inside.map((text) => `<${text}>`),
  quoted.map((text) => `"${text}" <sip:a>`),
);

describe('a list (RFC 3261 §7.3.1)', () => {
  test('is cut at every comma that is neither quoted nor bracketed, and what is empty is no value', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const value = pieces.join(',');
        const expected = pieces.map((one) => one.replaceAll(/^[ \t]+|[ \t]+$/g, '')).filter((one) => one !== '');
        const isWhole = !value.includes(',');
        expect(splitCommas(value)).toEqual(isWhole && value !== '' ? [value] : expected);
      }),
    );
  });

  test.each([
    [',a', ['a']],
    ['a,,b,', ['a', 'b']],
    ['"a,b', ['"a,b']],
    ['<a,b', ['<a,b']],
    ['"a\\",b",c', ['"a\\",b"', 'c']],
  ])('%s', (value, expected) => {
    expect(splitCommas(value)).toEqual(expected);
  });

  test('is looked at between two places and nowhere else', () => {
    const source = new Source('a,b,c');
    expect([
      nextComma(source, 0, 5),
      nextComma(source, 2, 5),
      nextComma(source, 2, 3),
      nextComma(source, 4, 5),
    ]).toEqual([1, 3, 3, 5]);
    expect(nextComma(source, 0, 1)).toBe(1);
    expect(nextComma(new Source(',a'), 0, 2)).toBe(0);
  });
});
