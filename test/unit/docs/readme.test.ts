// README.md against the tree: what it links to exists, its commands are there, its example is one, and its figures are those that were
// measured last.
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { comparisonMarks, readmeComparison, withComparison } from '../../../bench/lib/results.ts';
import { commands } from '../../../src/cli/commands.ts';
import { formatConfigError, readConfig } from '../../../src/config/load.ts';

const text = readFileSync('README.md', 'utf8');

test('each link and picture leads to a file', () => {
  const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path);
  expect(links.length).toBeGreaterThan(15);
  expect(links.filter((path) => !existsSync(path))).toEqual([]);
});

test('each npm command is a script', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync('package.json', 'utf8')));
  const named = [...text.matchAll(/`npm (?:run )?(start|test|[a-z]+(?::[a-z0-9]+)?)[ `]/g)].map(
    ([, name = '']) => name,
  );
  expect(named.length).toBeGreaterThan(8);
  for (const name of named.filter((one) => one !== 'install')) expect(Object.keys(scripts)).toContain(name);
});

test('the small site is one', () => {
  const [, site = ''] = /## A small site[\s\S]*?```toml\n([\s\S]*?)```/.exec(text) ?? [];
  const read = readConfig(site, 'README.md');
  expect(read.ok ? [] : read.error.map(formatConfigError)).toEqual([]);
});

test('the comparison is that of the newest results, misses and all', () => {
  expect(withComparison(text, readmeComparison())).toBe(text);
  expect(text).toContain(comparisonMarks.begin);
  expect(() => withComparison('no marks', '')).toThrow('README.md has no');
});

test('docs/commands.md has every command', () => {
  const page = readFileSync('docs/commands.md', 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `portcullis'));
  for (const { name } of commands) {
    const [first = '', second] = name.split(' ');
    const isNamed = rows.some((line) => line.includes(first) && (second === undefined || line.includes(second)));
    expect(isNamed, name).toBe(true);
  }
});
