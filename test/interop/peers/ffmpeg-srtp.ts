// ffmpeg as an SRTP end: one process encrypts the tone, another decrypts what comes and writes a WAV. Both speak to a forwarder of
// ours on one socket outside, which passes datagrams as they are and knows no key.
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLAYED_DB } from './baresip.ts';
import { Lab } from './lab.ts';
import { PeerProcess } from './peer-process.ts';
import { plainSdp } from './plain-end.ts';
import type { Describer } from './sdp-phone.ts';
import { measureTone, readWav, type ToneReport, writeToneWav } from './tone.ts';

/** What ffmpeg 5 can do (RFC 4568 §6.2). */
export type FfmpegSuite = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32';

const KEY_AND_SALT_BYTES = 30;
const TONE_SECONDS = 20;
const FIRST_PORT = 41_000;
const loopback = '127.0.0.1';

export class FfmpegEnd implements Describer {
  readonly #lab: Lab;
  readonly #suite: FfmpegSuite;
  readonly #directory: string;
  readonly #port: number;
  readonly #key = randomBytes(KEY_AND_SALT_BYTES).toString('base64');
  readonly #outer: Socket;
  readonly #inner: Socket;
  readonly #processes: PeerProcess[] = [];
  #sbc: { readonly address: string; readonly port: number } | undefined;

  private constructor(lab: Lab, suite: FfmpegSuite, call: number, outer: Socket, inner: Socket) {
    this.#lab = lab;
    this.#suite = suite;
    this.#directory = lab.directory(`ffmpeg-${call}`);
    this.#port = FIRST_PORT + 4 * call;
    this.#outer = outer;
    this.#inner = inner;
    outer.on('message', (datagram, { address }) => {
      if (address === this.#sbc?.address) inner.send(datagram, this.#port, loopback);
    });
    inner.on('message', (datagram) => {
      if (this.#sbc !== undefined) outer.send(datagram, this.#sbc.port, this.#sbc.address);
    });
    inner.on('error', () => {}); // the one that decrypts is not there yet
  }

  static async open(lab: Lab, suite: FfmpegSuite, call: number): Promise<FfmpegEnd> {
    return new FfmpegEnd(lab, suite, call, await bound(Lab.addressOf('outside')), await bound(loopback));
  }

  offer(): Promise<string> {
    return Promise.resolve(this.#describe('1'));
  }

  onAnswer(answer: string): Promise<void> {
    this.#start(answer);
    return Promise.resolve();
  }

  answerTo(offer: string): Promise<string> {
    return Promise.resolve(this.#describe(this.#start(offer)));
  }

  /** Ends both processes, and measures what was decrypted. Audio must still come: ffmpeg looks for signals between packets. */
  async finish(): Promise<ToneReport> {
    for (const process of this.#processes) await process.stop('SIGINT');
    this.#outer.close();
    this.#inner.close();
    return measureTone(readWav(this.#recording));
  }

  get #recording(): string {
    return join(this.#directory, 'heard.wav');
  }

  #describe(tag: string): string {
    const { address, port } = this.#outer.address();
    return secured(plainSdp(address, port), `${tag} ${this.#suite} inline:${this.#key}`);
  }

  /** Starts both processes for what the SBC said; the tag of its key. */
  #start(sdp: string): string {
    const crypto = new RegExp(`^a=crypto:(\\d+) ${this.#suite} inline:([^|\\s]+)`, 'm').exec(sdp);
    const address = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1];
    const port = Number(/^m=audio (\d+) RTP\/SAVP /m.exec(sdp)?.[1]);
    const [, tag, key] = crypto ?? [];
    if (tag === undefined || key === undefined || address === undefined || !(port > 0)) {
      throw new Error(`no ${this.#suite} in ${sdp.replace(/inline:\S+/g, 'inline:…')}`);
    }
    this.#sbc = { address, port };
    const heard = join(this.#directory, 'heard.sdp');
    writeFileSync(heard, secured(plainSdp(loopback, this.#port), `1 ${this.#suite} inline:${key}`));
    const format = ['-c:a', 'pcm_s16le', '-ar', '8000', '-ac', '1', '-y', this.#recording];
    this.#run('hears', ['-protocol_whitelist', 'file,rtp,srtp,udp', '-i', heard, ...format]);
    const tone = join(this.#directory, 'tone.wav');
    writeToneWav(tone, TONE_SECONDS, PLAYED_DB);
    const coded = ['-re', '-i', tone, '-c:a', 'pcm_alaw', '-f', 'rtp', '-payload_type', '8'];
    const keys = ['-srtp_out_suite', this.#suite, '-srtp_out_params', this.#key];
    this.#run('plays', [...coded, ...keys, `srtp://${loopback}:${this.#inner.address().port}?pkt_size=172`]);
    return tag;
  }

  #run(what: string, args: readonly string[]): void {
    const process = PeerProcess.start(this.#lab, {
      name: `${this.#directory.slice(this.#lab.workDir.length + 1)}-${what}`,
      host: { name: 'lab', holder: undefined, outside: '', inside: '', outside6: '' },
      tree: 'bookworm',
      argv: ['/usr/bin/ffmpeg', '-nostdin', '-hide_banner', '-loglevel', 'warning', ...args],
      cwd: this.#directory,
    });
    this.#processes.push(process);
  }
}

function secured(sdp: string, crypto: string): string {
  return `${sdp.replace('RTP/AVP', 'RTP/SAVP')}a=crypto:${crypto}\r\n`;
}

function bound(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => socket.bind({ address, port: 0 }, () => resolve(socket)));
}
