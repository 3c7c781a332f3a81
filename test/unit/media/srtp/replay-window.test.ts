import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReplayWindow, replayWindowSize } from '../../../../src/media/srtp/replay-window.ts';

/** The same, the slow way: every index ever seen. */
class Model {
  highest = -1;
  readonly #seen = new Set<number>();

  accepts(index: number): boolean {
    return this.highest < 0 || (index > this.highest - replayWindowSize && !this.#seen.has(index));
  }

  add(index: number): void {
    this.#seen.add(index);
    this.highest = Math.max(this.highest, index);
  }
}

describe('replay window (RFC 3711 §3.3.2)', () => {
  test('accepts an index once and none from behind the window, as a set of all indices would', () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: -140, max: 140 }), fc.integer({ min: -3, max: 3 })), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, (jumps) => {
        const window = new ReplayWindow();
        const model = new Model();
        let index = 1000;
        for (const jump of jumps) {
          index = Math.max(0, index + jump);
          const distance = model.highest < 0 ? 1 : index - model.highest;
          const isFresh = model.highest < 0 || !window.has(distance);
          expect(isFresh).toBe(model.accepts(index));
          if (!isFresh) continue;
          window.add(distance);
          model.add(index);
        }
      }),
    );
  });

  test('a copy does not change with its original', () => {
    const window = new ReplayWindow();
    window.add(1);
    const copy = window.copy();
    window.add(5);
    expect(copy.has(0)).toBe(true);
    expect(copy.has(-5)).toBe(false);
    expect(window.has(-5)).toBe(true);
  });
});
