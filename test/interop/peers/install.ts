// Makes the private Debian trees under .cache/peers: apt resolves and verifies the packages into directories of its own,
// they are unpacked without running any maintainer script, and the peers later run from there by chroot.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { messageOf } from '../../../src/core/errors.ts';
import { type DebianMirror, findDebianMirror } from './apt-sources.ts';
import { TREES, type TreeName, type TreeSpec } from './trees.ts';

const run = promisify(execFile);
const DOWNLOAD_LIMIT_MS = 10 * 60_000;
const UNPACK_LIMIT_MS = 60_000;

export interface Peers {
  readonly available: true;
  /** Root directory of each tree. */
  readonly roots: Readonly<Record<TreeName, string>>;
  /** Package → version, of the packages that were asked for. */
  readonly versions: Readonly<Record<string, string>>;
}

export type PeersResult = Peers | { readonly available: false; readonly reason: string };

/**
 * Installs what is missing (about half a minute on a fast line, once) and answers where it is, or why peers cannot run here.
 * `progress` gets one line per step.
 */
export async function ensurePeers(progress: (line: string) => void = () => {}): Promise<PeersResult> {
  const obstacle = await findObstacle();
  if (obstacle !== undefined) return { available: false, reason: obstacle };
  try {
    const roots: Partial<Record<string, string>> = {};
    const versions: Record<string, string> = {};
    for (const spec of TREES) {
      const tree = await ensureTree(spec, progress);
      roots[spec.name] = tree.root;
      Object.assign(versions, tree.versions);
    }
    const { bookworm, sid } = roots;
    if (bookworm === undefined || sid === undefined) throw new Error('a tree is missing from TREES');
    return { available: true, roots: { bookworm, sid }, versions };
  } catch (thrown) {
    return { available: false, reason: `peers could not be installed: ${messageOf(thrown)}` };
  }
}

