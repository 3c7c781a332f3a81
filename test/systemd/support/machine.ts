// A machine with Debian's systemd as its first process, as `systemd-nspawn --boot` makes one: namespaces of its own for processes, mounts, host
// name, IPC and control groups; the network is that of whoever runs it. Needs root and a cgroup2 hierarchy, and nothing of the machine beyond.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { copyTree } from '../../../scripts/image/build-image.ts';
import { addNode } from '../../../scripts/image/node-slim.ts';
import { ensureTree } from '../../interop/peers/install.ts';
import type { TreeSpec } from '../../interop/peers/trees.ts';

const tree: TreeSpec = {
  name: 'systemd',
  suite: 'trixie',
  packages: [
    ...['base-files', 'base-passwd', 'bash', 'coreutils', 'dash', 'diffutils', 'findutils', 'grep', 'gzip', 'hostname'],
    ...[
      'libc-bin',
      'login.defs',
      'mount',
      'ncurses-base',
      'passwd',
      'procps',
      'sed',
      'tar',
      'util-linux',
      'libstdc++6',
    ],
    ...['systemd', 'systemd-sysv', 'libpam-modules', 'libpam-runtime', 'libcap2-bin'],
  ],
  probes: [{ argv: ['/usr/bin/systemctl', '--version'], expect: /systemd 257/ }],
};

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin';
/** What systemd takes on a machine of this kind, and what it must not change for the machine below. */
const dropped = ['sys_time', 'sys_module', 'sys_rawio', 'syslog', 'mac_admin', 'mac_override', 'wake_alarm'];

const boot = `set -e
root=$1; group=$2
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
# Nodes of its own: systemd gives its console to whom it likes, and must not give away one of the machine below.
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 console:1:3; do
  IFS=: read -r name major minor <<NODE
$device
NODE
  mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -s "/proc/self/\${link#*:}" "$root/dev/\${link%:*}"; done
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
hostname sbc
cd "$root"
mkdir -p below
pivot_root . below
umount -l below
exec /usr/bin/env -i container=portcullis-test PATH=${path} \\
  /usr/bin/setpriv --bounding-set=${dropped.map((name) => `-${name}`).join(',')} /sbin/init
`;

export interface Said {
  readonly code: number;
  /** Both streams. */
  readonly text: string;
}

export class Machine {
  readonly root: string;
  readonly #below: ChildProcess;
  readonly #init: number;
  readonly #group: string;

  private constructor(made: { root: string; below: ChildProcess; init: number; group: string }) {
    this.root = made.root;
    this.#below = made.below;
    this.#init = made.init;
    this.#group = made.group;
  }

  /** Why there can be none here, beyond what every tree needs. */
  static obstacle(): string | undefined {
    return cgroupRoot() === undefined ? 'no cgroup2 hierarchy is mounted' : undefined;
  }

  /** Makes the tree in an empty folder, and boots it. Resolves when systemd has started what it starts. */
  static async boot(folder: string, progress: (line: string) => void): Promise<Machine> {
    const { root: clean } = await ensureTree(tree, progress);
    const root = join(folder, 'root');
    mkdirSync(root);
    await copyTree(clean, root);
    addNode(root);
    for (const file of ['etc/resolv.conf', 'etc/hosts']) {
      if (existsSync(`/${file}`)) copyFileSync(`/${file}`, join(root, file));
    }
    writeFileSync(join(root, 'etc/machine-id'), `${randomBytes(16).toString('hex')}\n`);
    writeFileSync(join(root, 'etc/shadow'), 'root:*:20000:0:99999:7:::\n', { mode: 0o600 });
    // There is no terminal that it could be on.
    symlinkSync('/dev/null', join(root, 'etc/systemd/system/console-getty.service'));
    const group = join(cgroupRoot() ?? '', `portcullis-systemd-${process.pid}`);
    mkdirSync(group);
    const namespaces = ['--fork', '--kill-child=SIGKILL', '--pid', '--mount', '--uts', '--ipc', '--cgroup'];
    const entering = `echo $$ > "$2/cgroup.procs"; exec unshare ${namespaces.join(' ')} --propagation private -- /bin/sh -c "$3" sh "$1" "$2"`;
    const below = spawn('/bin/sh', ['-c', entering, 'sh', root, group, boot], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    process.once('exit', () => below.kill('SIGKILL'));
    const machine = new Machine({ root, below, init: await firstProcess(below), group });
    await machine.#booted();
    return machine;
  }

  /** A line for its shell, as root. */
  async say(line: string, env: Readonly<Record<string, string>> = {}): Promise<Said> {
    const enter = ['--target', String(this.#init), '--mount', '--uts', '--ipc', '--pid', '--cgroup', '--root'];
    const variables = Object.entries({ PATH: path, HOME: '/root', TERM: 'dumb', LANG: 'C.UTF-8', ...env });
    const clean = [
      '/usr/bin/env',
      '--ignore-environment',
      '--chdir=/root',
      ...variables.map(([name, value]) => `${name}=${value}`),
    ];
    const child = spawn('nsenter', [...enter, '--', ...clean, '/bin/bash', '-c', line], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    const ended: readonly unknown[] = await once(child, 'close');
    return { code: typeof ended[0] === 'number' ? ended[0] : -1, text };
  }

  /** As a service manager ends it: it is asked to, and what is left then goes with its namespace. */
  async halt(): Promise<void> {
    const gone = once(this.#below, 'exit');
    await this.say('systemctl poweroff');
    const timer = setTimeout(() => this.#below.kill('SIGKILL'), 20_000);
    await gone;
    clearTimeout(timer);
    await sleep(100);
    removeGroups(this.#group);
  }

  async #booted(): Promise<void> {
    const end = performance.now() + 60_000;
    for (;;) {
      const { text } = await this.say('systemctl is-system-running');
      if (/^(running|degraded)$/m.test(text)) return;
      if (performance.now() > end || this.#below.exitCode !== null) throw new Error(`it does not boot: ${text.trim()}`);
      await sleep(200);
    }
  }
}

function cgroupRoot(): string | undefined {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).find(([, , kind]) => kind === 'cgroup2')?.[1];
}

/** The child of `unshare`, which becomes the first process of its namespace. */
async function firstProcess(below: ChildProcess): Promise<number> {
  const end = performance.now() + 10_000;
  while (performance.now() < end && below.exitCode === null) {
    const { stdout } = await promisify(execFile)('cat', [`/proc/${below.pid}/task/${below.pid}/children`]);
    const [child] = stdout.trim().split(' ');
    if (child !== undefined && child !== '') return Number(child);
    await sleep(50);
  }
  throw new Error('it did not start');
}

/** Empty groups only go from the innermost on. */
function removeGroups(group: string): void {
  if (!existsSync(group)) return;
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroups(join(group, entry.name));
  }
  rmdirSync(group);
}
