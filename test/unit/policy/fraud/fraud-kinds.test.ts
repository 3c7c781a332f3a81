// What each kind of rule counts, told by the value at which it acts.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FraudEngine } from '../../../../src/policy/fraud/fraud-engine.ts';
import {
  type FraudCall,
  type FraudFinding,
  type FraudKind,
  type FraudOutput,
  fraudKinds,
} from '../../../../src/policy/fraud/fraud-event.ts';
import { type FraudRule, maxRunning, Watch } from '../../../../src/policy/fraud/fraud-rule.ts';
import { PriceTable } from '../../../../src/policy/fraud/price-table.ts';
import { usual, usualFraudRules } from '../../../../src/policy/fraud/usual-rules.ts';

const minute = 60_000;
const hour = 60 * minute;
const alice = 'user:alice@pbx.test';
const prices = new PriceTable(new Map([['+882', 6]]), 0.5);
let serial = 0;

function callTo(number: string, more: Partial<FraudCall> = {}): FraudCall {
  serial += 1;
  const classes = ['international'] as const;
  return { id: `call-${serial}`, subject: alice, number, country: 'FR', classes, isOutOfHours: false, ...more };
}

/** What one rule says of what happens to one subject: a value, or nothing. */
class Watched {
  readonly #watch: Watch;

  constructor(kind: FraudKind, more: Partial<FraudRule> = {}) {
    this.#watch = new Watch({ ...usual(kind, { act: 1, window: hour }, []), ...more }, prices);
  }

  attempt(call: FraudCall, at = 0, admitted = true): number | undefined {
    return this.#watch.take({ type: 'attempted', at, call, admitted });
  }

  end(call: FraudCall, duration: number, at = 0): number | undefined {
    return this.#watch.take({ type: 'ended', at, call, duration });
  }

  register(source: string, country?: string, at = 0): number | undefined {
    return this.#watch.take({ type: 'registered', at, subject: alice, source, country });
  }
}

const number = '+33142685300';

