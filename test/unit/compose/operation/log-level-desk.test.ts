import { expect, test } from 'vitest';
import { LogLevelDesk } from '../../../../src/compose/operation/log-level-desk.ts';
import { createLogger } from '../../../../src/observe/log.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

function desk(): { desk: LogLevelDesk; scheduler: FakeScheduler; debugs: () => number } {
  const lines: string[] = [];
  const logger = createLogger('edge1', 'info', { write: (line) => void lines.push(line) });
  const scheduler = new FakeScheduler();
  const made = new LogLevelDesk({ logger, configured: 'info', scheduler });
  const child = logger.child({ call: 'c1' });
  const debugs = (): number => {
    child.debug('detail');
    return lines.filter((line) => line.includes('"detail"')).length;
  };
  return { desk: made, scheduler, debugs };
}

test('a level that was asked for a while holds for children too, and ends by itself', () => {
  const { desk: levels, scheduler, debugs } = desk();
  expect(debugs()).toBe(0);
  levels.set('debug', 600_000);
  expect(levels.view()).toEqual({ level: 'debug', configured: 'info', until: scheduler.clock.wall() + 600_000 });
  expect(debugs()).toBe(1);
  scheduler.advance(599_999);
  expect(levels.view().level).toBe('debug');
  scheduler.advance(1);
  expect(levels.view()).toEqual({ level: 'info', configured: 'info', until: undefined });
  expect(debugs()).toBe(1);
});

test('what was asked last holds, and no earlier end disturbs it', () => {
  const { desk: levels, scheduler } = desk();
  levels.set('debug', 1_000);
  levels.set('warn', undefined);
  scheduler.advance(10_000);
  expect(levels.view()).toEqual({ level: 'warn', configured: 'info', until: undefined });
  expect(scheduler.pending).toBe(0);
});

test('a reload that says the same leaves it alone, one that says another level ends it', () => {
  const { desk: levels, scheduler } = desk();
  levels.set('debug', 60_000);
  levels.configure('info');
  expect(levels.view().level).toBe('debug');
  levels.configure('error');
  expect(levels.view()).toEqual({ level: 'error', configured: 'error', until: undefined });
  expect(scheduler.pending).toBe(0);
});
