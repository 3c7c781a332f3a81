// The image without a container engine: the steps of the Dockerfile in clean Debian trees, then the tree that comes of them run as
// `docker run --read-only --cap-drop ALL --network host` would: locked, as its own user, asked by its own health check.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage, type Image } from '../../scripts/image/build-image.ts';
import { spawnBeside, spawnInRoot } from '../../scripts/image/enter-root.ts';
import { nodeSlim } from '../../scripts/image/node-slim.ts';
import { root as checkout } from '../../scripts/process.ts';
import { findObstacle } from '../interop/peers/install.ts';
import { check, checkEqual, fetchLimitMs, type NativeCase, Skipped } from '../native/case.ts';
import { echoCall, moveToLoopback, ready, stop } from './support/try-out.ts';

export const cases: readonly NativeCase[] = [
  {
    name: 'the image builds by the steps of the Dockerfile in a clean Debian tree, and carries a call, locked and without privileges',
    limitMs: fetchLimitMs + 240_000,
    run: async () => {
      const obstacle = await findObstacle();
      if (obstacle !== undefined) throw new Skipped(`the image: ${obstacle}`);
      const folder = mkdtempSync(join(tmpdir(), 'portcullis-image-'));
      try {
        await buildAndRun(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
];

const stateDir = '/var/lib/portcullis';
const configDir = '/etc/portcullis';

async function buildAndRun(folder: string): Promise<void> {
  const progress = (line: string): void => console.log(line);
  const trees = join(folder, 'trees');
  mkdirSync(trees);
  const begun = performance.now();
  const image = await buildImage({
    context: checkout,
    folder: trees,
    base: (name, to) => nodeSlim(name, to, progress),
    progress,
  });
  console.log(`built in ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  inspect(image);

  // What is mounted: the configuration read-only, the state to be written.
  const [config, state] = [join(folder, 'config'), join(folder, 'state')];
  const uid = userId(image);
  for (const one of [config, state]) {
    mkdirSync(one);
    chownSync(one, uid, uid);
  }
  const volumes = {
    [configDir]: { from: config, isReadOnly: true },
    [stateDir]: { from: state, isReadOnly: false },
  };
  const { root, workdir, user, env } = image;
  const locked = { workdir, user, env, volumes, isLocked: true };
  const program = [...image.entrypoint];
  const made = spawnInRoot(
    root,
    ['/bin/sh', '-c', `cd ${stateDir} && exec "$0" "$@"`, ...inWorkdir(image, 'init')],
    locked,
  );
  checkEqual(await codeOf(made), 0, '"init" in the image');
  await cp(state, config, { recursive: true });
  rmSync(join(state, 'portcullis.toml'));
  const file = join(config, 'portcullis.toml');
  const tryOut = await moveToLoopback(file);
  const text = readFileSync(file, 'utf8').replace('state_dir = "var"', `state_dir = "${stateDir}"`);
  writeFileSync(file, text.replace('socket = "var/admin.sock"', `socket = "${stateDir}/admin.sock"`));
  for (const one of globSync('**', { cwd: config })) chownSync(join(config, one), uid, uid);

  const health = { PORTCULLIS_HEALTH: `${tryOut.admin}/healthz` };
  const child = spawnInRoot(root, [...program, ...image.command], { ...locked, env: { ...env, ...health } });
  await ready(child);
  const { pid } = child;
  check(pid !== undefined, 'no process');
  checkLocked(pid, uid);
  const ask = (): Promise<number | null> =>
    codeOf(spawnBeside(pid, root, image.healthCheck ?? [], { user, env: { ...env, ...health } }));
  checkEqual(await ask(), 0, 'the health check');
  const elsewhere = { user, env: { ...env, PORTCULLIS_HEALTH: 'http://127.0.0.1:1/healthz' } };
  checkEqual(await codeOf(spawnBeside(pid, root, image.healthCheck ?? [], elsewhere)), 1, 'one that nobody answers');
  const touch = [
    '/bin/sh',
    '-c',
    `touch ${workdir}/x /tmp/x ${configDir}/x 2>/dev/null; test ! -e /tmp/x -a ! -e ${workdir}/x`,
  ];
  checkEqual(await codeOf(spawnBeside(pid, root, touch, { user, env })), 0, 'nothing can be written');
  console.log(await echoCall(tryOut));
  checkEqual(image.stopSignal, 'SIGTERM', 'the signal that ends it');
  await stop(child);
  check(existsSync(join(state, 'cdr', 'cdr.ndjson')), 'the record is not on the volume');
}

/** What was built: only what runs. */
function inspect(image: Image): void {
  const place = join(image.root, image.workdir);
  for (const file of ['bin/portcullis.js', 'dist/main.js', 'dist/licences.txt', 'node_modules/koffi/package.json']) {
    check(existsSync(join(place, file)), `${file} is not in the image`);
  }
  for (const file of ['src', 'test', 'node_modules/typescript', 'node_modules/vitest', 'node_modules/tsup']) {
    check(!existsSync(join(place, file)), `${file} is in the image`);
  }
  checkEqual(globSync('dist/*.map', { cwd: place }), [], 'maps in the image');
  check(image.user !== 'root' && userId(image) !== 0, `it runs as ${image.user}`);
  checkEqual(image.volumes, [stateDir], 'volumes');
  // Of SIP over TLS; media takes whole ranges, so that docker would have to be told of them anyway.
  checkEqual(image.ports, ['5061/tcp'], 'ports');
}

/** The entry point with other words, from any folder. */
function inWorkdir({ entrypoint, workdir }: Image, ...words: readonly string[]): readonly string[] {
  return [...entrypoint.map((word) => (word.startsWith('bin/') ? `${workdir}/${word}` : word)), ...words];
}

function checkLocked(pid: number, uid: number): void {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): string | undefined => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1];
  checkEqual(of('Uid')?.split('\t'), Array(4).fill(String(uid)), 'user');
  checkEqual(
    [of('CapEff'), of('CapBnd'), of('NoNewPrivs')],
    ['0000000000000000', '0000000000000000', '1'],
    'privileges',
  );
}

function userId({ root, user }: Image): number {
  const line = readFileSync(join(root, 'etc/passwd'), 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${user}:`));
  return Number(line?.split(':')[2]);
}

async function codeOf(child: ChildProcess): Promise<number | null> {
  let said = '';
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended: readonly unknown[] = await once(child, 'close');
  const [code] = ended;
  if (code !== 0 && said !== '') console.log(said.trim());
  return typeof code === 'number' ? code : null;
}
