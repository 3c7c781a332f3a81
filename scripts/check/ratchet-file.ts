// Numbers that may move one way only, committed in ratchet.json: places where a rule or a type is overruled may only become
// fewer, tests may not. `npm run ratchet` moves them; the wrong way it needs a reason, which is kept beside the numbers.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { root } from '../process.ts';

const counts = z.record(z.string(), z.int().min(0));

const ratchet = z.strictObject({
  /** folder → kind of suppression → how many at most. */
  suppressions: z.record(z.string(), counts),
  /** suite → how many tests at least. */
  tests: counts,
  /** Why a number last moved the wrong way; empty when none ever did. */
  reason: z.string(),
});

export type Ratchet = z.infer<typeof ratchet>;

const file = join(root, 'scripts', 'check', 'ratchet.json');

export function readRatchet(): Ratchet {
  if (!existsSync(file)) throw new Error(`${file} is missing: npm run ratchet writes it`);
  return ratchet.parse(JSON.parse(readFileSync(file, 'utf8')));
}

export function writeRatchet(next: Ratchet): void {
  writeFileSync(file, `${JSON.stringify(next, undefined, 2)}\n`);
}

/** What is below the committed number of tests, a line each. Suites that were not run are not asked for. */
export function belowFloor(counted: ReadonlyMap<string, number>): readonly string[] {
  const { tests } = readRatchet();
  return [...counted]
    .filter(([suite, count]) => count < (tests[suite] ?? 0))
    .map(
      ([suite, count]) =>
        `${suite} has ${count} tests, ${tests[suite]} are committed (npm run ratchet -- --reason "…")`,
    );
}

/** What is above the committed number of suppressions, a line each. */
export function aboveCeiling(counted: Ratchet['suppressions']): readonly string[] {
  const { suppressions } = readRatchet();
  return Object.entries(counted).flatMap(([folder, kinds]) =>
    Object.entries(kinds)
      .filter(([kind, count]) => count > (suppressions[folder]?.[kind] ?? 0))
      .map(([kind, count]) => `${folder} has ${count} × ${kind}, ${suppressions[folder]?.[kind] ?? 0} are committed`),
  );
}
