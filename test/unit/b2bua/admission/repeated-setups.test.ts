// Loops of calls that no header names: how many set-ups alike may run at once.
import { expect, test } from 'vitest';
import { maxTurns, RepeatedSetups, unnamedShare } from '../../../../src/b2bua/admission/repeated-setups.ts';

const what = 'pbx:main to +4912345 by 100';
const most = 50;

/** Which of them may begin. */
function begun(setups: RepeatedSetups, hops: readonly number[]): readonly boolean[] {
  return hops.map((left) => setups.begin({ what, hops: left, isNamed: true }, most));
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
  expect(setups.begin({ what: 'pbx:main to +4912346 by 100', hops: 70, isNamed: true }, most)).toBe(true);
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

test('hops that go down by uneven steps, by one, or in another order are no turns', () => {
  for (const hops of [
    [70, 69, 68, 67, 66],
    [70, 68, 66, 64, 60],
    [64, 66, 68, 70, 62],
    [70, 66, 68, 64, 62],
    [70, 68, 66, 64, 64, 68],
  ])
    expect(begun(new RepeatedSetups(), hops).every(Boolean), hops.join()).toBe(true);
  expect(begun(new RepeatedSetups(), [90, 85, 80, 75, 70])).toEqual([true, true, true, true, false]);
});

test('callers whom nobody knows are a loop by their count alone, and by a greater one', () => {
  const setups = new RepeatedSetups();
  const one = (hops: number): boolean => setups.begin({ what, hops, isNamed: false }, 3);
  const some = [70, 68, 66, 64, 62];
  expect(some.every(one)).toBe(true);
  for (let count = some.length; count < 3 * unnamedShare; count += 1) expect(one(70)).toBe(true);
  expect(one(70)).toBe(false);
});

test('one that has ended is no turn any more, and nothing is kept of it', () => {
  const setups = new RepeatedSetups();
  const turns = Array.from({ length: maxTurns - 1 }, (_, index) => 70 - 2 * index);
  begun(setups, turns);
  setups.end({ what, hops: 70 });
  expect(begun(setups, [62])).toEqual([true]);
  for (const hops of [...turns, 62, 62, 12]) setups.end({ what, hops });
  expect(setups.size).toBe(0);
});
