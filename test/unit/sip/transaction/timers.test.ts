import { describe, expect, test } from 'vitest';
import { TimerSet } from '../../../../src/sip/transaction/timer-set.ts';
import { completedWait, defaultSipTimers, lifetime, timerEReachesT2 } from '../../../../src/sip/transaction/timers.ts';
import { Turns } from '../../../../src/sip/transaction/turns.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

describe('the values of RFC 3261 table 4', () => {
  test('T1 500 ms, T2 4 s, T4 5 s, timer C 3 min, 64·T1 32 s, D 32 s', () => {
    expect(defaultSipTimers).toEqual({ t1: 500, t2: 4_000, t4: 5_000, timerC: 180_000 });
    expect(lifetime(defaultSipTimers)).toBe(32_000);
    expect(completedWait(defaultSipTimers)).toBe(32_000);
  });

  test('E reaches T2 after 0.5 + 1 + 2 s (RFC 4320 §4.1)', () => {
    expect(timerEReachesT2(defaultSipTimers)).toBe(3_500);
  });
});

describe('TimerSet', () => {
  const setUp = () => {
    const scheduler = new FakeScheduler();
    const fired: string[] = [];
    return { scheduler, fired, set: new TimerSet(scheduler, (name) => fired.push(`${name}@${scheduler.clock.now()}`)) };
  };

  test('a timer that is started again fires once, at its new time', () => {
    const { scheduler, fired, set } = setUp();
    set.start('A', 500);
    scheduler.advance(400);
    set.start('A', 500);
    scheduler.advance(10_000);
    expect(fired).toEqual(['A@1900']);
    expect(scheduler.pending).toBe(0);
  });

  test('stop ends the named one, stopAll the rest', () => {
    const { scheduler, fired, set } = setUp();
    for (const name of ['A', 'B', 'D', 'E'] as const) set.start(name, 500);
    set.stop('A');
    set.stop('G');
    expect(scheduler.pending).toBe(3);
    set.stopAll();
    expect(scheduler.pending).toBe(0);
    scheduler.advance(10_000);
    expect(fired).toEqual([]);
  });
});

describe('Turns', () => {
  const setUp = () => {
    const scheduler = new FakeScheduler();
    const said: string[] = [];
    const turns = new Turns(scheduler, (thrown) => said.push(`failed: ${String(thrown)}`));
    return { scheduler, said, turns, say: (text: string) => () => void said.push(text) };
  };

  test('what a turn causes runs after it, in order, and before take returns', () => {
    const { said, turns, say } = setUp();
    turns.take(() => {
      turns.take(() => {
        turns.take(say('grandchild'));
        say('first child')();
      });
      turns.takeAlone(say('second child'));
      say('parent')();
    });
    expect(said).toEqual(['parent', 'first child', 'second child', 'grandchild']);
  });

  test('what a turn taken alone causes runs on the next tick, or before the next turn', () => {
    const { scheduler, said, turns, say } = setUp();
    turns.takeAlone(() => turns.take(say('caused')));
    expect(said).toEqual([]);
    scheduler.advance(0);
    expect(said).toEqual(['caused']);
    turns.takeAlone(() => turns.take(say('caused again')));
    turns.takeAlone(say('next'));
    turns.take(say('last'));
    expect(said.slice(1)).toEqual(['caused again', 'next', 'last']);
  });

  test('a turn that throws is reported, and those after it run', () => {
    const { said, turns, say } = setUp();
    turns.take(() => {
      turns.take(say('after'));
      throw new Error('broken');
    });
    expect(said).toEqual(['failed: Error: broken', 'after']);
    turns.take(say('later'));
    expect(said).toContain('later');
  });
});
