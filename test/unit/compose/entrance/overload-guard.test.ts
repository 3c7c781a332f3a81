// How much a node has on its hands, and what is turned away for it (RFC 3261 §21.5.4).
import { expect, test } from 'vitest';
import { OverloadGuard } from '../../../../src/compose/entrance/overload-guard.ts';
import type { Logger } from '../../../../src/core/logger.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

function guard(load: { lookUps?: number; transactions?: number } = {}) {
  const scheduler = new FakeScheduler();
  const logged: string[] = [];
  const log = (event: string): void => void logged.push(event);
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
  const overload = new OverloadGuard({
    limits: () => ({ lag: 500, lookUps: 10, transactions: 100 }),
    lookUps: () => load.lookUps ?? 0,
    transactions: () => load.transactions ?? 0,
    scheduler,
    logger,
  });
  return { overload, scheduler, logged };
}

test.each([
  [{ lookUps: 9 }, false, false],
  [{ lookUps: 10 }, true, false],
  [{ lookUps: 20 }, true, true],
  [{ transactions: 99 }, false, false],
  [{ transactions: 100 }, true, false],
  [{ transactions: 200 }, true, true],
])('of a load of %j, registrations are turned away: %s, and calls: %s', (load, others, calls) => {
  const { overload } = guard(load);
  expect([overload.turnsAway('other'), overload.turnsAway('call')]).toEqual([others, calls]);
});

test('a loop that is late is seen within the turn that makes it late, and until a tick is in time again', () => {
  const { overload, scheduler } = guard();
  overload.start();
  scheduler.advance(1_000);
  expect(overload.lag).toBe(0);
  // The turn lasts, and no timer fires in it.
  scheduler.clock.move(599);
  expect(overload.turnsAway('other')).toBe(false);
  scheduler.clock.move(1);
  expect(overload.lag).toBe(500);
  expect([overload.turnsAway('other'), overload.turnsAway('call')]).toEqual([true, false]);
  scheduler.clock.move(500);
  expect(overload.turnsAway('call')).toBe(true);
  scheduler.advance(0);
  expect(overload.lag).toBe(1_000);
  scheduler.advance(100);
  expect(overload.turnsAway('other')).toBe(false);
  overload.close();
  expect(scheduler.pending).toBe(0);
});

test('is told once in ten seconds', () => {
  const { overload, scheduler, logged } = guard({ lookUps: 10 });
  for (let request = 0; request < 100; request += 1) overload.turnsAway('other');
  expect(logged).toEqual(['overloaded']);
  scheduler.clock.move(10_000);
  overload.turnsAway('other');
  expect(logged).toHaveLength(2);
});
