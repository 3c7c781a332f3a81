// The media of one extension: plain RTP on a socket of its own, echoed or played (RFC 3550 §5.1). It speaks only with the
// address that signalling named, so that nobody else can use it as a mirror.
import { createSocket, type Socket } from 'node:dgram';
import { SbcError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import { type SocketAddress, sameSocketAddress } from '../core/socket-address.ts';
import { type G711, g711PayloadTypes } from './g711.ts';
import { frameSamples, toneFrames } from './tone.ts';

export interface AudioRemote {
  readonly rtp: SocketAddress;
  /** We may send towards it (not on hold). */
  readonly sending: boolean;
}

export interface AudioLineParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
}

const packetTime = 20;

export class AudioLine {
  readonly #parts: AudioLineParts;
  readonly #rtp: Socket;
  /** RTCP is taken and not answered; without a socket its sender would hear ICMP errors. */
  readonly #rtcp: Socket;
  #remote: AudioRemote | undefined;
  #isEcho = false;
  #next: Timer | undefined;
  #isClosed = false;

  private constructor(parts: AudioLineParts, rtp: Socket, rtcp: Socket) {
    this.#parts = parts;
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    rtp.on('message', (bytes, source) => this.#onPacket(bytes, source));
    // Errors of single datagrams: the peer may be gone already.
    rtp.on('error', () => {});
    rtcp.on('error', () => {});
  }

  /** Binds two ports of `address`. Rejects with SbcError `listen-failed`. */
  static async open(address: string, parts: AudioLineParts): Promise<AudioLine> {
    const rtp = await bind(address);
    try {
      return new AudioLine(parts, rtp, await bind(address));
    } catch (thrown) {
      rtp.close();
      throw thrown;
    }
  }

  get rtpPort(): number {
    return this.#rtp.address().port;
  }

  get rtcpPort(): number {
    return this.#rtcp.address().port;
  }

  /** Where the peer is from now on. */
  setRemote(remote: AudioRemote): void {
    this.#remote = remote;
  }

  /** What comes goes back as it came. */
  echo(): void {
    this.#isEcho = true;
  }

  /** Plays the tone until the line is closed. */
  play(law: G711): void {
    const { scheduler, random } = this.#parts;
    const frames = toneFrames(law);
    const ssrc = random.below(2 ** 32);
    const start = scheduler.clock.now();
    let count = 0;
    const tick = (): void => {
      if (this.#isClosed) return;
      const payload = frames[count % frames.length] ?? noPayload;
      this.#send(rtpPacket(g711PayloadTypes[law], count, ssrc, payload));
      count += 1;
      const late = scheduler.clock.now() - start - count * packetTime;
      this.#next = scheduler.after(Math.max(0, -late), tick);
    };
    tick();
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#next?.cancel();
    this.#rtp.close();
    this.#rtcp.close();
  }

  #onPacket(bytes: Uint8Array, source: SocketAddress): void {
    if (!this.#isEcho || this.#remote === undefined || !sameSocketAddress(source, this.#remote.rtp)) return;
    this.#send(bytes);
  }

  #send(bytes: Uint8Array): void {
    if (this.#remote?.sending !== true) return;
    const { address, port } = this.#remote.rtp;
    this.#rtp.send(bytes, port, address, () => {});
  }
}

const noPayload = new Uint8Array(0);

function rtpPacket(payloadType: number, count: number, ssrc: number, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(12 + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x80);
  view.setUint8(1, count === 0 ? payloadType | 0x80 : payloadType);
  view.setUint16(2, count & 0xffff);
  view.setUint32(4, (count * frameSamples) >>> 0);
  view.setUint32(8, ssrc);
  packet.set(payload, 12);
  return packet;
}

function bind(address: string): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', (cause) => {
      socket.close();
      reject(new SbcError('listen-failed', `cannot bind a media port of ${address}: ${cause.message}`, { address }));
    });
    socket.bind({ address, port: 0 }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
