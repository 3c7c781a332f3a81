// docs/architecture.md leads to every folder of the source.
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { expect, test } from 'vitest';

const text = readFileSync('docs/architecture.md', 'utf8');
const folders = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map(({ parentPath }) => relative('src', parentPath));

test.each([...new Set(folders)].filter((folder) => folder !== ''))('names src/%s', (folder) => {
  expect(text.includes(`\`${folder}\``) || text.includes(`\`src/${folder}\``)).toBe(true);
});
