// A Redis of a test's own: on a free port of loopback, in memory only, in a folder of its own, ended by its process id. Under CI a machine
// without redis-server fails; elsewhere what needs it is skipped, and says so.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const program = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'redis-server'))
  .find(isExecutable);

/** Why tests with Redis cannot run here; undefined where they can. Throws under CI, where they must. */
export function redisIsMissing(): string | undefined {
  if (program !== undefined) return undefined;
  const reason = 'no redis-server on this machine: apt-get install redis-server';
  if (process.env['CI'] !== undefined) throw new Error(reason);
  console.warn(reason);
  return reason;
}

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #more: readonly string[];
  readonly #file: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, more: readonly string[], file: string | undefined) {
    this.port = port;
    this.#folder = folder;
    this.#more = more;
    this.#file = file === undefined ? [] : [file];
  }

  /** `more`: options of redis-server; `file`: its configuration. */
  static async start(more: readonly string[] = [], file?: string): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'portcullis-redis-')), more, file);
    await server.begin();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it (again) on the same port, empty. */
  async begin(): Promise<void> {
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder];
    const quiet = ['--save', '', '--appendonly', 'no', '--daemonize', 'no', '--loglevel', 'warning'];
    const isSentinel = this.#more.includes('--sentinel');
    const started = spawn(
      program ?? 'redis-server',
      [...this.#file, ...own, ...(isSentinel ? [] : quiet), ...this.#more],
      { stdio: 'ignore' },
    );
    this.#process = started;
    const kill = (): void => void started.kill('SIGKILL');
    process.once('exit', kill);
    started.once('exit', () => process.off('exit', kill));
    const deadline = performance.now() + 10_000;
    while (!(await answers(this.port))) {
      if (performance.now() > deadline || started.exitCode !== null) throw new Error('redis-server did not start');
      await sleep(20);
    }
  }

  /** It stops answering, and its connections stay. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** It is gone, with all that it held. */
  async end(): Promise<void> {
    const ended = this.#process;
    this.#process = undefined;
    if (ended === undefined || ended.exitCode !== null) return;
    const exited = once(ended, 'exit');
    ended.kill('SIGKILL');
    await exited;
  }

  async close(): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    // Not yet: it is asked again.
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // It is not there.
    return false;
  }
}
