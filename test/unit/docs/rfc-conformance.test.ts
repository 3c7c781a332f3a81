// docs/rfc-conformance.md against the tree: what it names exists, and each row says what its status asks of it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const text = readFileSync(join(root, 'docs/rfc-conformance.md'), 'utf8');
const paths = [...new Set(pathsIn(text))];
const rows = text
  .split('\n')
  .filter((line) => /^\| (?!RFC and section|---)/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('there are rows and paths to check', () => {
  expect(rows.length).toBeGreaterThan(50);
  expect(paths.length).toBeGreaterThan(50);
});

test.each(paths)('%s exists', (path) => {
  expect(existsSync(join(root, path))).toBe(true);
});

describe('each row', () => {
  test.each(rows)('%s%s: %s', (_start, _section, status = '', files = '', tests = '', ...rest) => {
    expect(rest).toEqual(['']);
    expect(status).toMatch(/^(done(: .+)?|part: .+|not yet: .+)$/);
    for (const path of pathsIn(files)) expect(path).toMatch(/^src\//);
    for (const path of pathsIn(tests)) expect(path).toMatch(/^test\//);
    if (status.startsWith('done')) {
      expect(pathsIn(files)).not.toEqual([]);
      expect(pathsIn(tests)).not.toEqual([]);
    }
  });
});

function pathsIn(markdown: string): readonly string[] {
  return Array.from(markdown.matchAll(/`([^`]+)`/g), ([, path = '']) => path);
}
