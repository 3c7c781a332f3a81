// Runs a program in a root tree as a container engine would, in a mount namespace of its own: /proc, a small /dev, the volumes that
// are given. The mounts end with the program, which has the pid of the child, so that a signal to it reaches the program.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RootOptions {
  readonly workdir: string;
  /** As in the tree's /etc/passwd. */
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  /** Path in the tree, which exists → what is mounted there. */
  readonly volumes?: Readonly<Record<string, { readonly from: string; readonly isReadOnly: boolean }>>;
  /** Nothing but volumes can be written to, and the program can gain no privilege. */
  readonly isLocked?: boolean;
}

const script = `set -e
root=$1; workdir=$2; user=$3; locked=$4; shift 4
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount -t tmpfs -o size=1m,mode=755 tmpfs "$root/dev"
for device in null zero random urandom; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
while [ "$1" != -- ]; do
  mount --bind "$1" "$root$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
  shift 3
done
shift
privileges=
if [ "$locked" = yes ]; then
  mount -o remount,bind,ro "$root"
  mount -o remount,ro "$root/dev"
  privileges="--no-new-privs --bounding-set=-all --inh-caps=-all"
fi
exec chroot "$root" /usr/bin/setpriv --reuid="\${user%:*}" --regid="\${user#*:}" --clear-groups $privileges -- \
  /bin/sh -c 'cd "$0" && exec "$@"' "$workdir" "$@"
`;

export function spawnInRoot(
  root: string,
  argv: readonly string[],
  { workdir, user, env, volumes = {}, isLocked = false }: RootOptions,
): ChildProcess {
  const mounts = Object.entries(volumes).flatMap(([at, { from, isReadOnly }]) => [from, at, isReadOnly ? 'ro' : 'rw']);
  const parameters = [root, workdir, idsOf(root, user), isLocked ? 'yes' : 'no', ...mounts, '--', ...argv];
  return spawn('unshare', ['--mount', '--', '/bin/sh', '-c', script, 'sh', ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env },
  });
}

/** Runs a program beside the one of `pid`, in its tree and with its user, as `docker exec` does. */
export function spawnBeside(
  pid: number,
  root: string,
  argv: readonly string[],
  { user, env }: Pick<RootOptions, 'user' | 'env'>,
): ChildProcess {
  const [uid = '', gid = ''] = idsOf(root, user).split(':');
  const enter = [`--target=${pid}`, '--mount', '--root'];
  return spawn('nsenter', [...enter, `--setgid=${gid}`, `--setuid=${uid}`, '--', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env },
  });
}

/** `UID:GID` of a name, or numbers as they are. */
function idsOf(root: string, user: string): string {
  if (/^\d+(:\d+)?$/.test(user)) return user.includes(':') ? user : `${user}:${user}`;
  const file = join(root, 'etc', 'passwd');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const [, , uid, gid] = lines.find((line) => line.startsWith(`${user}:`))?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`${file} has no user ${user}`);
  return `${uid}:${gid}`;
}
