// The packages that stand in the bundle itself. They are read at every start, from hundreds of files of which it needs little; in one they cost
// a third of that. They stay dependencies, so that the bill of materials, audits and the check of licences know them.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

export const bundledPackages = [
  'libphonenumber-js',
  'rate-limiter-flexible',
  'smol-toml',
  'zod',
  // prom-client, and what it asks for
  'prom-client',
  '@opentelemetry/api',
  'bintrees',
  'tdigest',
  // pino, and what it asks for
  'pino',
  '@pinojs/redact',
  'atomic-sleep',
  'on-exit-leak-free',
  'pino-abstract-transport',
  'pino-std-serializers',
  'process-warning',
  'quick-format-unescaped',
  'real-require',
  'safe-stable-stringify',
  'sonic-boom',
  'split2',
  'thread-stream',
  // ioredis, and what it asks for
  'ioredis',
  '@ioredis/commands',
  'cluster-key-slot',
  'debug',
  'denque',
  'ms',
  'redis-errors',
  'standard-as-callback',
] as const;

/** Packages of which the bundle takes less than they give: their names, and a file with what we use. */
export const bundledEntries = (['prom-client', 'rate-limiter-flexible'] as const).map(
  (name) => [name, `scripts/package/entries/${name}.js`] as const,
);

const manifestSchema = z.object({ version: z.string(), license: z.string() });

/** Each asks that its notice goes along with copies of it. Throws for one that has none. */
export function writeLicences(file: string): void {
  writeFileSync(file, `${heading}${bundledPackages.map(noticeOf).join('')}`);
}

const heading = 'The program holds parts of the following packages.\n';

function noticeOf(name: string): string {
  const folder = join('node_modules', name);
  const { version, license } = manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  const notices = globSync(['LICEN[CS]E*', 'licen[cs]e*', 'NOTICE*'], { cwd: folder }).sort();
  if (notices.length === 0) throw new Error(`${name} has no file with its licence`);
  const texts = notices.map((notice) => `\n${readFileSync(join(folder, notice), 'utf8').trim()}\n`);
  return `\n${'='.repeat(80)}\n${name} ${version} (${license})\n${texts.join('')}`;
}
