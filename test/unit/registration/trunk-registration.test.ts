// Our registration with a trunk: when it is refreshed, what a failure does, and how long we wait then (RFC 3261 §10.2).
import { describe, expect, test } from 'vitest';
import {
  longestSeconds,
  type RegistrationOutput,
  TrunkRegistration,
} from '../../../src/registration/trunk-registration.ts';
import { SeededRandom } from '../../support/fake-time.ts';

function registration(seconds = 3_600): TrunkRegistration {
  return new TrunkRegistration(seconds, new SeededRandom(3));
}

function delayOf(outputs: readonly RegistrationOutput[]): number {
  const start = outputs.find((output) => output.type === 'start');
  if (start?.type !== 'start') throw new Error('no timer');
  return start.delay;
}

describe('a registration', () => {
  test('is asked for when its turn comes, and told once it is granted', () => {
    const machine = registration();
    expect(machine.handle({ type: 'started', delay: 700 }, 0)).toEqual([{ type: 'start', delay: 700 }]);
    expect(machine.handle({ type: 'timer' }, 700)).toEqual([{ type: 'register', seconds: 3_600 }]);
    const granted = machine.handle({ type: 'granted', seconds: 3_600 }, 800);
    expect(granted[0]).toEqual({ type: 'changed', isRegistered: true });
    expect(machine.isRegistered).toBe(true);
  });

  test.each([
    [3_600, 3_240_000],
    [600, 540_000],
    [60, 30_000],
    [1, 1_000],
    [4_294_967_295, 77_760_000],
  ])('of %i s is refreshed after %i ms', (seconds, delay) => {
    expect(delayOf(registration().handle({ type: 'granted', seconds }, 0))).toBe(delay);
  });

  test('that is granted for no time is none', () => {
    const machine = registration();
    machine.handle({ type: 'granted', seconds: 0 }, 0);
    expect(machine.isRegistered).toBe(false);
  });

  test('lives through a silent registrar until it ends, and no longer', () => {
    const machine = registration();
    machine.handle({ type: 'granted', seconds: 100 }, 0);
    machine.handle({ type: 'failed' }, 99_999);
    expect(machine.isRegistered).toBe(true);
    expect(machine.handle({ type: 'failed' }, 100_000)[0]).toEqual({ type: 'changed', isRegistered: false });
  });

  test('that is refused is over at once', () => {
    const machine = registration();
    machine.handle({ type: 'granted', seconds: 100 }, 0);
    expect(machine.handle({ type: 'refused' }, 10)[0]).toEqual({ type: 'changed', isRegistered: false });
  });

  test('too brief is asked for again at once and longer (423), but not for ever', () => {
    const machine = registration(60);
    expect(machine.handle({ type: 'too-brief', minSeconds: 300 }, 0)).toEqual([{ type: 'register', seconds: 300 }]);
    expect(machine.handle({ type: 'too-brief', minSeconds: 300 }, 0)[0]?.type).toBe('start');
    expect(machine.handle({ type: 'too-brief', minSeconds: longestSeconds + 1 }, 0)[0]?.type).toBe('start');
    expect(machine.handle({ type: 'timer' }, 0)).toEqual([{ type: 'register', seconds: 300 }]);
  });

  test('is tried again after a back-off that doubles up to five minutes, half of it by chance', () => {
    const machine = registration();
    const delays = Array.from({ length: 12 }, () => delayOf(machine.handle({ type: 'failed' }, 0)));
    for (const [index, delay] of delays.entries()) {
      const backOff = Math.min(300_000, 2_000 * 2 ** index);
      expect(delay).toBeGreaterThanOrEqual(backOff / 2);
      expect(delay).toBeLessThan(backOff);
    }
    const others = new TrunkRegistration(3_600, new SeededRandom(99));
    expect(delayOf(others.handle({ type: 'failed' }, 0))).not.toBe(delays[0]);
    machine.handle({ type: 'granted', seconds: 60 }, 0);
    expect(delayOf(machine.handle({ type: 'failed' }, 0))).toBeLessThan(2_000);
  });

  test('waits as Retry-After says, an hour at most', () => {
    expect(delayOf(registration().handle({ type: 'failed', retryAfter: 50_000 }, 0))).toBe(50_000);
    expect(delayOf(registration().handle({ type: 'refused', retryAfter: 9e12 }, 0))).toBe(3_600_000);
  });
});
