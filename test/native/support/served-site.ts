// An SBC under its supervisor in processes of its own, its PBX and phones in this one: for tests of what outlives a process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AdminClient } from '../../../src/admin/admin-client.ts';
import type { StatusAnswer } from '../../../src/admin/admin-client-answers.ts';
import { developmentCertificates } from '../../../src/cli/pki/development-certificates.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { systemRandom } from '../../../src/core/random.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import { type EmbeddedPbx, startEmbeddedPbx } from '../../../src/embedded-pbx/embedded-pbx.ts';
import { freePort, mediaRange } from '../../support/free-ports.ts';
import { loopbackToml } from '../../support/loopback-toml.ts';
import { Phone } from '../../support/phone.ts';

export const loopback = '127.0.0.1';
const server = 'sbc.pbx.test';
const domain = 'pbx.test';
export const password = 'a-password-of-some-length-1';

export interface ServedOptions {
  readonly users: readonly string[];
  /** Keys of `[limits]`, and of `[media]` beside its ports and workers. */
  readonly limits?: string;
  /** Keys of `[sbc]` beside its name. */
  readonly sbc?: string;
  readonly media?: string;
  /** Keys of `[admin]` beside its socket, and tables after it. */
  readonly admin?: string;
  readonly mediaPorts?: number;
  /** More tables. */
  readonly more?: string;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Of Node. */
  readonly nodeArgs?: readonly string[];
  /** The program: the sources, unless said otherwise. */
  readonly program?: string;
  readonly isAlone?: boolean;
}

/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

export class ServedSite {
  readonly folder: string;
  readonly configFile: string;
  readonly scheduler: SystemScheduler;
  readonly log: LogLine[] = [];
  readonly #options: ServedOptions;
  readonly #pbx: EmbeddedPbx;
  readonly #authority: string;
  readonly #edge: number;
  readonly #phones: Phone[] = [];
  readonly #waiting = new Set<() => void>();
  #process: ChildProcess | undefined;

  private constructor(
    options: ServedOptions,
    made: { folder: string; scheduler: SystemScheduler; pbx: EmbeddedPbx; authority: string; edge: number },
  ) {
    this.#options = options;
    this.folder = made.folder;
    this.configFile = join(made.folder, 'portcullis.toml');
    this.scheduler = made.scheduler;
    this.#pbx = made.pbx;
    this.#authority = made.authority;
    this.#edge = made.edge;
  }

  static async start(options: ServedOptions): Promise<ServedSite> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-served-'));
    const scheduler = new SystemScheduler(systemClock, (thrown) => {
      throw thrown;
    });
    const pbx = await startEmbeddedPbx({
      address: { address: loopback, port: 0 },
      maxCalls: 1_000,
      scheduler,
      random: systemRandom,
      logger: silentLogger,
    });
    const names = { dnsNames: [server], addresses: [loopback] };
    const { authority, certificate, key } = developmentCertificates(names, systemClock.wall(), systemRandom);
    writeFileSync(join(folder, 'edge.crt'), certificate);
    writeFileSync(join(folder, 'edge.key'), key, { mode: 0o600 });
    const [edge, inside] = [await freePort(), await freePort()];
    const site = new ServedSite(options, { folder, scheduler, pbx, authority, edge });
    writeFileSync(site.configFile, configuration(options, { edge, inside, pbx: pbx.address.port }), { mode: 0o600 });
    await site.run();
    return site;
  }

  /** Starts the program and resolves when it serves. */
  async run(): Promise<void> {
    const { program = join(import.meta.dirname, '../../../src/main.ts'), args = [], environment = {} } = this.#options;
    const alone = this.#options.isAlone === true ? ['--no-supervisor'] : [];
    const { nodeArgs = [] } = this.#options;
    const command = [...nodeArgs, program, 'run', '--config', this.configFile, ...alone, ...args];
    const child = spawn(process.execPath, command, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    });
    this.#process = child;
    process.once('exit', () => child.kill('SIGKILL'));
    createInterface({ input: child.stdout }).on('line', (line) => this.#logged(line));
    await this.until('ready', this.log.length);
  }

  /** The process that was started, which signals are for. */
  get process(): ChildProcess {
    if (this.#process === undefined) throw new Error('it was not started');
    return this.#process;
  }

  /** The first line of that event, from `from` on; rejects after a minute, which a start may take on a machine that does much else. */
  async until(event: string, from = 0): Promise<LogLine> {
    const end = performance.now() + 60_000;
    for (;;) {
      const found = this.log.slice(from).find((line) => line.event === event);
      if (found !== undefined) return found;
      if (performance.now() >= end) throw new Error(`"${event}" did not come: ${this.said()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  said(): string {
    return this.log.map((line) => JSON.stringify(line)).join('\n');
  }

  errors(): readonly string[] {
    return this.log.filter(({ level }) => level === 'error').map(({ event }) => event);
  }

  get admin(): AdminClient {
    return new AdminClient(join(this.folder, 'var/admin.sock'));
  }

  async status(): Promise<StatusAnswer> {
    const answer = await this.admin.status();
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.value;
  }

  /** Waits until that many calls are told of by the admin interface; sees the number otherwise. */
  async activeCalls(): Promise<number> {
    return (await this.status()).activeCalls;
  }

  async phone(name: string): Promise<Phone> {
    const phone = await Phone.start({
      name,
      domain,
      password,
      transport: 'tls',
      sbc: { address: loopback, port: this.#edge },
      trust: { ca: this.#authority, serverName: server },
      scheduler: this.scheduler,
    });
    this.#phones.push(phone);
    return phone;
  }

  /** Call records, parsed. */
  records(): readonly Readonly<Record<string, unknown>>[] {
    const folder = join(this.folder, 'var/cdr');
    if (!existsSync(folder)) return [];
    const files = readdirSync(folder).filter((name) => name.endsWith('.ndjson'));
    return files.flatMap((name) =>
      readFileSync(join(folder, name), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map(recordIn),
    );
  }

  /** An orderly end of the SBC. */
  async stop(): Promise<number | null> {
    const child = this.process;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    return child.exitCode;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#pbx.close();
    for (const phone of this.#phones) phone.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #logged(line: string): void {
    const parsed: unknown = JSON.parse(line);
    if (!isLogLine(parsed)) throw new Error(`no line of a log: ${line}`);
    this.log.push(parsed);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function recordIn(line: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`no record: ${line}`);
  return Object.fromEntries(Object.entries(parsed));
}

function isLogLine(value: unknown): value is LogLine {
  return typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string';
}

function configuration(
  { users, limits, sbc, media, admin, more, mediaPorts = 200 }: ServedOptions,
  ports: { readonly edge: number; readonly inside: number; readonly pbx: number },
): string {
  const passwords = users.map((user) => [user, password] as const);
  const firstMediaPort = mediaRange(mediaPorts);
  return loopbackToml({
    name: 'served',
    domain,
    ...ports,
    firstMediaPort,
    mediaPorts,
    passwords,
    sbc,
    media,
    limits,
    admin,
    more,
  });
}
