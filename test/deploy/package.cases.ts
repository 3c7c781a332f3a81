// The npm package as whoever installs it meets it: what is in it, that it needs nothing but Node, and that a call goes through it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import { npm } from '../../scripts/npm.ts';
import { bundledPackages } from '../../scripts/package/bundled.ts';
import { root, runNode } from '../../scripts/process.ts';
import { check, checkEqual, fetchLimitMs, type NativeCase } from '../native/case.ts';
import { runCommand } from './support/run-command.ts';
import { echoCall, moveToLoopback, ready, stop } from './support/try-out.ts';

/** Of the tarball; a package that grows past it has something in it that does not belong there. */
const largestBytes = 1_000_000;

export const cases: readonly NativeCase[] = [
  {
    name: 'the package has the program, its bill of materials and the versions of its packages, and nothing of the checkout',
    limitMs: fetchLimitMs + 60_000,
    run: () => inFolder(inspect),
  },
  {
    name: 'the package installs into an empty folder without a compiler, and carries a call',
    limitMs: fetchLimitMs + 60_000,
    run: () => inFolder(installAndCall),
  },
];

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-package-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns the path of the tarball. */
async function pack(folder: string): Promise<string> {
  const env = { INIT_CWD: folder };
  const { code, output } = await runNode(['scripts/launch/run.js', 'pack', '--to', folder], { quiet: true, env });
  checkEqual(code, 0, output);
  const [tarball = ''] = globSync('*.tgz', { cwd: folder });
  return join(folder, tarball);
}

const sbomSchema = z.object({
  bomFormat: z.literal('CycloneDX'),
  components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string() })),
});
const shrinkwrapSchema = z.object({
  packages: z.record(z.string(), z.object({ version: z.string(), integrity: z.string().optional() })),
});

