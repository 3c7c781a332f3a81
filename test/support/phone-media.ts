// The media of a test phone: one UDP socket, SRTP by the project's own contexts on node:crypto, a 440 Hz tone out, a meter in.
import { createSocket, type Socket } from 'node:dgram';
import type { Scheduler } from '../../src/core/scheduler.ts';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { decodeG711 } from '../../src/embedded-pbx/g711.ts';
import { frameSamples, sampleRate, toneFrames, toneHertz } from '../../src/embedded-pbx/tone.ts';
import type { EndpointRemote } from '../../src/media/plane/messages.ts';
import type { PacketMemory } from '../../src/media/rtp/packet-memory.ts';
import { meanOpinionScore } from '../../src/media/rtp/quality.ts';
import { ReceiveStats } from '../../src/media/rtp/receive-stats.ts';
import { rtpHeaderBytes, rtpSequence, rtpSsrc, rtpTimestamp } from '../../src/media/rtp/rtp-packet.ts';
import { nodeCipherFactory } from '../../src/media/srtp/node-cipher.ts';
import type { SrtpKeying } from '../../src/media/srtp/profile.ts';
import { SrtpReceiver } from '../../src/media/srtp/srtp-receiver.ts';
import { SrtpSender } from '../../src/media/srtp/srtp-sender.ts';
import { type ToneLevel, ToneMeter } from './tone-meter.ts';

export interface Heard {
  readonly packets: number;
  readonly lost: number;
  /** Milliseconds. */
  readonly jitter: number;
  /** 1 to 4.5; 1 when nothing came. */
  readonly meanOpinionScore: number;
  readonly tone: ToneLevel;
  /** Packets that SRTP or RTP would not take. */
  readonly unusable: number;
}

const packetTime = 20;
const payloadType = 8;

export class PhoneMedia {
  readonly #scheduler: Scheduler;
  readonly #socket: Socket;
  readonly #memory = packetMemory(4_096);
  readonly #frames = toneFrames('PCMA');
  readonly #stats = new ReceiveStats();
  readonly #meter = new ToneMeter(toneHertz, sampleRate);
  readonly #ssrc: number;
  /** Looks on at every datagram that arrives, as it came. */
  watch: (packet: Uint8Array) => void = () => {};
  #unusable = 0;
  #sent = 0;
  #remote: EndpointRemote | undefined;
  #sender: { readonly key: string; readonly srtp: SrtpSender } | undefined;
  #receiver: { readonly key: string; readonly srtp: SrtpReceiver } | undefined;

