// keepalived of the machine itself, with the configuration of docs/operations.md as it stands there, on one of two machines of a pair. What it
// runs by its path is put there for it alone: a `systemctl` that knows whether that process runs, `portcullis`, its configuration, and the user.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Host, Lab } from './lab.ts';
import { PeerProcess } from './peer-process.ts';
import { entryPoint, type Portcullis } from './portcullis.ts';

export interface KeepalivedOptions {
  readonly host: Host;
  /** Watched, and told when this machine is the master. */
  readonly sbc: Portcullis;
  /** The first wins. */
  readonly priority: number;
  readonly virtual: { readonly outside: string; readonly inside: string };
}

export function startKeepalived(lab: Lab, options: KeepalivedOptions): PeerProcess {
  const { host, sbc } = options;
  const name = `keepalived-${host.name}`;
  const directory = lab.directory(name);
  const [bin, etc] = [join(directory, 'bin'), join(directory, 'etc')];
  mkdirSync(bin);
  mkdirSync(join(etc, 'portcullis'), { recursive: true });
  program(
    join(bin, 'systemctl'),
    `[ "$*" = "is-active --quiet portcullis" ] && kill -0 ${sbc.process.pid} 2>/dev/null`,
  );
  program(join(bin, 'portcullis'), `exec ${execPath} ${entryPoint()} "$@"`);
  writeFileSync(join(etc, 'portcullis/portcullis.toml'), readFileSync(sbc.file), { mode: 0o600 });
  // Scripts run as that user, to whom all of this belongs.
  writeFileSync(join(etc, 'passwd'), `${readFileSync('/etc/passwd', 'utf8')}portcullis:x:0:0::/:/bin/sh\n`);
  const file = join(directory, 'keepalived.conf');
  writeFileSync(file, configuration(options));
  // A view of the file system of its own, in which these lie over what the machine has.
  const view = `mount -t overlay overlay -o lowerdir=${bin}:/usr/bin /usr/bin
mount -t overlay overlay -o lowerdir=${etc}:/etc /etc
exec keepalived --dont-fork --log-console --vrrp --use-file=${file} --pid=${directory}/pid --vrrp_pid=${directory}/vrrp.pid`;
  return PeerProcess.start(lab, {
    name,
    host,
    argv: ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', view],
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
}

/** The block of the manual; only the names of interfaces, the addresses and, on one machine, the priority are others. */
function configuration({ virtual, priority }: KeepalivedOptions): string {
  const manual = readFileSync(fileURLToPath(new URL('../../../docs/operations.md', import.meta.url)), 'utf8');
  const written = /^```\n(global_defs .*?)^```$/ms.exec(manual)?.[1];
  if (written === undefined) throw new Error('docs/operations.md has no configuration of keepalived');
  const changes: readonly (readonly [string, string])[] = [
    ['interface eth0', 'interface outside'],
    ['203.0.113.10/24', `${virtual.outside}/24`],
    ['10.0.0.10/24 dev eth1', `${virtual.inside}/24 dev inside`],
    ['priority 100', `priority ${priority}`],
  ];
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the configuration of docs/operations.md does not say "${from}"`);
    return text.replace(from, to);
  }, written);
}

function program(file: string, line: string): void {
  writeFileSync(file, `#!/bin/sh\n${line}\n`);
  chmodSync(file, 0o755);
}
