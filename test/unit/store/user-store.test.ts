import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ha1ForAll } from '../../../src/sip/auth/credentials.ts';
import { newKeyLine, parseKeyFile } from '../../../src/sip/auth/sealing.ts';
import { StateDatabase } from '../../../src/store/sqlite/database.ts';
import { OpenedCredentials } from '../../../src/store/sqlite/opened-credentials.ts';
import { SqliteUserStore } from '../../../src/store/sqlite/user-store.ts';
import { FakeClock, SeededRandom } from '../../support/fake-time.ts';
import { alice, alicePassword, stateOf, temporaryDirectory } from './stores.ts';

const nobody = { ok: true, value: undefined };

describe('users in the database', () => {
  test('answer with the HA1 of every algorithm', async () => {
    const { users } = stateOf(temporaryDirectory());
    expect(await users.add(alice)).toBe(true);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({
      ok: true,
      value: { ha1: ha1ForAll('alice', 'pbx.test', 'Wonderland-1865') },
    });
  });

  test('are found by exactly their name and domain', async () => {
    const { users } = stateOf(temporaryDirectory());
    await users.add(alice);
    for (const [name, domain] of [
      ['Alice', 'pbx.test'],
      ['alice', 'other.test'],
      ['alice ', 'pbx.test'],
      ['', ''],
    ] as const) {
      expect(await users.find(name, domain), `${name}@${domain}`).toEqual(nobody);
      expect(await users.profile(name, domain), `${name}@${domain}`).toBeUndefined();
    }
  });

  test('are one for each name and domain', async () => {
    const { users } = stateOf(temporaryDirectory());
    await users.add(alice);
    expect(await users.add({ ...alice, secret: { kind: 'password', password: 'Another-Pass-22' } })).toBe(false);
    expect(await users.add({ ...alice, domain: 'other.test' })).toBe(true);
    expect((await users.list()).map(({ domain }) => domain)).toEqual(['other.test', 'pbx.test']);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({
      value: { ha1: ha1ForAll('alice', 'pbx.test', 'Wonderland-1865') },
    });
  });

  test('have a group and limits of their own', async () => {
    const { users } = stateOf(temporaryDirectory());
    const limits = {
      concurrent_calls: 4,
      max_call_duration: 60_000,
      ring_timeout: 5_000,
      early_media_timeout: 4_000,
      direction: 'out',
    } as const;
    await users.add({ ...alice, group: 'sales', limits });
    await users.add({ ...alice, name: 'bob' });
    expect(await users.profile('alice', 'pbx.test')).toEqual({ group: 'sales', limits });
    expect(await users.profile('bob', 'pbx.test')).toEqual({ group: undefined, limits: {} });
  });

  test('are listed with times and without credentials', async () => {
    const clock = new FakeClock();
    const { users } = stateOf(temporaryDirectory(), clock);
    const createdAt = clock.wall();
    await users.add({ ...alice, group: 'sales', limits: { concurrent_calls: 3 } });
    clock.move(5_000);
    await users.setLocked('alice', 'pbx.test', true);
    expect(await users.list()).toEqual([
      {
        name: 'alice',
        domain: 'pbx.test',
        realm: 'pbx.test',
        group: 'sales',
        limits: { concurrent_calls: 3 },
        locked: true,
        createdAt,
        changedAt: createdAt + 5_000,
        password: { changedAt: createdAt, mustChange: false },
      },
    ]);
  });

  test('take a new password, hashed with the realm of now', async () => {
    const { users } = stateOf(temporaryDirectory());
    await users.add(alice);
    expect(await users.setPassword({ ...change, realm: 'new realm' })).toBe('changed');
    expect(await users.find('alice', 'pbx.test')).toMatchObject({
      value: { ha1: ha1ForAll('alice', 'new realm', 'Looking-Glass-71') },
    });
    expect(await users.setPassword({ ...change, name: 'eve' })).toBe('no-such-user');
  });

  test('are told apart while they are locked, and can call nobody', async () => {
    const { users } = stateOf(temporaryDirectory());
    await users.add(alice);
    expect(await users.setLocked('alice', 'pbx.test', true)).toBe(true);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({ value: { locked: true } });
    expect(await users.profile('alice', 'pbx.test')).toBeUndefined();
    await users.setLocked('alice', 'pbx.test', false);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({
      value: { ha1: ha1ForAll('alice', 'pbx.test', alicePassword) },
    });
    expect(await users.setLocked('eve', 'pbx.test', true)).toBe(false);
  });

  test('can be removed', async () => {
    const { users } = stateOf(temporaryDirectory());
    await users.add(alice);
    expect(await users.remove('alice', 'pbx.test')).toBe(true);
    expect(await users.find('alice', 'pbx.test')).toEqual(nobody);
    expect(await users.remove('alice', 'pbx.test')).toBe(false);
  });

  test('outlive the process, and are seen by another one at once', async () => {
    const directory = temporaryDirectory();
    const first = stateOf(directory);
    const second = stateOf(directory);
    await first.users.add(alice);
    expect(await second.users.find('alice', 'pbx.test')).toMatchObject({
      value: { ha1: ha1ForAll('alice', 'pbx.test', alicePassword) },
    });
    await second.users.setLocked('alice', 'pbx.test', true);
    expect(await first.users.find('alice', 'pbx.test')).toMatchObject({ value: { locked: true } });
  });
});

