// The SBC under test as a process of a lab: its configuration, its start until /readyz, its metrics, its end by SIGTERM.
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { serviceFlags } from '../../../scripts/launch/service-flags.js';
import { formatSocketAddress } from '../../../src/core/socket-address.ts';
import type { CertificateAuthority } from './certificates.ts';
import type { Host, Lab } from './lab.ts';
import { eventually, PeerProcess } from './peer-process.ts';
import { runCommand } from './run-command.ts';

export const PORTCULLIS_TLS_PORT = 5061;
export const PORTCULLIS_UDP_PORT = 5060;
const ADMIN_PORT = 8080;
/** Much longer than it takes, for a machine that is busy. */
const START_LIMIT_MS = 45_000;
const DRAIN_LIMIT_MS = 15_000;

export interface PortcullisOptions {
  readonly host: Host;
  readonly authority: CertificateAuthority;
  readonly domain: string;
  /** Address of the PBX, which alone may speak inside. */
  readonly pbx: { readonly address: string; readonly port: number };
  /** User → password. */
  readonly users: Readonly<Record<string, string>>;
  /** What a challenge offers. baresip 1.0 needs MD5 alone. */
  readonly algorithms?: readonly string[] | undefined;
  /** Keys of [limits], as TOML values: `{ concurrent_calls: 2, max_call_duration: '"3s"' }`. */
  readonly limits?: Readonly<Record<string, string | number>> | undefined;
  readonly key?: 'rsa' | 'ec' | undefined;
  readonly driver?: 'auto' | 'io_uring' | 'epoll' | 'dgram' | undefined;
  readonly workers?: number | undefined;
  /** Where SRTP keys come from outside. */
  readonly keying?: readonly ('sdes' | 'dtls')[] | undefined;
  /** Phones reach it over IPv6 alone. */
  readonly ipv6?: boolean | undefined;
  /** Who knows where phones are; default is the SBC alone. */
  readonly registrations?: 'local' | 'forward' | undefined;
  /** Routes before the usual ones, as TOML. */
  readonly routes?: string | undefined;
  /** Of SRTP by SDES outside, in order of preference; default is the SBC's own. */
  readonly suites?: readonly string[] | undefined;
  readonly encryption?: 'required' | 'opportunistic' | undefined;
  /** False: the outside is for audio alone. */
  readonly video?: boolean | undefined;
  /** Private media addresses outside are sent to before they latched, as public ones are. */
  readonly trustsMediaAddresses?: boolean | undefined;
  /** User → where the keys of its media come from, where that is not what the network says. */
  readonly userKeying?: Readonly<Record<string, readonly ('sdes' | 'dtls')[]>> | undefined;
  /** Processes that serve side by side under a supervisor (`[store] url` is in `more`); default is one, without. */
  readonly processes?: number | undefined;
  /** Further TOML, appended. */
  readonly more?: string | undefined;
  readonly cpus?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Another build than that of this checkout: the path of its `main.js`. */
  readonly program?: string | undefined;
  /** What V8 is told beside what the service tells it. */
  readonly nodeFlags?: readonly string[] | undefined;
  /** Where there are two: its folder and log. */
  readonly name?: string | undefined;
  /** It is started to stand by, and is not waited for. */
  readonly standsBy?: boolean | undefined;
}

/** What must be nought when nobody calls and nobody is registered. */
const IDLE_GAUGES = ['sbc_calls_active', 'sbc_reservations_active', 'sbc_media_ports_in_use'] as const;
/** The overload guard's look at the event loop. */
const NODE_TIMERS = 1;
/** Longer than transactions on UDP linger: 64·T1 = 32 s (RFC 3261 §17). */
const IDLE_LIMIT_MS = 40_000;

export interface Leftovers {
  /** Timers of pings, registrations and connections to trunks, which stay. */
  readonly standingTimers?: number;
  /** Whether transactions that are over, and wait for copies alone, may still do so. That they end is what few cases wait for. */
  readonly lingering?: boolean;
}

export class Portcullis {
  readonly process: PeerProcess;
  readonly #host: Host;
  readonly #socket: string;
  readonly #file: string;

