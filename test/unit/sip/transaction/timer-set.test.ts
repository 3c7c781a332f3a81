import { expect, test } from 'vitest';
import type { Scheduler, Timer } from '../../../../src/core/scheduler.ts';
import { TimerSet } from '../../../../src/sip/transaction/timer-set.ts';
import { lingerSlack, type TimerName } from '../../../../src/sip/transaction/timers.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

/** Notes what each timer is told of being late. */
class NotingScheduler implements Scheduler {
  readonly slacks: (number | undefined)[] = [];
  readonly #scheduler = new FakeScheduler();
  readonly clock = this.#scheduler.clock;

  get pending(): number {
    return this.#scheduler.pending;
  }

  after(delay: number, fire: () => void, slack?: number): Timer {
    this.slacks.push(slack);
    return this.#scheduler.after(delay, fire);
  }
}

function slackOf(name: TimerName): number | undefined {
  const scheduler = new NotingScheduler();
  new TimerSet(scheduler, () => {}).start(name, 5_000);
  return scheduler.slacks[0];
}

test('timers on which a transaction waits for copies alone may be late a little', () => {
  for (const name of ['D', 'I', 'J', 'K', 'L', 'M'] as const)
    expect([name, slackOf(name)]).toEqual([name, lingerSlack]);
});

test('those that repeat a message, give up or send 100 are punctual', () => {
  for (const name of ['A', 'B', 'E', 'F', 'G', 'H', '100'] as const) expect([name, slackOf(name)]).toEqual([name, 0]);
});

test('starting one that runs begins it anew, and stopping forgets it', () => {
  const scheduler = new FakeScheduler();
  const fired: TimerName[] = [];
  const timers = new TimerSet(scheduler, (name) => fired.push(name));
  timers.start('A', 500);
  timers.start('B', 900);
  scheduler.advance(400);
  timers.start('A', 500);
  timers.stop('B');
  scheduler.advance(499);
  expect(fired).toEqual([]);
  scheduler.advance(1);
  expect(fired).toEqual(['A']);
  expect(scheduler.pending).toBe(0);
});
