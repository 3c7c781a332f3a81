// A lab: anonymous network, mount, process and host-name namespaces with an outside and an inside bridge, and hosts on them.
// Each host has a network namespace of its own, as real machines do: peers that bind 0.0.0.0 neither collide nor send from
// a neighbour's address. Nothing has a name on the machine: when the lab's first process ends, the kernel ends all of it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Peers } from './install.ts';
import { runCommand } from './run-command.ts';

const MARK = 'PORTCULLIS_LAB_DIR';

export type Network = 'outside' | 'inside';

const SUBNETS: Readonly<Record<Network, { readonly v4: string; readonly v6: string }>> = {
  outside: { v4: '10.99.1', v6: 'fd99:1:' },
  inside: { v4: '10.99.2', v6: 'fd99:2:' },
};
/** The lab itself, from where a test controls its peers; captures leave this address out. */
const LAB_NUMBER = 254;

export interface Host {
  readonly name: string;
  /** Process that holds the host's network namespace; undefined is the lab's own namespace. */
  readonly holder: number | undefined;
  readonly outside: string;
  readonly inside: string;
  readonly outside6: string;
}

export interface EnterOptions {
  readonly workDir: string;
  readonly timeoutMs: number;
  readonly onStdout?: ((chunk: string) => void) | undefined;
  readonly onStderr?: ((chunk: string) => void) | undefined;
}

export interface LabExit {
  readonly code: number | null;
  readonly timedOut: boolean;
}

/** Runs a command as the first process of a new lab, and ends every process of the lab after it or at the time limit. */
export function enterLab(argv: readonly string[], options: EnterOptions): Promise<LabExit> {
  mkdirSync(options.workDir, { recursive: true });
  const namespaces = ['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL', '--mount-proc'];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...namespaces, '--', ...argv], {
    stdio: ['ignore', options.onStdout ? 'pipe' : 'inherit', options.onStderr ? 'pipe' : 'inherit'],
    env: { ...process.env, [MARK]: options.workDir },
  });
  child.stdout?.setEncoding('utf8').on('data', options.onStdout ?? (() => {}));
  child.stderr?.setEncoding('utf8').on('data', options.onStderr ?? (() => {}));
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.timeoutMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, timedOut });
    });
  });
}

/** Whether this process runs inside a lab. */
export function isInLab(): boolean {
  return process.env[MARK] !== undefined;
}

export class Lab {
  readonly peers: Peers;
  /** Everything that a run leaves: configurations, logs, certificates, captures. The same path inside the trees. */
  readonly workDir: string;
  readonly #holders: ChildProcess[] = [];

  private constructor(peers: Peers, workDir: string) {
    this.peers = peers;
    this.workDir = workDir;
  }

  /** Sets up the two networks. Only in a process that `enterLab` started. */
  static async open(peers: Peers): Promise<Lab> {
    const workDir = process.env[MARK];
    if (workDir === undefined) throw new Error('not in a lab: start this through enterLab');
    writeFileSync('/proc/sys/kernel/hostname', 'lab');
    const lab = new Lab(peers, workDir);
    // A bridge without an address of its own takes the lowest one of its ports: with a new host it may get another, and whoever
    // remembers the old one sends into nothing.
    const bridges = (['outside', 'inside'] as const).flatMap((network, index) => [
      `link add ${network} address 02:00:00:00:00:0${index + 1} type bridge`,
      ...addressLines(network, LAB_NUMBER, network),
      `link set ${network} up`,
    ]);
    await lab.#ip(undefined, ['link set lo up', ...bridges]);
    return lab;
  }

  /** The address of host number `number` on a network; `addressOf('outside')` is the lab's own. */
  static addressOf(network: Network, number = LAB_NUMBER): string {
    return `${SUBNETS[network].v4}.${number}`;
  }

  static address6Of(network: Network, number: number): string {
    return `${SUBNETS[network].v6}:${number}`;
  }

  /** Adds a machine with address `.number` on each of the networks it is connected to. */
  async addHost(name: string, number: number, networks: readonly Network[]): Promise<Host> {
    const keeper = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
    this.#holders.push(keeper);
    const holder = keeper.pid;
    if (holder === undefined) throw new Error('unshare did not start');
    await ownNamespace(holder);
    const near = networks.flatMap((network) => {
      const link = `${network.slice(0, 1)}-${name}`;
      return [
        `link add ${link} type veth peer name ${network} netns ${holder}`,
        `link set ${link} master ${network} up`,
      ];
    });
    await this.#ip(undefined, near);
    const far = networks.flatMap((network) => [...addressLines(network, number, network), `link set ${network} up`]);
    await this.#ip(holder, ['link set lo up', ...far]);
    return { name, holder, ...addresses(number) };
  }

  /** A host without a namespace of its own, on the lab's bridges: no veth hop in the way, for measurements. */
  async addLocalHost(name: string, number: number): Promise<Host> {
    const lines = (['outside', 'inside'] as const).flatMap((network) => addressLines(network, number, 'lo', 32));
    await this.#ip(undefined, lines);
    return { name, holder: undefined, ...addresses(number) };
  }

  /** A directory of this lab for one peer. */
  directory(name: string): string {
    const path = join(this.workDir, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  close(): void {
    for (const holder of this.#holders) holder.kill('SIGKILL');
  }

  async #ip(holder: number | undefined, lines: readonly string[]): Promise<void> {
    const enter = holder === undefined ? [] : ['nsenter', `--net=/proc/${holder}/ns/net`];
    await runCommand([...enter, 'chroot', this.peers.roots.bookworm, '/usr/sbin/ip', '-batch', '-'], {
      input: `${lines.join('\n')}\n`,
    });
  }
}

function addresses(number: number): Pick<Host, 'outside' | 'inside' | 'outside6'> {
  return {
    outside: Lab.addressOf('outside', number),
    inside: Lab.addressOf('inside', number),
    outside6: Lab.address6Of('outside', number),
  };
}

function addressLines(network: Network, number: number, device: string, prefix = 24): string[] {
  const { v4, v6 } = SUBNETS[network];
  const prefix6 = prefix === 24 ? 64 : 128;
  return [
    `addr add ${v4}.${number}/${prefix} dev ${device}`,
    `addr add ${v6}:${number}/${prefix6} dev ${device} nodad`,
  ];
}

/** Waits until `pid` has left our network namespace. */
async function ownNamespace(pid: number): Promise<void> {
  const ours = readlinkSync('/proc/self/ns/net');
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (readlinkSync(`/proc/${pid}/ns/net`) !== ours) return;
    await sleep(10);
  }
  throw new Error(`process ${pid} did not get a network namespace within 2 s`);
}
