// One program of a lab: started in its host's network namespace and, when it comes from a private tree, inside that tree;
// its output goes to a log file; it is stopped by its process group. Everything that waits has a time limit.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tree } from './install.ts';
import type { Host, Lab } from './lab.ts';
import { runCommand } from './run-command.ts';
import type { TreeName } from './trees.ts';

export interface PeerCommand {
  readonly name: string;
  readonly host: Host;
  /** The tree that the program comes from; undefined runs a program of the machine itself. */
  readonly tree?: TreeName | Tree | undefined;
  readonly argv: readonly string[];
  /** Cores to pin to, as taskset writes them ("0", "1-2"). */
  readonly cpus?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Working directory; default is the peer's directory in the lab. */
  readonly cwd?: string | undefined;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class PeerProcess {
  readonly name: string;
  readonly logPath: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #exit: Exit | undefined;

  private constructor(name: string, logPath: string, child: ChildProcess) {
    this.name = name;
    this.logPath = logPath;
    this.#child = child;
    this.exited = new Promise((resolve) => {
      const finish = (exit: Exit) => {
        this.#exit = exit;
        resolve(exit);
      };
      child.once('error', () => finish({ code: 127, signal: null }));
      child.once('exit', (code, signal) => finish({ code, signal }));
    });
  }

  static start(lab: Lab, command: PeerCommand): PeerProcess {
    const directory = lab.directory(command.name);
    const logPath = join(directory, 'log');
    const log = openSync(logPath, 'a');
    const argv = placed(lab, command, directory);
    const child = spawn(argv[0] ?? 'false', argv.slice(1), {
      stdio: ['ignore', log, log],
      detached: true, // a process group of its own, so that it stops with its children
      cwd: command.cwd ?? directory,
      env: { ...process.env, ...command.env },
    });
    closeSync(log);
    return new PeerProcess(command.name, logPath, child);
  }

  /** The program itself (every wrapper replaces itself by exec). */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  log(): string {
    return readFileSync(this.logPath, 'utf8');
  }

  /** Resolves with the first match in the log. Rejects at the limit, or when the program ends without it. */
  async waitForLog(pattern: RegExp, limitMs = 10_000): Promise<RegExpExecArray> {
    const match = await eventually(`${this.name} to log ${pattern}`, limitMs, () => {
      const found = pattern.exec(this.log());
      if (found !== null) return found;
      if (!this.isRunning) throw new Error(`${this.name} ended: ${this.log().slice(-1500)}`);
      return undefined;
    });
    return match;
  }

  /** Waits for the program to end by itself. */
  async finished(limitMs: number): Promise<Exit> {
    const controller = new AbortController();
    const limit = sleep(limitMs, undefined, { signal: controller.signal }).then(
      () => undefined,
      () => undefined,
    );
    const exit = await Promise.race([this.exited, limit]);
    controller.abort();
    if (exit === undefined) throw new Error(`${this.name} still runs after ${limitMs} ms`);
    return exit;
  }

  /** Asks the program to end, and after `graceMs` ends its whole process group. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 3_000): Promise<Exit> {
    if (this.isRunning) this.#child.kill(signal);
    const timer = setTimeout(() => this.#killGroup(), graceMs);
    const exit = await this.exited;
    clearTimeout(timer);
    this.#killGroup();
    return exit;
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // the group is gone: that was the aim
    }
  }
}

/** Runs a short command of a tree; the lab's files have the same paths inside. */
export function runInTree(lab: Lab, tree: TreeName, argv: readonly string[], timeoutMs = 20_000): Promise<string> {
  return runCommand(inTree(lab, tree, argv, lab.workDir), { timeoutMs });
}

/** Asks `probe` every 25 ms until it has an answer; rejects at the limit, naming what was awaited. */
export async function eventually<T>(
  what: string,
  limitMs: number,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() >= end) throw new Error(`waited ${limitMs} ms for ${what}`);
    await sleep(25);
  }
}

function placed(lab: Lab, command: PeerCommand, directory: string): string[] {
  const { host, tree, argv, cpus } = command;
  mkdirSync(directory, { recursive: true });
  return [
    ...(host.holder === undefined ? [] : ['nsenter', `--net=/proc/${host.holder}/ns/net`, '--']),
    ...(cpus === undefined ? [] : ['taskset', '-c', cpus]),
    ...(tree === undefined ? argv : inTree(lab, tree, argv, directory)),
  ];
}

// The mounts live in a mount namespace of the one program, so nothing has to be taken down.
const MOUNT_AND_RUN = `set -e
root=$1 work=$2 cwd=$3; shift 3
mount --bind /dev "$root/dev"
mount --bind /proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root$work"
mount --bind "$work" "$root$work"
exec unshare --root="$root" --wd="$cwd" -- "$@"`;

function inTree(lab: Lab, tree: TreeName | Tree, argv: readonly string[], cwd: string): string[] {
  const root = typeof tree === 'string' ? lab.peers.roots[tree] : tree.root;
  return ['unshare', '--mount', 'sh', '-c', MOUNT_AND_RUN, 'sh', root, lab.workDir, cwd, ...argv];
}
