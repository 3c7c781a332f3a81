import { describe, expect, test } from 'vitest';
import { type StoredCredentials, type UserDatabase, Users } from '../../../../src/compose/site/users.ts';
import { ok } from '../../../../src/core/result.ts';
import { ha1ForAll } from '../../../../src/sip/auth/credentials.ts';
import { FakeClock } from '../../../support/fake-time.ts';
import { scenarioConfig } from '../../../support/scenario-config.ts';

const day = 86_400_000;
const ha1 = ha1ForAll('dora', 'pbx.test', 'Wonderland-1865');

/** What the gate hears of a stored user at `days` after its password was set. */
async function barredAfter(
  days: number,
  stored: Partial<StoredCredentials>,
  maxAge: number | undefined,
): Promise<unknown> {
  const clock = new FakeClock();
  const password = { changedAt: clock.wall(), mustChange: false };
  const database: UserDatabase = {
    find: () => Promise.resolve(ok({ ha1, locked: false, password, group: undefined, spared: undefined, ...stored })),
    profile: () => Promise.resolve(undefined),
    setLocked: () => Promise.resolve(true),
  };
  clock.move(days * day);
  const config = scenarioConfig({});
  const passwords = { ...config.passwords, max_age: maxAge };
  const found = await new Users({ ...config, passwords }, { database, environment: {}, clock, locked: new Set() }).find(
    'dora',
    'pbx.test',
  );
  return found.ok ? found.value?.barred : found.error;
}

describe('a user of the database', () => {
  test.each([
    ['whose password has no end', 1_000, {}, undefined, undefined],
    ['whose password is young enough', 89, {}, 90 * day, undefined],
    ['whose password is over', 90, {}, 90 * day, 'password-expired'],
    ['whose password was ended', 0, { password: { changedAt: 0, mustChange: true } }, undefined, 'password-expired'],
    ['who is locked', 0, { locked: true }, undefined, 'locked'],
  ])('%s', async (_name, days, stored, maxAge, barred) => {
    expect(await barredAfter(days, stored, maxAge)).toBe(barred);
  });
});

describe('a user who is locked', () => {
  const database = (known: boolean, calls: unknown[]): UserDatabase => ({
    find: () => Promise.resolve(ok(undefined)),
    profile: () => Promise.resolve(undefined),
    setLocked: (...given) => {
      calls.push(given);
      return Promise.resolve(known);
    },
  });
  const parts = { environment: {}, clock: new FakeClock() };

  test('and stands in the configuration proves nothing until the process ends, also after a reload', async () => {
    const locked = new Set<string>();
    const users = new Users(scenarioConfig({}), { ...parts, database: undefined, locked });
    await users.lock('alice@pbx.test');
    const again = new Users(scenarioConfig({}), { ...parts, database: undefined, locked });
    for (const one of [users, again]) {
      expect(await one.find('alice', 'pbx.test')).toMatchObject({ ok: true, value: { barred: 'locked' } });
    }
    expect(await users.find('bob', 'pbx.test')).not.toMatchObject({ value: { barred: 'locked' } });
  });

  test('and is kept in the database is locked there', async () => {
    const calls: unknown[] = [];
    const users = new Users(scenarioConfig({}), { ...parts, database: database(true, calls), locked: new Set() });
    await users.lock('dora@pbx.test');
    expect(calls).toEqual([['dora', 'pbx.test', true]]);
  });

  test('and is nowhere is an error, so that nobody believes in a lock that is not there', async () => {
    for (const known of [database(false, []), undefined]) {
      const users = new Users(scenarioConfig({}), { ...parts, database: known, locked: new Set() });
      await expect(users.lock('nobody@pbx.test')).rejects.toMatchObject({ code: 'unknown-user' });
    }
  });
});

test('keying of a user of the database is that of its group', async () => {
  const config = scenarioConfig({ more: '[[group]]\nname = "browsers"\nkeying = ["dtls"]\n' });
  const database: UserDatabase = {
    find: () => Promise.resolve(ok(undefined)),
    profile: (name) => Promise.resolve({ group: name === 'dora' ? 'browsers' : undefined, limits: {} }),
    setLocked: () => Promise.resolve(false),
  };
  const users = new Users(config, { database, environment: {}, clock: new FakeClock(), locked: new Set() });
  expect((await users.mediaOf('dora@pbx.test')).keying).toEqual(['dtls']);
  expect((await users.mediaOf('emil@pbx.test')).keying).toBeUndefined();
  expect((await users.mediaOf('alice@pbx.test')).keying).toBeUndefined();
});

test('media limits of a user of the database are known without asking it, once it has proved itself', async () => {
  const config = scenarioConfig({ more: '[[group]]\nname = "softphones"\nmedia_packets_per_second = 120\n' });
  let isMember = true;
  const database: UserDatabase = {
    find: () => {
      const password = { changedAt: 0, mustChange: false };
      const group = isMember ? 'softphones' : undefined;
      return Promise.resolve(ok({ ha1: {}, locked: false, password, group, spared: undefined }));
    },
    profile: () => Promise.reject(new Error('one look-up is enough')),
    setLocked: () => Promise.resolve(false),
  };
  const users = new Users(config, { database, environment: {}, clock: new FakeClock(), locked: new Set() });
  const known = () => users.knownMediaOf('dora@pbx.test').media_packets_per_second;
  expect(known()).toBeUndefined();
  await users.find('dora', 'pbx.test');
  expect(known()).toBe(120);
  isMember = false;
  await users.find('dora', 'pbx.test');
  expect(known()).toBeUndefined();
});

test('a user of the configuration has its own media limits, and its group’s where it says nothing', () => {
  const more = '[[group]]\nname = "rooms"\nmedia_packets_per_second = 120\nmedia_bandwidth = "200kbit"\n';
  const config = scenarioConfig({ more, alice: 'group = "rooms"\nmedia_packets_per_second = 60' });
  const users = new Users(config, { database: undefined, environment: {}, clock: new FakeClock(), locked: new Set() });
  expect(users.knownMediaOf('alice@pbx.test')).toMatchObject({
    media_packets_per_second: 60,
    media_bandwidth: 200_000,
    media_limit_by_codec: undefined,
  });
});
