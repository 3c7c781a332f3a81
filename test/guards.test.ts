// The guards of the test run and of the check, tested: each must be able to fail.
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { suppressionsIn } from '../scripts/check/suppressions.ts';
import { mutantsOf } from '../scripts/mutate/mutants.ts';
import { closingLine, sum, tallyOfRunner } from '../scripts/test/tally.ts';
import { type FileReport, suites, tallyOfFile } from '../scripts/test/vitest-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-guards-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a test file', () => {
  test('belongs to one suite, wherever it stands', () => {
    const all = globSync('test/**/*.test.ts').sort();
    expect(
      Object.values(suites)
        .flatMap((pattern) => globSync(pattern))
        .sort(),
    ).toEqual(all);
  });

  const assertion = (status: string) => ({ fullName: `a ${status} test`, status });
  const report = (status: string, ...statuses: readonly string[]): FileReport => ({
    name: 'a.test.ts',
    status,
    assertionResults: statuses.map(assertion),
  });
  const counts = (result: FileReport | undefined) => closingLine(tallyOfFile('a.test.ts', result));

  test('counts what it reported', () => {
    expect(counts(report('failed', 'passed', 'passed', 'failed', 'skipped', 'pending', 'todo'))).toBe(
      '2 passed, 1 failed, 3 skipped',
    );
  });

  test('fails when it did not report', () => {
    expect(counts(undefined)).toBe('0 passed, 1 failed, 0 skipped');
  });

  test('fails when it holds no test', () => {
    expect(counts(report('passed'))).toBe('0 passed, 1 failed, 0 skipped');
  });

  test('fails when it broke outside of its tests', () => {
    expect(counts(report('failed', 'passed'))).toBe('1 passed, 1 failed, 0 skipped');
  });

  test('names what did not pass', () => {
    expect(tallyOfFile('a.test.ts', report('failed', 'failed', 'skipped')).remarks).toEqual([
      'failed: a.test.ts: a failed test',
      'skipped: a.test.ts: a skipped test',
    ]);
  });
});

describe('a runner of its own', () => {
  const cases = [
    { name: 'a call', status: 'passed' },
    { name: 'a peer', status: 'skipped', reason: 'no root' },
  ];
  const good = { passed: 1, failed: 0, skipped: 1, cases };
  let files = 0;
  const counts = (report: unknown, exitCode: number) => {
    files += 1;
    const file = join(folder, `${files}.json`);
    if (report !== undefined) writeFileSync(file, JSON.stringify(report));
    return closingLine(tallyOfRunner('interop', file, exitCode));
  };

  test.each([
    ['counts what it reported', good, 0, '1 passed, 0 failed, 1 skipped'],
    ['fails without a report', undefined, 0, '0 passed, 1 failed, 0 skipped'],
    ['fails with a report of another shape', { passed: 3 }, 0, '0 passed, 1 failed, 0 skipped'],
    ['fails when its sums are not those of its cases', { ...good, passed: 2 }, 0, '0 passed, 1 failed, 0 skipped'],
    ['fails when it ran nothing', { passed: 0, failed: 0, skipped: 0, cases: [] }, 0, '0 passed, 1 failed, 0 skipped'],
    ['fails when it ended badly though no case failed', good, 1, '1 passed, 1 failed, 1 skipped'],
  ])('%s', (_, report, exitCode, expected) => {
    expect(counts(report, exitCode)).toBe(expected);
  });

  test('says why a case was skipped', () => {
    const file = join(folder, 'reason.json');
    writeFileSync(file, JSON.stringify(good));
    expect(tallyOfRunner('interop', file, 0).remarks).toEqual(['skipped: interop: a peer (no root)']);
  });
});

test('tallies add up', () => {
  const one = { passed: 1, failed: 2, skipped: 3, remarks: ['a'] };
  expect(sum([one, { ...one, remarks: ['b'] }])).toEqual({ passed: 2, failed: 4, skipped: 6, remarks: ['a', 'b'] });
});

describe('suppressions', () => {
  const at = '@';
  test.each([
    ['const a = b as Foo;', { cast: 1 }],
    ['const a = <Foo>b;', { cast: 1 }],
    ['const a = b as unknown as Foo;', { cast: 2 }],
    ['const a = [1] as const;', {}],
    ["import { b as c } from './b.ts';", {}],
    ['const a = b!;', { 'non-null': 1 }],
    ['// biome-ignore lint/x: why\nf();', { 'biome-ignore': 1 }],
    ['f(); // eslint-disable-line', { 'eslint-disable': 1 }],
    [`f(\n  // ${at}ts-expect-error why\n  1);`, { 'ts-expect-error': 1 }],
    ["const named = 'biome-ignore';", {}],
  ])('%j', (text, expected) => {
    expect(Object.fromEntries(suppressionsIn('a.ts', text))).toEqual(expected);
  });
});

describe('mutants', () => {
  test.each([
    ['if (a < b) f();', ['true', 'false', '<=', '>=', ';']],
    ['const a = 0;', ['(0 + 1)']],
    ['const a: 0 | 1 = b;', []],
    ["import { a } from './a.ts';", []],
    ['const a = !b && true;', ['||', 'b', 'false']],
  ])('%j', (text, expected) => {
    expect(
      mutantsOf('a.ts', text)
        .map(({ replacement }) => replacement)
        .sort(),
    ).toEqual([...expected].sort());
  });
});