describe('a password', () => {
  test('is as old as it is, and starts anew with the next one', async () => {
    const clock = new FakeClock();
    const { users } = stateOf(temporaryDirectory(), clock);
    const begin = clock.wall();
    await users.add(alice);
    clock.move(5_000);
    await users.setLocked('alice', 'pbx.test', true);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({ value: { password: { changedAt: begin } } });
    await users.setPassword(change);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({ value: { password: { changedAt: begin + 5_000 } } });
  });

  test('that an operator ended must be changed, and changing it is enough', async () => {
    const { users } = stateOf(temporaryDirectory());
    await users.add(alice);
    expect(await users.expirePassword('alice', 'pbx.test')).toBe(true);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({ value: { password: { mustChange: true } } });
    await users.setPassword(change);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({ value: { password: { mustChange: false } } });
    expect(await users.expirePassword('eve', 'pbx.test')).toBe(false);
  });

  test('that was there before does not come back while it is remembered', async () => {
    const clock = new FakeClock();
    const { users } = stateOf(temporaryDirectory(), clock);
    await users.add(alice);
    const set = (password: string): Promise<string> => {
      clock.move(1_000);
      return users.setPassword({ ...change, password, history: 2 });
    };
    expect(await set(alicePassword)).toBe('reused');
    expect(await set('Second-Pass-22')).toBe('changed');
    expect(await set('Third-Pass-333')).toBe('changed');
    expect(await set(alicePassword)).toBe('reused');
    expect(await set('Second-Pass-22')).toBe('reused');
    expect(await set('Fourth-Pass-44')).toBe('changed');
    expect(await set(alicePassword)).toBe('changed');
  });

  test('is not remembered where nothing is to be, nor of a user who was removed', async () => {
    const clock = new FakeClock();
    const { users } = stateOf(temporaryDirectory(), clock);
    await users.add(alice);
    expect(await users.setPassword({ ...change, password: alicePassword, history: 0 })).toBe('changed');
    clock.move(1_000);
    await users.setPassword({ ...change, history: 5 });
    await users.remove('alice', 'pbx.test');
    await users.add({ ...alice, secret: { kind: 'password', password: 'Another-Pass-22' } });
    expect(await users.setPassword({ ...change, password: alicePassword, history: 5 })).toBe('changed');
  });

  test('may come from another system as HA1 of some algorithms', async () => {
    const { users } = stateOf(temporaryDirectory());
    const { MD5 = '' } = ha1ForAll('alice', 'pbx.test', alicePassword);
    await users.add({ ...alice, secret: { kind: 'ha1', ha1: { MD5 } } });
    expect(await users.find('alice', 'pbx.test')).toMatchObject({ value: { ha1: { MD5 } } });
    expect(await users.setPassword({ ...change, password: alicePassword, history: 1 })).toBe('reused');
  });
});

