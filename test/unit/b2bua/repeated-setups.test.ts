// Loops of calls that no header names: how many set-ups alike may run at once.
import { expect, test } from 'vitest';
import { maxTurns, RepeatedSetups } from '../../../src/b2bua/repeated-setups.ts';

const what = 'pbx:main to +4912345 by 100';
const most = 50;

/** Which of them may begin. */
function begun(setups: RepeatedSetups, hops: readonly number[]): readonly boolean[] {
  return hops.map((left) => setups.begin({ what, hops: left }, most));
}

test('as many as are allowed may run with the same hops, and one more when one has ended', () => {
  const setups = new RepeatedSetups();
  expect(
    begun(
      setups,
      Array.from({ length: most }, () => 70),
    ).every(Boolean),
  ).toBe(true);
  expect(begun(setups, [70])).toEqual([false]);
  expect(setups.begin({ what: 'pbx:main to +4912346 by 100', hops: 70 }, most)).toBe(true);
  setups.end({ what, hops: 70 });
  expect(begun(setups, [70, 70])).toEqual([true, false]);
});

test('the fifth of those whose hops go down by turns is a loop, however they are mixed with others', () => {
  expect(begun(new RepeatedSetups(), [70, 68, 66, 64, 62])).toEqual([true, true, true, true, false]);
  expect(begun(new RepeatedSetups(), [70, 70, 68, 70, 66, 64, 70, 62])).toEqual([
    ...Array.from({ length: 7 }, () => true),
    false,
  ]);
});

test('hops that two or three kinds of phones have, or that go up, are no turns', () => {
  const setups = new RepeatedSetups();
  expect(begun(setups, [70, 69, 68, 70, 69, 68, 68, 69, 67]).every(Boolean)).toBe(true);
  expect(begun(new RepeatedSetups(), [60, 62, 64, 66, 68, 70]).every(Boolean)).toBe(true);
});

test('one that has ended is no turn any more, and nothing is kept of it', () => {
  const setups = new RepeatedSetups();
  const turns = Array.from({ length: maxTurns - 1 }, (_, index) => 70 - index);
  begun(setups, turns);
  setups.end({ what, hops: 70 });
  expect(begun(setups, [60])).toEqual([true]);
  for (const hops of [...turns, 60, 60, 12]) setups.end({ what, hops });
  expect(setups.size).toBe(0);
});
