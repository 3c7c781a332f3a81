import { describe, expect, test } from 'vitest';
import { type Hold, Holds } from '../../../../src/policy/fraud/holds.ts';

function hold(more: Partial<Hold> = {}): Hold {
  return { action: 'refuse', rule: 'watch', subject: 'user:alice', of: 'international', since: 0, until: 100, ...more };
}

describe('what is held against a subject', () => {
  test('refuses until it is over, and that of others not at all', () => {
    const holds = new Holds();
    holds.put(hold());
    expect(holds.on('user:alice', 99)).toEqual([hold()]);
    expect(holds.on('user:bob', 99)).toEqual([]);
    expect(holds.on('user:alice', 100)).toEqual([]);
    expect(holds.list(0)).toEqual([]);
  });

  test('is one of each class, and the one that holds for longer stays', () => {
    const holds = new Holds();
    holds.put(hold());
    holds.put(hold({ rule: 'shorter', until: 50 }));
    holds.put(hold({ of: undefined, until: 70 }));
    expect(holds.list(0)).toEqual([hold(), hold({ of: undefined, until: 70 })]);
    holds.put(hold({ rule: 'longer', until: 200 }));
    expect(holds.on('user:alice', 100)).toMatchObject([{ rule: 'longer' }]);
  });

  test('is a lock until somebody lifts it, which refuses no call by itself', () => {
    const holds = new Holds();
    const lock = hold({ action: 'lock', of: undefined, until: undefined });
    holds.put(lock);
    holds.put(hold());
    expect(holds.on('user:alice', 1)).toEqual([hold()]);
    expect(holds.list(1e12)).toEqual([lock]);
    expect(holds.lift('user:alice')).toEqual([lock]);
    expect(holds.lift('user:alice')).toEqual([]);
    expect(holds.list(0)).toEqual([]);
  });

  test('is bounded: those that are over go first, then the oldest', () => {
    const holds = new Holds(2);
    holds.put(hold({ subject: 'user:a', until: 1_000 }));
    holds.put(hold({ subject: 'user:b', until: 10 }));
    expect(holds.put(hold({ subject: 'user:c', since: 20 }))).toEqual([]);
    expect(holds.put(hold({ subject: 'user:d', since: 21 }))).toMatchObject([{ subject: 'user:a' }]);
    expect(holds.list(30).map(({ subject }) => subject)).toEqual(['user:c', 'user:d']);
  });
});
