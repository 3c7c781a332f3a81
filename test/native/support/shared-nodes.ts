// Nodes of a site in processes of their own, over one real Redis; their PBX and phones are in this process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { AdminClient } from '../../../src/admin/admin-client.ts';
import { developmentCertificates } from '../../../src/cli/pki/development-certificates.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { systemRandom } from '../../../src/core/random.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import { type EmbeddedPbx, startEmbeddedPbx } from '../../../src/embedded-pbx/embedded-pbx.ts';
import { freePort, mediaRange } from '../../support/free-ports.ts';
import { loopbackToml } from '../../support/loopback-toml.ts';
import { Phone } from '../../support/phone.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { diesAtVariable, mortality, type StepOfSuccessor } from './mortal-successor.ts';

const loopback = '127.0.0.1';
/** Of a node. The same number behind them is kept free, for a second node. */
const mediaPorts = 200;
const server = 'sbc.pbx.test';
const domain = 'pbx.test';
const password = 'a-password-of-some-length-1';
const siteKey = `k1:${Buffer.alloc(32, 5).toString('base64')}`;

export interface NodeOptions {
  readonly node: string;
  /** More of `[store]`. */
  readonly store?: string;
  readonly limits?: string;
  /** More of `[sbc]`. */
  readonly sbc?: string;
  /** More of `[media]`. */
  readonly media?: string;
  /** More of `[admin]`. */
  readonly admin?: string;
  /** More tables. */
  readonly more?: string;
}

export interface NodeStart {
  readonly standsBy?: boolean;
  readonly isSupervised?: boolean;
  /** Its successors die where `diesAt` says. */
  readonly isMortal?: boolean;
}

export interface NodePorts {
  readonly edge: number;
  readonly inside: number;
  /** The first of them. */
  readonly media: number;
}

type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

export class SharedNodes {
  readonly redis: RedisServer;
  readonly pbx: EmbeddedPbx;
  readonly #folder: string;
  readonly #scheduler: SystemScheduler;
  readonly #authority: string;
  readonly #started: NodeProcess[] = [];
  readonly #phones: Phone[] = [];

  private constructor(made: {
    readonly redis: RedisServer;
    readonly pbx: EmbeddedPbx;
    readonly folder: string;
    readonly scheduler: SystemScheduler;
    readonly authority: string;
  }) {
    this.redis = made.redis;
    this.pbx = made.pbx;
    this.#folder = made.folder;
    this.#scheduler = made.scheduler;
    this.#authority = made.authority;
  }

