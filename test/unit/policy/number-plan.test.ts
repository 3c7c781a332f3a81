import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalise } from '../../../src/policy/number-plan.ts';
import { parseUri } from '../../../src/sip/message/uri.ts';

/** What a Request-URI comes to, read as the call does: `number +44…`, `name alice`, or `refused`. */
function dialled(uri: string): string {
  const parsed = parseUri(uri);
  if (!parsed.ok || parsed.value.scheme === 'other') return 'no SIP or tel URI';
  const { value } = parsed;
  const user = value.scheme === 'tel' ? value.number : (value.user ?? '');
  const result = canonicalise(user, value.parameters.get('phone-context'));
  return result.ok ? `${result.value.kind} ${result.value.canonical}` : 'refused';
}

describe('one number, however it is written', () => {
  test.each([
    'sip:+441632960123@pbx.test',
    'sips:+441632960123@pbx.test',
    'sip:+441632960123@pbx.test;user=phone',
    'sip:%2B441632960123@pbx.test',
    'sip:+44163296012%33@pbx.test',
    'sip:00441632960123@pbx.test',
    'sip:%300441632960123@pbx.test',
    'sip:+44-1632-960123@pbx.test',
    'sip:+44.1632.960.123@pbx.test',
    'sip:+44(1632)960123@pbx.test',
    'sip:+44%201632%20960123@pbx.test',
    'sip:00-44-(1632)-960123@pbx.test;user=phone',
    'sip:+441632960123;phone-context=+1@pbx.test',
    'sip:1632960123;phone-context=+44@pbx.test;user=phone',
    'sip:1632960123%3Bphone-context=%2B44@pbx.test',
    'sip:1632960123@pbx.test;phone-context=+44',
    'sip:1632960123;npdi;PHONE-CONTEXT=+44;x=y@pbx.test',
    'sip:+441632960123;isub=1;ext=2@pbx.test',
    'sip:+441632960123:password@pbx.test',
    'tel:+441632960123',
    'tel:+44-1632-960-123',
    'TEL:+44(1632)960.123',
    'tel:1632960123;phone-context=+44',
    'tel:1632-960123;phone-context=+4-4',
    'tel:00441632960123;phone-context=pbx.test',
  ])('%s', (uri) => {
    expect(dialled(uri)).toBe('number +441632960123');
  });

  test.each([
    ['an extension', 'sip:101@pbx.test', 'number 101'],
    ['an extension with leading zeros', 'sip:0012@pbx.test', 'number 0012'],
    ['a local number in a domain', 'tel:863-1234;phone-context=example.com', 'number 8631234'],
    ['an emergency number', 'sip:112@pbx.test;user=phone', 'number 112'],
    ['the shortest with a plus', 'sip:+441@pbx.test', 'number +441'],
    ['the shortest after 00', 'sip:0044123@pbx.test', 'number +44123'],
    ['what is too short to be international', 'sip:004412@pbx.test', 'number 004412'],
    ['a service code', 'sip:*97@pbx.test', 'number *97'],
    ['a service code, escaped', 'sip:%2A97@pbx.test', 'number *97'],
    ['a service code in a context', 'tel:*97;phone-context=+44', 'number *97'],
    ['a service code with a hash', 'sip:*21*101%23@pbx.test', 'number *21*101#'],
    ['a service code behind zeros', 'sip:00*9744123@pbx.test', 'number 00*9744123'],
  ])('%s: %s', (_what, uri, expected) => {
    expect(dialled(uri)).toBe(expected);
  });
});

describe('names', () => {
  test.each(['alice', 'Alice', 'bob.smith', 'bob-smith_2', '4a4', 'a+b', 'a*b', 'conference!room~1', 'x'.repeat(64)])(
    '%s is a name, as it is',
    (name) => {
      expect(dialled(`sip:${name}@pbx.test`)).toBe(`name ${name}`);
    },
  );

  test('may hold a hash, escaped as a URI has it', () => {
    expect(dialled('sip:room%231@pbx.test')).toBe('name room#1');
  });

  test('user=phone makes no number of one', () => {
    expect(dialled('sip:alice@pbx.test;user=phone')).toBe('name alice');
  });

  test.each([
    ['65 characters', 'x'.repeat(65)],
    ['a slash', 'a/b'],
    ['an at sign', 'a%40b'],
    ['a line end', 'a%0d%0ab'],
    ['a NUL', 'a%00b'],
    ['a space', 'a%20b'],
    ['a quote', 'a%22b'],
    ['an angle bracket', 'a%3Eb'],
    ['a letter of another script', 'al%D0%B8ce'],
    ['a letter that looks like ASCII', '%D0%B0lice'],
  ])('%s in a name is refused', (_what, user) => {
    expect(dialled(`sip:${user}@pbx.test`)).toBe('refused');
  });
});

