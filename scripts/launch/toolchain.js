// The pinned Node and npm (tools/node, by hash in its own lock file) and the packages of the checkout. Both are installed when they
// are missing or older than their lock file, never with install scripts.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runProgram } from './child.js';
import { withInstallLock } from './install-lock.js';
import { root, say } from './place.js';

const oldestNode = 24;
const toolsFolder = join(root, 'tools', 'node');

/** The path of the Node that everything runs on: the pinned one, or else this one when it is new enough. */
export async function findNode() {
  const binary = pinnedBinary();
  if (binary !== undefined && !isInstalled(toolsFolder)) {
    say('installing Node.js 24 for this checkout (once, about 10 s; yours stays as it is)');
    await withInstallLock(async () => {
      if (!isInstalled(toolsFolder)) await install(process.execPath, toolsFolder);
    });
  }
  if (binary !== undefined && answers(binary)) return binary;
  if (isNewEnough(process.versions.node)) return process.execPath;
  const why =
    binary === undefined ? `none is pinned for ${platform()}` : `the pinned one (${binary}) does not run here`;
  throw new Error(
    `Node.js ${oldestNode} or newer is needed and ${why}; this is ${process.version}. Install Node.js 24 and try again.`,
  );
}

export async function ensurePackages(node) {
  await ensureInstalled(node);
  linkCommand();
}

/**
 * So that `npx portcullis` finds the command of this checkout: left to itself npx asks the registry for a package of that name first, or
 * (npm 9) packs the whole checkout.
 */
function linkCommand() {
  const link = join(root, 'node_modules', '.bin', 'portcullis');
  if (process.platform === 'win32' || existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  try {
    symlinkSync(join('..', '..', 'bin', 'portcullis.js'), link);
  } catch (error) {
    // Two commands at once: the other one has made it.
    if (error.code !== 'EEXIST') throw error;
  }
}

async function ensureInstalled(node) {
  if (isInstalled(root)) return;
  say('installing packages (npm ci, about 20 s)');
  await withInstallLock(async () => {
    if (isInstalled(root)) return;
    if ((await install(node, root)) !== 0) throw new Error('npm ci failed, see above');
  });
}

function pinnedBinary() {
  const manifest = JSON.parse(readFileSync(join(toolsFolder, 'package.json'), 'utf8'));
  const name = `node-${platform()}`;
  if (!Object.hasOwn(manifest.optionalDependencies, name)) return undefined;
  return join(toolsFolder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

function platform() {
  return `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
}

function answers(binary) {
  return existsSync(binary) && spawnSync(binary, ['--version'], { stdio: 'ignore' }).status === 0;
}

function isNewEnough(version) {
  const [major = 0] = version.split('.').map(Number);
  return major >= oldestNode;
}

// npm leaves its own copy of the lock file in node_modules. The stamp covers a lock file that was only touched (git checkout).
function isInstalled(folder) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  const lock = join(folder, 'package-lock.json');
  if (!existsSync(installed)) return false;
  if (statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return true;
  return existsSync(stampOf(folder)) && readFileSync(stampOf(folder), 'utf8') === digest(lock);
}

async function install(node, folder) {
  const npm = process.env['npm_execpath'];
  const flags = ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  // npm itself also runs on the given Node: an older one warns about every package that asks for a newer.
  const code =
    npm?.endsWith('.js') && existsSync(npm)
      ? await runProgram(node, ['--no-deprecation', npm, ...flags], { toStderr: true })
      : await runProgram(process.platform === 'win32' ? 'npm.cmd' : 'npm', flags, { toStderr: true, node });
  if (code === 0) writeFileSync(stampOf(folder), digest(join(folder, 'package-lock.json')));
  return code;
}

function stampOf(folder) {
  return join(folder, 'node_modules', '.installed-lock');
}

function digest(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
