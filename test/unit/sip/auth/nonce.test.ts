import { describe, expect, test } from 'vitest';
import { NonceIssuer } from '../../../../src/sip/auth/nonce.ts';
import { NonceCounter, nonceWindowSize } from '../../../../src/sip/auth/nonce-counter.ts';
import { FakeClock, SeededRandom } from '../../../support/fake-time.ts';

const secret = new Uint8Array(32).fill(7);
const scope = { listener: 'phones', realm: 'pbx.test' };
const day = 86_400_000;

function issuerOn(clock: FakeClock, over: { secret?: Uint8Array; seed?: number } = {}): NonceIssuer {
  const { secret: key = secret, seed = 1 } = over;
  return new NonceIssuer({ secret: key, clock, random: new SeededRandom(seed), lifetime: 60_000 });
}

describe('nonces without memory (RFC 7616 §3.3)', () => {
  test('are known as ours, at that listener and realm only', () => {
    const nonces = issuerOn(new FakeClock());
    const nonce = nonces.issue(scope);
    expect(nonces.read(nonce, scope).state).toBe('fresh');
    expect(nonces.read(nonce, { ...scope, listener: 'other' }).state).toBe('foreign');
    expect(nonces.read(nonce, { ...scope, realm: 'other' }).state).toBe('foreign');
    expect(nonces.read(nonce, { listener: 'phonesp', realm: 'bx.test' }).state).toBe('foreign');
  });

  test('differ each time, in the same millisecond too', () => {
    const nonces = issuerOn(new FakeClock());
    expect(new Set(Array.from({ length: 1000 }, () => nonces.issue(scope))).size).toBe(1000);
  });

  test('a change of any character makes them foreign', () => {
    const nonces = issuerOn(new FakeClock());
    const nonce = nonces.issue(scope);
    for (let index = 0; index < nonce.length; index += 1) {
      for (const character of ['A', 'B', '-', '=', '+', ' ']) {
        const changed = nonce.slice(0, index) + character + nonce.slice(index + 1);
        if (changed !== nonce) expect(nonces.read(changed, scope).state).toBe('foreign');
      }
    }
    for (const text of ['', 'abc', `${nonce}=`, nonce.slice(1), `${nonce}${nonce}`, 'ä'.repeat(40)]) {
      expect(nonces.read(text, scope)).toEqual({ state: 'foreign', issuedAt: 0 });
    }
  });

  test('can be written in one way only', () => {
    const nonces = issuerOn(new FakeClock());
    const issued = Array.from({ length: 50 }, () => nonces.issue(scope)).filter((nonce) => /[-_]/.test(nonce));
    expect(issued.length).toBeGreaterThan(10);
    for (const nonce of issued) {
      const same = nonce.replaceAll('-', '+').replaceAll('_', '/');
      expect(Buffer.from(same, 'base64')).toEqual(Buffer.from(nonce, 'base64url'));
      expect(nonces.read(same, scope).state).toBe('foreign');
    }
  });

  test('grow stale, and not before their time', () => {
    const clock = new FakeClock();
    const nonces = issuerOn(clock);
    const nonce = nonces.issue(scope);
    clock.move(60_000);
    expect(nonces.read(nonce, scope).state).toBe('fresh');
    clock.move(1);
    expect(nonces.read(nonce, scope).state).toBe('stale');
  });

  test.each([day, -day])('a wall-clock jump of %i ms expires nothing and revives nothing', (jump) => {
    const clock = new FakeClock();
    const nonces = issuerOn(clock);
    const old = nonces.issue(scope);
    clock.move(50_000);
    const nonce = nonces.issue(scope);
    clock.jumpWall(jump);
    clock.move(20_000);
    expect(nonces.read(nonce, scope).state).toBe('fresh');
    expect(nonces.read(old, scope).state).toBe('stale');
  });

  test.each([0, day, -day])(
    'after a restart an old one is stale, not foreign, with the clock moved by %i ms',
    (jump) => {
      const clock = new FakeClock();
      const nonce = issuerOn(clock).issue(scope);
      clock.jumpWall(jump);
      clock.move(1000);
      const restarted = issuerOn(clock, { seed: 2 });
      expect(restarted.read(nonce, scope).state).toBe('stale');
      expect(restarted.read(restarted.issue(scope), scope).state).toBe('fresh');
    },
  );

  test('another secret knows none of them, and a short secret is refused', () => {
    const clock = new FakeClock();
    const nonce = issuerOn(clock).issue(scope);
    expect(issuerOn(clock, { secret: new Uint8Array(32).fill(8) }).read(nonce, scope).state).toBe('foreign');
    expect(() => issuerOn(clock, { secret: new Uint8Array(31) })).toThrow('32 bytes');
  });
});

