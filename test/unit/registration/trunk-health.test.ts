// Pings with hysteresis: what makes a peer down, what makes it up again, and when it is asked next.
import { describe, expect, test } from 'vitest';
import { type HealthOutput, TrunkHealth } from '../../../src/registration/trunk-health.ts';

function health(): TrunkHealth {
  return new TrunkHealth({ interval: 30_000, downAfter: 3, upAfter: 2 });
}

const next: HealthOutput = { type: 'start', delay: 30_000 };

describe('a peer', () => {
  test('is up until something else is known, and first pinged when its turn comes', () => {
    const machine = health();
    expect(machine.handle({ type: 'started', delay: 700 })).toEqual([{ type: 'start', delay: 700 }]);
    expect(machine.isUp).toBe(true);
    expect(machine.handle({ type: 'timer' })).toEqual([{ type: 'ping' }]);
  });

  test('is down after that many failures in a row, and told once', () => {
    const machine = health();
    expect(machine.handle({ type: 'failed' })).toEqual([next]);
    expect(machine.handle({ type: 'failed' })).toEqual([next]);
    expect(machine.isUp).toBe(true);
    expect(machine.handle({ type: 'failed' })).toEqual([{ type: 'changed', isUp: false }, next]);
    expect(machine.handle({ type: 'failed' })).toEqual([next]);
    expect(machine.isUp).toBe(false);
  });

  test('that fails now and then is not down', () => {
    const machine = health();
    for (let round = 0; round < 10; round += 1) {
      machine.handle({ type: 'failed' });
      machine.handle({ type: 'failed' });
      machine.handle({ type: 'answered' });
    }
    expect(machine.isUp).toBe(true);
  });

  test('is up again after that many answers in a row, and not before', () => {
    const machine = health();
    for (let count = 0; count < 3; count += 1) machine.handle({ type: 'failed' });
    machine.handle({ type: 'answered' });
    machine.handle({ type: 'failed' });
    machine.handle({ type: 'answered' });
    expect(machine.isUp).toBe(false);
    expect(machine.handle({ type: 'answered' })).toEqual([{ type: 'changed', isUp: true }, next]);
  });

  test.each([
    [10_000, 30_000],
    [90_000, 90_000],
    [9_999_999_000, 600_000],
  ])('that asks by Retry-After for %i ms is pinged in %i ms', (retryAfter, delay) => {
    expect(health().handle({ type: 'failed', retryAfter })).toEqual([{ type: 'start', delay }]);
  });
});