describe('what is counted', () => {
  test('are calls outside of hours', () => {
    const watched = new Watched('out-of-hours-calls');
    const late = (): number | undefined => watched.attempt(callTo(number, { isOutOfHours: true }));
    expect([late(), watched.attempt(callTo(number)), late()]).toEqual([1, undefined, 2]);
  });

  test('are calls abroad', () => {
    const watched = new Watched('foreign-calls');
    const home = callTo('+442071838750', { classes: ['national'] });
    expect([watched.attempt(callTo(number)), watched.attempt(home), watched.attempt(callTo(number))]).toEqual([
      1,
      undefined,
      2,
    ]);
  });

  test('are countries that are new, after the first, which is what is normal', () => {
    const called = new Watched('new-country');
    const to = (country: string | undefined): number | undefined => called.attempt(callTo(number, { country }));
    expect(['FR', undefined, 'FR', 'SO', 'SO', 'FR', 'VN'].map(to)).toEqual([
      undefined,
      undefined,
      undefined,
      1,
      undefined,
      undefined,
      1,
    ]);
    const came = new Watched('new-source-country');
    const from = (country: string | undefined): number | undefined => came.register('192.0.2.1', country);
    expect([undefined, 'GB', 'GB', 'VN'].map(from)).toEqual([undefined, undefined, undefined, 1]);
  });

  test('are places that somebody registered from within the window', () => {
    const watched = new Watched('registration-places');
    const at = (source: string, when: number): number | undefined => watched.register(source, undefined, when);
    expect([at('a', 0), at('b', 1), at('a', 2), at('c', hour), at('d', hour + 1)]).toEqual([1, 2, 2, 3, 3]);
  });

  test('are calls that were answered and soon over; one that was never answered is none', () => {
    const watched = new Watched('short-calls', { shortCall: 6_000 });
    const lasting = (duration: number): number | undefined => watched.end(callTo(number), duration);
    expect([5_999, 0, 6_000, 1].map(lasting)).toEqual([1, undefined, undefined, 2]);
  });

  test('are numbers that differ from the one before by a little, one after the other', () => {
    const watched = new Watched('sequential-numbers');
    const to = (dialled: string): number | undefined => watched.attempt(callTo(dialled));
    expect(['+33142685300', '+33142685301', '+33142685304', '+33142685302'].map(to)).toEqual([undefined, 2, 3, 4]);
    expect(['+33142685302', '+33142685303', '+33142685307', '+33142685306'].map(to)).toEqual([
      undefined,
      2,
      undefined,
      2,
    ]);
    expect(['+331426853060', '+331426853061', '+431426853061', 'alice', 'alicf'].map(to)).toEqual([
      undefined,
      2,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('are calls that run at the same time', () => {
    const watched = new Watched('simultaneous-calls');
    const [one, two, three] = [callTo(number), callTo('+882100'), callTo('600', { classes: ['internal'] })];
    expect([watched.attempt(one), watched.attempt(two)]).toEqual([1, 2]);
    expect(watched.end(one, 0)).toBeUndefined();
    expect(watched.attempt(three)).toBe(2);
  });

  test('are calls that run to one range of premium or satellite numbers', () => {
    const watched = new Watched('premium-range');
    const premium = (dialled: string): FraudCall => callTo(dialled, { classes: ['premium-rate', 'national'] });
    const first = premium('+33899123401');
    expect(watched.attempt(first)).toBe(1);
    expect(watched.attempt(premium('+33899123499'))).toBe(2);
    expect(watched.attempt(premium('+33899123501'))).toBe(1);
    expect(watched.attempt(callTo('+33899123402'))).toBeUndefined();
    expect(watched.attempt(callTo('+88216123401', { classes: ['satellite', 'international'] }))).toBe(1);
    watched.end(first, minute);
    expect(watched.attempt(premium('+33899123402'))).toBe(2);
  });

  test('are minutes abroad, and what all minutes cost', () => {
    const minutes = new Watched('foreign-minutes');
    const spend = new Watched('spend');
    const calls: readonly (readonly [FraudCall, number])[] = [
      [callTo(number), 90_000],
      [callTo('+442071838750', { classes: ['national'] }), minute],
      [callTo('+88216123401'), 2 * minute],
      [callTo('600', { classes: ['internal'] }), hour],
    ];
    expect(calls.map(([call, duration]) => minutes.end(call, duration))).toEqual([1.5, undefined, 3.5, undefined]);
    expect(calls.map(([call, duration]) => spend.end(call, duration))).toEqual([0.75, 1.25, 13.25, 13.25]);
  });

  test('are attempts that were refused', () => {
    const watched = new Watched('refused-attempts');
    expect([
      watched.attempt(callTo(number), 0, false),
      watched.attempt(callTo(number)),
      watched.attempt(callTo(number), 1, false),
    ]).toEqual([1, undefined, 2]);
  });

  test('of calls that were refused is nothing for every other rule, nor of what is none of its business', () => {
    const others = [
      'out-of-hours-calls',
      'foreign-calls',
      'new-country',
      'sequential-numbers',
      'simultaneous-calls',
      'premium-range',
    ] as const;
    for (const kind of others) {
      const watched = new Watched(kind);
      const call = callTo('+33899123401', { isOutOfHours: true, classes: ['premium-rate', 'international'] });
      expect([watched.attempt(call, 0, false), watched.end(call, minute), watched.register('a', 'GB')]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
  });

  test('is of the classes that a rule names, and of no other call', () => {
    const watched = new Watched('simultaneous-calls', { classes: ['mobile', 'satellite'] });
    const mobile = callTo(number, { classes: ['mobile', 'international'] });
    expect([watched.attempt(callTo(number)), watched.attempt(mobile)]).toEqual([undefined, 1]);
    expect(watched.end(mobile, minute)).toBeUndefined();
    expect(watched.attempt({ ...mobile, id: 'another' })).toBe(1);
  });

  test('of calls that run is bounded', () => {
    const watched = new Watched('simultaneous-calls');
    const values = Array.from({ length: maxRunning + 2 }, () => watched.attempt(callTo(number)));
    expect(values.slice(-3)).toEqual([maxRunning, maxRunning, maxRunning]);
  });
});

describe('what is told of it', () => {
  const ruleOf = (more: Partial<FraudRule> = {}): FraudRule => ({
    ...usual('foreign-calls', { warn: 2, act: 3, window: hour }, ['refuse-all']),
    ...more,
  });
  const calls = (rule: FraudRule, count: number): readonly (readonly FraudOutput[])[] => {
    const engine = new FraudEngine([rule], prices);
    return Array.from({ length: count }, (_, at) =>
      engine.handle({ type: 'attempted', at, call: callTo(number), admitted: true }),
    );
  };
  const findingIn = (outputs: readonly FraudOutput[] | undefined): FraudFinding | undefined =>
    outputs?.flatMap((output) => (output.type === 'alert' ? [output.finding] : []))[0];

  test('is the value, the threshold that it reached, and what follows: nothing of a warning', () => {
    const outputs = calls(ruleOf(), 3);
    expect(outputs.map((each) => each.map(({ type }) => type))).toEqual([[], ['alert'], ['alert', 'restrict']]);
    expect(findingIn(outputs[1])).toEqual({
      rule: 'foreign-calls',
      kind: 'foreign-calls',
      subject: alice,
      level: 'warn',
      at: 1,
      value: 2,
      threshold: 2,
      detail: `foreign-calls: 2 of 2 within 60 min, last call to ${number}`,
      actions: [],
      isShadow: false,
    });
    expect(findingIn(outputs[2])).toMatchObject({ level: 'act', value: 3, threshold: 3, actions: ['refuse-all'] });
  });

  test('in shadow is what would have been done, and nothing is', () => {
    const [, , third] = calls(ruleOf({ mode: 'shadow' }), 3);
    expect(third?.map(({ type }) => type)).toEqual(['alert']);
    expect(findingIn(third)).toMatchObject({ isShadow: true, actions: ['refuse-all'] });
  });

  test('is rounded to hundredths', () => {
    const engine = new FraudEngine([ruleOf({ kind: 'foreign-minutes', warn: 1, act: undefined })], prices);
    const outputs = engine.handle({ type: 'ended', at: 0, call: callTo(number), duration: 100_000 });
    expect(findingIn(outputs)).toMatchObject({ value: 1.67, level: 'warn' });
  });

  test('of a registration names its source', () => {
    const engine = new FraudEngine([ruleOf({ kind: 'registration-places', warn: 1, act: undefined })], prices);
    const outputs = engine.handle({
      type: 'registered',
      at: 0,
      subject: alice,
      source: '192.0.2.0/24',
      country: undefined,
    });
    expect(findingIn(outputs)?.detail).toContain('last source 192.0.2.0/24');
  });

  test('refuses a user for each call all calls, and for a registration too', () => {
    const rule = ruleOf({ kind: 'registration-places', warn: undefined, act: 1, actions: ['refuse-class'], hold: 7 });
    const outputs = new FraudEngine([rule], prices).handle({
      type: 'registered',
      at: 5,
      subject: alice,
      source: '192.0.2.1',
      country: undefined,
    });
    expect(outputs[1]).toEqual({
      type: 'restrict',
      subject: alice,
      of: undefined,
      rule: 'foreign-calls',
      since: 5,
      until: 12,
    });
  });

  test('is told of each subject by itself, and a subject that was silent for longest is forgotten for another', () => {
    const engine = new FraudEngine([ruleOf({ warn: undefined, act: 2 })], prices, 2);
    const attempt = (subject: string): number =>
      engine.handle({ type: 'attempted', at: 0, call: callTo(number, { subject }), admitted: true }).length;
    expect(['user:a', 'user:b', 'user:a', 'user:c', 'user:b'].map(attempt)).toEqual([0, 0, 2, 0, 0]);
    expect(engine.subjects).toBe(2);
  });
});

test('calls that are ended are those of the subject that run', () => {
  const rule = usual('simultaneous-calls', { act: 3, window: hour }, ['end-calls']);
  fc.assert(
    fc.property(fc.array(fc.record({ which: fc.nat(5), begins: fc.boolean(), admitted: fc.boolean() })), (events) => {
      const engine = new FraudEngine([rule], prices);
      const known = Array.from({ length: 6 }, (_, index) => callTo(number, { id: `known-${index}` }));
      const running = new Set<string>();
      for (const { which, begins, admitted } of events) {
        const call = known[which] ?? callTo(number);
        if (begins && admitted) running.add(call.id);
        if (!begins) running.delete(call.id);
        const outputs = begins
          ? engine.handle({ type: 'attempted', at: 0, call, admitted })
          : engine.handle({ type: 'ended', at: 0, call, duration: minute });
        for (const output of outputs) {
          if (output.type === 'end-calls') expect(new Set(output.calls)).toEqual(running);
        }
      }
    }),
  );
});

test('the usual rules are of kinds that an operator can name, one of each, and warn before they act', () => {
  const kinds = usualFraudRules.map(({ kind }) => kind);
  expect(new Set(kinds).size).toBe(kinds.length);
  for (const { kind, warn, act = 0 } of usualFraudRules) {
    expect(fraudKinds).toContain(kind);
    expect(warn ?? 0).toBeLessThan(act);
  }
});

test('as is usual, three calls at once into one range of premium numbers are ended', () => {
  const engine = new FraudEngine(usualFraudRules, prices);
  const [first, second, third] = ['+33899123401', '+33899123402', '+33899123403'].map((to) =>
    engine
      .handle({ type: 'attempted', at: 0, call: callTo(to, { classes: ['premium-rate'] }), admitted: true })
      .map(({ type }) => type),
  );
  expect([first, second]).toEqual([[], ['alert']]);
  expect(third).toContain('end-calls');
});