const change = {
  name: 'alice',
  domain: 'pbx.test',
  realm: 'pbx.test',
  password: 'Looking-Glass-71',
  history: 0,
} as const;

describe('credentials at rest', () => {
  test('stand nowhere plain, neither password nor HA1', async () => {
    const directory = temporaryDirectory();
    const state = stateOf(directory);
    await state.users.add(alice);
    const secrets = [alicePassword, ...Object.values(ha1ForAll('alice', 'pbx.test', alicePassword))];
    const files = readdirSync(directory);
    expect(files).toContain('portcullis.db');
    const bytes = files.map((file) => readFileSync(join(directory, file), 'latin1')).join('\n');
    expect(bytes).toContain('alice');
    for (const secret of secrets) expect(bytes).not.toContain(secret);
  });

  test('cannot be put in the place of another user’s', async () => {
    const directory = temporaryDirectory();
    const { users } = stateOf(directory);
    await users.add(alice);
    await users.add({ ...alice, name: 'bob', secret: { kind: 'password', password: 'Builder-Bob-1999' } });
    changeFile(directory, `UPDATE user SET credentials = (SELECT credentials FROM user WHERE name = 'bob')`);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({
      ok: false,
      error: { code: 'credentials-not-opened', detail: 'credentials of user alice@pbx.test: tampered' },
    });
  });

  test('fail closed when their key is not there any more', async () => {
    const directory = temporaryDirectory();
    await stateOf(directory).users.add(alice);
    writeFileSync(join(directory, 'keys'), `${newKeyLine('other', new SeededRandom(99))}\n`);
    expect(() => stateOf(directory)).toThrow(expect.objectContaining({ code: 'credentials-not-opened' }));
  });

  test('are sealed again with a key that was put first', async () => {
    const directory = temporaryDirectory();
    const before = stateOf(directory).users;
    await before.add({ ...alice, secret: { kind: 'password', password: 'First-Of-All-1' } });
    await before.setPassword({ ...change, password: alicePassword, history: 1 });
    const keyFile = join(directory, 'keys');
    const fresh = newKeyLine('fresh', new SeededRandom(99));
    writeFileSync(keyFile, `${fresh}\n${readFileSync(keyFile, 'utf8')}`);
    stateOf(directory);
    writeFileSync(keyFile, `${fresh}\n`);
    const { users } = stateOf(directory);
    expect(await users.find('alice', 'pbx.test')).toMatchObject({
      value: { ha1: ha1ForAll('alice', 'pbx.test', alicePassword) },
    });
    expect(users.sealAgain()).toBe(0);
    expect(await users.setPassword({ ...change, password: 'First-Of-All-1', history: 1 })).toBe('reused');
  });

  test('a limit that this version does not know is an error, not no limit', async () => {
    const directory = temporaryDirectory();
    const { users } = stateOf(directory);
    await users.add(alice);
    changeFile(directory, `UPDATE user SET limits = '{"calls_per_day":3}'`);
    await expect(users.profile('alice', 'pbx.test')).rejects.toMatchObject({ code: 'database-damaged' });
  });
});

