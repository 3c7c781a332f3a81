// Is dist what these sources would give? Compares a fingerprint of the inputs (path, size, time) with the one the build left.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runProgram } from './child.js';
import { withInstallLock } from './install-lock.js';
import { root, say } from './place.js';

const inputs = ['src', 'scripts/package', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsup.config.ts'];
const stamp = join(root, 'dist', '.built-from');

/** Builds when the inputs are not those of the last build. */
export async function ensureBuild(node) {
  if (!isBuilt()) await withInstallLock(() => (isBuilt() ? undefined : build(node)));
}

/** Builds, whatever the last build was made from. */
export async function buildNow(node) {
  await withInstallLock(() => build(node));
}

async function build(node) {
  say('building dist');
  // Taken before the build begins, so that an edit meanwhile is not missed.
  const fingerprint = fingerprintOfInputs();
  const code = await runProgram(node, ['node_modules/tsup/dist/cli-default.js', '--silent'], { toStderr: true });
  if (code !== 0) throw new Error('the build failed, see above');
  writeFileSync(stamp, fingerprint);
}

function fingerprintOfInputs() {
  const hash = createHash('sha256');
  for (const input of inputs) {
    for (const file of filesUnder(join(root, input))) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${relative(root, file)} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

function isBuilt() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprintOfInputs();
}

function filesUnder(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}