async function inspect(folder: string): Promise<void> {
  const tarball = await pack(folder);
  const packed = statSync(tarball).size;
  check(packed < largestBytes, `the package has ${packed} bytes`);
  await runCommand('tar', ['-xzf', tarball, '-C', folder]);
  const content = join(folder, 'package');
  const files = globSync('**/*', { cwd: content, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map(({ parentPath, name }) => join(parentPath, name).slice(content.length + 1)).sort();
  const strange = names.filter((name) => !/^(bin|dist|deploy|docs)\//.test(name) && !isOfTheTop(name));
  checkEqual(strange, [], 'files that do not belong there');
  checkEqual(
    names.filter((name) => /\.(map|ts)$|(^|\/)\.|test/.test(name)),
    [],
    'maps, sources and tests',
  );
  const needed = [
    'bin/portcullis.js',
    'dist/main.js',
    'dist/worker-main.js',
    'dist/page/index.html',
    'README.md',
    'LICENSE',
  ];
  for (const name of needed) check(names.includes(name), `${name} is missing`);
  const manifest = z.record(z.string(), z.unknown()).parse(readJson(content, 'package.json'));
  checkEqual([manifest['devDependencies'], manifest['scripts']], [undefined, undefined], 'what only a checkout has');

  // The bill names what is locked, and what is locked is what runs.
  const locked = shrinkwrapSchema.parse(readJson(content, 'npm-shrinkwrap.json')).packages;
  const expected = Object.entries(locked)
    .filter(([path]) => path !== '')
    .map(([path, { version, integrity = '' }]) => {
      check(/^sha512-/.test(integrity), `${path} has no hash`);
      return `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`;
    });
  // What stands in the bundle itself is locked like the rest, and its notices come along.
  const notices = readFileSync(join(content, 'dist', 'licences.txt'), 'utf8');
  for (const name of bundledPackages) {
    const version = locked[`node_modules/${name}`]?.version;
    check(notices.includes(`\n${name} ${version} (`), `the licence of ${name} ${version} is missing`);
  }
  const { components } = sbomSchema.parse(readJson(content, 'sbom.cdx.json'));
  checkEqual(
    components.map(({ name, version }) => `${name}@${version}`).sort(),
    expected.sort(),
    'the bill of materials',
  );
  check(
    components.every(({ purl }) => purl.startsWith('pkg:npm/')),
    'a component has no purl',
  );
  const unpacked = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  console.log(
    `${(packed / 1_000).toFixed(0)} kB, ${(unpacked / 1_000).toFixed(0)} kB unpacked, ${names.length} files, ` +
      `${components.length} packages; sha256 ${sha256(tarball)}`,
  );
}

function isOfTheTop(name: string): boolean {
  const top = ['package.json', 'npm-shrinkwrap.json', 'sbom.cdx.json', 'README.md', 'LICENSE', 'CHANGELOG.md'];
  return top.includes(name);
}

async function installAndCall(folder: string): Promise<void> {
  const tarball = await pack(folder);
  const prefix = join(folder, 'prefix');
  const site = join(folder, 'site');
  mkdirSync(site);
  const PATH = pathWith(folder, 'node', 'sh');
  const begun = performance.now();
  const installed = await npm(
    ['install', '--global', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', tarball],
    { cwd: site, env: { PATH } },
  );
  checkEqual(installed.code, 0, installed.stderr);
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  checkInstalled(join(prefix, 'lib', 'node_modules', 'portcullis'));

  const env = { ...process.env, PATH, NODE_OPTIONS: '' };
  const command = join(prefix, 'bin', 'portcullis');
  const { version } = z.object({ version: z.string() }).parse(readJson(root, 'package.json'));
  const said = await runCommand(command, ['version'], { cwd: site, env });
  check(said.includes(version), `"portcullis version" says ${said}`);
  await runCommand(command, ['init'], { cwd: site, env });
  const tryOut = await moveToLoopback(join(site, 'portcullis.toml'));
  await runCommand(command, ['check'], { cwd: site, env });
  const child = spawn(command, ['start'], { cwd: site, env, stdio: ['ignore', 'pipe', 'pipe'] });
  await ready(child);
  const call = await echoCall(tryOut);
  await stop(child);
  const records = readFileSync(join(site, 'var/cdr/cdr.ndjson'), 'utf8').trimEnd().split('\n');
  checkEqual(records.length, 1, 'call records');
  console.log(`installed in ${seconds} s; ${call}`);

  await refusesOldNode(command, site);
}

/** Every package at the version of the lock file, and nothing that was compiled. */
function checkInstalled(folder: string): void {
  const { packages } = shrinkwrapSchema.parse(readJson(folder, 'npm-shrinkwrap.json'));
  let there = 0;
  for (const [path, { version }] of Object.entries(packages)) {
    // Those of other platforms are not installed.
    if (path === '' || !existsSync(join(folder, path))) continue;
    const installed = z.object({ version: z.string() }).parse(readJson(folder, join(path, 'package.json')));
    checkEqual(installed.version, version, path);
    there += 1;
  }
  check(there > 5, `only ${there} packages are there`);
  checkEqual(globSync('**/{binding.gyp,build/Release}', { cwd: folder }), [], 'what needs a compiler');
}

/** Both that which an old Node can be made of and a real one, where the machine has it. */
async function refusesOldNode(command: string, cwd: string): Promise<void> {
  const wanted = /^portcullis: Node\.js 24 or newer is needed, this is v[\d.]+\n$/;
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '23.11.1' } });`;
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`];
  const pretended = await runCommand(process.execPath, [...flags, command, 'version'], { cwd, expects: 1 });
  check(wanted.test(pretended), `a Node of 23.11.1 says ${pretended}`);
  for (const node of nodesOnPath()) {
    const version = await runCommand(node, ['--version'], { cwd });
    if (Number(/^v(\d+)\./.exec(version)?.[1]) >= 24) continue;
    const said = await runCommand(node, [command, 'version'], { cwd, expects: 1 });
    check(wanted.test(said), `Node ${version.trim()} says ${said}`);
    console.log(`refused by Node ${version.trim()}: ${said.trim()}`);
  }
}

function nodesOnPath(): readonly string[] {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .filter((file) => existsSync(file))
    .map((file) => realpathSync(file));
  return [...new Set(found)];
}

/** A folder for PATH with these programs and no other: no compiler, no make, no Python. */
function pathWith(folder: string, ...programs: readonly string[]): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const program of programs) {
    const found =
      program === 'node'
        ? process.execPath
        : (process.env['PATH'] ?? '')
            .split(delimiter)
            .map((one) => join(one, program))
            .find((file) => existsSync(file));
    check(found !== undefined, `${program} is not on the path`);
    symlinkSync(found, join(bin, program));
  }
  return bin;
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
}

function readJson(folder: string, file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}
