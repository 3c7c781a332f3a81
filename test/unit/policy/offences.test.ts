import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultOffenceRules, OffenceScores } from '../../../src/policy/offences.ts';

const office = '198.51.100.7';
const { patience, failuresPerAccount, accountsPerSource, halfLife, unanswered, malformed, sources } =
  defaultOffenceRules;

function failures(scores: OffenceScores, count: number, account: string, now = 0): unknown {
  let last: unknown;
  for (let time = 0; time < count; time += 1) last = scores.failed(office, account, now);
  return last;
}

describe('an account that is tried from one source', () => {
  test('is banned from there after so many failures, and not before', () => {
    const scores = new OffenceScores();
    expect(failures(scores, failuresPerAccount - 1, 'alice')).toBeUndefined();
    expect(failures(scores, 1, 'alice')).toEqual({ source: office, account: 'alice', reason: 'wrong-password' });
  });

  test('begins anew when its owner proved himself', () => {
    const scores = new OffenceScores();
    failures(scores, failuresPerAccount - 1, 'alice');
    scores.succeeded(office, 'alice', 0);
    expect(failures(scores, failuresPerAccount - 1, 'alice')).toBeUndefined();
  });

  test('is not banned for a failure now and then', () => {
    const scores = new OffenceScores();
    for (let time = 0; time < 200; time += 1) expect(scores.failed(office, 'alice', time * halfLife)).toBeUndefined();
  });
});

describe('an office behind one address', () => {
  test('is not banned for one phone with an old password', () => {
    const scores = new OffenceScores();
    scores.succeeded(office, 'bob', 0);
    for (let time = 0; time < 1_000; time += 1) {
      const offence = scores.failed(office, 'alice', 0);
      expect(offence?.account ?? 'alice').toBe('alice');
    }
  });

  test('nor for a password change of some phones', () => {
    const scores = new OffenceScores();
    scores.succeeded(office, 'bob', 0);
    for (let phone = 0; phone < accountsPerSource * 3; phone += 1) {
      expect(scores.failed(office, `phone${phone}`, 0)).toBeUndefined();
    }
  });

  test('is banned when it tries very many accounts all the same', () => {
    const scores = new OffenceScores();
    scores.succeeded(office, 'bob', 0);
    const offences = Array.from({ length: accountsPerSource * 10 }, (_, n) => scores.failed(office, `user${n}`, 0));
    expect(offences.filter((offence) => offence !== undefined)).toEqual([{ source: office, reason: 'many-accounts' }]);
  });
});

describe('a source that nobody knows', () => {
  test('is banned when it tries several accounts', () => {
    const scores = new OffenceScores();
    const offences = Array.from({ length: accountsPerSource }, (_, n) => scores.failed(office, `${100 + n}`, 0));
    expect(offences.at(-1)).toEqual({ source: office, reason: 'many-accounts' });
    expect(offences.slice(0, -1)).toEqual(Array(accountsPerSource - 1).fill(undefined));
  });

  test('may be challenged many times, but not as a scanner is', () => {
    const scores = new OffenceScores();
    const offences = Array.from({ length: unanswered * 2 }, (_, n) => scores.challenged(office, n * 1_000));
    expect(offences.find((offence) => offence !== undefined)).toEqual({ source: office, reason: 'no-credentials' });
    expect(offences.findIndex((offence) => offence !== undefined)).toBeGreaterThanOrEqual(unanswered - 1);
  });

  test('is no scanner when all its phones come at once, as after a power cut', () => {
    const scores = new OffenceScores();
    for (let phone = 0; phone < 500; phone += 1) expect(scores.challenged(office, patience - 1)).toBeUndefined();
    scores.failed(office, 'alice', patience);
    expect(scores.challenged(office, patience * 3)).toBeUndefined();
  });

  test('is no scanner while the node is too busy to hear its answers', () => {
    const scores = new OffenceScores();
    for (let phone = 0; phone < 500; phone += 1) {
      expect(scores.challenged(office, phone * patience)).toBeUndefined();
      scores.turnedAway(office);
    }
    scores.turnedAway('192.0.2.1');
    expect(scores.size).toBe(1);
  });

  test('is no scanner while it answers its challenges', () => {
    const scores = new OffenceScores();
    for (let time = 0; time < unanswered * 5; time += 1) {
      expect(scores.challenged(office, 0)).toBeUndefined();
      scores.succeeded(office, 'alice', 0);
    }
  });

  test('is banned for sending what nobody can read', () => {
    const scores = new OffenceScores();
    const offences = Array.from({ length: malformed }, () => scores.malformed(office, 0));
    expect(offences.at(-1)).toEqual({ source: office, reason: 'malformed' });
  });
});

test('300,000 sources that are made up take the room of 50,000', () => {
  const scores = new OffenceScores();
  for (let n = 0; n < 300_000; n += 1) scores.challenged(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, n);
  expect(scores.size).toBeLessThanOrEqual(sources);
  expect(scores.size).toBeGreaterThan(sources / 2);
});

test('whatever comes in whatever order, an account whose owner always succeeds next is never banned', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('challenged', 'failed'), { maxLength: 400 }), (events) => {
      const scores = new OffenceScores();
      for (const event of events) {
        const offence = event === 'failed' ? scores.failed(office, 'alice', 0) : scores.challenged(office, 0);
        expect(offence).toBeUndefined();
        scores.succeeded(office, 'alice', 0);
      }
    }),
  );
});
