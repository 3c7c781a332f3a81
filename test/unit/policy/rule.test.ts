import { describe, expect, test } from 'vitest';
import type { LocalTime } from '../../../src/policy/calling-hours.ts';
import { type Rule, Rules } from '../../../src/policy/rule.ts';
import type { CallTraits } from '../../../src/policy/selector.ts';
import type { RuleTrace } from '../../../src/policy/verdict.ts';

const anyone = { users: [], groups: [], trunks: [], to: [], countries: [], classes: [], callerIds: [] };
const selector = { ...anyone, direction: 'both' } as const;
const office = {
  name: 'office',
  zone: 'Europe/Paris',
  open: [{ weekday: 1, from: 480, to: 1080 }],
  holidays: new Set<string>(),
};
const call: CallTraits = {
  direction: 'out',
  user: 'alice@pbx.test',
  group: undefined,
  trunks: [],
  number: '+33142685300',
  country: 'FR',
  classes: ['international'],
  callerId: '600',
};
const monday: LocalTime = { year: 2026, month: 3, day: 2, weekday: 1, minute: 540 };
const denies = (name: string, more: Partial<Rule> = {}): Rule => {
  return { name, action: 'deny', selector, hours: undefined, ...more };
};

function ask(
  rules: readonly Rule[],
  at: LocalTime = monday,
): { code: string | undefined; trace: RuleTrace[]; zones: string[] } {
  const [trace, zones]: [RuleTrace[], string[]] = [[], []];
  const localTime = (zone: string): LocalTime => {
    zones.push(zone);
    return at;
  };
  return { code: new Rules(rules).ask(call, localTime, trace)?.code, trace, zones };
}

describe('the first rule that matches', () => {
  test('decides, and those behind it are not asked', () => {
    const { code, trace } = ask([denies('a', { action: 'allow' }), denies('b')]);
    expect(code).toBeUndefined();
    expect(trace).toEqual([{ rule: 'rule a', input: '+33142685300 (FR, international)', answer: 'allow' }]);
  });

  test('refuses with 403 and says which it was', () => {
    const refusal = new Rules([denies('no-france')]).ask(call, () => monday, []);
    expect(refusal).toEqual({
      code: 'rule-denied',
      status: 403,
      text: 'Not allowed',
      detail: 'rule no-france denies +33142685300 (FR, international)',
    });
  });

  test('is not one that speaks of other calls, which leaves no trace', () => {
    const { code, trace } = ask([denies('a', { selector: { ...selector, countries: ['GB'] } })]);
    expect([code, trace]).toEqual([undefined, []]);
  });

  test('is the next one while its hours do not hold, in the time of their zone', () => {
    const rules = [denies('a', { hours: { schedule: office, when: 'closed' } }), denies('b')];
    const open = ask(rules);
    expect(open.trace).toEqual([
      {
        rule: 'rule a',
        input: '+33142685300 (FR, international), mon 09:00 Europe/Paris',
        answer: 'pass: not while office is closed',
      },
      { rule: 'rule b', input: '+33142685300 (FR, international)', answer: 'deny' },
    ]);
    expect(open.zones).toEqual(['Europe/Paris']);
    const closed = ask(rules, { ...monday, minute: 1_080 });
    expect(closed.trace.map(({ rule, answer }) => `${rule}: ${answer}`)).toEqual(['rule a: deny']);
  });

  test('allows when there is none at all', () => {
    expect(ask([])).toEqual({ code: undefined, trace: [], zones: [] });
  });
});
