// Runs vitest once, in shuffled order, and counts by what it reported about each test file that stands on the disk: a file that
// died, or was never mentioned, is a failure, and so is an error outside of any test.
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import { root, runNode } from '../process.ts';
import { nothing, sum, type Tally } from './tally.ts';

/** The kinds of test that vitest runs, each with its pattern; native and interop tests have runners of their own. */
export const suites = {
  unit: 'test/unit/**/*.test.ts',
  vectors: 'test/vectors/**/*.test.ts',
  scenario: 'test/scenario/**/*.test.ts',
  torture: 'test/torture/**/*.test.ts',
  attack: 'test/attack/**/*.test.ts',
  browser: 'test/browser/**/*.test.ts',
  house: 'test/*.test.ts',
} as const;

export type Suite = keyof typeof suites;
export const allSuites: readonly Suite[] = ['unit', 'vectors', 'scenario', 'torture', 'attack', 'browser', 'house'];

export interface VitestOutcome {
  readonly tally: Tally;
  readonly testsBySuite: ReadonlyMap<Suite, number>;
  readonly output: string;
}

const report = z.object({
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

export type FileReport = z.infer<typeof report>['testResults'][number];

export function randomSeed(): number {
  return Math.floor(Math.random() * 1_000_000_000);
}

interface VitestOptions {
  readonly seed: number;
  /** Keeps the output back, so that the caller can show it when something failed. */
  readonly quiet: boolean;
  /** Files share their processes: a third faster. */
  readonly shared?: boolean;
}

export async function runVitest(
  which: readonly Suite[],
  { seed, quiet, shared = false }: VitestOptions,
): Promise<VitestOutcome> {
  const files = new Map(which.map((suite) => [suite, filesOf(suite)] as const));
  const all = [...files.values()].flat();
  if (all.length === 0) return { tally: nothing, testsBySuite: new Map(), output: '' };
  const reportFile = join(root, '.cache', 'test', `vitest-${process.pid}.json`);
  mkdirSync(join(root, '.cache', 'test'), { recursive: true });
  rmSync(reportFile, { force: true });
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
  ];
  const child = await runNode([...args, ...all], {
    quiet,
    env: { PORTCULLIS_SEED: String(seed), PORTCULLIS_SHARED: shared ? '1' : '0' },
  });
  const results = readResults(reportFile);
  rmSync(reportFile, { force: true });
  const tallies = all.map((file) => tallyOfFile(file, results.get(file)));
  const total = sum(tallies);
  const outside =
    child.code !== 0 && total.failed === 0 ? failure(`vitest ended with code ${child.code}, see above`) : nothing;
  const counts = [...files].map(([suite, list]) => [suite, countTests(list, results)] as const);
  return { tally: sum([total, outside]), testsBySuite: new Map(counts), output: child.output };
}

function filesOf(suite: Suite): readonly string[] {
  return globSync(suites[suite], { cwd: root })
    .map((file) => file.split(sep).join('/'))
    .sort();
}

function readResults(reportFile: string): ReadonlyMap<string, FileReport> {
  if (!existsSync(reportFile)) return new Map();
  const { testResults } = report.parse(JSON.parse(readFileSync(reportFile, 'utf8')));
  return new Map(testResults.map((one) => [relative(root, one.name).split(sep).join('/'), one]));
}

/** One file that stands on the disk, by what vitest said about it. */
export function tallyOfFile(file: string, result: FileReport | undefined): Tally {
  if (result === undefined) return failure(`${file} did not report: it died or was not run`);
  const of = (...statuses: readonly string[]) =>
    result.assertionResults.filter(({ status }) => statuses.includes(status));
  const [passed, failed] = [of('passed'), of('failed')];
  const skipped = of('pending', 'skipped', 'todo', 'disabled');
  const remarks = [
    ...failed.map(({ fullName }) => `failed: ${file}: ${fullName}`),
    ...skipped.map(({ fullName }) => `skipped: ${file}: ${fullName}`),
  ];
  const tally = { passed: passed.length, failed: failed.length, skipped: skipped.length, remarks };
  if (result.assertionResults.length === 0) return failure(`${file} holds no test that ran: ${result.message ?? ''}`);
  if (result.status === 'failed' && failed.length === 0)
    return sum([tally, failure(`${file} failed outside of its tests: ${result.message ?? ''}`)]);
  return tally;
}

function countTests(files: readonly string[], results: ReadonlyMap<string, FileReport>): number {
  const ran = files.map((file) =>
    results.get(file)?.assertionResults.filter(({ status }) => status === 'passed' || status === 'failed'),
  );
  return ran.reduce((total, tests) => total + (tests?.length ?? 0), 0);
}

function failure(why: string): Tally {
  return { ...nothing, failed: 1, remarks: [`failed: ${why}`] };
}
