// docs/behaviour.md against the tests: each file that it names is there, and holds what is quoted behind it.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const text = readFileSync('docs/behaviour.md', 'utf8');
const rows = text.split('\n').filter((line) => /^\| (?!what must|attack \||---)/.test(line));

test('there are rows to check', () => {
  expect(rows.length).toBeGreaterThan(40);
});

describe('each row', () => {
  test.each(rows.map((row) => [row]))('%s', (row) => {
    const named = Array.from(row.matchAll(/`(test\/[^`]+)`((?: “[^”]+”)*)/g));
    expect(named).not.toEqual([]);
    expect(row.match(/“/g)?.length ?? 0).toBe(named.flatMap(([, , names = '']) => quotesIn(names)).length);
    for (const [, path = '', names = ''] of named) {
      const source = readFileSync(path, 'utf8');
      for (const name of quotesIn(names)) expect(source, `${path}: ${name}`).toContain(name);
    }
  });
});

function quotesIn(names: string): readonly string[] {
  return Array.from(names.matchAll(/“([^”]+)”/g), ([, name = '']) => name);
}
