// Administrators and one-time codes in the database: who is signed in, what is taken twice, and what the file shows.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemRandom } from '../../../src/core/random.ts';
import { codeAt } from '../../../src/policy/totp.ts';
import { addKey, dropOldKeys } from '../../../src/store/key-file.ts';
import { openState, type State } from '../../../src/store/sqlite/state.ts';
import { FakeClock } from '../../support/fake-time.ts';

const secret = Buffer.from('12345678901234567890');
const password = 'Long-enough-2026!';

interface Opened {
  readonly state: State;
  readonly clock: FakeClock;
  readonly folder: string;
  code(offset?: number): string;
}

function opened(): Opened {
  const folder = mkdtempSync(join(tmpdir(), 'pc-admin-'));
  const clock = new FakeClock();
  const state = openState(folder, { clock, random: systemRandom });
  onTestFinished(() => {
    state.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { state, clock, folder, code: (offset = 0) => codeAt(secret, Math.floor(clock.wall() / 30_000) + offset) };
}

describe('an administrator', () => {
  test('signs in with password and code, once with each code', async () => {
    const { state, code } = opened();
    expect(await state.admins.add('carol', password, secret)).toBe(true);
    expect(await state.admins.add('carol', password, secret)).toBe(false);
    expect(await state.admins.signIn('carol', password, code())).toBe('signed-in');
    expect(await state.admins.signIn('carol', password, code())).toBe('wrong-code');
    expect(await state.admins.signIn('carol', password, code(1))).toBe('signed-in');
    expect(await state.admins.signIn('carol', 'another', code(1))).toBe('wrong-password');
    expect(await state.admins.signIn('mallory', password, code(1))).toBe('unknown');
  });

  test('is locked by wrong passwords, those of one moment together too, until unlocked', async () => {
    const { state, code } = opened();
    await state.admins.add('carol', password, secret);
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, () => state.admins.signIn('carol', 'guess', '000000')),
    );
    expect(outcomes.filter((outcome) => outcome === 'wrong-password').length).toBe(5);
    expect(outcomes.filter((outcome) => outcome === 'locked').length).toBe(7);
    expect(await state.admins.signIn('carol', password, code())).toBe('locked');
    expect(state.admins.list()).toMatchObject([{ name: 'carol', failures: 5 }]);
    expect(state.admins.unlock('carol')).toBe(true);
    expect(await state.admins.signIn('carol', password, code())).toBe('signed-in');
  });

  test('is locked by wrong codes under the right password as well', async () => {
    const { state, code } = opened();
    await state.admins.add('carol', password, secret);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(await state.admins.signIn('carol', password, '000000')).toBe('wrong-code');
    }
    expect(await state.admins.signIn('carol', password, code())).toBe('locked');
  });

  test('who is removed takes the codes along', async () => {
    const { state, code } = opened();
    await state.admins.add('carol', password, secret);
    expect(state.admins.remove('carol')).toBe(true);
    expect(state.admins.remove('carol')).toBe(false);
    expect(state.totp.judge('admin carol', code())).toBe('not-enrolled');
  });
});

describe('a secret of one-time codes', () => {
  test('is sealed in the file, bound to its owner, and goes with its user', async () => {
    const { state, folder, code } = opened();
    state.totp.enrol('user alice@pbx.test', secret);
    const files = ['portcullis.db', 'portcullis.db-wal'].map((name) => readFileSync(join(folder, name)));
    expect(files.some((bytes) => bytes.includes(secret))).toBe(false);
    const user = { kind: 'password', password } as const;
    await state.users.add({ name: 'alice', domain: 'pbx.test', realm: 'pbx.test', secret: user, limits: {} });
    expect(state.totp.judge('user alice@pbx.test', code())).toBe('right');
    await state.users.remove('alice', 'pbx.test');
    expect(state.totp.judge('user alice@pbx.test', code(1))).toBe('not-enrolled');
  });

  test('outlives a change of the keys, and so does what was taken', () => {
    const { state, folder, clock, code } = opened();
    state.totp.enrol('user alice@pbx.test', secret);
    expect(state.totp.judge('user alice@pbx.test', code())).toBe('right');
    addKey(join(folder, 'keys'), systemRandom);
    const second = openState(folder, { clock, random: systemRandom });
    expect(second.sealedAgain).toBe(1);
    second.close();
    dropOldKeys(join(folder, 'keys'), systemRandom);
    const third = openState(folder, { clock, random: systemRandom });
    onTestFinished(() => third.close());
    expect(third.totp.judge('user alice@pbx.test', code())).toBe('reused');
    expect(third.totp.judge('user alice@pbx.test', code(1))).toBe('right');
  });
});