describe('what an orderly end leaves of nonces', () => {
  test('lets those go on that were given out, used or not, each count once', () => {
    const clock = new FakeClock();
    const first = issuerOn(clock);
    const counts = new NonceCounter({ lifetime: 60_000 });
    const [used, unused] = [first.issue(scope), first.issue(scope)];
    expect(counts.use(used, first.now(), 7, first.now())).toBe('good');
    const kept = { v: 1, startedAt: first.knownSince, ...counts.kept(first.now()) } as const;
    clock.move(5_000);
    const parts = { secret, clock, random: new SeededRandom(9), lifetime: 60_000, knownSince: kept.startedAt };
    const second = new NonceIssuer(parts);
    const after = new NonceCounter({ lifetime: 60_000, kept: structuredClone(kept) });
    const { state, issuedAt } = second.read(used, scope);
    expect([state, second.read(unused, scope).state]).toEqual(['fresh', 'fresh']);
    expect(after.use(used, issuedAt, 7, second.now())).toBe('replayed');
    expect(after.use(used, issuedAt, 6, second.now())).toBe('good');
    expect(after.use(used, issuedAt, 8, second.now())).toBe('good');
    expect(after.use(unused, issuedAt, 1, second.now())).toBe('good');
    clock.move(60_000);
    expect(second.read(used, scope).state).toBe('stale');
  });

  test('says of those that were dropped for want of room that they are forgotten, and leaves out those that are over', () => {
    const counts = new NonceCounter({ lifetime: 60_000, capacity: 2 });
    for (const [index, nonce] of ['a', 'b', 'c'].entries()) counts.use(nonce, 1_000 + index, 1, 1_000 + index);
    const kept = counts.kept(61_001);
    expect(kept).toMatchObject({ forgottenUpTo: 1_000, windows: [{ nonce: 'b' }, { nonce: 'c' }] });
    const after = new NonceCounter({ lifetime: 60_000, kept: { v: 1, startedAt: 0, ...kept } });
    expect(after.use('a', 1_000, 2, 1_010)).toBe('forgotten');
    expect(counts.kept(61_002).windows.map(({ nonce }) => nonce)).toEqual(['c']);
  });
});

describe('nonce counts (RFC 7616 §3.4.6)', () => {
  const counter = (capacity = 4): NonceCounter => new NonceCounter({ lifetime: 60_000, capacity });

  test('each is good once, in any order within the window of 64', () => {
    const counts = counter();
    expect(counts.use('n', 1, 1, 1)).toBe('good');
    expect(counts.use('n', 1, 1, 1)).toBe('replayed');
    expect(counts.use('n', 1, 5, 1)).toBe('good');
    for (const count of [3, 2, 4]) expect(counts.use('n', 1, count, 1)).toBe('good');
    for (const count of [1, 2, 3, 4, 5]) expect(counts.use('n', 1, count, 1)).toBe('replayed');
  });

  test('a window reaches 63 back and no further', () => {
    const counts = counter();
    counts.use('n', 1, 1000, 1);
    expect(counts.use('n', 1, 1000 - nonceWindowSize, 1)).toBe('replayed');
    expect(counts.use('n', 1, 1000 - nonceWindowSize + 1, 1)).toBe('good');
    expect(counts.use('n', 1, 1000 - nonceWindowSize + 1, 1)).toBe('replayed');
  });

  test('a jump ahead keeps what is still inside and forgets what is not', () => {
    const counts = counter();
    counts.use('n', 1, 10, 1);
    expect(counts.use('n', 1, 10 + 63, 1)).toBe('good');
    expect(counts.use('n', 1, 10, 1)).toBe('replayed');
    expect(counts.use('n', 1, 11, 1)).toBe('good');
    expect(counts.use('n', 1, 0xffffffff, 1)).toBe('good');
    expect(counts.use('n', 1, 0xffffffff, 1)).toBe('replayed');
    expect(counts.use('n', 1, 73, 1)).toBe('replayed');
  });

  test('zero is no count and makes no window', () => {
    const counts = counter();
    expect(counts.use('n', 1, 0, 1)).toBe('replayed');
    expect(counts.size).toBe(0);
    counts.use('n', 1, 1, 1);
    expect(counts.use('n', 1, 0, 1)).toBe('replayed');
  });

  test('agrees with a set of all counts that were used, over random sequences', () => {
    const random = new SeededRandom(42);
    const counts = counter();
    const used = new Set<number>();
    let highest = 0;
    for (let step = 0; step < 5000; step += 1) {
      const count = Math.max(1, highest - 70 + random.below(random.below(20) === 0 ? 200 : 75));
      const expected = !used.has(count) && count > highest - nonceWindowSize;
      expect(counts.use('n', 1, count, 1)).toBe(expected ? 'good' : 'replayed');
      if (expected) used.add(count);
      if (expected && count > highest) highest = count;
    }
    expect(used.size).toBeGreaterThan(1000);
  });

  test('memory is bounded, and what was forgotten is never good again', () => {
    const counts = counter(3);
    for (const [index, nonce] of ['a', 'b', 'c', 'd'].entries()) counts.use(nonce, 10 + index, 1, 20);
    expect(counts.size).toBe(3);
    expect(counts.use('a', 10, 1, 20)).toBe('forgotten');
    expect(counts.use('a', 10, 2, 20)).toBe('forgotten');
    expect(counts.use('unused but as old', 10, 1, 20)).toBe('forgotten');
    expect(counts.use('newer', 15, 1, 20)).toBe('good');
    expect(counts.size).toBe(3);
  });

  test('the one that was used longest ago goes first', () => {
    const counts = counter(2);
    counts.use('a', 10, 1, 20);
    counts.use('b', 11, 1, 20);
    counts.use('a', 10, 2, 20);
    counts.use('c', 12, 1, 20);
    expect(counts.use('a', 10, 3, 20)).toBe('good');
    expect(counts.use('b', 11, 2, 20)).toBe('forgotten');
  });

  test('an expired nonce is never good, though its window may be gone', () => {
    const counts = counter();
    expect(counts.use('a', 10, 1, 60_010)).toBe('good');
    expect(counts.use('a', 10, 2, 60_011)).toBe('forgotten');
    expect(counts.use('b', 10, 1, 60_011)).toBe('forgotten');
  });

  test('expired windows make room without making others stale', () => {
    const counts = counter(2);
    counts.use('a', 10, 1, 20);
    counts.use('b', 11, 1, 20);
    counts.use('c', 70_000, 1, 70_000);
    expect(counts.size).toBe(2 - 1);
    expect(counts.use('d', 69_999, 1, 70_000)).toBe('good');
  });
});