  private constructor(socket: Socket, scheduler: Scheduler, ssrc: number) {
    this.#socket = socket;
    this.#scheduler = scheduler;
    this.#ssrc = ssrc;
    socket.on('message', (bytes) => this.#onPacket(bytes));
    socket.on('error', () => {});
  }

  static async open(address: string, scheduler: Scheduler, ssrc: number): Promise<PhoneMedia> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address, port: 0 }, resolve);
    });
    return new PhoneMedia(socket, scheduler, ssrc);
  }

  get local(): SocketAddress {
    const { address, port } = this.#socket.address();
    return { address, port };
  }

  /** Where it sends, and what protects that. */
  get remote(): EndpointRemote | undefined {
    return this.#remote;
  }

  get sent(): number {
    return this.#sent;
  }

  get heard(): Heard {
    const { packets, lost, jitterMillis } = this.#stats;
    const quality = { lossRatio: lost / Math.max(1, packets + lost), jitter: jitterMillis };
    const score = packets === 0 ? 1 : meanOpinionScore(quality);
    return {
      packets,
      lost,
      jitter: jitterMillis,
      meanOpinionScore: score,
      tone: this.#meter.level,
      unusable: this.#unusable,
    };
  }

  /** What the last exchange of SDP agreed on. Keys that stay keep their indices. */
  setRemote(remote: EndpointRemote): void {
    this.#remote = remote;
    const ciphers = nodeCipherFactory(this.#memory);
    const sendKey = keyText(remote.send);
    if (remote.send === undefined) this.#sender = undefined;
    else if (this.#sender?.key !== sendKey)
      this.#sender = { key: sendKey, srtp: new SrtpSender(remote.send, ciphers, this.#sender?.srtp) };
    const receiveKey = keyText(remote.receive);
    if (remote.receive === undefined) this.#receiver = undefined;
    else if (this.#receiver?.key !== receiveKey)
      this.#receiver = { key: receiveKey, srtp: new SrtpReceiver(remote.receive, ciphers, this.#receiver?.srtp) };
  }

  /** Sends `packets` of tone, one each 20 ms; resolves after the last. Nothing leaves while the call is on hold. */
  talk(packets: number): Promise<void> {
    const start = this.#scheduler.clock.now();
    return new Promise((resolve) => {
      let count = 0;
      const tick = (): void => {
        if (count === packets) {
          resolve();
          return;
        }
        this.sendPacket();
        count += 1;
        const due = start + count * packetTime;
        this.#scheduler.after(Math.max(0, due - this.#scheduler.clock.now()), tick);
      };
      tick();
    });
  }

  /** One packet of tone, now. */
  sendPacket(): void {
    const remote = this.#remote;
    if (remote?.sending !== true) return;
    const { bytes } = this.#memory;
    const frame = this.#frames[this.#sent % this.#frames.length] ?? new Uint8Array(0);
    writeHeader(this.#memory, this.#sent, this.#ssrc);
    bytes.set(frame, 12);
    const plain = 12 + frame.length;
    const length = this.#sender === undefined ? plain : this.#sender.srtp.protectRtp(0, plain);
    this.#sent += 1;
    if (length > 0) this.send(bytes.slice(0, length), remote.rtp);
  }

  /** Any bytes, for tests of what must not pass. */
  send(bytes: Uint8Array, to: SocketAddress): void {
    this.#socket.send(bytes, to.port, to.address, () => {});
  }

  close(): void {
    this.#socket.close();
  }

  #onPacket(packet: Uint8Array): void {
    this.watch(packet);
    const { bytes } = this.#memory;
    bytes.set(packet.subarray(0, 2_048), 0);
    const length = this.#receiver === undefined ? packet.length : this.#receiver.srtp.unprotectRtp(0, packet.length);
    const headerBytes = length < 0 ? -1 : rtpHeaderBytes(this.#memory, 0, length);
    if (headerBytes < 0) {
      this.#unusable += 1;
      return;
    }
    const { clock } = this.#scheduler;
    const memory = this.#memory;
    const timestamp = rtpTimestamp(memory, 0);
    this.#stats.record(rtpSsrc(memory, 0), rtpSequence(memory, 0), timestamp, sampleRate, clock.now(), length);
    this.#meter.add(Array.from(bytes.subarray(headerBytes, length), (code) => decodeG711('PCMA', code)));
  }
}

function writeHeader({ view }: PacketMemory, count: number, ssrc: number): void {
  view.setUint8(0, 0x80);
  view.setUint8(1, count === 0 ? payloadType | 0x80 : payloadType);
  view.setUint16(2, count & 0xffff);
  view.setUint32(4, (count * frameSamples) >>> 0);
  view.setUint32(8, ssrc);
}

function keyText(keying: SrtpKeying | undefined): string {
  if (keying === undefined) return '';
  const { suite, masterKey, masterSalt } = keying;
  return `${suite} ${Buffer.from(masterKey).toString('hex')} ${Buffer.from(masterSalt).toString('hex')}`;
}

function packetMemory(sizeBytes: number): PacketMemory {
  const bytes = new Uint8Array(sizeBytes);
  return { bytes, words: new Int32Array(bytes.buffer), view: new DataView(bytes.buffer) };
}
