// A phone: baresip without sound hardware. It plays a WAV into its calls and records what it hears.
// Version 1.0 knows MD5 digest only and fails on any challenge that offers SHA-256.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatSocketAddress } from '../../../src/core/socket-address.ts';
import { BaresipControl, type BaresipEvent } from './baresip-control.ts';
import type { Host, Lab, Network } from './lab.ts';
import { eventually, PeerProcess } from './peer-process.ts';
import { writeToneWav } from './tone.ts';

const SIP_PORT = 5060;
const CONTROL_PORT = 4444;
const START_LIMIT_MS = 10_000;
const TONE_SECONDS = 120;
/** For the next picture of a video to be decoded. */
const PICTURE_LIMIT_MS = 3_000;
/** Level of the tone that every phone plays. */
export const PLAYED_DB = -12;

export interface BaresipOptions {
  readonly host: Host;
  /** The network that it is on. */
  readonly network: Network;
  readonly user: string;
  readonly domain: string;
  readonly password?: string | undefined;
  /** Where it registers and sends its calls. */
  readonly proxy: { readonly address: string; readonly port: number; readonly transport: 'tls' | 'tcp' | 'udp' };
  /** Authority that signed the proxy's certificate. */
  readonly authority?: string | undefined;
  readonly media: 'srtp-mand' | 'srtp' | 'plain' | 'dtls_srtp';
  readonly rtcpMux?: boolean | undefined;
  readonly answer?: 'auto' | 'manual' | undefined;
  readonly register?: boolean | undefined;
  readonly codec?: 'PCMA' | 'PCMU' | undefined;
  /** It films a pattern and sends it as VP8, and decodes what comes. */
  readonly video?: boolean | undefined;
  /** Further account parameters (";medianat=ice"), and modules that they need. */
  readonly account?: string | undefined;
  readonly modules?: readonly string[] | undefined;
}

export class Baresip {
  readonly user: string;
  readonly process: PeerProcess;
  readonly control: BaresipControl;
  readonly #recordings: string;

  private constructor(user: string, process: PeerProcess, control: BaresipControl, recordings: string) {
    this.user = user;
    this.process = process;
    this.control = control;
    this.#recordings = recordings;
  }

  /** Starts a phone and, unless told otherwise, waits until it is registered. */
  static async start(lab: Lab, options: BaresipOptions): Promise<Baresip> {
    const { host, network, user } = options;
    const name = `baresip-${host.name}`;
    const directory = lab.directory(name);
    const recordings = lab.directory(`${name}/recordings`);
    const tone = join(directory, 'tone.wav');
    writeToneWav(tone, TONE_SECONDS, PLAYED_DB);
    writeFileSync(join(directory, 'config'), configuration(options, tone, recordings));
    writeFileSync(join(directory, 'accounts'), `${account(options)}\n`);
    writeFileSync(join(directory, 'contacts'), '');
    const process = PeerProcess.start(lab, {
      name,
      host,
      tree: 'bookworm',
      argv: ['/usr/bin/baresip', '-s', ...(isIPv6(options) ? ['-6'] : []), '-f', directory],
    });
    try {
      const control = await BaresipControl.connect(host[network], CONTROL_PORT, START_LIMIT_MS);
      const phone = new Baresip(user, process, control, recordings);
      if (options.register !== false) await phone.registered();
      return phone;
    } catch (thrown) {
      await process.stop();
      throw thrown;
    }
  }

  /** Waits for a successful registration, and fails on the first refused one. */
  async registered(limitMs = START_LIMIT_MS): Promise<void> {
    await eventually(`${this.user} to be registered`, limitMs, async () => {
      const log = this.process.log();
      if (/\{\d+\/\w+\/\w+\} 200 |200 OK .*\[\d+ bindings?\]/.test(log)) return true;
      const refused = /reg: .* (?:4|5|6)\d\d .*|Register: .*(?:4|5|6)\d\d .*/.exec(log);
      if (refused !== null) throw new Error(`${this.user} is not registered: ${refused[0]}`);
      return undefined;
    });
  }

  async dial(uri: string): Promise<void> {
    await this.control.command('dial', uri);
  }

