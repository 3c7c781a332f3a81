// What a start need not read: packages whole in the bundle, their notices, and imports that would bring more along than is used.
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { bundledEntries, bundledPackages, writeLicences } from '../../../scripts/package/bundled.ts';

const root = join(import.meta.dirname, '../../..');
const bundled: ReadonlySet<string> = new Set(bundledPackages);
const manifestSchema = z.object({ version: z.string(), dependencies: z.record(z.string(), z.string()).default({}) });

function manifestOf(name: string): z.output<typeof manifestSchema> {
  return manifestSchema.parse(JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')));
}

describe('packages in the bundle', () => {
  test.each(bundledPackages)('%s has with it all that it asks for', (name) => {
    // Beside the bundle that may be of another version, or below a package that the bundle does not ask.
    expect(Object.keys(manifestOf(name).dependencies).filter((one) => !bundled.has(one))).toEqual([]);
  });

  test('are no packages that only development needs', () => {
    const lock = z
      .object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) })
      .parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
    const shipped = bundledPackages.filter((name) => lock.packages[`node_modules/${name}`]?.dev !== true);
    expect(shipped).toEqual(bundledPackages);
  });

  test('come with the notice of each', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pc-licences-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'licences.txt');
    writeLicences(file);
    const notices = readFileSync(file, 'utf8').split('='.repeat(80)).slice(1);
    expect(notices).toHaveLength(bundledPackages.length);
    for (const [index, name] of bundledPackages.entries()) {
      expect(notices[index]).toContain(`\n${name} ${manifestOf(name).version} (`);
      expect(notices[index]).toMatch(/copyright|permission|license/i);
    }
  });
});

describe.each(bundledEntries)('what the bundle takes of %s', (name, file) => {
  test("is the package's own, and all that the sources import", async () => {
    const entry = members(await import(join(root, file)));
    const whole = members(await import(name));
    expect(entry.map(([key]) => key)).toEqual(importedFrom(name));
    for (const [key, value] of entry) expect(whole).toContainEqual([key, value]);
  });
});

function members(module: unknown): readonly (readonly [string, unknown])[] {
  return Object.entries(z.record(z.string(), z.unknown()).parse({ ...Object(module) }));
}

/** Names of values, sorted. */
function importedFrom(name: string): readonly string[] {
  const texts = globSync('src/**/*.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'));
  const lists = texts.flatMap((text) => [...text.matchAll(new RegExp(`^import \\{([^}]*)\\} from '${name}';`, 'gm'))]);
  const names = lists.flatMap(([, list = '']) => list.split(',').map((one) => one.trim()));
  return [...new Set(names.filter((one) => one !== '' && !one.startsWith('type ')))].sort();
}

describe('the sources', () => {
  const sources = globSync('src/**/*.ts', { cwd: root }).map(
    (file) => [file, readFileSync(join(root, file), 'utf8')] as const,
  );
  const importing = (pattern: RegExp): readonly string[] =>
    sources.filter(([, text]) => pattern.test(text)).map(([file]) => file);

  test('import no more of node:http than types, but in one file', () => {
    expect(importing(/^import (?!type )[^;]*from 'node:http';/m)).toEqual([]);
    expect(importing(/getBuiltinModule\('node:http'\)/)).toEqual(['src/admin/node-http.ts']);
  });

  test('import zod as a whole, of which the bundle then keeps what is used', () => {
    expect(importing(/^import (type )?\{[^}]*\} from 'zod';/m)).toEqual([]);
    expect(importing(/^import (type )?\* as z from 'zod';/m).length).toBeGreaterThan(10);
  });
});
