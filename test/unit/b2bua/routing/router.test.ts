import { describe, expect, test } from 'vitest';
import { type Route, type RouteQuery, Router, viaName } from '../../../../src/b2bua/routing/router.ts';
import { type NumberPattern, parseNumberPattern } from '../../../../src/core/number-pattern.ts';
import { parseOpenSpans } from '../../../../src/core/weekly-hours.ts';

function pattern(text: string): NumberPattern {
  const parsed = parseNumberPattern(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function route(name: string, from: Route['from'], to: string, via: string, more: Partial<Route> = {}): Route {
  return { name, from, to: to.split(' ').map(pattern), via: [{ kind: 'trunk', name: via }], ...more };
}

const routes: readonly Route[] = [
  route('sales abroad', 'user', '+*', 'premium', { callers: new Set(['alice@pbx.test']) }),
  route('from the office', 'user', '+44*', 'uk', { listeners: new Set(['office']) }),
  route('extensions', 'user', '200-299 6??', 'main'),
  route('the rest', 'user', '*', 'cheap'),
  route('in', 'trunk', '*', 'main'),
];

const monday = { year: 2026, month: 11, day: 30, weekday: 1 };

const query: RouteQuery = {
  from: 'user',
  caller: 'bob@pbx.test',
  group: undefined,
  listener: 'phones',
  canonical: '+441632960123',
  localTime: () => ({ ...monday, minute: 600 }),
};

function first(more: Partial<RouteQuery>): string | undefined {
  return new Router(routes).matches({ ...query, ...more })[0]?.name;
}

describe('the first route decides that fits', () => {
  test.each([
    [{}, 'the rest'],
    [{ caller: 'alice@pbx.test' }, 'sales abroad'],
    [{ caller: 'alice@other.test' }, 'the rest'],
    [{ listener: 'office' }, 'from the office'],
    [{ canonical: '250' }, 'extensions'],
    [{ canonical: '300' }, 'the rest'],
    [{ canonical: '612' }, 'extensions'],
    [{ from: 'trunk' }, 'in'],
    [{ from: 'pbx' }, undefined],
  ] as const)('%o: %s', (more, name) => {
    expect(first(more)).toBe(name);
  });

  test('and those before it say why they do not', () => {
    expect(new Router(routes).passed(query).map(({ route: { name }, why }) => `${name}: ${why}`)).toEqual([
      'sales abroad: bob@pbx.test is not among its callers',
      'from the office: phones is not among its listeners',
      'extensions: +441632960123 does not match 200-299, 6??',
    ]);
  });
});

describe('a route of hours and groups', () => {
  const schedule = {
    name: 'office',
    zone: 'Europe/London',
    open: parseOpenSpans('mon-fri 08:00-18:00') ?? [],
    holidays: new Set(['12-25']),
  };
  const timed = [
    route('by night', 'user', '*', 'night', { hours: { schedule, when: 'closed' } }),
    route('sales by day', 'user', '*', 'sales', {
      groups: new Set(['sales']),
      hours: { schedule, when: 'open' },
    }),
    route('the rest', 'user', '*', 'main'),
  ];
  const at = (minute: number, group?: string, day = monday): string | undefined => {
    const asked = { ...query, group, localTime: () => ({ ...day, minute }) };
    return new Router(timed).matches(asked)[0]?.name;
  };

  test.each([
    [479, 'sales', 'by night'],
    [480, 'sales', 'sales by day'],
    [1_079, 'sales', 'sales by day'],
    [1_080, 'sales', 'by night'],
    [600, 'support', 'the rest'],
    [600, undefined, 'the rest'],
  ])('at minute %i of a Monday, of group %s: %s', (minute, group, name) => {
    expect(at(minute, group)).toBe(name);
  });

  test('keeps to holidays', () => {
    expect(at(600, 'sales', { year: 2026, month: 12, day: 25, weekday: 5 })).toBe('by night');
  });

  test('is passed over with the reason', () => {
    const why = (group: string | undefined) => new Router(timed).passed({ ...query, group }).map((one) => one.why);
    const night = 'it is for when office is closed, and it is mon 10:00 Europe/London';
    expect(why(undefined)).toEqual([night, 'bob@pbx.test is in no group']);
    expect(why('support')).toEqual([night, 'bob@pbx.test is in support, which is not among its groups']);
  });
});

test('targets are named by kind and name', () => {
  expect(viaName({ kind: 'users' })).toBe('users');
  expect(viaName({ kind: 'pbx', name: 'main' })).toBe('pbx:main');
});
