// The packages of the lock file: each has a licence that we may use, and those that are shipped no vulnerability that the
// registry knows as high or critical. Where it does not answer that, it says so, which is no pass.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { npm } from '../npm.ts';
import { root } from '../process.ts';

/** Permissive ones, that ask for their notice at most. */
const shippable = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
]);
/** Of tools that stay in the checkout. */
const usable = new Set([...shippable, 'MPL-2.0', 'CC0-1.0', 'CC-BY-4.0', 'Python-2.0', 'Unlicense']);

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), license: z.string().optional() })),
});

export interface LockedPackage {
  /** `node_modules/name`. */
  readonly path: string;
  readonly dev: boolean;
  /** As SPDX has it. */
  readonly licence: string | undefined;
}

/** One line for each package whose licence is unknown, or none that we may use. */
export function licenceFaults(packages: readonly LockedPackage[]): readonly string[] {
  return packages.flatMap(({ path, dev, licence }) => {
    if (licence === undefined) return [`${path} says nothing of its licence`];
    const allowed = dev ? usable : shippable;
    // `(MIT OR CC0-1.0)`: one of them is enough. What asks for several at once is looked at by a person.
    const choices = licence.replace(/^\((.*)\)$/, '$1').split(' OR ');
    return choices.some((choice) => allowed.has(choice)) ? [] : [`${path} is under ${licence}`];
  });
}

const auditSchema = z.object({
  metadata: z.object({ vulnerabilities: z.object({ high: z.int(), critical: z.int(), total: z.int() }) }),
});

/** What `npm audit --json` said; a fault where shipped packages have high or critical ones. */
export function readAudit(stdout: string): { readonly said: string; readonly isFault: boolean } {
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    answer = undefined;
  }
  const audit = auditSchema.safeParse(answer);
  if (!audit.success) {
    const { message = 'no answer' } = z.object({ message: z.string() }).partial().safeParse(answer).data ?? {};
    return { said: `npm audit is unavailable, so nothing is known of vulnerabilities: ${message}`, isFault: false };
  }
  const { high, critical, total } = audit.data.metadata.vulnerabilities;
  return {
    said: `npm audit knows ${total} vulnerabilities of what is shipped, ${high} high and ${critical} critical`,
    isFault: high + critical > 0,
  };
}

function lockedPackages(): readonly LockedPackage[] {
  const { packages } = lockSchema.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { dev = false, license }]) => ({ path, dev, licence: license }));
}

if (import.meta.main) {
  const packages = lockedPackages();
  const faults = licenceFaults(packages);
  const flags = ['--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=15000'];
  const { stdout } = await npm(['audit', ...flags], { cwd: root, timeoutMillis: 30_000 });
  const { said, isFault } = readAudit(stdout);
  const shipped = packages.filter(({ dev }) => !dev).length;
  for (const fault of faults) console.log(fault);
  console.log(
    `note: licences of ${shipped} shipped and ${packages.length - shipped} development packages, ${faults.length} faults`,
  );
  console.log(`note: ${said}`);
  process.exitCode = faults.length > 0 || packages.length === 0 || isFault ? 1 : 0;
}
