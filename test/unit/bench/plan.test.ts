import { expect, test } from 'vitest';
import {
  fullPlan,
  promised,
  quickPlan,
  secondsOf,
  withLongWarmUp,
  withMishaps,
  withRuns,
} from '../../../bench/lib/plan.ts';
import { roundsUntil } from '../../../bench/lib/rounds.ts';

/** Of what is promised: for installing nothing, starting, writing tables. */
const reserve = 0.05;

test.each([
  ['the default set', fullPlan, promised.full, 15],
  ['a quick run', quickPlan, promised.quick, 3],
] as const)('%s is planned to be over within what is promised, with something left', (_, plan, seconds, minutes) => {
  const total = Object.values(secondsOf(plan)).reduce((sum, one) => sum + one, 0);
  expect(seconds).toBe(minutes * 60);
  expect(total).toBeLessThan(seconds * (1 - reserve));
});

test('the times of the parts give those of runs that were kept: relay 441 s and signalling 462 s, within a twentieth', () => {
  const main = { calls: 500, protection: 'cm', modes: ['flood', 'paced'], runs: 5 } as const;
  const relay = {
    groups: [
      main,
      { ...main, protection: 'gcm', runs: 3 },
      { ...main, protection: 'plain', runs: 3 },
      { ...main, calls: 50, modes: ['flood'], runs: 3 },
      { ...main, calls: 2_000, modes: ['flood'], runs: 3 },
    ],
    seconds: 2.5,
    sessionRuns: 3,
    sessions: 3_000,
  } as const;
  const signalling = { ...fullPlan.signalling, seconds: 8, warmUp: { calls: 6_000, registrations: 0, handshakes: 0 } };
  const seconds = secondsOf({ ...fullPlan, relay, signalling });
  expect(Math.abs(seconds.relay / 441 - 1)).toBeLessThan(0.05);
  expect(Math.abs(seconds.signalling / 462 - 1)).toBeLessThan(0.05);
});

test('what calls notice of mishaps is for who asks for it', () => {
  const asked = withMishaps(fullPlan);
  expect(asked.survive).toMatchObject({ mishaps: fullPlan.survive.runs, failOvers: 3 });
  expect(secondsOf(asked).survive).toBeGreaterThan(secondsOf(fullPlan).survive + 100);
  expect(withMishaps(quickPlan).survive).toMatchObject({ mishaps: 1, failOvers: 1 });
});

test('a longer warm-up is for who asks for signalling', () => {
  const { signalling } = withLongWarmUp(fullPlan);
  for (const kind of ['calls', 'registrations', 'handshakes'] as const) {
    expect(signalling.warmUp[kind]).toBeGreaterThan(fullPlan.signalling.warmUp[kind]);
  }
  expect(secondsOf(withLongWarmUp(fullPlan)).signalling).toBeGreaterThan(secondsOf(fullPlan).signalling);
});

test('more runs take longer, in every suite', () => {
  const [few, many] = [secondsOf(withRuns(fullPlan, 1)), secondsOf(withRuns(fullPlan, 9))];
  for (const name of ['startup', 'survive', 'policy', 'relay', 'signalling'] as const) {
    expect(many[name]).toBeGreaterThan(few[name]);
  }
});

test('a round begins only when one as long as those before fits, but for the first', () => {
  let now = 100;
  const another = roundsUntil(150, () => now);
  expect(another(0)).toBe(true);
  now = 120;
  expect(another(1)).toBe(true);
  now = 140;
  expect(another(2)).toBe(false);
  now = 200;
  expect(roundsUntil(150, () => now)(0)).toBe(true);
});

test('without an end there is always time', () => {
  let now = 0;
  const another = roundsUntil(undefined, () => now);
  now = 1e6;
  expect(another(3)).toBe(true);
});
