// Child processes of the checks and tests: run on this same Node, in the checkout, and ended when we are.
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

export interface Ended {
  readonly code: number;
  /** stdout and stderr as they came, when the child was run quietly; else empty. */
  readonly output: string;
}

interface RunOptions {
  readonly quiet: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMillis?: number;
}

const running = new Set<ChildProcess>();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(128 + constants.signals[signal]);
  });
}

/** Runs `node args` to its end. A time-out kills it and gives code 124. */
export function runNode(args: readonly string[], options: RunOptions): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: options.quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
  });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  let timedOut = false;
  const timer =
    options.timeoutMillis === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          child.kill('SIGKILL');
        }, options.timeoutMillis);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      const ending = timedOut ? 124 : (code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      resolve({ code: ending, output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}
