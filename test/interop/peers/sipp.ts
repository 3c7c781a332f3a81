// SIPp 3.8 (TLS, SRTP, SHA-256) with scenarios of our own: callers that register and call with digest, and an answering side.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Certificate } from './certificates.ts';
import type { Host, Lab, Network } from './lab.ts';
import { eventually, PeerProcess } from './peer-process.ts';

export type SippScenario = 'register' | 'call' | 'call-media';

export interface SippUser {
  readonly name: string;
  readonly password: string;
  readonly callee: string;
}

export interface SippTls {
  readonly certificate: Certificate;
  /** Given, the other side is verified against it. */
  readonly authority?: string | undefined;
}

export interface SippCallerOptions {
  readonly name: string;
  readonly host: Host;
  readonly network: Network;
  /** A scenario of ours by name, or the text of another one. */
  readonly scenario: SippScenario | { readonly xml: string };
  readonly target: { readonly address: string; readonly port: number };
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** One connection for all calls (default), or one for each. */
  readonly connectionPerCall?: boolean | undefined;
  readonly tls?: SippTls | undefined;
  readonly users: readonly SippUser[];
  readonly domain: string;
  readonly calls: number;
  /** Calls a second. */
  readonly rate: number;
  /** Simultaneous calls at most. */
  readonly limit?: number | undefined;
  /** How long an answered call is held. */
  readonly holdMs?: number | undefined;
  readonly localPort?: number | undefined;
  /** SIPp gives up and fails after this. */
  readonly timeoutMs: number;
  readonly cpus?: string | undefined;
  readonly extra?: readonly string[] | undefined;
}

export interface SippAnswererOptions {
  readonly name: string;
  readonly host: Host;
  readonly network: Network;
  readonly port: number;
  readonly scenario?: { readonly xml: string } | undefined;
  readonly transport?: 'udp' | 'tcp' | 'tls' | undefined;
  readonly tls?: SippTls | undefined;
  /** Return the media that comes (RTP echo). */
  readonly echo?: boolean | undefined;
  readonly mediaPort?: number | undefined;
  /** What stands before `///` in a Call-ID tells the dialogs of one call of SIPp apart. */
  readonly hasPrefixes?: boolean | undefined;
  readonly cpus?: string | undefined;
  readonly extra?: readonly string[] | undefined;
}

/** Share of the sent packets that may not come back as they were; the first ones meet a relay that knows no way yet. */
const MEDIA_TOLERANCE = '0.3';

export interface SippResult {
  readonly successful: number;
  readonly failed: number;
  /** 0 when every call went well; 253 when `call-media` did not get its own media back. */
  readonly exitCode: number | null;
  readonly retransmissions: number;
  /** Milliseconds of each `rtd` of the scenario ("register", "setup", "answer", "bye"), in the order they were measured. */
  readonly responseTimes: Readonly<Record<string, readonly number[]>>;
  /** What SIPp complained about, shortened. */
  readonly errors: string;
}

export class SippCaller {
  readonly process: PeerProcess;
  readonly #directory: string;
  readonly #timeoutMs: number;

  private constructor(process: PeerProcess, directory: string, timeoutMs: number) {
    this.process = process;
    this.#directory = directory;
    this.#timeoutMs = timeoutMs;
  }

  static start(lab: Lab, options: SippCallerOptions): SippCaller {
    const { host, network, users, domain, calls, rate, timeoutMs } = options;
    const directory = lab.directory(options.name);
    const rows = users.map(({ name, password, callee }) => {
      return `${name};[authentication username=${name} password=${password}];${callee};${domain};`;
    });
    writeFileSync(join(directory, 'users.csv'), `SEQUENTIAL\n${rows.join('\n')}\n`);
    const address = host[network];
    const process = PeerProcess.start(lab, {
      name: options.name,
      host,
      tree: 'sid',
      cpus: options.cpus,
      env: { TERM: 'dumb' },
      argv: [
        '/usr/bin/sipp',
        `${options.target.address}:${options.target.port}`,
        ...common(directory, options.scenario, options.transport, options.connectionPerCall ?? false, options.tls),
        ...['-inf', join(directory, 'users.csv'), '-i', address, '-mi', address],
        ...['-p', String(options.localPort ?? 6_060), '-m', String(calls), '-r', String(rate)],
        ...['-l', String(options.limit ?? calls), '-d', String(options.holdMs ?? 0)],
        ...['-timeout', `${Math.ceil(timeoutMs / 1_000)}s`, '-timeout_error'],
        ...['-trace_stat', '-fd', '1', '-stf', join(directory, 'stat.csv'), '-trace_rtt', '-rtt_freq', '200'],
        ...['-auth_uri', digestUri(options)],
        ...(options.scenario === 'call-media' ? ['-audiotolerance', MEDIA_TOLERANCE] : []),
        ...(options.extra ?? []),
      ],
    });
    return new SippCaller(process, directory, timeoutMs);
  }

