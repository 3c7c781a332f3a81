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

test('there are never more than the most, and the last one always holds', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(30), fc.nat(100_000)), { maxLength: 200 }), (events) => {
      const bans = new Bans({ first: 1_000, longest: 8_000, most: 10 });
      for (const [host, now] of events) {
        bans.ban({ source: `10.0.0.${host}` }, 'malformed', now);
        expect(bans.size).toBeLessThanOrEqual(10);
        expect(bans.isBanned(`10.0.0.${host}`, now)).toBe(true);
      }
    }),
  );
});
