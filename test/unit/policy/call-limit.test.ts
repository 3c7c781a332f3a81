import { describe, expect, test } from 'vitest';
import { type CallLimit, CallLimits, type LimitedCall, limitClaims } from '../../../src/policy/call-limit.ts';

const selector = {
  users: [],
  groups: [],
  trunks: [],
  to: [],
  countries: [],
  classes: [],
  callerIds: [],
  direction: 'both',
} as const;
const limit: CallLimit = {
  name: 'cap',
  per: 'user',
  selector,
  concurrentCalls: undefined,
  callsPerMinute: undefined,
  dailyTime: undefined,
  monthlyTime: undefined,
  maxCallDuration: undefined,
  zone: 'Europe/Paris',
};
const day = 86_400_000;
const at = Date.UTC(2026, 11, 31, 23, 30);
const call: LimitedCall = {
  traits: {
    direction: 'out',
    user: 'alice',
    group: 'sales',
    trunks: ['one', 'two'],
    number: '600',
    country: undefined,
    classes: [],
    callerId: '601',
  },
  // The next year has begun there.
  localTime: (zone) =>
    zone === 'Europe/Paris'
      ? { year: 2027, month: 1, day: 1, weekday: 5, minute: 30 }
      : { year: 2026, month: 12, day: 31, weekday: 4, minute: 1_410 },
  at,
};

describe('a limit', () => {
  test.each([
    ['user', ['limit:cap:user:alice'], 486],
    ['group', ['limit:cap:group:sales'], 486],
    ['trunk', ['limit:cap:trunk:one', 'limit:cap:trunk:two'], 480],
    ['node', ['limit:cap:node'], 480],
  ] as const)('per %s counts under %j, and refuses with its status', (per, keys, status) => {
    const claims = limitClaims({ ...limit, per, concurrentCalls: 2 }, call, 1_000);
    expect(claims.map(({ key }) => key)).toEqual(keys);
    for (const claim of claims)
      expect(claim).toMatchObject({ kind: 'slot', cap: 2, refusal: { code: 'limit-cap', status } });
  });

  test('per user or group asks nothing of a call that has none', () => {
    const traits = { ...call.traits, user: undefined, group: undefined, trunks: [] };
    for (const per of ['user', 'group', 'trunk'] as const) {
      expect(limitClaims({ ...limit, per, concurrentCalls: 2 }, { ...call, traits }, 1_000)).toEqual([]);
    }
  });

  test('asks all that it names at once, and nothing where it names nothing', () => {
    const all = { ...limit, concurrentCalls: 1, callsPerMinute: 3, dailyTime: 600_000, monthlyTime: 6_000_000 };
    const claims = limitClaims(all, call, 7_000);
    expect(claims.map(({ kind, refusal }) => [kind, refusal.code])).toEqual([
      ['slot', 'limit-cap'],
      ['rate', 'call-rate'],
      ['budget', 'minutes-used'],
      ['budget', 'minutes-used'],
    ]);
    expect(claims[1]).toMatchObject({ key: 'limit:cap:user:alice:rate', cap: 3, window: 60_000 });
    expect(claims[2]?.refusal.detail).toBe('limit cap: user:alice used its 10 minutes of 2027-01-01');
    expect(limitClaims(limit, call, 7_000)).toEqual([]);
  });

  test.each([
    ['Europe/Paris', '2027-01-01', '2027-01'],
    ['UTC', '2026-12-31', '2026-12'],
  ])(
    'begins the day and the month where its zone %s does, and is kept until both are over anywhere',
    (zone, date, month) => {
      const claims = limitClaims({ ...limit, zone, dailyTime: 600_000, monthlyTime: 900_000 }, call, 7_000);
      expect(claims).toMatchObject([
        { key: `limit:cap:user:alice:${date}`, cap: 600_000, wanted: 7_000, until: at + 2 * day },
        { key: `limit:cap:user:alice:${month}`, cap: 900_000, wanted: 7_000, until: at + 33 * day },
      ]);
    },
  );

  test('of another scope, or of other calls, is not among those that apply', () => {
    const others = { ...limit, selector: { ...selector, users: ['bob'] } };
    const limits = new CallLimits([limit, { ...limit, per: 'node' }, others]);
    expect(limits.of(call, ['user', 'group'])).toEqual([limit]);
    expect(limits.of(call, ['trunk'])).toEqual([]);
  });
});
