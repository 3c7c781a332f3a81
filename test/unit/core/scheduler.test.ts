import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import { SystemScheduler, type Timer, TimerHeap } from '../../../src/core/scheduler.ts';
import { FakeScheduler } from '../../support/fake-time.ts';

function takeAll(heap: TimerHeap, now: number): void {
  for (let timer = heap.takeDue(now); timer !== undefined; timer = heap.takeDue(now)) timer.fire();
}

describe('the heap of timers', () => {
  test('fires in the order of time, and of adding where times are equal, whatever was cancelled', () => {
    const step = fc.record({ due: fc.integer({ min: 0, max: 20 }), cancels: fc.option(fc.nat(30)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const heap = new TimerHeap();
        const fired: number[] = [];
        const timers: Timer[] = [];
        let expected: { readonly id: number; readonly due: number }[] = [];
        for (const [id, { due, cancels }] of steps.entries()) {
          timers.push(heap.add(due, () => fired.push(id)));
          expected.push({ id, due });
          if (cancels === null) continue;
          timers[cancels]?.cancel();
          if (cancels <= id) expected = expected.filter((timer) => timer.id !== cancels);
          expect(heap.size).toBe(expected.length);
        }
        expect(heap.nextDue()).toBe(expected.toSorted((a, b) => a.due - b.due)[0]?.due);
        takeAll(heap, 20);
        expect(fired).toEqual(expected.toSorted((a, b) => a.due - b.due || a.id - b.id).map(({ id }) => id));
        expect(heap.size).toBe(0);
      }),
    );
  });

  test('keeps what is not due', () => {
    const heap = new TimerHeap();
    heap.add(10, () => {});
    expect(heap.takeDue(9.999)).toBeUndefined();
    expect(heap.nextDue()).toBe(10);
    expect(heap.takeDue(10)).toBeDefined();
    expect(heap.nextDue()).toBeUndefined();
  });

  test('cancelling twice, or after it fired, does nothing to the others', () => {
    const heap = new TimerHeap();
    const first = heap.add(1, () => {});
    heap.add(2, () => {});
    first.cancel();
    first.cancel();
    expect(heap.size).toBe(1);
    const third = heap.add(0, () => {});
    takeAll(heap, 0);
    third.cancel();
    expect(heap.size).toBe(1);
  });
});

describe('the scheduler of the process', () => {
  /** The time that vitest's timers have. */
  const clock: Clock = { now: () => performance.now(), wall: () => Date.now() };
  const thrown: unknown[] = [];
  let scheduler: SystemScheduler;

  beforeEach(() => {
    vi.useFakeTimers();
    thrown.length = 0;
    scheduler = new SystemScheduler(clock, (error) => thrown.push(error));
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  test('waits with one timer of the process for any number of its own', () => {
    for (let delay = 100; delay > 0; delay -= 1) scheduler.after(delay, () => {});
    expect(scheduler.pending).toBe(100);
    expect(vi.getTimerCount()).toBe(1);
  });

  test('fires each at its time, an earlier one that was added later too', () => {
    const fired: string[] = [];
    scheduler.after(50, () => fired.push('late'));
    scheduler.after(10, () => fired.push('early'));
    vi.advanceTimersByTime(9);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(['early']);
    vi.advanceTimersByTime(40);
    expect(fired).toEqual(['early', 'late']);
  });

  test('keeps nothing waiting once the last timer is cancelled or has fired, so that the process can end', () => {
    scheduler.after(60_000, () => {}).cancel();
    expect(vi.getTimerCount()).toBe(0);
    scheduler.after(5, () => {});
    vi.advanceTimersByTime(5);
    expect(vi.getTimerCount()).toBe(0);
    const fired: string[] = [];
    scheduler.after(5, () => fired.push('again'));
    vi.advanceTimersByTime(5);
    expect(fired).toEqual(['again']);
  });

  test('timers with slack wake the process together, none before its time and none later than its slack', () => {
    const late: number[] = [];
    const wakes = new Set<number>();
    for (let delay = 5_000; delay < 6_000; delay += 7) {
      const due = clock.now() + delay;
      const fire = (): void => {
        late.push(clock.now() - due);
        wakes.add(clock.now());
      };
      scheduler.after(delay, fire, 250);
    }
    vi.advanceTimersByTime(7_000);
    expect(late).toHaveLength(143);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThan(251);
    expect(wakes.size).toBeLessThanOrEqual(5);
  });

  test('one without slack is as punctual beside those that have some', () => {
    const fired: string[] = [];
    scheduler.after(90, () => fired.push('slack'), 1_000);
    scheduler.after(100, () => fired.push('punctual'));
    vi.advanceTimersByTime(100);
    expect(fired).toContain('punctual');
    vi.advanceTimersByTime(1_000);
    expect(fired).toContain('slack');
  });

  test('reports a callback that throws, and runs the others', () => {
    const fired: string[] = [];
    scheduler.after(1, () => {
      throw new Error('broken');
    });
    scheduler.after(1, () => fired.push('second'));
    scheduler.after(9, () => fired.push('third'));
    vi.advanceTimersByTime(9);
    expect(thrown).toEqual([new Error('broken')]);
    expect(fired).toEqual(['second', 'third']);
  });

  test('a timer that cancels another of the same instant is obeyed', () => {
    const fired: string[] = [];
    const late: Timer[] = [];
    scheduler.after(1, () => late[0]?.cancel());
    late.push(scheduler.after(1, () => fired.push('cancelled')));
    vi.advanceTimersByTime(10);
    expect(fired).toEqual([]);
    expect(scheduler.pending).toBe(0);
  });

  test('no delay is not now: the callback runs after the caller is done', () => {
    const order: string[] = [];
    scheduler.after(0, () => order.push('fired'));
    order.push('caller');
    vi.advanceTimersByTime(0);
    expect(order).toEqual(['caller', 'fired']);
  });

  test('waits longer than the 31 bits that setTimeout takes', () => {
    const fired: string[] = [];
    const days = 30 * 86_400_000;
    scheduler.after(days, () => fired.push('a month'));
    vi.advanceTimersByTime(days - 1);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(['a month']);
  });
});

test('in tests time stands still until it is moved, and each timer sees its own instant', () => {
  const scheduler = new FakeScheduler();
  const start = scheduler.clock.now();
  const seen: number[] = [];
  scheduler.after(10, () => {
    seen.push(scheduler.clock.now() - start);
    scheduler.after(5, () => seen.push(scheduler.clock.now() - start));
  });
  scheduler.advance(14);
  expect(seen).toEqual([10]);
  scheduler.advance(1);
  expect(seen).toEqual([10, 15]);
  expect(scheduler.pending).toBe(0);
});
