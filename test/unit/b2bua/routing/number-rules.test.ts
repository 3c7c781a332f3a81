// Numbers as they leave: rewritten, written in a form, and the caller within what a trunk lets us show (RFC 3966, RFC 3261 §8.1.1.3).
import { describe, expect, test } from 'vitest';
import {
  type CallerIdRule,
  type NumberRule,
  outgoingNumbers,
  type PeerNumbers,
  plainNumbers,
} from '../../../../src/b2bua/routing/number-rules.ts';
import { type NumberPattern, parseNumberPattern } from '../../../../src/core/number-pattern.ts';
import { writeNumber } from '../../../../src/policy/number-form.ts';
import { SiteNumbers } from '../../../../src/policy/site-numbers.ts';

const numbers = new SiteNumbers({ country: 'GB' });

function pattern(text: string): NumberPattern {
  const parsed = parseNumberPattern(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function rule(match: string, more: Partial<NumberRule> = {}): NumberRule {
  return { match: pattern(match), strip: 0, prefix: '', ...more };
}

function out(rules: Partial<PeerNumbers>, canonical = '+442071838750', caller = '+441632960123') {
  return outgoingNumbers({ ...plainNumbers, country: 'GB', ...rules }, { canonical, caller, side: 'pbx' }, numbers);
}

function called(rules: readonly NumberRule[], canonical?: string): unknown {
  const outgoing = out({ called: rules }, canonical);
  return outgoing.ok ? [outgoing.value.called, outgoing.value.rewritten?.canonical] : outgoing.error.code;
}

describe('the called number', () => {
  test.each([
    ['no rule', [], '+442071838750', undefined],
    ['no rule that matches', [rule('+1*', { strip: 1 })], '+442071838750', undefined],
    [
      'the first that matches',
      [rule('+44*', { form: 'plain' }), rule('*', { form: 'national' })],
      '442071838750',
      undefined,
    ],
    ['national', [rule('*', { form: 'national' })], '02071838750', undefined],
    ['international', [rule('*', { form: 'international' })], '00442071838750', undefined],
    ['behind a prefix of the carrier', [rule('*', { form: 'plain', prefix: '1234#' })], '1234#442071838750', undefined],
    [
      'replaced, with what the pattern left',
      [rule('+44207*', { replace: '+44208*' })],
      '+442081838750',
      '+442081838750',
    ],
    ['replaced as a whole', [rule('*', { replace: '+15552368' })], '+15552368', '+15552368'],
    ['stripped to what it still means', [rule('+44*', { strip: 3 })], '2071838750', undefined],
    ['stripped to an extension', [rule('*', { strip: 9 })], '8750', '8750'],
    ['another number by its prefix', [rule('+44*', { strip: 1, prefix: '00' })], '00442071838750', undefined],
    [
      'a dear number by its prefix',
      [rule('*', { strip: 13, prefix: '+449098790000' })],
      '+449098790000',
      '+449098790000',
    ],
  ] as const)('%s', (_what, rules, text, rewritten) => {
    expect(called(rules)).toEqual([text, rewritten]);
  });

  test('that no rule leaves a number of is refused', () => {
    expect(called([rule('*', { strip: 32 })])).toBe('number-not-valid');
  });

  test('what is no number of E.164 has no forms', () => {
    expect(called([rule('*', { form: 'plain' })], '600')).toEqual(['600', undefined]);
    expect(writeNumber('*97', 'international', 'GB')).toBe('*97');
  });

  test('a number of another country is dialled internationally where national ones are dialled nationally', () => {
    expect(called([rule('*', { form: 'national' })], '+12133734253')).toEqual(['0012133734253', undefined]);
    expect(writeNumber('+12133734253', 'national', 'US')).toBe('2133734253');
    expect(writeNumber('+442071838750', 'national', undefined)).toBe('00442071838750');
  });
});

describe('the caller', () => {
  function shown(callerId: CallerIdRule, caller: string, rules: readonly NumberRule[] = []): unknown {
    const outgoing = out({ callerId, caller: rules }, undefined, caller);
    return outgoing.ok ? outgoing.value.caller : outgoing.error.code;
  }
  const ours: CallerIdRule = { kind: 'allowed', numbers: [pattern('+441632960*')], otherwise: '+441632960000' };

  test('is shown as it came where nothing is said about it', () => {
    expect(shown({ kind: 'any' }, '01632 960 123')).toBe('01632 960 123');
  });

  test('is shown when it is one of ours, however the PBX writes it', () => {
    expect(shown(ours, '+441632960123')).toBe('+441632960123');
    expect(shown(ours, '01632960123')).toBe('+441632960123');
  });

  test('is the default when it is not, or the call is refused', () => {
    expect(shown(ours, '+442071838750')).toBe('+441632960000');
    expect(shown(ours, 'alice')).toBe('+441632960000');
    expect(shown({ ...ours, otherwise: undefined }, '+442071838750')).toBe('caller-not-allowed');
  });

  test('is one number for everybody, or none', () => {
    expect(shown({ kind: 'fixed', number: '+441632960000' }, 'alice')).toBe('+441632960000');
    expect(shown({ kind: 'anonymous' }, '+441632960123')).toBeUndefined();
  });

  test('is written as the trunk wants it', () => {
    expect(shown(ours, '+441632960123', [rule('*', { form: 'national' })])).toBe('01632960123');
  });
});
