// The plain end of something that encrypts: plays the tone as RTP (PCMA) from a socket, and measures what comes back.
import { createSocket, type Socket } from 'node:dgram';
import { decodeG711, encodeG711 } from '../../../src/embedded-pbx/g711.ts';
import { PLAYED_DB } from './baresip.ts';
import { measureTone, type ToneReport } from './tone.ts';

const PACKET_MS = 20;
const FRAME = 160;
const SAMPLE_RATE = 8_000;
const TONE_HZ = 440;
/** 440 Hz fits a whole number of times into five frames. */
const FRAMES = 5;
const HEADER = 12;

export class PlainEnd {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  readonly #heard = new Map<number, Buffer>();
  readonly #started = performance.now();
  #to: { readonly address: string; readonly port: number } | undefined;
  #sent = 0;
  #first = -1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (packet) => this.#hear(packet));
    socket.on('error', () => {}); // nobody there yet: the next packet tries again
    this.#timer = setInterval(() => this.#play(), PACKET_MS / 2);
  }

  static open(address: string): Promise<PlainEnd> {
    const socket = createSocket('udp4');
    return new Promise((resolve) => socket.bind({ address, port: 0 }, () => resolve(new PlainEnd(socket))));
  }

  /** What it would say of itself. */
  get sdp(): string {
    const { address, port } = this.#socket.address();
    return plainSdp(address, port);
  }

  /** Plays to where this SDP says. */
  playTo(sdp: string): void {
    const address = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1];
    const port = Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
    if (address === undefined || !(port > 0)) throw new Error(`no address in ${sdp}`);
    this.#to = { address, port };
  }

  /** What was heard, in the order of its sequence numbers. */
  get heard(): ToneReport {
    const samples = [...this.#heard]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([, payload]) => [...payload])
      .map((code) => decodeG711('PCMA', code) / 32_768);
    return measureTone({ sampleRate: SAMPLE_RATE, samples: Float64Array.from(samples) });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  #play(): void {
    const due = (performance.now() - this.#started) / PACKET_MS;
    for (; this.#sent < due; this.#sent += 1) {
      if (this.#to !== undefined) this.#socket.send(packet(this.#sent), this.#to.port, this.#to.address);
    }
  }

  #hear(packet: Buffer): void {
    if (packet.length !== HEADER + FRAME || (packet[1] ?? 0) % 128 !== 8) return;
    const sequence = packet.readUInt16BE(2);
    if (this.#first < 0) this.#first = sequence;
    // Counted from the first, so that a wrap is no jump; what came before it has no place.
    const place = (sequence - this.#first) & 0xffff;
    if (place < 0x8000) this.#heard.set(place, Buffer.from(packet.subarray(HEADER)));
  }
}

/** PCMA on one port. */
export function plainSdp(address: string, port: number): string {
  const media = [`m=audio ${port} RTP/AVP 8`, 'a=rtpmap:8 PCMA/8000', 'a=ptime:20', 'a=sendrecv'];
  return `${['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', ...media].join('\r\n')}\r\n`;
}

const peak = Math.SQRT2 * 10 ** (PLAYED_DB / 20) * 32_767;
const frames = Array.from({ length: FRAMES }, (_, frame) =>
  Uint8Array.from({ length: FRAME }, (_value, index) => {
    const seconds = (frame * FRAME + index) / SAMPLE_RATE;
    return encodeG711('PCMA', Math.round(peak * Math.sin(2 * Math.PI * TONE_HZ * seconds)));
  }),
);

function packet(count: number): Buffer {
  const made = Buffer.alloc(HEADER + FRAME);
  made.writeUInt16BE(0x8008, 0);
  made.writeUInt16BE(count & 0xffff, 2);
  made.writeUInt32BE((count * FRAME) >>> 0, 4);
  made.writeUInt32BE(0x5eed_0001, 8);
  made.set(frames[count % FRAMES] ?? [], HEADER);
  return made;
}
