// A whole SBC with its PBX on loopback, and phones of the project's own: for the demo and for tests on real sockets.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { developmentCertificates } from '../../src/cli/pki/development-certificates.ts';
import { type RunningSbc, startSbc } from '../../src/compose.ts';
import { formatConfigError, readConfig } from '../../src/config/load.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemRandom, token } from '../../src/core/random.ts';
import { type Scheduler, SystemScheduler } from '../../src/core/scheduler.ts';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { type EmbeddedPbx, startEmbeddedPbx } from '../../src/embedded-pbx/embedded-pbx.ts';
import { createLogger } from '../../src/observe/log.ts';
import type { SipMessage } from '../../src/sip/message/message.ts';
import { mediaRange } from './free-ports.ts';
import { loopbackToml } from './loopback-toml.ts';
import { Phone } from './phone.ts';

export type Watch = (direction: 'in' | 'out', message: SipMessage) => void;

export interface LoopbackOptions {
  readonly users: readonly string[];
  /** Looks on at the PBX. */
  readonly watchPbx?: Watch;
  /** Keys of the [limits] table. */
  readonly limits?: string;
  /** Keys and tables below [admin]. */
  readonly admin?: string;
  readonly onDefect?: (thrown: unknown) => void;
}

const domain = 'pbx.test';
const server = 'sbc.pbx.test';
const mediaPorts = 200;

export class LoopbackSite {
  readonly scheduler: Scheduler;
  readonly sbc: RunningSbc;
  readonly pbx: EmbeddedPbx;
  readonly #folder: string;
  readonly #authority: string;
  readonly #passwords: ReadonlyMap<string, string>;
  readonly #phones: Phone[] = [];

  private constructor(
    scheduler: Scheduler,
    sbc: RunningSbc,
    pbx: EmbeddedPbx,
    folder: string,
    authority: string,
    passwords: ReadonlyMap<string, string>,
  ) {
    this.scheduler = scheduler;
    this.sbc = sbc;
    this.pbx = pbx;
    this.#folder = folder;
    this.#authority = authority;
    this.#passwords = passwords;
  }

  /** Everything that it needs stands in a folder of its own, which `close` removes. */
  static async start(options: LoopbackOptions): Promise<LoopbackSite> {
    const { users, watchPbx: watch, limits = '', admin = '', onDefect = () => {} } = options;
    const scheduler = new SystemScheduler(systemClock, onDefect);
    const pbx = await startEmbeddedPbx({
      address: { address: '127.0.0.1', port: 0 },
      scheduler,
      random: systemRandom,
      logger: silentLogger,
      watch,
    });
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    const names = { dnsNames: [server], addresses: ['127.0.0.1'] };
    const { authority, certificate, key } = developmentCertificates(names, systemClock.wall(), systemRandom);
    writeFileSync(join(folder, 'edge.crt'), certificate);
    writeFileSync(join(folder, 'edge.key'), key, { mode: 0o600 });
    const passwords = new Map(users.map((user) => [user, token(systemRandom, 12)]));
    const configFile = join(folder, 'portcullis.toml');
    const source = loopbackToml({
      name: 'loopback',
      domain,
      edge: 0,
      inside: 0,
      pbx: pbx.address.port,
      firstMediaPort: mediaRange(mediaPorts),
      mediaPorts,
      passwords,
      limits,
      admin,
      // A machine that has much else to do is no reason to turn a call away.
      more: '[overload]\nloop_lag = "60s"',
    });
    writeFileSync(configFile, source, { mode: 0o600 });
    const config = readConfig(source, configFile);
    if (!config.ok) throw new Error(config.error.map(formatConfigError).join('\n'));
    const sbc = await startSbc({ configFile, config: config.value, logger: createLogger('loopback', 'silent') });
    return new LoopbackSite(scheduler, sbc, pbx, folder, authority, passwords);
  }

  /** Where phones reach the SBC, over TLS. */
  get edge(): SocketAddress {
    const edge = this.sbc.listening.find(({ name }) => name === 'phones')?.address;
    if (edge === undefined) throw new Error('the SBC listens nowhere');
    return edge;
  }

  /** Where operators ask it. */
  get adminSocket(): string {
    return join(this.#folder, 'var/admin.sock');
  }

  /** Where it keeps what outlives it. */
  get stateDirectory(): string {
    return join(this.#folder, 'var');
  }

  /** A phone of one of the users; `password` to get it wrong. */
  async phone(name: string, watch: Watch = () => {}, password = this.#passwords.get(name) ?? ''): Promise<Phone> {
    const phone = await Phone.start({
      name,
      domain,
      password,
      transport: 'tls',
      sbc: this.edge,
      trust: { ca: this.#authority, serverName: server },
      scheduler: this.scheduler,
      watch,
    });
    this.#phones.push(phone);
    return phone;
  }

  /** The call records so far, one JSON object a line; complete once the SBC has stopped. */
  records(): readonly string[] {
    return readFileSync(join(this.#folder, 'var/cdr/cdr.ndjson'), 'utf8').trimEnd().split('\n');
  }

  /** Stops the SBC and everybody around it. The records stay until `remove`. */
  async close(): Promise<void> {
    await this.sbc.stop();
    await this.pbx.close();
    for (const phone of this.#phones) phone.close();
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