  /** Waits for all calls and answers what came of them. Failed calls are a result, not an error. */
  async result(): Promise<SippResult> {
    const exit = await this.process.finished(this.#timeoutMs + 5_000).catch(() => this.process.stop());
    const files = readdirSync(this.#directory);
    const last = lastRow(read(this.#directory, files, 'stat.csv'));
    const complaints = read(this.#directory, files, 'errors.log');
    return {
      successful: Number(last.get('SuccessfulCall(C)') ?? 0),
      failed: Number(last.get('FailedCall(C)') ?? 0),
      retransmissions: Number(last.get('Retransmissions(C)') ?? 0),
      exitCode: exit.code,
      responseTimes: responseTimes(
        files.filter((file) => file.endsWith('_rtt.csv')).map((file) => read(this.#directory, files, file)),
      ),
      errors: (complaints === '' ? this.process.log() : complaints).slice(-2_000),
    };
  }
}

/**
 * What SIPp writes as the digest's uri, without the scheme. It must be the Request-URI (RFC 7616 §3.4.6), and SIPp has one
 * for a whole run: so a run either registers or calls, and all its users call the same number.
 */
function digestUri({ scenario, users, domain }: SippCallerOptions): string {
  if (scenario === 'register') return domain;
  const callees = new Set(users.map(({ callee }) => callee));
  const [callee] = callees;
  if (callee === undefined || callees.size > 1) throw new Error('all users of a SIPp run must call one number');
  return `${callee}@${domain}`;
}

/** Starts the answering side; it answers any number of calls until it is stopped. */
export async function startSippAnswerer(lab: Lab, options: SippAnswererOptions): Promise<PeerProcess> {
  const { host, network, port, transport = 'udp', echo = false, mediaPort = 16_000 } = options;
  const directory = lab.directory(options.name);
  const address = host[network];
  const process = PeerProcess.start(lab, {
    name: options.name,
    host,
    tree: 'sid',
    cpus: options.cpus,
    env: { TERM: 'dumb' },
    argv: [
      '/usr/bin/sipp',
      ...common(directory, options.scenario ?? 'answer', transport, false, options.tls),
      ...['-i', address, '-mi', address, '-p', String(port), '-mp', String(mediaPort)],
      ...(echo ? ['-rtp_echo'] : []),
      ...(options.hasPrefixes === true ? [] : ['-callid_slash_ign']),
      ...(options.extra ?? []),
    ],
  });
  // SIPp says nothing when it is ready, but its socket shows in the kernel's table.
  await eventually(`${options.name} to listen on port ${port}`, 5_000, () => {
    if (!process.isRunning) throw new Error(`${options.name} ended: ${process.log().slice(-1_000)}`);
    return isBound(host, transport, port);
  });
  return process;
}

function isBound({ holder }: Host, transport: 'udp' | 'tcp' | 'tls', port: number): true | undefined {
  const tables = transport === 'udp' ? ['udp', 'udp6'] : ['tcp', 'tcp6'];
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  const lines = tables.flatMap((table) => readFileSync(`/proc/${holder ?? 'self'}/net/${table}`, 'utf8').split('\n'));
  return lines.some((line) => line.slice(0, 32).includes(wanted)) ? true : undefined;
}

function common(
  directory: string,
  scenario: SippScenario | 'answer' | { readonly xml: string },
  transport: 'udp' | 'tcp' | 'tls',
  connectionPerCall: boolean,
  tls: SippTls | undefined,
): string[] {
  const file = join(directory, 'scenario.xml'); // beside the logs: the tree does not see the repository
  writeFileSync(file, typeof scenario === 'string' ? ourScenario(scenario) : scenario.xml);
  const letter = { udp: 'u', tcp: 't', tls: 'l' }[transport];
  return [
    ...['-sf', file, '-t', `${letter}${connectionPerCall ? 'n' : '1'}`, '-nostdin'],
    ...(connectionPerCall ? ['-max_socket', '15000'] : []), // must stay below the limit of descriptors
    ...(tls === undefined ? [] : ['-tls_cert', tls.certificate.certificate, '-tls_key', tls.certificate.key]),
    ...(tls?.authority === undefined ? [] : ['-tls_ca', tls.authority]),
    ...['-trace_err', '-error_file', join(directory, 'errors.log')],
  ];
}

function ourScenario(name: string): string {
  return readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'scenarios', `${name}.xml`), 'utf8');
}

function read(directory: string, files: readonly string[], file: string): string {
  return files.includes(file) ? readFileSync(join(directory, file), 'utf8') : '';
}

/** The statistics file has a title row, and a row a second whose last one stands. */
function lastRow(text: string): Map<string, string> {
  const [titles, ...rows] = text.trim().split('\n');
  const values = (rows.at(-1) ?? '').split(';');
  return new Map((titles ?? '').split(';').map((title, index) => [title, values[index] ?? '']));
}

/** Rows of `date;milliseconds;name`. */
function responseTimes(texts: readonly string[]): Record<string, number[]> {
  const times: Record<string, number[]> = {};
  for (const row of texts.flatMap((text) => text.trim().split('\n').slice(1))) {
    const [, millis, name] = row.split(';');
    if (name === undefined || !Number.isFinite(Number(millis))) continue;
    const list = times[name] ?? [];
    list.push(Number(millis));
    times[name] = list;
  }
  return times;
}
