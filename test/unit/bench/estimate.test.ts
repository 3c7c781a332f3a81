import { expect, test } from 'vitest';
import { Estimate, inWords } from '../../../bench/lib/estimate.ts';

function estimate() {
  let now = 100;
  const one = new Estimate(
    [
      { name: 'a', seconds: 10 },
      { name: 'b', seconds: 100 },
      { name: 'c', seconds: 50 },
    ],
    () => now,
  );
  return {
    one,
    pass: (seconds: number): void => {
      now += seconds;
    },
  };
}

test('counts down by what is expected', () => {
  const { one, pass } = estimate();
  expect(one.left).toBe(160);
  pass(4);
  expect(one.left).toBe(156);
  expect(one.said).toBe('0:04 gone, about 3 min left');
});

test('takes the machine to be as slow as it was in the suites before, up to four times', () => {
  const { one, pass } = estimate();
  pass(20);
  one.next();
  expect(one.left).toBe(300);
  pass(1_000);
  one.next();
  expect(one.left).toBe(200);
});

test('never says that nothing is left while a suite runs', () => {
  const { one, pass } = estimate();
  pass(500);
  expect(one.left).toBeGreaterThan(150);
});

test('speaks in seconds for a while, then in minutes', () => {
  expect([inWords(3), inWords(88), inWords(90), inWords(400)]).toEqual(['5 s', '90 s', '2 min', '7 min']);
});
