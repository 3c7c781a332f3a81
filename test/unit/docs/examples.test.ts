// What the documents tell a reader to type, against the program and the tree: commands with their options, npm scripts, links with their
// anchors, and pieces of configuration.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Command } from '../../../src/cli/command.ts';
import { commands } from '../../../src/cli/commands.ts';
import { formatConfigError, readConfig } from '../../../src/config/load.ts';

const markdown = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', 'test/interop/README.md'],
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const deployed = ['deploy/prometheus/alerts.yml', 'deploy/systemd/portcullis.service', 'Dockerfile'];
const read = (path: string): string => readFileSync(path, 'utf8');

/** Of a text: what stands in backticks, and each line of a block of shell. */
function commandLines(text: string): readonly string[] {
  const inline = Array.from(text.matchAll(/`(?:npx )?portcullis ([^`]+)`/g), ([, line = '']) => line);
  const blocks = Array.from(text.matchAll(/```sh\n([\s\S]*?)```/g), ([, block = '']) => block);
  const typed = blocks
    .flatMap((block) => block.split('\n'))
    .flatMap((line) => /^(?:runuser -u portcullis -- )?portcullis (.+)/.exec(line)?.[1] ?? []);
  const absolute = Array.from(text.matchAll(/\/usr\/bin\/(?:env )?portcullis ([^"\n]+)/g), ([, line = '']) => line);
  return [...inline, ...typed.map((line) => line.replace(/\s+#.*/, '')), ...absolute];
}

/** `user add|list NAME` is two commands. */
function alternatives(line: string): readonly string[] {
  const found = /^(?:[a-z-]+ )*([a-z]+(?:\\?\|[a-z]+)+)/.exec(line)?.[1];
  return found === undefined ? [line] : found.split(/\\?\|/).map((one) => line.replace(found, one));
}

/** The command that a line begins with, by the longest name. */
function commandOf(line: string): Command | undefined {
  return commands
    .filter(({ name }) => line === name || line.startsWith(`${name} `))
    .toSorted((one, other) => other.name.length - one.name.length)[0];
}

describe.each([...markdown, ...deployed])('%s', (path) => {
  const lines = commandLines(read(path)).flatMap(alternatives);

  test('names commands and options that there are', () => {
    for (const line of lines) {
      const command = commandOf(line);
      expect(command, line).toBeDefined();
      const options = Array.from(line.matchAll(/(?<= )--([a-z-]+)/g), ([, option = '']) => option);
      for (const option of options) expect(['help', ...Object.keys(command?.options ?? {})], line).toContain(option);
    }
  });

  test('gives a configuration to what is run from any folder', () => {
    for (const [line] of read(path).matchAll(/\/usr\/bin\/(?:env )?portcullis [^"\n]+/g)) {
      expect(line).toContain('--config /');
    }
  });
});

test('there are commands to check', () => {
  expect(markdown.flatMap((path) => commandLines(read(path))).length).toBeGreaterThan(60);
});

describe.each(markdown)('%s', (path) => {
  const text = read(path);

  test('links to files and headings that there are', () => {
    const links = Array.from(text.matchAll(/\]\(([^):]+)\)/g), ([, link = '']) => link);
    for (const link of links) {
      const [file = '', anchor] = link.split('#', 2);
      const target = file === '' ? path : join(dirname(path), file);
      expect(existsSync(target), link).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(read(target)), link).toContain(anchor);
    }
  });

  test('names scripts of npm that there are', () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
    const named = Array.from(text.matchAll(/npm run ([a-z]+(?::[a-z0-9]+)?)/g), ([, name = '']) => name);
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });
});

test.each(markdown.filter((path) => path !== 'CHANGELOG.md'))('%s names metrics that there are', (path) => {
  const documented = new Set(Array.from(read('docs/metrics.md').matchAll(/^\| `(sbc_\w+)/gm), ([, name = '']) => name));
  const named = Array.from(read(path).matchAll(/`(sbc_[a-z_]+)[`{]/g), ([, name = '']) => name);
  expect(named.filter((name) => !documented.has(name))).toEqual([]);
});

test.each(['README.md', 'docs/operations.md'])('%s has pieces of configuration that go with the small site', (path) => {
  const blocks = (file: string): readonly string[] =>
    Array.from(read(file).matchAll(/```toml\n([\s\S]*?)```/g), ([, block = '']) => block);
  const [site = ''] = blocks('README.md');
  const pieces = blocks(path).filter((block) => block !== site);
  expect(pieces).not.toEqual([]);
  for (const piece of pieces) {
    const loaded = readConfig(`${site}\n${piece}`, path);
    expect(loaded.ok ? [] : loaded.error.map(formatConfigError), piece).toEqual([]);
  }
});

/** As GitHub makes them of headings. */
function anchorsOf(text: string): readonly string[] {
  return Array.from(text.matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