  private constructor(process: PeerProcess, host: Host, socket: string, file: string) {
    this.process = process;
    this.#host = host;
    this.#socket = socket;
    this.#file = file;
  }

  /** Starts it and waits until it says that it is ready. */
  static async start(lab: Lab, options: PortcullisOptions): Promise<Portcullis> {
    const { host, authority, domain } = options;
    const { name = 'portcullis', program = entryPoint(), nodeFlags = [], standsBy = false } = options;
    const directory = lab.directory(name);
    const edge = await authority.issue({
      name: `${name}-edge`,
      key: options.key ?? 'ec',
      dns: ['sbc.test', domain],
      addresses: [host.outside, host.outside6],
    });
    const file = join(directory, 'portcullis.toml');
    writeFileSync(file, configuration(options, directory, edge.certificate, edge.key));
    const { processes } = options;
    const more = [...(processes === undefined ? ['--no-supervisor'] : []), ...(standsBy ? ['--standby'] : [])];
    const process = PeerProcess.start(lab, {
      name,
      host,
      argv: [execPath, ...serviceFlags, ...nodeFlags, program, 'run', '--config', file, ...more],
      cpus: options.cpus,
      env: options.env,
    });
    const sbc = new Portcullis(process, host, adminSocket(directory), file);
    if (standsBy) return sbc;
    try {
      await eventually('portcullis to be ready', START_LIMIT_MS, async () => {
        if (!process.isRunning) throw new Error(`portcullis ended: ${process.log().slice(-2_000)}`);
        const ports = Array.from({ length: processes ?? 1 }, (_, index) => ADMIN_PORT + index);
        const answers = await Promise.all(ports.map((port) => sbc.#get('/readyz', port)));
        return answers.every(({ status }) => status === 200) ? true : undefined;
      });
    } catch (thrown) {
      await process.stop();
      throw thrown;
    }
    return sbc;
  }

  /** Its configuration. */
  get file(): string {
    return this.#file;
  }

  /** Runs the command line against it, as an operator does, and answers what it printed. */
  command(...words: readonly string[]): Promise<string> {
    return runCommand([execPath, entryPoint(), ...words, '--socket', this.#socket]);
  }

  /** The same of a command that works on the database. */
  databaseCommand(...words: readonly string[]): Promise<string> {
    return runCommand([execPath, entryPoint(), ...words, '--config', this.#file]);
  }

  /** Every sample of /metrics: name, or name and labels as written → value. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const { status, body } = await this.#get('/metrics');
    if (status !== 200) throw new Error(`/metrics answered ${status}`);
    const samples = body.split('\n').flatMap((line): [string, number][] => {
      const match = /^([a-z_:]+(?:\{.*\})?) (\S+)$/.exec(line);
      return match?.[1] === undefined ? [] : [[match[1], Number(match[2])]];
    });
    return new Map(samples);
  }

  /** The sum of a metric over its labels; undefined when it is not there. */
  async metric(name: string): Promise<number | undefined> {
    const values = [...(await this.metrics())].filter(([key]) => key === name || key.startsWith(`${name}{`));
    return values.length === 0 ? undefined : values.reduce((sum, [, value]) => sum + value, 0);
  }

  /** Waits until no call, reservation, port, transaction or timer is left but those of `leftovers`; tells what is left at the limit. */
  async expectIdle(leftovers: Leftovers = {}): Promise<void> {
    const end = performance.now() + IDLE_LIMIT_MS;
    for (;;) {
      const left = leftIn(await this.metrics(), leftovers);
      if (left === '') return;
      if (performance.now() > end) throw new Error(`left after the calls: ${left}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** SIGTERM, which drains; fails when the process does not end well by itself. */
  async stop(): Promise<void> {
    const wasRunning = this.process.isRunning;
    const { code, signal } = await this.process.stop('SIGTERM', DRAIN_LIMIT_MS);
    if (!wasRunning || code !== 0)
      throw new Error(`portcullis ended with ${code ?? signal}: ${this.process.log().slice(-1_500)}`);
  }

  #get(path: string, port = ADMIN_PORT): Promise<{ status: number | undefined; body: string }> {
    return new Promise((resolve) => {
      const options = { host: this.#host.inside, port, path, timeout: 2_000, agent: false as const };
      const request = get(options, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve({ status: undefined, body: '' })); // not there yet: the caller asks again
    });
  }
}

/** What one scrape says is left; each transaction that lingers has one timer. */
function leftIn(samples: ReadonlyMap<string, number>, { standingTimers = 0, lingering = false }: Leftovers): string {
  const value = (name: string) => samples.get(name) ?? Number.NaN;
  const copies = lingering ? value('sbc_transactions_lingering') : 0;
  const most: readonly (readonly [name: string, most: number])[] = [
    ...IDLE_GAUGES.map((name) => [name, 0] as const),
    ['sbc_transactions_active', copies],
    ['sbc_timers_pending', copies + NODE_TIMERS + standingTimers],
  ];
  return most
    .flatMap(([name, limit]) => (value(name) <= limit ? [] : [`${name}=${value(name)}, not ${limit}`]))
    .join(' ');
}

function configuration(options: PortcullisOptions, directory: string, certificate: string, key: string): string {
  const { host, domain, pbx, algorithms = ['MD5'], limits = {} } = options;
  const outside = options.ipv6 === true ? host.outside6 : host.outside;
  const text = JSON.stringify; // a JSON string is a TOML basic string
  const users = Object.entries(options.users).map(([name, password]) => {
    const keying = options.userKeying?.[name];
    const own = keying === undefined ? '' : `keying = ${text(keying)}\n`;
    return `[[user]]\nname = ${text(name)}\npassword = ${text(password)}\n${own}`;
  });
  return `[sbc]
name = "lab"
state_dir = ${text(join(directory, 'var'))}
${options.processes === undefined ? '' : `processes = ${options.processes}\nspare = false\n`}
[[domain]]
name = ${text(domain)}
realm = ${text(domain)}

[[network]]
name = "outside"
media = [{ address = ${text(outside)} }]
encryption = ${text(options.encryption ?? 'required')}
keying = ${text(options.keying ?? ['sdes', 'dtls'])}
allow_loopback_media = ${options.trustsMediaAddresses === true}
${options.suites === undefined ? '' : `suites = ${text(options.suites)}`}
${options.video === false ? 'video = false' : ''}

[[network]]
name = "inside"
media = [{ address = ${text(host.inside)} }]
encryption = "off"

[[listener]]
name = "phones"
network = "outside"
transport = "tls"
address = "${formatSocketAddress({ address: outside, port: PORTCULLIS_TLS_PORT })}"
certificate = ${text(certificate)}
key = ${text(key)}
algorithms = [${algorithms.map((name) => text(name)).join(', ')}]

[[listener]]
name = "to-pbx"
network = "inside"
transport = "udp"
address = "${host.inside}:${PORTCULLIS_UDP_PORT}"

[[pbx]]
name = "main"
listener = "to-pbx"
uri = "sip:${pbx.address}:${pbx.port}"
accept_from = [${text(pbx.address)}]
registrations = ${text(options.registrations ?? 'local')}

[media]
ports = "20000-29999"
workers = ${options.workers ?? 1}
driver = ${text(options.driver ?? 'auto')}

[limits]
${Object.entries(limits)
  .map(([name, value]) => `${name} = ${value}`)
  .join('\n')}

${users.join('\n')}
${options.routes ?? ''}
[[route]]
from = "user"
to = "*"
via = "pbx:main"

[[route]]
from = "pbx"
to = "*"
via = "users"

[admin]
address = "${host.inside}:${ADMIN_PORT}"
socket = ${text(adminSocket(directory))}

${options.more ?? ''}
`;
}

function adminSocket(directory: string): string {
  return join(directory, 'admin.sock');
}

/** The built command where it is as new as the sources, else the sources themselves. */
export function entryPoint(): string {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const built = join(root, 'dist', 'main.js');
  const sources = join(root, 'src');
  const newest = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .map((file) => statSync(join(sources, file)).mtimeMs)
    .reduce((latest, time) => Math.max(latest, time), 0);
  return existsSync(built) && statSync(built).mtimeMs >= newest ? built : join(sources, 'main.ts');
}
