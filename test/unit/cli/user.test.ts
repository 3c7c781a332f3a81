import { existsSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { passwordFaults } from '../../../src/policy/password-policy.ts';
import { ha1ForAll } from '../../../src/sip/auth/credentials.ts';
import { openState } from '../../../src/store/sqlite/state.ts';
import { SeededRandom } from '../../support/fake-time.ts';
import { serve } from '../admin/admin-fixture.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

const good = 'Wonderland-1865';

/** HA1 that the gate would get; undefined for nobody. */
async function ha1In(cli: Cli, name: string, domain = 'pbx.test'): Promise<unknown> {
  const state = openState(cli.path('state'), { clock: cli.clock, random: new SeededRandom() });
  try {
    const found = await state.users.find(name, domain);
    if (!found.ok) return found.error;
    return found.value?.locked === true ? 'locked' : found.value?.ha1;
  } finally {
    state.close();
  }
}

async function withAlice(): Promise<Cli> {
  const cli = new Cli(smallConfig);
  cli.typed.push(good, good);
  expect(await cli.run('user', 'add', 'alice')).toBe(0);
  return cli;
}

describe('user add', () => {
  test('keeps a user of the first domain with a password that was typed twice', async () => {
    const cli = await withAlice();
    expect(cli.out).toBe('added alice@pbx.test\n');
    expect(await ha1In(cli, 'alice')).toEqual(ha1ForAll('alice', 'pbx.test', good));
  });

  test('takes a domain after the name, and hashes with its realm', async () => {
    const cli = new Cli(smallConfig);
    cli.environment['SECRET'] = good;
    expect(await cli.run('user', 'add', 'alice@Second.Test', '--password-env', 'SECRET')).toBe(0);
    expect(await ha1In(cli, 'alice', 'second.test')).toEqual(ha1ForAll('alice', 'Second House', good));
    expect(await ha1In(cli, 'alice')).toBeUndefined();
  });

  test('makes a password and tells it once', async () => {
    const cli = new Cli(smallConfig);
    expect(await cli.run('user', 'add', 'alice', '--generate')).toBe(0);
    const [, password = ''] = /^added alice@pbx\.test\npassword: (\S+)\n$/.exec(cli.out) ?? [];
    expect(passwordFaults(password, 'alice')).toEqual([]);
    expect(await ha1In(cli, 'alice')).toEqual(ha1ForAll('alice', 'pbx.test', password));
    expect(await cli.run('user', 'add', 'bob', '--generate', '--json')).toBe(0);
    expect(cli.json()).toMatchObject({ added: 'bob@pbx.test' });
    expect(cli.json()).toHaveProperty('password');
  });

  test('never repeats a password that somebody chose', async () => {
    const cli = new Cli(smallConfig);
    cli.environment['SECRET'] = good;
    await cli.run('user', 'add', 'alice', '--password-env', 'SECRET', '--json');
    expect(cli.out + cli.error).not.toContain(good);
  });

  test('keeps group and limits', async () => {
    const cli = new Cli(smallConfig);
    const limits = '--concurrent-calls 3 --max-call-duration 90m --ring-timeout 45s --direction out'.split(' ');
    expect(await cli.run('user', 'add', 'alice', '--generate', '--group', 'sales', ...limits)).toBe(0);
    await cli.run('user', 'list', '--json');
    expect(cli.json()).toMatchObject({
      users: [
        { user: 'configured@pbx.test', source: 'configuration' },
        {
          user: 'alice@pbx.test',
          source: 'database',
          state: 'active',
          group: 'sales',
          limits: { concurrent_calls: 3, max_call_duration: 5_400_000, ring_timeout: 45_000, direction: 'out' },
        },
      ],
    });
  });

  test.each([
    ['another name', ['alice2'], 0, ''],
    ['the same again', ['alice'], 1, 'already a user alice@pbx.test'],
    ['one that the configuration has', ['configured'], 1, 'is in the configuration'],
    ['a domain that is not ours', ['eve@evil.test'], 1, 'no domain "evil.test"'],
    ['a group that is not there', ['eve', '--group', 'none'], 1, 'no group "none"'],
    ['no name', [], 2, 'NAME is missing'],
    ['a name with a colon', ['a:b'], 2, 'letters, digits'],
    ['an empty name', ['@pbx.test'], 2, 'letters, digits'],
    ['a number that is none', ['eve', '--concurrent-calls', '0'], 2, 'number from 1'],
    ['a duration that is none', ['eve', '--ring-timeout', '5'], 2, 'expected a duration'],
    ['a direction that is none', ['eve', '--direction', 'up'], 2, 'both, out or in'],
    ['two sources of a password', ['eve', '--password-env', 'X'], 2, 'exclude each other'],
  ])('with %s', async (_name, args, code, message) => {
    const cli = await withAlice();
    expect(await cli.run('user', 'add', ...args, '--generate')).toBe(code);
    expect(cli.error).toContain(message);
    expect(await ha1In(cli, 'eve')).toBeUndefined();
  });

  test.each([
    ['a weak password', ['weak', 'weak'], 1, 'the password has no digit'],
    ['two different ones', [good, `${good}!`], 1, 'not the same'],
    ['nobody to ask', [], 2, 'nobody to ask'],
  ])('keeps nothing with %s', async (_name, typed, code, message) => {
    const cli = new Cli(smallConfig);
    cli.typed.push(...typed);
    expect(await cli.run('user', 'add', 'eve')).toBe(code);
    expect(cli.error).toContain(message);
    expect(await ha1In(cli, 'eve')).toBeUndefined();
  });

  test('keeps nothing when the environment has no such variable', async () => {
    const cli = new Cli(smallConfig);
    expect(await cli.run('user', 'add', 'eve', '--password-env', 'NOT_THERE')).toBe(1);
    expect(cli.error).toContain('no NOT_THERE');
    expect(await ha1In(cli, 'eve')).toBeUndefined();
  });

  test('needs a valid configuration, and makes no state without one', async () => {
    const cli = new Cli('nonsense');
    expect(await cli.run('user', 'add', 'alice', '--generate')).toBe(1);
    expect(existsSync(cli.path('state'))).toBe(false);
  });
});

describe('user passwd', () => {
  test('replaces the password', async () => {
    const cli = await withAlice();
    cli.environment['SECRET'] = 'Looking-Glass-71';
    expect(await cli.run('user', 'passwd', 'alice', '--password-env', 'SECRET')).toBe(0);
    expect(await ha1In(cli, 'alice')).toEqual(ha1ForAll('alice', 'pbx.test', 'Looking-Glass-71'));
  });

  test('asks nothing for a user who is not there', async () => {
    const cli = await withAlice();
    cli.typed.push(good, good);
    expect(await cli.run('user', 'passwd', 'eve')).toBe(1);
    expect(cli.error).toContain('no user eve@pbx.test');
    expect(cli.typed).toHaveLength(2);
  });

  test('leaves the old one when the new one is weak', async () => {
    const cli = await withAlice();
    cli.typed.push('alice', 'alice');
    expect(await cli.run('user', 'passwd', 'alice')).toBe(1);
    expect(await ha1In(cli, 'alice')).toEqual(ha1ForAll('alice', 'pbx.test', good));
  });
});

describe('how long a password lasts', () => {
  const ageing = smallConfig.replace('[admin]', '[passwords]\nmax_age = "90d"\nwarn_before = "10d"\n\n[admin]');
  const day = 86_400_000;

  test('is told by the list before and when it is over', async () => {
    const cli = new Cli(ageing);
    await cli.run('user', 'add', 'alice', '--generate');
    for (const [days, state] of [
      [79, 'active'],
      [80, 'expiring'],
      [90, 'password-expired'],
    ] as const) {
      cli.clock.move(days * day - (cli.clock.wall() - begun(cli)));
      await cli.run('user', 'list');
      expect(cli.out).toMatch(new RegExp(`alice@pbx\\.test +database +${state} `));
    }
    expect(await cli.run('user', 'passwd', 'alice', '--generate')).toBe(0);
    await cli.run('user', 'list');
    expect(cli.out).toMatch(/alice@pbx\.test +database +active /);
  });

  test('may be ended by an operator', async () => {
    const cli = await withAlice();
    expect(await cli.run('user', 'expire', 'alice')).toBe(0);
    expect(cli.out).toContain('user passwd alice@pbx.test');
    await cli.run('user', 'list');
    expect(cli.out).toMatch(/alice@pbx\.test +database +password-expired/);
    expect(await cli.run('user', 'expire', 'eve')).toBe(1);
  });

  test('one of the last ones is refused', async () => {
    const cli = await withAlice();
    cli.environment['SECRET'] = good;
    expect(await cli.run('user', 'passwd', 'alice', '--password-env', 'SECRET')).toBe(1);
    expect(cli.error).toContain('one of the 5 before it');
  });

  test('a longer one is asked for where the configuration says so', async () => {
    const cli = new Cli(smallConfig.replace('[admin]', '[passwords]\nmin_length = 24\n\n[admin]'));
    cli.environment['SECRET'] = good;
    expect(await cli.run('user', 'add', 'alice', '--password-env', 'SECRET')).toBe(1);
    expect(cli.error).toContain('at least 24 are needed');
    expect(await cli.run('user', 'add', 'alice', '--generate', '--json')).toBe(0);
    expect(cli.out).toMatch(/"password": "[^"]{24}"/);
  });
});

const birth = new WeakMap<Cli, number>();

/** The wall clock of the first question. */
function begun(cli: Cli): number {
  const known = birth.get(cli) ?? cli.clock.wall();
  birth.set(cli, known);
  return known;
}

describe('user lock, unlock and remove', () => {
  test('make nobody of a user, and somebody again', async () => {
    const cli = await withAlice();
    expect(await cli.run('user', 'lock', 'alice')).toBe(0);
    expect(cli.out).toBe('locked alice@pbx.test\n');
    expect(await ha1In(cli, 'alice')).toBe('locked');
    await cli.run('user', 'list');
    expect(cli.out).toMatch(/alice@pbx\.test +database +locked/);
    expect(await cli.run('user', 'unlock', 'alice', '--json')).toBe(0);
    expect(cli.json()).toEqual({ unlocked: 'alice@pbx.test' });
    expect(await ha1In(cli, 'alice')).toEqual(ha1ForAll('alice', 'pbx.test', good));
    expect(await cli.run('user', 'remove', 'alice')).toBe(0);
    expect(await ha1In(cli, 'alice')).toBeUndefined();
  });

  test('have the running SBC end what the user has open, by the database and not by what they say', async () => {
    const recheckUser = vi.fn(() => Promise.resolve({ stands: false, registrations: 1, subscriptions: 0 }));
    const cli = await withAlice();
    await serve({ recheckUser }, cli.path('admin.sock'));
    expect(await cli.run('user', 'lock', 'alice')).toBe(0);
    expect(await cli.run('user', 'unlock', 'alice')).toBe(0);
    expect(await cli.run('user', 'remove', 'alice')).toBe(0);
    expect(recheckUser.mock.calls).toEqual([['alice@pbx.test'], ['alice@pbx.test']]);
  });

  test('say so, and stand, when the running SBC cannot be told', async () => {
    const cli = await withAlice();
    await serve({ recheckUser: () => Promise.reject(new Error('no store')) }, cli.path('admin.sock'));
    expect(await cli.run('user', 'lock', 'alice')).toBe(1);
    expect(cli.out).toBe('locked alice@pbx.test\n');
    expect(cli.error).toContain('the running SBC could not be told');
    expect(await ha1In(cli, 'alice')).toBe('locked');
  });

  test.each(['lock', 'unlock', 'remove'])('%s refuses a user who is not in the database', async (verb) => {
    const cli = await withAlice();
    for (const name of ['eve', 'configured', 'alice@second.test']) {
      expect(await cli.run('user', verb, name), name).toBe(1);
      expect(cli.error).toContain('there is no user');
    }
    expect(await cli.run('user', verb)).toBe(2);
  });
});

describe('user list', () => {
  test('shows both sources as a table', async () => {
    const cli = await withAlice();
    expect(await cli.run('user', 'list')).toBe(0);
    expect(cli.out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['USER', 'SOURCE', 'STATE', 'GROUP', 'LIMITS', 'CHANGED'],
      ['configured@pbx.test', 'configuration', 'active', '-', 'concurrent_calls=4 max_call_duration=90m', '-'],
      ['alice@pbx.test', 'database', 'active', '-', '-', new Date(cli.clock.wall()).toISOString()],
      [''],
    ]);
  });

  test('tells who cannot register any more, and why', async () => {
    const cli = await withAlice();
    cli.typed.push(good, good);
    await cli.run('user', 'add', 'bob@second.test');
    cli.write('portcullis.toml', smallConfig.replace('name = "pbx.test"', 'name = "pbx.test"\nrealm = "New"'));
    await cli.run('user', 'list');
    expect(cli.out).toMatch(/alice@pbx\.test +database +realm-changed/);
    cli.write(
      'portcullis.toml',
      smallConfig.replace(/\[\[domain\]\]\nname = "second.test"\nrealm = "Second House"/, ''),
    );
    await cli.run('user', 'list');
    expect(cli.out).toMatch(/bob@second\.test +database +no-domain/);
  });
});