describe('what is no number, but might be one to somebody else, is refused', () => {
  test.each([
    ['nothing', ''],
    ['only parameters', ';phone-context=+44'],
    ['a plus alone', '+'],
    ['two plus signs', '++441632960123'],
    ['a plus inside', '44+1632960123'],
    ['a plus after an escape prefix', '00+441632960123'],
    ['letters after a plus', '+44ALICE'],
    ['a star in an international number', '+44*1632960123'],
    ['a hash in an international number', '+441632960123%23'],
    ['16 digits', '+4416329601234567'],
    ['16 digits after 00', '004416329601234567'],
    ['2 digits', '+44'],
    ['a leading zero', '+0441632960123'],
    ['a leading zero after 00', '000441632960123'],
    ['33 local digits', '1'.repeat(33)],
    ['33 digits of a code', `*${'1'.repeat(32)}`],
    ['two contexts', '1632960123;phone-context=+44;phone-context=+1'],
    ['a context that is no number', '1632960123;phone-context=+4x'],
    ['a context without digits', '1632960123;phone-context=+'],
    ['Arabic-Indic digits', '%D9%A4%D9%A4%D9%A1%D9%A6'],
    ['full-width digits', '%EF%BC%94%EF%BC%94'],
    ['a full-width plus', '%EF%BC%8B44123456'],
    ['superscript digits', '44%C2%B2'],
    ['a non-breaking space', '44%C2%A0123'],
    ['a zero-width space', '44%E2%80%8B123'],
    ['a tab', '44%09123'],
  ])('%s', (_what, user) => {
    expect(canonicalise(decodeURIComponent(user)).ok).toBe(false);
  });

  test('a context in the URI and another in the user part', () => {
    expect(dialled('sip:1632960123;phone-context=+44@pbx.test;phone-context=+1')).toBe('refused');
    expect(dialled('sip:1632960123;phone-context=+44@pbx.test;phone-context=+44')).toBe('number +441632960123');
  });
});

describe('for every text', () => {
  const dialSigns = fc.string({ unit: fc.constantFrom(...Array.from('0123456789+*#-.() ;=')), maxLength: 40 });

  test('the canonical form is its own canonical form', () => {
    fc.assert(
      fc.property(fc.oneof(dialSigns, fc.string()), (text) => {
        const once = canonicalise(text);
        if (once.ok) expect(canonicalise(once.value.canonical)).toEqual(once);
      }),
      { numRuns: 2_000 },
    );
  });

  test('what is made of dial signs is a number or refused, never a name that a switch would dial', () => {
    fc.assert(
      fc.property(dialSigns, (text) => {
        const result = canonicalise(text);
        expect(result.ok && result.value.kind === 'name').toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test('separators change nothing', () => {
    const number = fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), minLength: 3, maxLength: 15 });
    const separator = fc.string({ unit: fc.constantFrom(...Array.from('-.() ')), maxLength: 3 });
    fc.assert(
      fc.property(
        number,
        fc.array(separator, { minLength: 16, maxLength: 16 }),
        fc.boolean(),
        (digits, gaps, isGlobal) => {
          const plus = isGlobal ? '+' : '';
          const spaced = Array.from(digits)
            .map((digit, index) => digit + gaps[index])
            .join('');
          expect(canonicalise(plus + spaced)).toEqual(canonicalise(plus + digits));
        },
      ),
    );
  });

  test('an accepted form holds only what a URI, a log and a rule can hold', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), dialSigns), (text) => {
        const result = canonicalise(text);
        if (result.ok) expect(result.value.canonical).toMatch(/^[-\w.+~*#!]{1,64}$/);
      }),
      { numRuns: 500 },
    );
  });
});
