// Stands in for the image node:24-bookworm-slim where none can be pulled: the essential packages of Debian bookworm by apt, the pinned
// Node with npm in /usr/local, and the user `node`.
import { appendFileSync, cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ensureTree } from '../../test/interop/peers/install.ts';
import type { TreeSpec } from '../../test/interop/peers/trees.ts';
import { npmFolder } from '../npm.ts';
import { copyTree } from './build-image.ts';

const imageName = 'node:24-bookworm-slim';

const tree: TreeSpec = {
  name: 'slim',
  suite: 'bookworm',
  // What Debian marks as essential, and what Node is linked with.
  packages: [
    'base-files',
    'base-passwd',
    'bash',
    'bsdutils',
    'coreutils',
    'dash',
    'debianutils',
    'diffutils',
    'findutils',
    'grep',
    'gzip',
    'hostname',
    'libc-bin',
    'login',
    'ncurses-base',
    'ncurses-bin',
    'perl-base',
    'sed',
    'sysvinit-utils',
    'tar',
    'util-linux',
    'libstdc++6',
  ],
  probes: [{ argv: ['/bin/sh', '-c', 'install --version'], expect: /GNU coreutils/ }],
};

/** Fills `folder`. Throws for another image than the one that it stands in for. */
export async function nodeSlim(name: string, folder: string, progress: (line: string) => void): Promise<void> {
  if (name !== imageName) throw new Error(`this stands in for ${imageName}, not for ${name}`);
  const [major = ''] = process.versions.node.split('.');
  if (!imageName.startsWith(`node:${major}-`)) throw new Error(`${imageName} does not have Node ${process.version}`);
  const { root } = await ensureTree(tree, progress);
  await copyTree(root, folder);
  addNode(folder);
  if (!readFileSync(join(folder, 'etc', 'passwd'), 'utf8').includes('\nnode:')) {
    appendFileSync(join(folder, 'etc', 'passwd'), 'node:x:1000:1000::/home/node:/bin/bash\n');
    appendFileSync(join(folder, 'etc', 'group'), 'node:x:1000:\n');
  }
}

/** Puts the Node that runs this, and its npm, into `/usr/local` of a tree. */
export function addNode(folder: string): void {
  const local = join(folder, 'usr', 'local');
  for (const place of ['bin', 'lib/node_modules']) mkdirSync(join(local, place), { recursive: true });
  cpSync(process.execPath, join(local, 'bin', 'node'));
  cpSync(npmFolder(), join(local, 'lib', 'node_modules', 'npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin', 'npm'));
}
