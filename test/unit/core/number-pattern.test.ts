import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxPatternLength, parseNumberPattern } from '../../../src/core/number-pattern.ts';

/** What the open end stands for; null: no match. */
function match(pattern: string, text: string): string | null {
  const parsed = parseNumberPattern(pattern);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value.match(text) ?? null;
}

describe('a pattern', () => {
  test.each([
    ['600', '600', ''],
    ['600', '6000', null],
    ['600', '60', null],
    ['*', '', ''],
    ['*', '+441632960123', '+441632960123'],
    ['+44*', '+441632960123', '1632960123'],
    ['+44*', '+44', ''],
    ['+44*', '+4', null],
    ['+44*', '441632', null],
    ['*97', '*97', ''],
    ['*97', '97', null],
    ['*9*', '*97', '7'],
    ['6??', '612', ''],
    ['6??', '61', null],
    ['6??', '6123', null],
    ['[2-57]0*', '207', '7'],
    ['[2-57]0*', '60', null],
    ['[2-57]0*', '70', ''],
    ['max', 'max', ''],
    ['max', 'mab', null],
    ['[a-c]lice', 'alice', ''],
    ['200-299', '200', ''],
    ['200-299', '299', ''],
    ['200-299', '300', null],
    ['200-299', '2000', null],
    ['200-299', '20a', null],
    ['+4420-+4429', '+4425', ''],
    ['desk-1', 'desk-1', ''],
  ])('%s of %s leaves %s', (pattern, text, rest) => {
    expect(match(pattern, text)).toBe(rest);
  });

  test.each([
    '',
    '299-200',
    '20-299',
    '+20-299',
    '[',
    '[]',
    '[9-2]',
    '[2-9',
    'a]',
    '[*]',
    'x'.repeat(maxPatternLength + 1),
  ])('is refused: %s', (pattern) => {
    expect(parseNumberPattern(pattern).ok).toBe(false);
  });

  test('of plain characters matches itself and nothing else', () => {
    const plain = fc.stringMatching(/^[0-9a-z+#]{1,20}$/);
    fc.assert(
      fc.property(plain, plain, (a, b) => {
        expect(match(a, b) !== null).toBe(a === b);
        expect(match(`${a}*`, a + b)).toBe(b);
      }),
    );
  });

  test('takes no longer for a hostile text than for its length', () => {
    const parsed = parseNumberPattern(`${'[0-9]'.repeat(20)}?*`);
    if (!parsed.ok) throw new Error(parsed.error);
    const { match: look } = parsed.value;
    // A matcher that goes back would need more time than there is for it.
    for (const length of [1_000, 100_000, 1_000_000]) expect(look('1'.repeat(length))).toHaveLength(length - 21);
    expect(look(`${'1'.repeat(19)}a${'1'.repeat(1_000_000)}`)).toBeUndefined();
  });
});
