// The SBC as a process of its own between phones and a PBX of this process, on real sockets of loopback: for what is done to it while
// it serves.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { developmentCertificates } from '../../../src/cli/pki/development-certificates.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { systemRandom } from '../../../src/core/random.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import type { SocketAddress } from '../../../src/core/socket-address.ts';
import { type EmbeddedPbx, startEmbeddedPbx } from '../../../src/embedded-pbx/embedded-pbx.ts';
import { freePort } from '../../support/free-ports.ts';
import { loopbackToml } from '../../support/loopback-toml.ts';
import { Phone } from '../../support/phone.ts';
import { check } from '../case.ts';

export interface LiveSiteOptions {
  readonly users: readonly string[];
  /** Calls that the PBX and the SBC have room for. */
  readonly calls: number;
  /** Keys of the [sbc] table, as TOML. */
  readonly sbc?: string;
  /** Further tables. */
  readonly more?: string;
}

const loopback = '127.0.0.1';
const serverName = 'sbc.pbx.test';
const domain = 'pbx.test';
const password = 'a-password-of-some-length-1';
const entry = z.looseObject({ event: z.string() });

/** A line of its log. */
export type LogEntry = z.infer<typeof entry>;

export class LiveSite {
  readonly edge: SocketAddress;
  readonly scheduler: SystemScheduler;
  readonly #folder: string;
  readonly #pbx: EmbeddedPbx;
  readonly #process: ChildProcess;
  readonly #admin: string;
  readonly #log: LogEntry[] = [];
  readonly #phones: Phone[] = [];
  #authorities: string;

  private constructor(
    parts: Pick<LiveSite, 'edge' | 'scheduler'> & {
      folder: string;
      pbx: EmbeddedPbx;
      admin: string;
      authority: string;
    },
  ) {
    this.edge = parts.edge;
    this.scheduler = parts.scheduler;
    this.#folder = parts.folder;
    this.#pbx = parts.pbx;
    this.#admin = parts.admin;
    this.#authorities = parts.authority;
    const main = join(import.meta.dirname, '../../../src/main.ts');
    this.#process = spawn(process.execPath, [main, 'run', '--no-supervisor', '--config', this.configFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    process.once('exit', () => this.#process.kill('SIGKILL'));
  }

  /** Resolves when the SBC says that it is ready. */
  static async start(options: LiveSiteOptions): Promise<LiveSite> {
    const scheduler = new SystemScheduler(systemClock, (thrown) => {
      throw thrown;
    });
    const pbx = await startEmbeddedPbx({
      address: { address: loopback, port: 0 },
      maxCalls: options.calls,
      scheduler,
      random: systemRandom,
      logger: silentLogger,
    });
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-live-'));
    const [edge, admin, inside] = [await freePort(), await freePort(), await freePort()];
    const authority = writeCertificate(folder);
    const ports = { edge, admin, inside, pbx: pbx.address.port };
    writeFileSync(join(folder, 'portcullis.toml'), configuration(options, ports), { mode: 0o600 });
    const site = new LiveSite({
      edge: { address: loopback, port: edge },
      scheduler,
      folder,
      pbx,
      admin: `http://${loopback}:${admin}`,
      authority,
    });
    site.#read();
    await site.logged('ready', 20_000);
    return site;
  }

