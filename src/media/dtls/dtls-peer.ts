// One handshake with one source. Between its first and last datagram it holds a connection, an address slot, and a place in
// the worker's count of them; `close` gives all three back once.
import type { Clock, Millis } from '../../core/clock.ts';
import type { PacketIo } from '../packet-io/packet-io.ts';
import type { PacketMemory } from '../rtp/packet-memory.ts';
import { randomBytes } from './client-hello.ts';
import type { DtlsConnection, DtlsFactory, DtlsProgress } from './dtls-connection.ts';
import type { DtlsTerms } from './dtls-terms.ts';
import type { HelloCookies } from './hello-cookies.ts';

/** What all associations of a worker share. */
export interface DtlsRoom {
  readonly io: Pick<
    PacketIo,
    'acquire' | 'send' | 'allocateAddress' | 'copyAddress' | 'sameAddress' | 'readAddress' | 'writeAddress'
  >;
  readonly memory: PacketMemory;
  readonly connections: DtlsFactory;
  readonly cookies: HelloCookies;
  readonly clock: Clock;
  readonly load: HandshakeLoad;
}

/** Handshakes of a worker at a time: each holds some 70 kB of OpenSSL's memory and an address slot. */
export const handshakeLimit = 512;

export class HandshakeLoad {
  #open = 0;
  /** Addresses of handshakes that are over: a datagram to them may still be on its way out of this batch. */
  readonly #resting: number[] = [];

  get open(): number {
    return this.#open;
  }

  take(): boolean {
    if (this.#open >= handshakeLimit) return false;
    this.#open += 1;
    return true;
  }

  giveBack(address: number): void {
    this.#resting.push(address);
  }

  /** Between batches: places and addresses of what is over are free again. */
  settle(io: Pick<PacketIo, 'releaseAddress'>): void {
    for (const address of this.#resting.splice(0)) {
      io.releaseAddress(address);
      this.#open -= 1;
    }
  }
}

export class DtlsPeer {
  readonly connection: DtlsConnection;
  /** The offset of its socket address. */
  readonly address: number;
  /** When it began; once verified, since when. */
  since: Millis;
  readonly #room: DtlsRoom;
  readonly #socket: number;
  readonly #helloRandom: Uint8Array | undefined;
  #isClosed = false;

  /** Undefined when the worker has enough of them. `helloRandom` is an offset, or -1 where we are the client. */
  static begin(
    terms: DtlsTerms,
    socket: number,
    address: number,
    helloRandom: number,
    room: DtlsRoom,
  ): DtlsPeer | undefined {
    return room.load.take() ? new DtlsPeer(terms, socket, address, helloRandom, room) : undefined;
  }

  private constructor(terms: DtlsTerms, socket: number, address: number, helloRandom: number, room: DtlsRoom) {
    const { io, memory, clock, connections } = room;
    this.#room = room;
    this.#socket = socket;
    this.since = clock.now();
    this.#helloRandom = helloRandom < 0 ? undefined : memory.bytes.slice(helloRandom, helloRandom + randomBytes);
    this.connection = connections.open(terms.role, terms.fingerprints);
    this.address = io.allocateAddress();
    io.copyAddress(address, this.address);
  }

  get failure(): string | undefined {
    return this.connection.failure;
  }

  /** Whether the ClientHello with this random (an offset) is the one that it began with. */
  isSameHello(random: number): boolean {
    const { bytes } = this.#room.memory;
    return this.#helloRandom?.every((byte, index) => byte === bytes[random + index]) === true;
  }

  start(): DtlsProgress {
    return this.connection.start(this.#send);
  }

  receive(offset: number, length: number): DtlsProgress {
    return this.connection.receive(offset, length, this.#send);
  }

  onDeadline(): DtlsProgress {
    return this.connection.onDeadline(this.#send);
  }

  close(saysGoodbye: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.connection.close(saysGoodbye ? this.#send : undefined);
    this.#room.load.giveBack(this.address);
  }

  /** A batch that has no slot left loses a datagram, as a network would: it is repeated. */
  readonly #send = (offset: number, length: number): void => {
    const { io, memory } = this.#room;
    const slot = io.acquire();
    if (slot < 0) return;
    memory.bytes.copyWithin(slot, offset, offset + length);
    io.send(this.#socket, slot, length, this.address);
  };
}
