import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bans, defaultBanRules } from '../../../src/policy/bans.ts';

const source = '198.51.100.7';
const { first, longest } = defaultBanRules;

describe('a ban', () => {
  test('holds for its time and no longer', () => {
    const bans = new Bans();
    bans.ban({ source }, 'many-accounts', 1_000);
    expect(bans.isBanned(source, 1_000 + first - 1)).toBe(true);
    expect(bans.isBanned(source, 1_000 + first)).toBe(false);
    expect(bans.isBanned('198.51.100.8', 1_000)).toBe(false);
  });

  test('of an account at a source touches neither the source nor the account elsewhere', () => {
    const bans = new Bans();
    bans.ban({ source, account: 'alice' }, 'wrong-password', 0);
    expect(bans.isAccountBanned(source, 'alice', 1)).toBe(true);
    expect(bans.isBanned(source, 1)).toBe(false);
    expect(bans.isAccountBanned('192.0.2.1', 'alice', 1)).toBe(false);
  });

  test('lasts twice as long each time, up to the longest', () => {
    const bans = new Bans();
    let now = 0;
    const lasted = Array.from({ length: 12 }, () => {
      const { until } = bans.ban({ source }, 'many-accounts', now);
      const lasts = until - now;
      now = until;
      return lasts;
    });
    expect(lasted.slice(0, 4)).toEqual([first, first * 2, first * 4, first * 8]);
    expect(lasted.at(-1)).toBe(longest);
  });

  test('is forgiven after the longest time without another', () => {
    const bans = new Bans();
    const { until } = bans.ban({ source }, 'many-accounts', 0);
    expect(bans.ban({ source }, 'many-accounts', until + longest)).toMatchObject({ times: 1 });
  });

  test('that is longer is not cut short by another', () => {
    const bans = new Bans();
    bans.ban({ source }, 'operator', 0, longest * 3);
    expect(bans.ban({ source }, 'many-accounts', 1).until).toBe(longest * 3);
  });

  test('is lifted with all accounts of its source, or for one of them', () => {
    const bans = new Bans();
    bans.ban({ source }, 'operator', 0);
    bans.ban({ source, account: 'alice' }, 'wrong-password', 0);
    bans.ban({ source, account: 'bob' }, 'wrong-password', 0);
    expect(bans.lift({ source, account: 'bob' })).toHaveLength(1);
    expect(bans.lift({ source })).toHaveLength(2);
    expect(bans.list(1)).toEqual([]);
    expect(bans.lift({ source })).toEqual([]);
  });

  test('outlives its process', () => {
    const bans = new Bans();
    bans.restore({ source, reason: 'many-accounts', until: 5_000, times: 3 });
    expect(bans.isBanned(source, 4_999)).toBe(true);
    expect(bans.ban({ source }, 'many-accounts', 5_000).times).toBe(4);
  });
});

test('other rules hold for bans from now on, and leave those that run as they are', () => {
  const bans = new Bans();
  bans.ban({ source }, 'many-accounts', 0);
  bans.replaceRules({ ...defaultBanRules, first: 7_000 });
  expect(bans.list(0)).toMatchObject([{ until: first }]);
  expect(bans.ban({ source: '198.51.100.8' }, 'many-accounts', 0).until).toBe(7_000);
});

describe('the ban of another node', () => {
  const theirs = { source, account: undefined, reason: 'many-accounts', until: 5_000, times: 3 } as const;

  test('holds here too, where it is new or longer', () => {
    const bans = new Bans();
    expect(bans.adopt(theirs, 0)).toBe(true);
    expect(bans.isBanned(source, 4_999)).toBe(true);
    expect([bans.adopt(theirs, 1), bans.adopt({ ...theirs, until: 4_000 }, 1)]).toEqual([false, false]);
    expect(bans.adopt({ ...theirs, until: 6_000 }, 1)).toBe(true);
    expect(bans.list(5_999)).toMatchObject([{ until: 6_000 }]);
  });

  test('counts when the source is banned here next', () => {
    const bans = new Bans();
    bans.adopt(theirs, 0);
    expect(bans.ban({ source }, 'many-accounts', 5_000)).toMatchObject({ times: 4, until: 5_000 + 8 * first });
  });
});

test('there are never more than the most, ours and those of other nodes, and the last one always holds', () => {
  const event = fc.record({ host: fc.nat(30), now: fc.nat(100_000), isOurs: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const bans = new Bans({ first: 1_000, longest: 8_000, most: 10 });
      for (const { host, now, isOurs } of events) {
        const target = { source: `10.0.0.${host}`, account: undefined };
        if (isOurs) bans.ban(target, 'malformed', now);
        else bans.adopt({ ...target, reason: 'malformed', until: now + 1, times: 1 }, now);
        expect(bans.size).toBeLessThanOrEqual(10);
        expect(bans.isBanned(target.source, now)).toBe(true);
      }
    }),
  );
});

test('where there is no room, bans that are forgiven go first, then the one that ends soonest', () => {
  const bans = new Bans({ first: 1_000, longest: 2_000, most: 3 });
  const ban = (host: number, now: number, lasts: number): void =>
    void bans.ban({ source: `10.0.0.${host}` }, 'operator', now, lasts);
  ban(1, 0, 10_000);
  ban(2, 0, 5_000);
  ban(3, 0, 100);
  ban(4, 2_100, 20_000);
  expect(bans.list(0).map((one) => one.source)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.4']);
  ban(5, 2_101, 20_000);
  expect(bans.list(0).map((one) => one.source)).toEqual(['10.0.0.1', '10.0.0.4', '10.0.0.5']);
  // Its own place is enough for one that is there already.
  ban(1, 2_102, 20_000);
  expect(bans.size).toBe(3);
});