/** Why nothing can run in a tree on this machine at all, or undefined. */
export async function findObstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `needs Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'needs root (network namespaces, chroot)';
  for (const command of [
    'apt-get',
    'dpkg-deb',
    'tar',
    'ldconfig',
    'chroot',
    'unshare',
    'nsenter',
    'setpriv',
    'mount',
  ]) {
    if (!isOnPath(command)) return `needs the command ${command}`;
  }
  try {
    await run('unshare', ['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', 'true'], { timeout: 10_000 });
  } catch {
    return 'may not make namespaces here (a container without CAP_SYS_ADMIN?)';
  }
  return undefined;
}

export function isOnPath(command: string): boolean {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  return path.split(':').some((directory) => directory !== '' && existsSync(join(directory, command)));
}

export interface Tree {
  readonly root: string;
  readonly versions: Record<string, string>;
}

/** Makes the tree where it is missing. Throws when that fails. */
export async function ensureTree(spec: TreeSpec, progress: (line: string) => void): Promise<Tree> {
  const home = join(repository(), '.cache', 'peers');
  const key = createHash('sha256')
    .update(JSON.stringify([spec.suite, spec.packages, LAYOUT]))
    .digest('hex')
    .slice(0, 10);
  const place = join(home, `${spec.name}-${key}`);
  const stamp = join(place, 'installed.json');
  if (!existsSync(stamp)) {
    const mirror = findDebianMirror();
    if (mirror === undefined) throw new Error("the machine's apt sources name no Debian archive");
    await mkdir(home, { recursive: true });
    const building = await mkdtemp(join(home, `.${spec.name}-`));
    try {
      const versions = await buildTree(spec, mirror, building, progress);
      await probeTree(spec, join(building, 'root'));
      await writeFile(join(building, 'installed.json'), `${JSON.stringify(versions, null, 2)}\n`);
      await rename(building, place).catch((thrown: unknown) => {
        if (!existsSync(stamp)) throw thrown; // else another run was quicker: its tree is as good
      });
    } finally {
      await rm(building, { recursive: true, force: true });
    }
    await removeOlder(home, spec.name, place);
  }
  const versions: unknown = JSON.parse(readFileSync(stamp, 'utf8'));
  return { root: join(place, 'root'), versions: stringRecord(versions) };
}

/** Bump when `buildTree` makes trees that differ from those of before. */
const LAYOUT = 1;

function repository(): string {
  return join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
}

async function buildTree(
  spec: TreeSpec,
  mirror: DebianMirror,
  building: string,
  progress: (line: string) => void,
): Promise<Record<string, string>> {
  const root = join(building, 'root');
  const apt = join(building, 'apt');
  for (const directory of ['state/lists/partial', 'cache/archives/partial']) {
    await mkdir(join(apt, directory), { recursive: true });
  }
  await writeFile(join(apt, 'status'), '');
  const trust = mirror.signedBy === undefined ? '' : `Signed-By: ${mirror.signedBy}\n`;
  await writeFile(
    join(apt, 'mirror.sources'),
    `Types: deb\nURIs: ${mirror.uri}\nSuites: ${spec.suite}\nComponents: main\n${trust}`,
  );
  const options = Object.entries({
    'Dir::Etc::SourceList': join(apt, 'mirror.sources'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State': join(apt, 'state'),
    'Dir::State::status': join(apt, 'status'), // empty: every dependency is fetched, none taken from the machine
    'Dir::Cache': join(apt, 'cache'),
    'APT::Sandbox::User': 'root',
    'APT::Install-Recommends': 'false',
    'APT::Update::Post-Invoke': '',
    'APT::Update::Error-Mode': 'any', // a list that cannot be fetched is an error, not a warning
    // A mirror that is behind has lists that ran out. They are signed, and what the tree must have is probed.
    'Acquire::Check-Valid-Until': 'false',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'Acquire::http::Timeout': '30',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  progress(`peers: reading the package lists of ${spec.suite}`);
  await aptGet([...options, 'update']);
  const plan = await aptGet([...options, '--print-uris', '-y', 'install', ...spec.packages]);
  const total = plan.split('\n').filter((line) => line.startsWith("'")).length;
  progress(
    `peers: fetching ${total} packages of ${spec.suite} (${/Need to get (.*?) of archives/.exec(plan)?.[1] ?? '?'})`,
  );
  const archives = join(apt, 'cache', 'archives');
  const ticker = setInterval(() => {
    readdir(archives).then(
      (names) => progress(`peers: fetched ${names.filter(isPackage).length} of ${total}`),
      () => {}, // only a progress line
    );
  }, 5_000);
  try {
    await aptGet([...options, '--download-only', '-y', 'install', ...spec.packages]);
  } finally {
    clearInterval(ticker);
  }
  const names = (await readdir(archives)).filter(isPackage).sort();
  await unpackAll(
    names.map((name) => join(archives, name)),
    root,
    progress,
  );
  await finishRoot(root);
  await rm(apt, { recursive: true, force: true });
  return Object.fromEntries(spec.packages.map((name) => [name, versionIn(names, name)]));
}

function isPackage(name: string): boolean {
  return name.endsWith('.deb');
}

/** `name_version_architecture.deb`, a colon in the version written as %3a. */
function versionIn(files: readonly string[], name: string): string {
  const file = files.find((candidate) => candidate.startsWith(`${name}_`));
  return decodeURIComponent(file?.split('_')[1] ?? 'unknown');
}

async function aptGet(args: readonly string[]): Promise<string> {
  const { stdout } = await run('apt-get', args, {
    timeout: DOWNLOAD_LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  }).catch((thrown: unknown) => {
    const said = thrown instanceof Error && 'stderr' in thrown ? String(thrown.stderr) : '';
    const [first] = said.split('\n').filter((line) => /^[EW]: /.test(line));
    throw new Error(`apt-get: ${first ?? messageOf(thrown)}`, { cause: thrown });
  });
  return stdout;
}

async function unpackAll(archives: readonly string[], root: string, progress: (line: string) => void): Promise<void> {
  for (const directory of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', directory), { recursive: true });
    await symlink(`usr/${directory}`, join(root, directory)); // merged /usr, before any package brings the old directories
  }
  const waiting = [...archives];
  let done = 0;
  const worker = async () => {
    for (let archive = waiting.shift(); archive !== undefined; archive = waiting.shift()) {
      await unpack(archive, root);
      done += 1;
      if (done % 100 === 0) progress(`peers: unpacked ${done} of ${archives.length}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
}

