import { describe, expect, test } from 'vitest';
import { FraudEngine } from '../../../../src/policy/fraud/fraud-engine.ts';
import type { FraudCall, FraudKind, FraudOutput } from '../../../../src/policy/fraud/fraud-event.ts';
import type { FraudRule } from '../../../../src/policy/fraud/fraud-rule.ts';
import type { KnownValue } from '../../../../src/policy/fraud/fraud-store.ts';
import { PriceTable } from '../../../../src/policy/fraud/price-table.ts';
import { usual } from '../../../../src/policy/fraud/usual-rules.ts';

const minute = 60_000;
const alice = 'user:alice@pbx.test';
let serial = 0;

function call(number: string, classes: FraudCall['classes'], subject = alice): FraudCall {
  serial += 1;
  return { id: `call-${serial}`, subject, number, country: 'FR', classes, isOutOfHours: false };
}

function engineOf(kind: FraudKind, more: Partial<FraudRule> = {}): FraudEngine {
  const rule = { ...usual(kind, { act: 2, window: 60 * minute }, ['refuse-class']), ...more };
  return new FraudEngine([rule], new PriceTable(new Map(), 1));
}

function attempt(engine: FraudEngine, at: number, one: FraudCall, admitted = true): readonly FraudOutput[] {
  return engine.handle({ type: 'attempted', at, call: one, admitted });
}

const types = (outputs: readonly FraudOutput[]): readonly string[] => outputs.map(({ type }) => type);

describe('what is refused after a rule acted', () => {
  test.each([
    ['a call abroad', 'foreign-calls', ['international'], 'international'],
    ['a mobile abroad', 'foreign-calls', ['mobile', 'international'], 'international'],
    ['a mobile abroad, by a rule about all calls', 'simultaneous-calls', ['mobile', 'international'], 'international'],
    ['a mobile at home', 'simultaneous-calls', ['mobile', 'national'], 'mobile'],
    ['a satellite number', 'foreign-calls', ['satellite', 'international'], 'satellite'],
    ['premium rate at home', 'premium-range', ['premium-rate', 'national'], 'premium-rate'],
  ] as const)('is the class that tells: %s', (_what, kind, classes, expected) => {
    const engine = engineOf(kind);
    attempt(engine, 0, call('+33899123401', classes));
    const outputs = attempt(engine, 1, call('+33899123402', classes));
    expect(types(outputs)).toEqual(['alert', 'restrict']);
    expect(outputs[1]).toMatchObject({ of: expected, subject: alice, rule: kind });
  });

  test('is what the rule names, where it names classes', () => {
    const engine = engineOf('foreign-calls', { classes: ['mobile'] });
    attempt(engine, 0, call('+33612345678', ['mobile', 'international']));
    const outputs = attempt(engine, 1, call('+33612345679', ['mobile', 'international']));
    expect(outputs[1]).toMatchObject({ of: 'mobile' });
  });

  test('holds from now on, for as long as the rule says', () => {
    const engine = engineOf('foreign-calls', { hold: 10 * minute });
    attempt(engine, 0, call('+33142685300', ['international']));
    const outputs = attempt(engine, 7, call('+33142685301', ['international']));
    expect(outputs[1]).toMatchObject({ since: 7, until: 10 * minute + 7 });
  });
});

describe('what is known of a process before', () => {
  const known = (engine: FraudEngine, of: KnownValue['of'], value: string): readonly FraudOutput[] =>
    engine.handle({ type: 'known', at: 0, subject: alice, of, value });
  const registered = (engine: FraudEngine, source: string, country: string): readonly FraudOutput[] =>
    engine.handle({ type: 'registered', at: 1, subject: alice, source, country });

  test('is not new, and what is not known is', () => {
    const engine = engineOf('new-country', { act: 1 });
    for (const value of ['FR', 'ES']) expect(known(engine, 'called-country', value)).toEqual([]);
    known(engine, 'source-country', 'SO');
    expect(attempt(engine, 1, call('+33142685300', ['international']))).toEqual([]);
    const abroad = { ...call('+2526123456', ['international']), country: 'SO' };
    expect(types(attempt(engine, 2, abroad))).toEqual(['alert', 'restrict']);
  });

  test('is told apart: countries of sources from those that were called', () => {
    const engine = engineOf('new-source-country', { act: 1 });
    known(engine, 'source-country', 'GB');
    known(engine, 'called-country', 'VN');
    expect(registered(engine, '192.0.2.1', 'GB')).toEqual([]);
    expect(types(registered(engine, '203.0.113.1', 'VN'))).toContain('alert');
  });

  test('counts among the places of registrations, and is not told by itself', () => {
    const engine = engineOf('registration-places', { act: 3 });
    for (const value of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) expect(known(engine, 'source', value)).toEqual([]);
    expect(types(registered(engine, '192.0.2.4', 'GB'))).toContain('alert');
  });
});

describe('a level', () => {
  test('is told once within the window, a higher one at once, and again when the window is over', () => {
    const engine = engineOf('foreign-calls', { warn: 1, act: 3, window: 24 * minute });
    const levels = [0, 1, 2, 3, 4, 40, 41].map((at) => {
      const [first] = attempt(engine, at * minute, call('+33142685300', ['international']));
      return first?.type === 'alert' ? first.finding.level : '-';
    });
    expect(levels).toEqual(['warn', '-', 'act', '-', '-', 'warn', '-']);
  });
});

test('an emergency call is no reason for anything, and is not among the calls that are ended', () => {
  const engine = engineOf('simultaneous-calls', { actions: ['end-calls'] });
  const emergency = call('999', ['emergency']);
  expect(attempt(engine, 0, emergency)).toEqual([]);
  const first = call('+33142685300', ['international']);
  expect(attempt(engine, 0, first)).toEqual([]);
  const second = call('+33142685301', ['international']);
  expect(attempt(engine, 0, second).at(-1)).toMatchObject({ type: 'end-calls', calls: [first.id, second.id] });
});

test('only a source that is proven is banned', () => {
  const registered = { type: 'registered', subject: alice, source: '192.0.2.1', country: undefined } as const;
  const engine = engineOf('registration-places', { actions: ['ban-source', 'lock-user'] });
  engine.handle({ ...registered, at: 0 });
  expect(types(engine.handle({ ...registered, at: 1, source: '192.0.2.2' }))).toEqual(['alert', 'lock-user']);
  const other = engineOf('registration-places', { actions: ['ban-source'] });
  other.handle({ ...registered, at: 0 });
  const outputs = other.handle({ ...registered, at: 1, source: '192.0.2.2', address: '192.0.2.2' });
  expect(outputs.at(-1)).toMatchObject({ type: 'ban-source', source: '192.0.2.2' });
});

test('a trunk is never locked like a user', () => {
  const engine = engineOf('foreign-calls', { actions: ['lock-user'] });
  attempt(engine, 0, call('+33142685300', ['international'], 'trunk:carrier'));
  expect(types(attempt(engine, 0, call('+33142685300', ['international'], 'trunk:carrier')))).toEqual(['alert']);
});