describe('asking for a user', () => {
  /** Users of a database that says how many seals were opened since it was asked last. */
  async function counted(): Promise<{ users: SqliteUserStore; opened: () => number }> {
    let opened = 0;
    const ring = parseKeyFile(newKeyLine('one', new SeededRandom(5)));
    if (!ring.ok) throw new Error(ring.error);
    class CountingMap extends Map<string, Uint8Array> {
      override get(id: string): Uint8Array | undefined {
        opened += 1;
        return super.get(id);
      }
    }
    const keys = { current: ring.value.current, keys: new CountingMap(ring.value.keys) };
    const database = StateDatabase.open(join(temporaryDirectory(), 'portcullis.db'));
    onTestFinished(() => database.close());
    const users = new SqliteUserStore({ database, keys, clock: new FakeClock(), random: new SeededRandom(6) });
    await users.add(alice);
    await users.add({ ...alice, name: 'locked' });
    await users.setLocked('locked', 'pbx.test', true);
    opened = 0;
    return {
      users,
      opened: () => {
        const count = opened;
        opened = 0;
        return count;
      },
    };
  }

  test('opens one seal, whether there is such a user, one that is locked, or none', async () => {
    const { users, opened } = await counted();
    for (const name of ['alice', 'locked', 'nobody']) {
      await users.find(name, 'pbx.test');
      expect(opened(), name).toBe(1);
    }
  });

  test('opens none for one that was asked for before, and one more where nothing is proved', async () => {
    const { users, opened } = await counted();
    const first = await users.find('alice', 'pbx.test');
    opened();
    const again = await users.find('alice', 'pbx.test');
    expect(opened()).toBe(0);
    if (!first.ok || !again.ok) throw new Error('not found');
    expect([first.value?.spared, again.value?.ha1]).toEqual([undefined, first.value?.ha1]);
    again.value?.spared?.();
    expect(opened()).toBe(1);
    await users.find('nobody', 'pbx.test');
    await users.find('nobody', 'pbx.test');
    expect(opened()).toBe(2);
  });

  test('takes a new password at once, and one that another process has written', async () => {
    const directory = temporaryDirectory();
    const [first, second] = [stateOf(directory), stateOf(directory)];
    await first.users.add(alice);
    for (const [state, password] of [
      [first, 'Second-Of-All-2'],
      [second, 'Third-Of-All-3'],
    ] as const) {
      await first.users.find('alice', 'pbx.test');
      await state.users.setPassword({ ...change, password });
      expect(await first.users.find('alice', 'pbx.test')).toMatchObject({
        value: { ha1: ha1ForAll('alice', 'pbx.test', password) },
      });
    }
    await second.users.setLocked('alice', 'pbx.test', true);
    expect(await first.users.find('alice', 'pbx.test')).toMatchObject({ value: { locked: true, group: undefined } });
    await second.users.remove('alice', 'pbx.test');
    expect(await first.users.find('alice', 'pbx.test')).toEqual(nobody);
  });

  test('keeps no more open than it may, those asked for last', () => {
    const asked: string[] = [];
    const opened = new OpenedCredentials(
      {
        open: (sealed) => {
          asked.push(sealed);
          return { MD5: sealed };
        },
      },
      10,
    );
    for (let user = 0; user < 10; user += 1) opened.open(`sealed-${user}`, `user ${user}`);
    opened.open('sealed-0', 'user 0');
    opened.open('sealed-10', 'user 10');
    expect(opened.size).toBe(10);
    asked.length = 0;
    expect(opened.open('sealed-0', 'user 0')).toEqual({ ha1: { MD5: 'sealed-0' }, isKnown: true });
    expect(opened.open('sealed-1', 'user 1').isKnown).toBe(false);
    expect(opened.open('other', 'user 0').isKnown).toBe(false);
    expect(asked).toEqual(['sealed-1', 'other']);
    expect(opened.size).toBe(10);
  });
});

describe('a database that does not answer', () => {
  test('is a failure, not an unknown user', async () => {
    const state = stateOf(temporaryDirectory());
    await state.users.add(alice);
    state.close();
    expect(await state.users.find('alice', 'pbx.test')).toMatchObject({
      ok: false,
      error: { code: 'database-failed' },
    });
    await expect(state.users.profile('alice', 'pbx.test')).rejects.toThrow();
  });
});

function changeFile(directory: string, sql: string): void {
  const database = new DatabaseSync(join(directory, 'portcullis.db'));
  database.exec(sql);
  database.close();
}
