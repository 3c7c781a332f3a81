// A whole SBC on loopback for attacks: TLS and UDP listeners outside, a PBX inside, phones, its logs, and its metrics as the
// operator reads them. The SBC stands on 127.0.0.1, the PBX on 127.0.0.3; whoever speaks from 127.0.0.2 is a stranger.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { developmentCertificates } from '../../src/cli/pki/development-certificates.ts';
import { type RunningSbc, startSbc } from '../../src/compose.ts';
import { formatConfigError, readConfig } from '../../src/config/load.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemRandom, token } from '../../src/core/random.ts';
import { SystemScheduler } from '../../src/core/scheduler.ts';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { type EmbeddedPbx, startEmbeddedPbx } from '../../src/embedded-pbx/embedded-pbx.ts';
import { createLogger } from '../../src/observe/log.ts';
import type { SipMessage } from '../../src/sip/message/message.ts';
import { openState } from '../../src/store/sqlite/state.ts';
import { Phone } from './phone.ts';
import { RawDatagrams, RawStream } from './raw-peer.ts';

export const domain = 'pbx.test';
const serverName = 'sbc.pbx.test';
export const stranger = '127.0.0.2';
export const pbxAddress = '127.0.0.3';

/** One message that a phone or the PBX saw. */
export interface Seen {
  readonly direction: 'in' | 'out';
  readonly message: SipMessage;
}

export interface SiteOptions {
  /** `scripted`: a socket that the test speaks for. */
  readonly pbx?: 'embedded' | 'scripted';
  /** More tables, and more lines for the PBX. */
  readonly extra?: string;
  readonly pbxLines?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Each call takes four, and none again within ten seconds. */
  readonly mediaPorts?: number;
  readonly requestsPerSecond?: number;
  /** Which lines of the log are kept; all when absent. */
  readonly keepLog?: (line: string) => boolean;
  /** The table of bans; off when absent, since most attacks go on for longer than anybody would let them. */
  readonly bans?: string;
}

const mostMediaPorts = 400;

