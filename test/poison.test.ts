// The guard of the pure folders, tested on code under src that is not pure: it must bite there and nowhere else.
import './support/poison.ts';
import { globSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../src/core/clock.ts';
import { SystemScheduler } from '../src/core/scheduler.ts';
import { pureFolders, pureTests } from '../vitest.config.ts';
import { isCalledFromSource } from './support/poison-caller.ts';

const here = import.meta.dirname;

describe('code under src that reaches for the process', () => {
  test('cannot read the wall clock', () => {
    expect(() => systemClock.wall()).toThrow(/Date\.now\(\) was used by a pure folder/);
  });

  test('cannot read the monotonic clock', () => {
    expect(() => systemClock.now()).toThrow(/performance\.now\(\) was used by a pure folder/);
  });

  test('cannot start a timer', () => {
    const scheduler = new SystemScheduler({ now: () => 0, wall: () => 0 }, () => {});
    expect(() => scheduler.after(1, () => {})).toThrow(/setTimeout\(\) was used by a pure folder/);
  });

  test('cannot do so from within a property either', () => {
    expect(() => fc.assert(fc.property(fc.nat(), () => systemClock.wall() > 0))).toThrow(/property failed/i);
  });
});

describe('tests and their tools', () => {
  test('may use the clock, timers and chance', async () => {
    expect(Date.now()).toBeGreaterThan(new Date(0).getTime());
    expect(Math.random()).toBeLessThan(1);
    expect(performance.now()).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
    fc.assert(fc.property(fc.date(), (date) => date instanceof Date));
  });
});

describe('whose call it is', () => {
  const stack = (...frames: readonly string[]) => ['Error', ...frames.map((frame) => `    at f (${frame})`)].join('\n');
  const source = `${here.replace(/test$/, 'src')}/policy/verdict.ts:1:1`;
  const cases = [
    ['src itself', [source], true],
    ['a package that src called', ['/x/node_modules/some-clock/index.js:1:1', source], true],
    ['Node, on behalf of src', ['node:internal/util:3:1', source], true],
    ['a test that src called back', [`${here}/unit/a.test.ts:1:1`, source], false],
    ['vitest, loading what src imports', ['/x/node_modules/vitest/dist/a.js:1:1', source], false],
    ['fast-check, called by a test', ['/x/node_modules/fast-check/lib/a.js:1:1', `${here}/unit/a.test.ts:1:1`], false],
    ['nobody of this checkout', ['node:internal/timers:1:1'], false],
  ] as const;
  test.each(cases)('%s', (_, frames, expected) => {
    expect(isCalledFromSource(stack(...frames))).toBe(expected);
  });
});

test('every test of a pure folder runs under the guard', () => {
  const guarded = new Set(globSync([...pureTests]));
  const expected = globSync(pureFolders.map((folder) => `test/unit/${folder}/**/*.ts`)).filter((file) =>
    file.endsWith('.test.ts'),
  );
  expect(guarded.size).toBeGreaterThan(0);
  expect([...guarded].sort()).toEqual(expected.sort());
});
