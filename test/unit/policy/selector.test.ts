import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CallTraits, matchesPattern, type Selector, SelectorIndex } from '../../../src/policy/selector.ts';

const nobody: Selector = {
  users: [],
  groups: [],
  trunks: [],
  to: [],
  countries: [],
  classes: [],
  callerIds: [],
  direction: 'both',
};
const call: CallTraits = {
  direction: 'out',
  user: 'alice@pbx.test',
  group: 'sales',
  trunks: ['carrier', 'backup'],
  number: '+33142685300',
  country: 'FR',
  classes: ['mobile', 'international'],
  callerId: '+442071838750',
};

function matching(selectors: readonly Partial<Selector>[], traits: CallTraits = call): readonly number[] {
  const items = selectors.map((selector, at) => ({ at, selector: { ...nobody, ...selector } }));
  return new SelectorIndex(items).matching(traits).map(({ at }) => at);
}

test.each<[string, Partial<Selector>, boolean]>([
  ['nothing is asked', {}, true],
  ['its user is named', { users: ['bob@pbx.test', 'alice@pbx.test'] }, true],
  ['another user is named', { users: ['bob@pbx.test'] }, false],
  ['its group is named', { groups: ['sales'] }, true],
  ['another user, but its group', { users: ['bob@pbx.test'], groups: ['sales'] }, true],
  ['one of its trunks', { trunks: ['backup'] }, true],
  ['a group of the name of its trunk', { groups: ['carrier'] }, false],
  ['its number', { to: ['+33142685300'] }, true],
  ['the beginning of its number', { to: ['+3314268530'] }, false],
  ['a prefix', { to: ['+44*', '+331*'] }, true],
  ['every number', { to: ['*'] }, true],
  ['a prefix as long as its number', { to: ['+33142685300*'] }, true],
  ['a prefix longer than its number', { to: ['+331426853000*'] }, false],
  ['its country', { countries: ['DE', 'FR'] }, true],
  ['another country', { countries: ['DE'] }, false],
  ['one of its classes', { classes: ['satellite', 'international'] }, true],
  ['another class', { classes: ['satellite'] }, false],
  ['what it shows', { callerIds: ['+44207*'] }, true],
  ['anonymous callers', { callerIds: ['anonymous'] }, false],
  ['its direction', { direction: 'out' }, true],
  ['the other direction', { direction: 'in' }, false],
  ['number and country', { to: ['+331*'], countries: ['FR'] }, true],
  ['number and another country', { to: ['+331*'], countries: ['GB'] }, false],
  ['country and another class', { countries: ['FR'], classes: ['satellite'] }, false],
])('a selector speaks of a call or not: %s', (_what, selector, expected) => {
  expect(matching([selector])).toEqual(expected ? [0] : []);
});

describe('what matches', () => {
  test('comes in the order of the configuration, however narrow, and each once', () => {
    const selectors = [
      { classes: ['international'], trunks: ['carrier', 'backup'] },
      { users: ['alice@pbx.test'], groups: ['sales'] },
      {},
      { to: ['+3*', '+33*', '+33142685300'] },
      { countries: ['FR'], classes: ['mobile', 'international'] },
    ] as const;
    expect(matching(selectors)).toEqual([0, 1, 2, 3, 4]);
  });

  test('is nothing of a call without user, group, trunk or country where one is asked', () => {
    const bare = { ...call, user: undefined, group: undefined, trunks: [], country: undefined, classes: [] };
    const asked = [{ users: ['undefined'] }, { groups: ['undefined'] }, { trunks: [''] }, { countries: ['FR'] }, {}];
    expect(matching(asked, bare)).toEqual([4]);
  });

  test('is what a look at each selector finds', () => {
    const some = <T>(of: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...of], { maxLength: 2 });
    const selector = fc.record({
      users: some(['alice@pbx.test', 'bob@pbx.test']),
      groups: some(['sales', 'support']),
      trunks: some(['carrier', 'other']),
      to: some(['+33*', '+331*', '+44*', '+33142685300', '*']),
      countries: some(['FR', 'GB']),
      classes: some(['mobile', 'satellite'] as const),
      callerIds: some(['+44*', 'anonymous']),
      direction: fc.constantFrom('in' as const, 'out' as const, 'both' as const),
    });
    const plainly = ({ users, groups, trunks, to, countries, classes, callerIds, direction }: Selector): boolean =>
      (users.length + groups.length + trunks.length === 0 ||
        users.includes('alice@pbx.test') ||
        groups.includes('sales') ||
        trunks.includes('carrier')) &&
      (to.length === 0 || to.some((one) => !one.startsWith('+44'))) &&
      (countries.length === 0 || countries.includes('FR')) &&
      (classes.length === 0 || classes.includes('mobile')) &&
      (callerIds.length === 0 || callerIds.includes('+44*')) &&
      direction !== 'in';
    fc.assert(
      fc.property(fc.array(selector, { maxLength: 30 }), (selectors) => {
        const expected = selectors.flatMap((one, at) => (plainly(one) ? [at] : []));
        expect(matching(selectors)).toEqual(expected);
      }),
    );
  });
});

test.each([
  ['+44*', '+44', true],
  ['+44*', '+4', false],
  ['*', '', true],
  ['101', '1010', false],
  ['101', '101', true],
])('the pattern %s on %s', (pattern, text, expected) => {
  expect(matchesPattern(pattern, text)).toBe(expected);
});