  get configFile(): string {
    return join(this.#folder, 'portcullis.toml');
  }

  /** PEM of every authority that vouched for it so far. */
  get authorities(): string {
    return this.#authorities;
  }

  get serverName(): string {
    return serverName;
  }

  /** The process, for signals and for what it takes. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** A user's phone, registered. */
  async phone(name: string): Promise<Phone> {
    const phone = await Phone.start({
      name,
      domain,
      password,
      transport: 'tls',
      sbc: this.edge,
      trust: { ca: this.#authorities, serverName },
      scheduler: this.scheduler,
    });
    this.#phones.push(phone);
    const status = await phone.register();
    check(status === 200, `${name} is not registered: ${status}`);
    return phone;
  }

  /** Puts another certificate, of another authority, in the place of the old one, as an ACME client does. */
  renewCertificate(): void {
    this.#authorities += writeCertificate(this.#folder);
  }

  /** Puts the key of another certificate beside the one that is shown. The function that is returned puts the old one back. */
  exchangeKey(): () => void {
    const file = join(this.#folder, 'edge.key');
    const key = readFileSync(file);
    writeFileSync(file, makeCertificate().key);
    return () => writeFileSync(file, key);
  }

  editConfig(edit: (text: string) => string): void {
    const text = readFileSync(this.configFile, 'utf8');
    const edited = edit(text);
    check(edited !== text, 'the edit changes nothing');
    writeFileSync(this.configFile, edited);
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Resolves with the first line of this event, and with `text` in it, that is newer than `since` lines. */
  async logged(event: string, limit = 10_000, since = 0, text = ''): Promise<LogEntry> {
    const deadline = performance.now() + limit;
    for (;;) {
      const found = this.#log
        .slice(since)
        .find((line) => line.event === event && (text === '' || JSON.stringify(line).includes(text)));
      if (found !== undefined) return found;
      check(this.#process.exitCode === null || event === 'stopped', `it ended before "${event}": ${this.#said}`);
      check(performance.now() < deadline, `no "${event}" within ${limit} ms: ${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Lines so far. */
  get lines(): number {
    return this.#log.length;
  }

  count(event: string): number {
    return this.#log.filter((line) => line.event === event).length;
  }

  /** The status of /readyz; undefined when nobody answers. */
  async readiness(): Promise<number | undefined> {
    try {
      return (await fetch(`${this.#admin}/readyz`)).status;
    } catch {
      return undefined;
    }
  }

  /** Resolves with the exit code. */
  async ended(): Promise<number | null> {
    if (this.#process.exitCode !== null) return this.#process.exitCode;
    const ended: readonly unknown[] = await once(this.#process, 'exit');
    const [code] = ended;
    return typeof code === 'number' ? code : null;
  }

  /** Its call records. */
  records(): readonly Readonly<Record<string, unknown>>[] {
    const lines = readFileSync(join(this.#folder, 'var/cdr/cdr.ndjson'), 'utf8').trimEnd().split('\n');
    return lines.map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
  }

  async close(): Promise<void> {
    this.#process.kill('SIGKILL');
    for (const phone of this.#phones) phone.close();
    await this.#pbx.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #said(): string {
    return this.#log
      .slice(-10)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }

  #read(): void {
    const { stdout } = this.#process;
    check(stdout !== null, 'its output is not read');
    createInterface({ input: stdout }).on('line', (line) => {
      try {
        const read = entry.safeParse(JSON.parse(line));
        if (read.success) this.#log.push(read.data);
      } catch {
        // Not every line is one of the log: a crash prints what it likes.
        this.#log.push({ event: line });
      }
    });
  }
}

/** Returns the PEM of its authority. */
function makeCertificate(): ReturnType<typeof developmentCertificates> {
  return developmentCertificates({ dnsNames: [serverName], addresses: [loopback] }, systemClock.wall(), systemRandom);
}

function writeCertificate(folder: string): string {
  const made = makeCertificate();
  writeFileSync(join(folder, 'edge.crt'), made.certificate);
  writeFileSync(join(folder, 'edge.key'), made.key, { mode: 0o600 });
  return made.authority;
}

function configuration(
  { users, calls, sbc, more = '' }: LiveSiteOptions,
  { admin, ...ports }: Readonly<Record<'edge' | 'admin' | 'inside' | 'pbx', number>>,
): string {
  return loopbackToml({
    name: 'live',
    domain,
    ...ports,
    firstMediaPort: 22_000 + 2 * systemRandom.below(2_000),
    // Two ports for each call, RTCP beside them where it is not multiplexed, and as many again for those that have just ended.
    mediaPorts: 8 * calls + 200,
    passwords: users.map((user) => [user, password] as const),
    sbc,
    limits: `concurrent_calls = ${calls}\nsource_requests_per_second = 10000`,
    admin: `address = "${loopback}:${admin}"`,
    // How busy this machine is with other things is not what is tried.
    more: `[overload]\nloop_lag = "30s"\n${more}`,
  });
}
