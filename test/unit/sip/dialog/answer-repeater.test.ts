// Copies of a 2xx until its ACK (RFC 3261 §13.3.1.4).
import { expect, test } from 'vitest';
import { AnswerRepeater } from '../../../../src/sip/dialog/answer-repeater.ts';

function waits(t1: number, t2: number): readonly number[] {
  const repeater = new AnswerRepeater({ t1, t2 });
  const all: number[] = [];
  for (let wait = repeater.next(); wait !== undefined; wait = repeater.next()) all.push(wait);
  return all;
}

test('the wait doubles from T1 up to T2, and is given up after 64 · T1', () => {
  expect(waits(500, 4_000)).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 500]);
});

test('it takes exactly 64 · T1 whatever T1 and T2 are', () => {
  for (const [t1, t2] of [
    [100, 4_000],
    [500, 500],
    [1_000, 3_000],
  ] as const) {
    expect(waits(t1, t2).reduce((sum, wait) => sum + wait, 0)).toBe(64 * t1);
  }
});