/** Unpacks the files of one package, without documentation and without running its scripts. */
async function unpack(archive: string, root: string): Promise<void> {
  const skip = ['doc', 'man', 'locale', 'info', 'lintian', 'icons', 'mime'].map(
    (name) => `--exclude=./usr/share/${name}`,
  );
  const files = spawn('dpkg-deb', ['--fsys-tarfile', archive], { stdio: ['ignore', 'pipe', 'ignore'] });
  const tar = spawn('tar', ['-C', root, '-x', '--keep-directory-symlink', '--no-same-owner', ...skip], {
    stdio: [files.stdout, 'ignore', 'pipe'],
  });
  files.stdout.destroy(); // tar has the pipe now
  let complaint = '';
  tar.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const timer = setTimeout(() => {
    files.kill('SIGKILL');
    tar.kill('SIGKILL');
  }, UNPACK_LIMIT_MS);
  const [read, written] = await Promise.all([exitCode(files), exitCode(tar)]);
  clearTimeout(timer);
  if (read !== 0 || written !== 0) throw new Error(`unpacking ${archive} failed: ${complaint.trim().slice(0, 500)}`);
}

function exitCode(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

/** What the maintainer scripts would have done, as far as the peers need it. */
async function finishRoot(root: string): Promise<void> {
  for (const directory of ['proc', 'dev', 'tmp', 'sys', 'run', 'root', 'etc/ld.so.conf.d']) {
    await mkdir(join(root, directory), { recursive: true });
  }
  await writeFile(join(root, 'etc', 'hosts'), '127.0.0.1 localhost lab\n::1 localhost\n');
  await writeFile(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(root, 'etc', 'group'), 'root:x:0:\n');
  const { stdout } = await run('dpkg', ['--print-architecture']);
  const multiarch = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[stdout.trim()] ?? '';
  const folders = ['', 'blas', 'lapack', 'pulseaudio'].map((name) => `/usr/lib/${multiarch}/${name}`);
  await writeFile(join(root, 'etc', 'ld.so.conf'), `${folders.join('\n')}\n/usr/lib\n`);
  await run('ldconfig', ['-r', root], { timeout: UNPACK_LIMIT_MS });
}

async function probeTree(spec: TreeSpec, root: string): Promise<void> {
  for (const { argv, expect } of spec.probes) {
    const output = await run('chroot', [root, ...argv], { timeout: 20_000 }).catch((thrown: unknown) => {
      // Several of them print their version and exit with an error.
      if (thrown instanceof Error && 'stdout' in thrown && 'stderr' in thrown) {
        return { stdout: String(thrown.stdout), stderr: String(thrown.stderr) };
      }
      throw thrown;
    });
    if (!expect.test(output.stdout + output.stderr)) {
      throw new Error(
        `${argv.join(' ')} in the ${spec.name} tree said ${(output.stdout + output.stderr).slice(0, 300)}`,
      );
    }
  }
}

/** Trees of earlier package lists are dead weight. */
async function removeOlder(home: string, name: string, keep: string): Promise<void> {
  for (const entry of await readdir(home)) {
    const path = join(home, entry);
    if (entry.startsWith(`${name}-`) && path !== keep) await rm(path, { recursive: true, force: true });
  }
}

function stringRecord(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, String(entry)]));
}
