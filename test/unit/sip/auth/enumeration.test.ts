// Nobody learns who exists: the same hashes, look-ups and answers for known and unknown users (RFC 3261 §26.3.2, RFC 7616 §5).
import type * as NodeCrypto from 'node:crypto';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ha1ForAll } from '../../../../src/sip/auth/credentials.ts';
import { GateFixture, type Outcome, type SignOptions } from './gate-fixture.ts';

const work = vi.hoisted(() => ({ hashed: [] as string[], compared: 0 }));

vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof NodeCrypto>();
  return {
    ...original,
    hash: (algorithm: string, text: string) => {
      work.hashed.push(`${algorithm} ${text.length}`);
      return original.hash(algorithm, text);
    },
    timingSafeEqual: (a: Uint8Array, b: Uint8Array) => {
      work.compared += 1;
      return original.timingSafeEqual(a, b);
    },
  };
});

interface Probe {
  readonly shape: unknown;
  readonly hashed: readonly string[];
  readonly compared: number;
  readonly lookUps: number;
}

async function probe(over: Partial<SignOptions>, change?: (fixture: GateFixture) => void): Promise<Probe> {
  const fixture = new GateFixture();
  change?.(fixture);
  const request = await fixture.signed('REGISTER', { from: '<sip:100@pbx.test>' }, { username: 'alice', ...over });
  work.hashed.length = 0;
  work.compared = 0;
  const outcome = await fixture.send(request);
  const { hashed, compared } = work;
  return { shape: shapeOf(outcome), hashed: [...hashed], compared, lookUps: fixture.store.asked.length };
}

/** An answer with all that must be random in it blanked out. */
function shapeOf(outcome: Outcome): unknown {
  if (outcome.kind !== 'answer') throw new Error(outcome.kind);
  const { status, reason, headers, body } = outcome.response;
  const fields = [...headers.entries()].map(([name, value]) => [
    name,
    value.replace(/nonce="[^"]{40}"/, 'nonce'),
    value.length,
  ]);
  return { status, reason, fields, bodyBytes: body.length };
}

beforeEach(() => {
  work.hashed.length = 0;
});

describe('enumeration', () => {
  test.each(['SHA-256', 'MD5'] as const)(
    'a wrong password and an unknown user differ in nothing (%s)',
    async (algorithm) => {
      const known = await probe({ password: 'guess', algorithm });
      const unknown = await probe({ username: 'bobby', algorithm });
      expect(known.hashed).toHaveLength(2);
      expect(known.compared).toBeGreaterThan(0);
      expect(known.lookUps).toBe(1);
      expect(unknown).toEqual(known);
    },
  );

  test('nor do a user without that algorithm and one who may not use it', async () => {
    const known = await probe({ password: 'guess', algorithm: 'MD5' });
    const all = ha1ForAll('alice', 'pbx.test', 'wonder');
    const without = await probe({ algorithm: 'MD5' }, ({ store }) =>
      store.users.set('alice@pbx.test', { ha1: { 'SHA-256': all['SHA-256'] ?? '' } }),
    );
    const restricted = await probe({ algorithm: 'MD5' }, ({ store }) =>
      store.users.set('alice@pbx.test', { ha1: all, accepts: ['SHA-256'] }),
    );
    expect(without).toEqual(known);
    expect(restricted).toEqual(known);
  });

  test.each(['locked', 'password-expired'] as const)(
    'nor does one who is %s, with the right password',
    async (barred) => {
      const known = await probe({ password: 'guess' });
      let observed: readonly string[] = [];
      const refused = await probe({}, (fixture) => {
        fixture.store.users.set('alice@pbx.test', { ha1: ha1ForAll('alice', 'pbx.test', 'wonder'), barred });
        observed = fixture.observed;
      });
      expect(refused).toEqual(known);
      expect(observed.at(-1)).toBe(`failed ${barred} alice`);
    },
  );

  test('what a user who was looked up before was spared is done for whoever proves nothing, once, and for nobody else', async () => {
    const ha1 = ha1ForAll('alice', 'pbx.test', 'wonder');
    const spared = async (over: Partial<SignOptions>, barred?: 'locked'): Promise<number> => {
      let times = 0;
      const count = (): void => {
        times += 1;
      };
      await probe(over, ({ store }) => store.users.set('alice@pbx.test', { ha1, barred, spared: count }));
      return times;
    };
    expect(await spared({ password: 'guess' })).toBe(1);
    expect(await spared({}, 'locked')).toBe(1);
    expect(await spared({ username: 'bobby' })).toBe(0);
    expect(await spared({})).toBe(0);
  });

  test('an address that is not the user\u2019s own is only told to who knows the password', async () => {
    const wrong = await probe({ password: 'guess' });
    const right = await probe({});
    expect(wrong.shape).toMatchObject({ status: 401 });
    expect(right.shape).toMatchObject({ status: 403 });
  });
});