export class AttackSite {
  readonly scheduler = new SystemScheduler(systemClock, (thrown) => this.faults.push(thrown));
  readonly faults: unknown[] = [];
  readonly passwords = {
    alice: token(systemRandom, 12),
    bob: token(systemRandom, 12),
    locked: token(systemRandom, 12),
  };
  readonly seenByPbx: Seen[] = [];
  /** What the SBC logged, at level debug. */
  readonly log: string[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'portcullis-attack-'));
  readonly #firstMediaPort = 20_000 + mostMediaPorts * systemRandom.below(29);
  readonly #mediaPorts: number;
  readonly #closing: (() => Promise<void> | void)[] = [];
  #sbc: RunningSbc | undefined;
  #pbx: EmbeddedPbx | undefined;
  #scripted: RawDatagrams | undefined;
  #authority = '';

  private constructor({ mediaPorts = 40 }: SiteOptions) {
    this.#mediaPorts = mediaPorts;
  }

  static async start(options: SiteOptions = {}): Promise<AttackSite> {
    const site = new AttackSite(options);
    await site.#start(options);
    return site;
  }

  get mediaPorts(): readonly number[] {
    return Array.from({ length: this.#mediaPorts }, (_, index) => this.#firstMediaPort + index);
  }

  get tls(): SocketAddress {
    return this.listening('phones');
  }

  /** Plain SIP and RTP for phones. */
  get udp(): SocketAddress {
    return this.listening('udp-phones');
  }

  /** Where the PBX speaks to. */
  get inside(): SocketAddress {
    return this.listening('to-pbx');
  }

  get pbx(): EmbeddedPbx {
    if (this.#pbx === undefined) throw new Error('the PBX of this site is scripted');
    return this.#pbx;
  }

  get scripted(): RawDatagrams {
    if (this.#scripted === undefined) throw new Error('the PBX of this site is embedded');
    return this.#scripted;
  }

  async phone(
    name: keyof AttackSite['passwords'],
    transport: 'tls' | 'udp' = 'tls',
    watch: Seen[] = [],
  ): Promise<Phone> {
    const phone = await Phone.start({
      name,
      domain,
      password: this.passwords[name],
      transport,
      sbc: transport === 'tls' ? this.tls : this.udp,
      ...(transport === 'tls' ? { trust: { ca: this.#authority, serverName } } : {}),
      scheduler: this.scheduler,
      watch: (direction, message) => watch.push({ direction, message }),
    });
    this.#closing.push(() => phone.close());
    return phone;
  }

  async datagrams(address = stranger): Promise<RawDatagrams> {
    const peer = await RawDatagrams.open(address);
    this.#closing.push(() => peer.close());
    return peer;
  }

  async stream(address = stranger): Promise<RawStream> {
    const peer = await RawStream.open(this.tls, { ca: this.#authority, serverName, localAddress: address });
    this.#closing.push(() => peer.close());
    return peer;
  }

  /** The sum over all labels of one metric, or of the samples whose labels contain `label`. */
  async metric(name: string, label = ''): Promise<number> {
    const text = await this.#metrics();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || (line.startsWith(`${name}{`) && line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Stops the SBC before the test is over, so that everything is written. */
  async stop(): Promise<void> {
    await this.#sbc?.stop();
  }

  async close(): Promise<void> {
    for (const close of this.#closing.toReversed()) await close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #start(options: SiteOptions): Promise<void> {
    const { certificate, key, authority } = developmentCertificates(
      { dnsNames: [serverName], addresses: ['127.0.0.1'] },
      systemClock.wall(),
      systemRandom,
    );
    this.#authority = authority;
    writeFileSync(join(this.folder, 'edge.crt'), certificate);
    writeFileSync(join(this.folder, 'edge.key'), key, { mode: 0o600 });
    await this.#addLockedUser();
    const pbx = await this.#startPbx(options);
    const configFile = join(this.folder, 'portcullis.toml');
    const source = configuration(this, pbx, options);
    writeFileSync(configFile, source, { mode: 0o600 });
    const config = readConfig(source, configFile);
    if (!config.ok) throw new Error(config.error.map(formatConfigError).join('\n'));
    const { keepLog = () => true } = options;
    const write = (line: string): void => {
      if (keepLog(line)) this.log.push(line);
    };
    const logger = createLogger('attacked', 'debug', { write });
    const environment = options.environment ?? {};
    const sbc = await startSbc({ configFile, config: config.value, logger, environment });
    this.#sbc = sbc;
    this.#closing.push(() => sbc.stop());
  }

  async #startPbx({ pbx = 'embedded' }: SiteOptions): Promise<SocketAddress> {
    if (pbx === 'scripted') {
      this.#scripted = await this.datagrams(pbxAddress);
      return this.#scripted.local;
    }
    const embedded = await startEmbeddedPbx({
      address: { address: pbxAddress, port: 0 },
      watch: (direction, message) => this.seenByPbx.push({ direction, message }),
      scheduler: this.scheduler,
      random: systemRandom,
      logger: silentLogger,
    });
    this.#pbx = embedded;
    this.#closing.push(() => embedded.close());
    return embedded.address;
  }

  async #addLockedUser(): Promise<void> {
    const state = openState(join(this.folder, 'var'), { clock: systemClock, random: systemRandom });
    const secret = { kind: 'password', password: this.passwords.locked } as const;
    const user = { name: 'locked', domain, realm: domain, secret, limits: {} };
    await state.users.add(user);
    await state.users.setLocked('locked', domain, true);
    state.close();
  }

  /** Where a listener, such as one of `extra`, is bound. */
  listening(name: string): SocketAddress {
    const found = this.#sbc?.listening.find((one) => one.name === name);
    if (found === undefined) throw new Error(`nothing listens as ${name}`);
    return found.address;
  }

  #metrics(): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: join(this.folder, 'var/admin.sock'), path: '/metrics' }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      });
      asked.on('error', reject);
      asked.end();
    });
  }
}

function configuration(
  { mediaPorts, passwords }: AttackSite,
  pbx: SocketAddress,
  { extra = '', pbxLines = '', requestsPerSecond = 100_000, bans = '[bans]\nenabled = false' }: SiteOptions,
): string {
  const network = (name: string, encryption: string): string => `
[[network]]
name = "${name}"
media = [{ address = "127.0.0.1" }]
encryption = "${encryption}"
allow_loopback_media = true`;
  const listener = (name: string, transport: string, on: string): string => `
[[listener]]
name = "${name}"
network = "${on}"
transport = "${transport}"
address = "127.0.0.1:0"`;
  return `
[sbc]
name = "attacked"
[[domain]]
name = "${domain}"
${network('outside', 'required')}
${network('plain', 'off')}
${network('inside', 'off')}
${listener('phones', 'tls', 'outside')}
certificate = "edge.crt"
key = "edge.key"
${listener('udp-phones', 'udp', 'plain')}
${listener('to-pbx', 'udp', 'inside')}
[[pbx]]
name = "main"
listener = "to-pbx"
uri = "sip:${pbx.address}:${pbx.port}"
accept_from = ["${pbxAddress}"]
${pbxLines}
[media]
ports = "${mediaPorts[0]}-${mediaPorts.at(-1)}"
workers = 1
[limits]
source_requests_per_second = ${requestsPerSecond}
# A machine that has much else to do is not an attack: the SBC turns no call away for it.
[overload]
loop_lag = "60s"
[log]
level = "debug"
[[user]]
name = "alice"
password = "${passwords.alice}"
[[user]]
name = "bob"
password = "${passwords.bob}"
[admin]
socket = "var/admin.sock"
${bans}
${extra}
`;
}
