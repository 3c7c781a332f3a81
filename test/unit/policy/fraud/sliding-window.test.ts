import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecentValues, SlidingWindow, slicesOfWindow } from '../../../../src/policy/fraud/sliding-window.ts';

const window = 24_000;
const slice = window / slicesOfWindow;

describe('a sum over the last while', () => {
  test('is that of the slices that the window reaches back to, whatever order times come in', () => {
    const step = fc.record({
      by: fc.integer({ min: -3 * slice, max: 6 * slice }),
      amount: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.nat(100 * window), fc.array(step, { maxLength: 80 }), (start, steps) => {
        const sums = new SlidingWindow(window);
        const seen: { readonly slice: number; readonly amount: number }[] = [];
        let [now, head] = [start + window, 0];
        for (const { by, amount } of steps) {
          now = Math.max(0, now + by);
          const at = Math.floor(now / slice);
          head = Math.max(head, at);
          if (at > head - slicesOfWindow) seen.push({ slice: at, amount });
          const expected = seen
            .filter((one) => one.slice > head - slicesOfWindow)
            .reduce((sum, one) => sum + one.amount, 0);
          expect(sums.add(now, amount)).toBe(expected);
          expect(sums.sum(now)).toBe(expected);
        }
      }),
    );
  });

  test('is nothing when so much time has passed', () => {
    const sums = new SlidingWindow(window);
    sums.add(10 * window, 5);
    expect([sums.sum(11 * window - slice), sums.sum(11 * window), sums.sum(12 * window)]).toEqual([5, 0, 0]);
    sums.add(20 * window, 7);
    expect(sums.sum(20 * window)).toBe(7);
    expect(sums.add(5 * window, 3)).toBe(7);
  });
});

describe('the values of the last while', () => {
  test('are those that came within the window, the newest of them where there are too many', () => {
    const step = fc.record({ by: fc.nat(400), value: fc.constantFrom('a', 'b', 'c', 'd', 'e') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const values = new RecentValues(1_000, 3);
        let now = 0;
        let expected: { readonly value: string; readonly at: number }[] = [];
        for (const { by, value } of steps) {
          now += by;
          expected = [...expected.filter((one) => one.value !== value), { value, at: now }]
            .filter(({ at }) => at > now - 1_000)
            .slice(-3);
          expect(values.add(now, value)).toBe(expected.length);
          expect(values.size).toBe(expected.length);
          for (const one of ['a', 'b', 'c', 'd', 'e']) {
            expect(values.has(one)).toBe(expected.some((kept) => kept.value === one));
          }
        }
      }),
    );
  });
});