  async accept(): Promise<void> {
    await this.control.command('accept');
  }

  async hangup(): Promise<void> {
    await this.control.command('hangup');
  }

  /** Waits for an event of this type after the first `seen` of them; CALL_CLOSED tells its reason in `detail`. */
  async event(type: string, limitMs = 10_000, seen = 0): Promise<BaresipEvent> {
    return eventually(`${this.process.name}: ${type}`, limitMs, () => {
      return this.control.events.filter((event) => event.type === type)[seen];
    });
  }

  /** WAV files of what it heard, oldest first; complete once the call has ended. */
  heard(): string[] {
    return readdirSync(this.#recordings)
      .filter((file) => file.endsWith('-dec.wav'))
      .sort()
      .map((file) => join(this.#recordings, file));
  }

  /** The next picture that it decodes of the video of its call, as a PNG; undefined when none comes. */
  async picture(name: string): Promise<Buffer | undefined> {
    const path = join(this.#recordings, `${name}.png`);
    await this.control.command('snapshot_recv', path);
    const limit = performance.now() + PICTURE_LIMIT_MS;
    for (;;) {
      const png = existsSync(path) ? readFileSync(path) : undefined;
      if (png?.subarray(-8, -4).toString('latin1') === 'IEND') return png;
      if (performance.now() > limit) return undefined;
      await sleep(100);
    }
  }

  async stop(): Promise<void> {
    this.control.close();
    await this.process.stop();
  }
}

/** Of a phone with video; without it there are no such modules, and no m-line. */
const filmed = [
  'video_source fakevideo,nil',
  'video_display fakevideo,nil',
  'video_size 176x144',
  'video_bitrate 100000',
  'video_fps 10',
];

function isIPv6({ proxy }: BaresipOptions): boolean {
  return proxy.address.includes(':');
}

function account(options: BaresipOptions): string {
  const { user, domain, password = 'unused', proxy, media, answer = 'auto', register = true, codec = 'PCMA' } = options;
  const parameters = [
    `auth_user=${user}`,
    `auth_pass=${password}`,
    `outbound="sip:${formatSocketAddress(proxy)};transport=${proxy.transport}"`,
    ...(media === 'plain' ? [] : [`mediaenc=${media}`]),
    `regint=${register ? 60 : 0}`,
    `answermode=${answer}`,
    `audio_codecs=${codec}`,
    ...(options.video === true ? ['video_codecs=vp8'] : []),
  ];
  return `<sip:${user}@${domain};transport=${proxy.transport}>;${parameters.join(';')}${options.account ?? ''}`;
}

function configuration(options: BaresipOptions, tone: string, recordings: string): string {
  const { host, network } = options;
  const address = host[network];
  const sip = formatSocketAddress({ address: isIPv6(options) ? host.outside6 : address, port: SIP_PORT });
  const filming = options.video === true ? ['vp8', 'fakevideo', 'snapshot'] : [];
  const modules = ['g711', 'aufile', 'sndfile', 'uuid', 'srtp', ...filming, ...(options.modules ?? [])];
  return [
    'poll_method epoll',
    `sip_listen ${sip}`,
    ...(options.authority === undefined ? [] : [`sip_cafile ${options.authority}`]),
    'call_local_timeout 60',
    'call_max_calls 8',
    'audio_player nil,nil', // without a player it still decodes, and sndfile records
    `audio_source aufile,${tone}`,
    'audio_alert nil,nil',
    'ausrc_srate 8000',
    ...(options.video === true ? filmed : []),
    `net_interface ${network}`, // the name of the interface in the host
    'rtp_tos 184',
    'rtp_ports 20000-20200',
    `rtcp_mux ${options.rtcpMux === true ? 'yes' : 'no'}`,
    'rtp_stats yes',
    'rtp_timeout 20',
    'module_path /usr/lib/baresip/modules',
    ...modules.map((name) => `module ${name}.so`),
    'module_tmp account.so',
    'module_app ctrl_tcp.so',
    'module_app menu.so',
    `ctrl_tcp_listen ${address}:${CONTROL_PORT}`,
    `snd_path ${recordings}`,
    '',
  ].join('\n');
}
