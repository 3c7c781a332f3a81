// One half of a rehearsal: a relay over a driver of its own, and the phone and the PBX of each call, which are sockets of the same driver.
import type { Clock, Millis } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import type { PacketHandlers, PacketIo, SocketId, SocketOptions } from '../packet-io/packet-io.ts';
import { type MediaSnapshot, readMediaSnapshot } from '../plane/media-snapshot.ts';
import type { EndpointRemote, OpenedEndpoint, PortPlace } from '../plane/messages.ts';
import type { CommandOutcome, SessionCommand, WorkerMessage } from '../plane/worker-protocol.ts';
import type { SrtpCipherFactory } from '../srtp/cipher.ts';
import type { IndexLedger } from '../srtp/index-ledger.ts';
import type { KeyVault } from '../srtp/key-vault.ts';
import type { SrtpKeying } from '../srtp/profile.ts';
import { SrtpSender } from '../srtp/srtp-sender.ts';
import { Relay } from './relay.ts';

export interface StageParts {
  /** New; its sockets are all the stage's. */
  readonly io: PacketIo;
  readonly ciphers: SrtpCipherFactory;
  readonly ledger: IndexLedger;
  readonly vault: KeyVault;
  readonly clock: Clock;
  readonly random: Random;
  /** For packets to come. */
  readonly patience: Millis;
}

export interface RehearsedCall {
  readonly session: number;
  /** What the phone protects with, and what it gets. */
  readonly fromPhone: SrtpKeying;
  readonly toPhone: SrtpKeying;
  /** Ports on the loopback. */
  readonly phone: number;
  readonly pbx: number;
  /** Towards the phone, and towards the PBX. */
  readonly near: OpenedEndpoint;
  readonly far: OpenedEndpoint;
  /** Of what each of them sends. */
  sequence: number;
}

const loopback = '127.0.0.1';
/** Where systems give out ports by themselves; one that is taken is passed over. */
const ports = { first: 49_152, last: 65_535 };
const socketOptions: SocketOptions = { dscp: 0, receiveBufferBytes: 65_536 };
const interval: Millis = 1;
/** That phone and PBX of each call are to hear; every so many there is one of RTCP. */
const packets = 6;
const rtcpEvery = 4;

/** A phone or a PBX. */
interface Player {
  readonly call: RehearsedCall;
  readonly socket: SocketId;
  /** Where it sends. */
  readonly to: number;
  /** Undefined: plain RTP. */
  readonly sender: SrtpSender | undefined;
  heard: number;
}

export class Stage implements PacketHandlers {
  readonly #parts: StageParts;
  readonly #relay: Relay;
  readonly #players = new Map<SocketId, Player>();
  /** By the number of the command. */
  readonly #answers = new Map<number, (outcome: CommandOutcome) => void>();
  #whenGranted: (places: readonly PortPlace[]) => void = nothing;
  #commands = 0;
  #failure: string | undefined;
  #isLeft = false;
  #until: Millis = 0;

