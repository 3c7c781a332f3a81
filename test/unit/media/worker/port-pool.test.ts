import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PortPool } from '../../../../src/media/worker/port-pool.ts';
import { FakeClock, SeededRandom } from '../../../support/fake-time.ts';

const take = (pool: PortPool, count: number) => Array.from({ length: count }, () => pool.take());

describe('port pool (RFC 3550 §11)', () => {
  test('hands out even ports whose odd neighbour is in the range, each once', () => {
    const pool = new PortPool({ first: 20_001, last: 20_010 }, 0, new FakeClock(), new SeededRandom(3));
    const ports = take(pool, 5);
    expect(ports.filter((port) => port !== undefined).sort()).toEqual([20_002, 20_004, 20_006, 20_008]);
    expect(ports[4]).toBeUndefined();
  });

  test('starts at random, so that a restart does not use the same port first', () => {
    const first = (seed: number) =>
      new PortPool({ first: 20_000, last: 39_999 }, 0, new FakeClock(), new SeededRandom(seed)).take();
    expect(new Set([1, 2, 3, 4, 5].map(first)).size).toBeGreaterThan(3);
  });

  test('a port that was given back rests before it is used again', () => {
    const clock = new FakeClock();
    const pool = new PortPool({ first: 20_000, last: 20_001 }, 30_000, clock, new SeededRandom(1));
    expect(pool.take()).toBe(20_000);
    pool.release(20_000);
    clock.move(29_999);
    expect(pool.take()).toBeUndefined();
    clock.move(1);
    expect(pool.take()).toBe(20_000);
  });

  test('a pair is never held twice, and none is lost', () => {
    const steps = fc.array(
      fc.oneof(fc.constant('take'), fc.constant('release'), fc.constant('again'), fc.constant('wait')),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, (names) => {
        const clock = new FakeClock();
        const pool = new PortPool({ first: 30_000, last: 30_019 }, 100, clock, new SeededRandom(9));
        const held = new Set<number>();
        for (const step of names) {
          const [port] = held;
          if (step === 'take') {
            const taken = pool.take();
            if (taken === undefined) continue;
            expect(held.has(taken)).toBe(false);
            held.add(taken);
          } else if (step === 'wait') {
            clock.move(60);
          } else if (port !== undefined) {
            held.delete(port);
            pool.release(port);
            // Giving back twice, or what was never taken, does nothing.
            if (step === 'again') pool.release(port);
            pool.release(40_000);
          }
        }
        clock.move(100);
        expect(pool.free).toBe(10 - held.size);
      }),
    );
  });
});
