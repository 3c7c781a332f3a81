// A packet driver without a network: tests put datagrams in and look at what was sent, latched and closed.

import type { Result } from '../../src/core/result.ts';
import { err, ok } from '../../src/core/result.ts';
import { formatSocketAddress, type SocketAddress } from '../../src/core/socket-address.ts';
import { Arena } from '../../src/media/native/arena.ts';
import {
  type OpenError,
  type OpenErrorCode,
  type PacketHandlers,
  packetTailroomBytes,
  type SocketId,
  type SocketOptions,
} from '../../src/media/packet-io/packet-io.ts';
import { PacketIoBase, packetSlotBytes } from '../../src/media/packet-io/packet-io-base.ts';
import type { FakeClock } from './fake-time.ts';

export interface SentPacket {
  readonly socket: SocketId;
  /** Of the socket, as `address:port`. */
  readonly from: string;
  readonly to: string;
  readonly bytes: Uint8Array;
}

interface FakeSocket {
  readonly local: SocketAddress;
  /** Offset of the address that the kernel would filter by. */
  latch: number | undefined;
}

const canary = 0xa5;

export class FakePacketIo extends PacketIoBase {
  readonly driver = 'dgram';
  readonly wakeHandle = { kind: 'message' } as const;
  readonly sent: SentPacket[] = [];
  /** `address:port` → why `open` refuses it. */
  readonly refusals = new Map<string, OpenErrorCode>();
  /** Set: `open` answers when it is called. */
  delayed: (() => void)[] | undefined;
  /** Sockets that were ever opened. */
  openCount = 0;
  /** The next `send` throws. */
  breakNextSend = false;
  readonly #sockets = new Map<SocketId, FakeSocket>();
  readonly #handlers: () => PacketHandlers;
  readonly #packet: number;
  readonly #source: number;
  readonly #own: number;
  #nextSocket = 0;

  constructor(clock: FakeClock, handlers: () => PacketHandlers) {
    const arena = new Arena(new ArrayBuffer(1 << 18), 0);
    const none = { completionEntries: undefined, hasCanaries: true };
    super({ arena, clock, maxSockets: 256, packetSlots: 1, ownSlots: 1, addressSlots: 1024, ...none });
    this.#handlers = handlers;
    this.#packet = arena.allocate(packetSlotBytes, 16);
    this.#source = this.allocateAddress();
    this.#own = arena.allocate(packetSlotBytes, 16);
  }

  /** Sockets that are open, as `address:port`. */
  get openSockets(): readonly string[] {
    return [...this.#sockets.values()].map(({ local }) => formatSocketAddress(local)).sort();
  }

  /** Where the kernel filters for the socket at `port`: the address it lets through, or undefined. */
  latchOf(port: number): string | undefined {
    const latch = this.#byPort(port)?.[1].latch;
    return latch === undefined ? undefined : formatSocketAddress(this.readAddress(latch));
  }

  /** A datagram from `source` (`address:port`) reaches the socket at `port`; what a latch filters does not. Returns what was sent. */
  deliver(port: number, source: SocketAddress, bytes: Uint8Array): readonly SentPacket[] {
    const found = this.#byPort(port);
    if (found === undefined) throw new Error(`no socket at port ${port}`);
    const [id, socket] = found;
    const before = this.sent.length;
    this.memory.bytes.fill(canary, this.#packet, this.#packet + packetSlotBytes);
    this.memory.bytes.set(bytes, this.#packet);
    if (!this.writeAddress(this.#source, source)) throw new Error(`bad source ${source.address}`);
    const isFiltered = socket.latch !== undefined;
    if (isFiltered && !this.sameAddress(this.#source, socket.latch ?? 0)) return [];
    this.counters.received += 1;
    this.#handlers().onPacket(id, this.#packet, bytes.length, socket.latch ?? this.#source);
    const end = this.#packet + bytes.length + packetTailroomBytes;
    for (let at = end; at < this.#packet + packetSlotBytes; at++) {
      if (this.memory.bytes[at] !== canary) throw new Error(`byte ${at - end} behind the tailroom was overwritten`);
    }
    return this.sent.slice(before);
  }

  open(
    address: string,
    port: number,
    _options: SocketOptions,
    onOpened: (opened: Result<SocketId, OpenError>) => void,
  ): void {
    const answer = (): void => onOpened(this.#bind({ address, port }));
    if (this.delayed === undefined) answer();
    else this.delayed.push(answer);
  }

  localPort(socket: SocketId): number {
    return this.#open(socket).local.port;
  }

  latch(socket: SocketId, address: number): void {
    this.#open(socket).latch = address;
  }

  unlatch(socket: SocketId): void {
    this.#open(socket).latch = undefined;
  }

  send(socket: SocketId, offset: number, length: number, destination: number): void {
    if (this.breakNextSend) {
      this.breakNextSend = false;
      throw new Error('broken');
    }
    const from = formatSocketAddress(this.#open(socket).local);
    const to = formatSocketAddress(this.readAddress(destination));
    this.sent.push({ socket, from, to, bytes: this.memory.bytes.slice(offset, offset + length) });
    this.counters.sent += 1;
  }

  acquire(): number {
    return this.#own;
  }

  close(socket: SocketId): void {
    this.#open(socket);
    this.#sockets.delete(socket);
  }

  run(): Promise<void> {
    return Promise.resolve();
  }

  stop(): void {}

  leave(): void {}

  dispose(): void {}

  #bind(local: SocketAddress): Result<SocketId, OpenError> {
    const name = formatSocketAddress(local);
    const refusal = this.refusals.get(name) ?? (this.openSockets.includes(name) ? 'in-use' : undefined);
    if (refusal !== undefined) return err({ code: refusal, detail: name });
    const id = this.#nextSocket;
    this.#nextSocket += 1;
    this.openCount += 1;
    this.#sockets.set(id, { local, latch: undefined });
    return ok(id);
  }

  #open(socket: SocketId): FakeSocket {
    const found = this.#sockets.get(socket);
    if (found === undefined) throw new Error(`socket ${socket} is not open`);
    return found;
  }

  #byPort(port: number): [SocketId, FakeSocket] | undefined {
    return [...this.#sockets].find(([, { local }]) => local.port === port);
  }
}