  constructor(parts: StageParts) {
    const hear = (message: WorkerMessage): void => this.#hear(message);
    const plane = { post: hear, postSoon: hear, flush: nothing, takeCommands: nothing, beat: nothing, took: nothing };
    this.#parts = parts;
    this.#relay = new Relay(
      { ...parts, dtls: undefined, ...plane },
      { ports, quarantine: 0, timeout: 0, headerPackets: 0, keepBelow: 0, socketOptions },
    );
  }

  /** A call between a phone that protects and a PBX that does not. */
  async begin(session: number, fromPhone: SrtpKeying, toPhone: SrtpKeying): Promise<RehearsedCall> {
    const { io } = this.#parts;
    const [phone, pbx] = [await this.#open(0), await this.#open(0)];
    const [near, far] = (await this.#grant()).map((place, index) => ({ ...place, endpoint: index + 1 }));
    if (near === undefined || far === undefined)
      throw new SbcError('rehearsal-failed', 'no port of the loopback is free');
    const places = { phone: io.localPort(phone), pbx: io.localPort(pbx), near, far };
    const call = { session, fromPhone, toPhone, ...places, sequence: 0 };
    this.#cast(call, phone, pbx);
    this.#tell(session, { type: 'open-session' });
    this.#tell(session, { type: 'open-endpoints', endpoints: [near, far] });
    const keys = { receive: copyOf(fromPhone), send: copyOf(toPhone) };
    this.#tell(session, { type: 'set-remote', endpoint: near.endpoint, remote: { ...remoteAt(call.phone), ...keys } });
    this.#tell(session, { type: 'set-remote', endpoint: far.endpoint, remote: remoteAt(call.pbx) });
    this.#tell(session, { type: 'join', a: near.endpoint, b: far.endpoint });
    return call;
  }

  /** Goes on with calls of a stage that was left. */
  async resume(calls: readonly RehearsedCall[], snapshots: readonly MediaSnapshot[], left: LeftSockets): Promise<void> {
    this.#relay.succeed(ports, left);
    for (const call of calls) this.#cast(call, await this.#open(call.phone, left), await this.#open(call.pbx, left));
    for (const [index, { session }] of calls.entries()) {
      const snapshot = snapshots[index];
      if (snapshot !== undefined) this.#ask(session, { type: 'resume-session', snapshot }, nothing);
    }
  }

  /** Packets each way, until the driver is left with its sockets open. How many of them phones and PBXs have heard. */
  async play(): Promise<number> {
    const { io, clock, patience } = this.#parts;
    this.#until = clock.now() + patience;
    await io.run(this);
    this.#isLeft = true;
    if (this.#failure !== undefined) throw new SbcError('rehearsal-failed', this.#failure);
    const heard = [...this.#players.values()].reduce((sum, player) => sum + player.heard, 0);
    if (heard === 0) throw new SbcError('rehearsal-failed', 'nothing comes over the loopback');
    return heard;
  }

  /** What it has open, unless its driver was left: that is in the ledger then. */
  close(): void {
    if (!this.#isLeft) this.#parts.io.dispose();
  }

  /** After `play`. */
  snapshots(calls: readonly RehearsedCall[]): readonly MediaSnapshot[] {
    const taken: MediaSnapshot[] = [];
    for (const { session } of calls) {
      this.#ask(session, { type: 'snapshot' }, (outcome) => {
        const read = outcome.type === 'snapshot' ? JSON.stringify(outcome.snapshot) : 'null';
        const snapshot = readMediaSnapshot(JSON.parse(read));
        if (snapshot !== undefined) taken.push(snapshot);
      });
    }
    this.#relay.leave();
    return taken;
  }

  onPacket(socket: SocketId, offset: number, length: number, source: number): void {
    const player = this.#players.get(socket);
    if (player === undefined) this.#relay.onPacket(socket, offset, length, source);
    else player.heard += 1;
  }

  onControl(): void {}

  onDeadline(now: Millis): Millis {
    this.#relay.onDeadline(now);
    const players = [...this.#players.values()];
    if (now >= this.#until || players.every(({ heard }) => heard >= packets)) {
      this.#parts.io.leave();
      return now;
    }
    for (const player of players) this.#speak(player);
    return now + interval;
  }

  #cast(call: RehearsedCall, phone: SocketId, pbx: SocketId): void {
    const { io, ciphers } = this.#parts;
    const at = ({ rtpPort }: PortPlace): number => {
      const slot = io.allocateAddress();
      io.writeAddress(slot, { address: loopback, port: rtpPort });
      return slot;
    };
    const sender = new SrtpSender(copyOf(call.fromPhone), ciphers);
    this.#players.set(phone, { call, socket: phone, to: at(call.near), sender, heard: 0 });
    this.#players.set(pbx, { call, socket: pbx, to: at(call.far), sender: undefined, heard: 0 });
  }

  #speak({ call, socket, to, sender }: Player): void {
    const { io } = this.#parts;
    const { memory } = io;
    const offset = io.acquire();
    if (offset < 0) return;
    call.sequence += 1;
    const isRtcp = call.sequence % rtcpEvery < 2;
    const plain = isRtcp ? rtcpPacket : rtpPacket;
    memory.bytes.set(plain, offset);
    if (!isRtcp) memory.view.setUint16(offset + 2, call.sequence);
    const protect = isRtcp ? sender?.protectRtcp(offset, plain.length) : sender?.protectRtp(offset, plain.length);
    const length = protect ?? plain.length;
    if (length > 0) io.send(socket, offset, length, to);
  }

  #open(port: number, left?: LeftSockets): Promise<SocketId> {
    const adopt = left?.take({ address: loopback, port });
    const options = adopt === undefined ? socketOptions : { ...socketOptions, adopt };
    return new Promise((resolve, reject) => {
      this.#parts.io.open(loopback, port, options, (opened) => {
        if (opened.ok) resolve(opened.value);
        else reject(new SbcError('rehearsal-failed', opened.error.detail));
      });
    });
  }

  #grant(): Promise<readonly PortPlace[]> {
    return new Promise((resolve) => {
      this.#whenGranted = resolve;
      this.#relay.grant({ address: loopback, rtcpMux: true, count: 2, needed: 2 });
    });
  }

  #tell(session: number, command: SessionCommand): void {
    this.#commands += 1;
    this.#relay.handle({ id: this.#commands, session, command });
  }

  #ask(session: number, command: SessionCommand, onAnswer: (outcome: CommandOutcome) => void): void {
    this.#answers.set(this.#commands + 1, onAnswer);
    this.#tell(session, command);
  }

  #hear(message: WorkerMessage): void {
    switch (message.type) {
      case 'granted':
        this.#whenGranted(message.places);
        return;
      case 'reply':
        if (message.outcome.type === 'error') this.#failure ??= message.outcome.error.detail;
        this.#answers.get(message.id)?.(message.outcome);
        return;
      case 'refused':
        this.#failure ??= message.error.detail;
        return;
      case 'fault':
        this.#failure ??= message.detail;
        return;
      default:
    }
  }
}

function remoteAt(port: number): EndpointRemote {
  return {
    rtp: { address: loopback, port },
    rtcp: undefined,
    receive: undefined,
    send: undefined,
    latching: { kind: 'authenticated' },
    sending: true,
    receiving: true,
    payloadTypes: [[101, 96]],
    clockRates: [[0, 8_000]],
    codecs: [[0, 'pcmu/8000/1']],
    limit: { packetsPerSecond: 10_000, bytesPerSecond: 10_000_000 },
  };
}

/** A key is wiped by whoever takes it over. */
function copyOf({ suite, masterKey, masterSalt }: SrtpKeying): SrtpKeying {
  return { suite, masterKey: Uint8Array.from(masterKey), masterSalt: Uint8Array.from(masterSalt) };
}

/** 20 ms of PCMU (RFC 3551 §4.5.14). */
const rtpPacket = Uint8Array.from({ length: 172 }, (_, at) => (at === 0 ? 0x80 : at === 11 ? 1 : 0));

/** A sender report and the name of its source (RFC 3550 §6.4.1, §6.5.1). */
const rtcpPacket = Uint8Array.from({ length: 40 });
rtcpPacket.set([0x80, 200, 0, 6, 0, 0, 0, 1]);
rtcpPacket.set([0x81, 202, 0, 2, 0, 0, 0, 1, 1, 1, 0x61, 0], 28);

function nothing(): void {}
