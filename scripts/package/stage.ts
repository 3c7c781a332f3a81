// What becomes the npm package: the built program with what an operator reads, the versions that it was tested with, and the bill
// of materials. No source maps, tests or development dependencies; whoever installs it gets the packages of the lock file.
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { npm } from '../npm.ts';
import { root } from '../process.ts';

const manifestSchema = z.looseObject({ name: z.string(), version: z.string(), files: z.array(z.string()) });
const lockSchema = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({ dev: z.boolean().optional(), devDependencies: z.unknown().optional() }),
  ),
});

/** What only a checkout has a use for. `overrides` are those of tools, and npm takes them from a root alone. */
const ofTheCheckout = new Set(['devDependencies', 'scripts', 'overrides', 'files']);

/** Fills `folder`, which is empty, and resolves with the name of the tarball that `npm pack` makes of it. */
export async function stagePackage(folder: string): Promise<string> {
  const manifest = manifestSchema.parse(readJson('package.json'));
  for (const file of manifest.files.flatMap((pattern) => globSync(pattern, { cwd: root }))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file), { recursive: true });
  }
  const published = Object.fromEntries(Object.entries(manifest).filter(([key]) => !ofTheCheckout.has(key)));
  writeJson(folder, 'package.json', published);
  writeJson(folder, 'npm-shrinkwrap.json', shrinkwrap());
  writeFileSync(join(folder, 'sbom.cdx.json'), await billOfMaterials(folder));
  return `${manifest.name}-${manifest.version}.tgz`;
}

/** The lock file without what is only there for development: npm installs these versions below the package. */
function shrinkwrap(): object {
  const lock = lockSchema.parse(readJson('package-lock.json'));
  const packages = Object.entries(lock.packages)
    .filter(([, { dev }]) => dev !== true)
    .map(([path, { devDependencies: _, ...entry }]) => [path, entry] as const);
  return { ...lock, packages: Object.fromEntries(packages) };
}

/** CycloneDX, of the packages in the shrinkwrap of `folder`. */
async function billOfMaterials(folder: string): Promise<string> {
  const flags = ['--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'];
  const { code, stdout, stderr } = await npm(['sbom', ...flags], { cwd: folder });
  if (code !== 0) throw new Error(`npm sbom ended with code ${code}: ${stderr.trim()}`);
  return stdout;
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}

function writeJson(folder: string, file: string, value: object): void {
  writeFileSync(join(folder, file), `${JSON.stringify(value, null, 2)}\n`);
}
