// No input costs the parser or the framer more than in proportion to its size. Work is counted, not timed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';

const program = join(import.meta.dirname, '../../../support/parser-steps.ts');
const { stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
const counted = z.object({ quotients: z.record(z.string(), z.number()), control: z.number() });

/** Twice the size may be twice the work; what it costs in any case makes it less. */
const allowance = 2.2;

test('twice as much is at most twice the work, whatever it is', () => {
  expect(stderr).toBe('');
  const { quotients } = counted.parse(JSON.parse(stdout));
  expect(Object.keys(quotients)).toHaveLength(20);
  const worse = Object.entries(quotients).filter(([, quotient]) => !(quotient > 0 && quotient < allowance));
  expect(worse).toEqual([]);
});

test('work that grows with the square is found', () => {
  expect(counted.parse(JSON.parse(stdout)).control).toBeGreaterThan(3);
});
