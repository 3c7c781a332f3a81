import { describe, expect, test } from 'vitest';
import { type Route, type RouteQuery, Router, viaName } from '../../../src/b2bua/router.ts';
import { type NumberPattern, parseNumberPattern } from '../../../src/core/number-pattern.ts';

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

const query: RouteQuery = { from: 'user', caller: 'bob@pbx.test', listener: 'phones', canonical: '+441632960123' };

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

test('targets are named by kind and name', () => {
  expect(viaName({ kind: 'users' })).toBe('users');
  expect(viaName({ kind: 'pbx', name: 'main' })).toBe('pbx:main');
});