  static async open(): Promise<SharedNodes> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-nodes-'));
    const scheduler = new SystemScheduler(systemClock, (thrown) => {
      throw thrown;
    });
    const pbx = await startEmbeddedPbx({
      address: { address: loopback, port: 0 },
      scheduler,
      random: systemRandom,
      logger: silentLogger,
    });
    const names = { dnsNames: [server], addresses: [loopback] };
    const { authority, certificate, key } = developmentCertificates(names, systemClock.wall(), systemRandom);
    writeFileSync(join(folder, 'edge.crt'), certificate);
    writeFileSync(join(folder, 'edge.key'), key, { mode: 0o600 });
    return new SharedNodes({ redis: await RedisServer.start(), pbx, folder, scheduler, authority });
  }

  static async ports(): Promise<NodePorts> {
    return { edge: await freePort(), inside: await freePort(), media: mediaRange(2 * mediaPorts) };
  }

  /** Starts a process; resolves when it says `event`. Two of the same ports are a pair. */
  async start(
    options: NodeOptions,
    ports: NodePorts,
    { standsBy = false, isSupervised = false, isMortal = false }: NodeStart = {},
  ): Promise<NodeProcess> {
    const folder = join(this.#folder, `process-${this.#started.length}`);
    mkdirSync(folder);
    const file = join(folder, 'portcullis.toml');
    writeFileSync(file, configuration(options, ports, this.redis.port, this.pbx.address.port), { mode: 0o600 });
    const args = [...(isSupervised ? [] : ['--no-supervisor']), ...(standsBy ? ['--standby'] : [])];
    const started = new NodeProcess(folder, file, args, isMortal);
    this.#started.push(started);
    await started.until(standsBy ? 'standing-by' : 'ready');
    return started;
  }

  /** Over TLS at `edge`, or over UDP at that port, with plain RTP. */
  async phone(name: string, { edge }: Pick<NodePorts, 'edge'>, transport: 'tls' | 'udp' = 'tls'): Promise<Phone> {
    const phone = await Phone.start({
      name,
      domain,
      password,
      transport,
      sbc: { address: loopback, port: edge },
      ...(transport === 'udp' ? {} : { trust: { ca: this.#authority, serverName: server } }),
      scheduler: this.#scheduler,
    });
    this.#phones.push(phone);
    return phone;
  }

  /** A file beside the folders of the processes: `../NAME` of each. */
  write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text, { mode: 0o600 });
  }

  said(): string {
    return this.#started.map((one, at) => `--- process ${at}\n${one.said()}`).join('\n');
  }

  async close(): Promise<void> {
    for (const one of this.#started) await one.stop();
    await this.pbx.close();
    for (const phone of this.#phones) phone.close();
    await this.redis.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export class NodeProcess {
  readonly log: LogLine[] = [];
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #waiting = new Set<() => void>();

  constructor(folder: string, file: string, args: readonly string[], isMortal: boolean) {
    this.#folder = folder;
    const main = join(import.meta.dirname, '../../../src/main.ts');
    const child = spawn(process.execPath, [...(isMortal ? mortality : []), main, 'run', '--config', file, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, SITE_KEY: siteKey, [diesAtVariable]: this.#diesAt },
    });
    this.#process = child;
    this.#exited = once(child, 'exit');
    process.once('exit', () => child.kill('SIGKILL'));
    createInterface({ input: child.stdout }).on('line', (line) => this.#logged(line));
  }

  /** Of its configuration. */
  get file(): string {
    return join(this.#folder, 'portcullis.toml');
  }

  get stateDirectory(): string {
    return join(this.#folder, 'var');
  }

  get admin(): AdminClient {
    return this.adminOf(1);
  }

  /** Of one of several processes, from 1 on. */
  adminOf(process: number): AdminClient {
    return new AdminClient(join(this.#folder, process === 1 ? 'var/admin.sock' : `var/admin-${process}.sock`));
  }

  get #diesAt(): string {
    return join(this.#folder, 'dies-at');
  }

  /** At which step its next successors die; undefined: at none. */
  set diesAt(step: StepOfSuccessor | undefined) {
    if (step === undefined) rmSync(this.#diesAt, { force: true });
    else writeFileSync(this.#diesAt, step);
  }

  upgrade(): void {
    this.#process.kill('SIGUSR2');
  }

  /** The first line of that event; rejects after a minute, which a start may take on a machine that does much else. */
  async until(event: string, from = 0): Promise<LogLine> {
    const end = performance.now() + 60_000;
    for (;;) {
      const found = this.log.slice(from).find((line) => line.event === event);
      if (found !== undefined) return found;
      if (performance.now() >= end) throw new Error(`"${event}" did not come`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** Its exit code after SIGTERM, or by itself. */
  async stop(): Promise<number | null> {
    this.#process.kill('SIGTERM');
    return this.ended();
  }

  async ended(): Promise<number | null> {
    await this.#exited;
    return this.#process.exitCode;
  }

  /** Call records, parsed. */
  records(state = 'var'): readonly Readonly<Record<string, unknown>>[] {
    const text = readFileSync(join(this.#folder, state, 'cdr/cdr.ndjson'), 'utf8').trimEnd();
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
  }

  errors(): readonly string[] {
    return this.log.filter(({ level }) => level === 'error').map(({ event }) => event);
  }

  said(): string {
    return this.log.map((line) => JSON.stringify(line)).join('\n');
  }

  #logged(line: string): void {
    const parsed: unknown = JSON.parse(line);
    if (!isLogLine(parsed)) throw new Error(`no line of a log: ${line}`);
    this.log.push(parsed);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function isLogLine(value: unknown): value is LogLine {
  return typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string';
}

function configuration(
  { node, store = '', limits, sbc, media, admin, more = '' }: NodeOptions,
  { edge, inside, media: firstMediaPort }: NodePorts,
  redis: number,
  pbx: number,
): string {
  const passwords = ['alice', 'bob', 'carol'].map((user) => [user, password] as const);
  const shared = `[store]\nurl = "redis://${loopback}:${redis}"\nkey_env = "SITE_KEY"\n${store}`;
  return loopbackToml({
    name: node,
    domain,
    edge,
    inside,
    pbx,
    firstMediaPort,
    mediaPorts,
    passwords,
    certificates: '..',
    limits,
    sbc,
    media,
    admin,
    more: `${shared}\n${more}`,
  });
}
