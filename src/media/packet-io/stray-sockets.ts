// What comes from elsewhere to a connected socket never reaches it. A second, unconnected socket on the same port takes it, with
// a small buffer that is looked into once a second: strays are counted and may prove themselves, and a flood of them costs
// no more than a few. What found the buffer full is counted by the kernel. RFC 7362 §4 (latching again).
import type { Millis } from '../../core/clock.ts';
import type { Arena } from '../native/arena.ts';
import type { Libc } from '../native/libc.ts';
import { MSG_DONTWAIT, MSG_TRUNC } from '../native/linux-abi.ts';
import type { UdpSockets } from '../native/udp-socket.ts';
import { type DescriptorLedger, ledgerPlace } from './descriptor-ledger.ts';
import type { OwnSlots } from './own-slots.ts';
import { type PacketHandlers, type SocketId, socketAddressBytes } from './packet-io.ts';
import { type Deliver, receiveCapacity } from './packet-io-base.ts';
import type { SocketTable } from './socket-table.ts';

export const strayLimits = {
  /** Asked of the kernel: room for about ten voice packets. */
  bufferBytes: 4_096,
  /** Each of these sockets is looked into this often. */
  interval: 1_000,
  /** Datagrams from one of them at a time. */
  ofOne: 16,
  /** Datagrams from all of them between two batches. */
  ofAll: 64,
} as const;

export interface StrayParts {
  readonly libc: Libc;
  readonly arena: Arena;
  readonly udp: UdpSockets;
  readonly table: SocketTable;
  readonly own: OwnSlots;
  readonly ledger: DescriptorLedger | undefined;
}

export class StraySockets {
  readonly #parts: StrayParts;
  /** By socket: the descriptor beside it, -1 without one. */
  readonly #descriptors: Int32Array;
  /** By socket: what the kernel had dropped when it was last asked. */
  readonly #drops: Uint32Array;
  /** Sockets that have one, in no order, and where each stands. */
  readonly #list: Int32Array;
  readonly #places: Int32Array;
  #count = 0;
  #next = 0;
  /** Visits that are due, with their fraction. */
  #due = 0;
  #lastSweep: Millis = 0;
  /** A slot that nothing was delivered in yet, or -1. */
  #slot = -1;
  /** A socket address, then a socklen_t. */
  readonly #source: number;

  constructor(parts: StrayParts) {
    const { capacity } = parts.table;
    this.#parts = parts;
    this.#descriptors = new Int32Array(capacity).fill(-1);
    this.#drops = new Uint32Array(capacity);
    this.#list = new Int32Array(capacity);
    this.#places = new Int32Array(capacity);
    this.#source = parts.arena.allocate(socketAddressBytes + 4);
  }

  get count(): number {
    return this.#count;
  }

  /** Right after `socket` was connected. Strays are the first to do without where descriptors run short. */
  open(socket: SocketId): void {
    const { udp, table, ledger } = this.#parts;
    if (this.#has(socket) || table.size + this.#count >= table.capacity) return;
    const local = table.local(socket);
    const length = table.addressLengths[socket] ?? 0;
    const beside = table.descriptors[socket] ?? -1;
    const descriptor = udp.openBeside(beside, local, length, strayLimits.bufferBytes);
    if (descriptor < 0) return;
    ledger?.note(ledgerPlace.firstSocket + table.capacity + socket, descriptor);
    this.#descriptors[socket] = descriptor;
    this.#drops[socket] = 0;
    this.#list[this.#count] = socket;
    this.#places[socket] = this.#count;
    this.#count += 1;
  }

  /** Before the port is released or open to all again. What it still holds is lost, as if it had come a moment earlier. */
  close(socket: SocketId): void {
    if (!this.#has(socket)) return;
    const { libc, table, ledger } = this.#parts;
    ledger?.forget(ledgerPlace.firstSocket + table.capacity + socket);
    libc.close(this.#descriptors[socket] ?? -1);
    this.#descriptors[socket] = -1;
    this.#count -= 1;
    const last = this.#list[this.#count] ?? 0;
    const place = this.#places[socket] ?? 0;
    this.#list[place] = last;
    this.#places[last] = place;
  }

  /** A socket is about to be opened: whoever waits for a call comes before strays. */
  makeRoom(): void {
    const { table } = this.#parts;
    if (this.#count > 0 && table.size + this.#count >= table.capacity) this.close(this.#list[this.#count - 1] ?? 0);
  }

  closeAll(): void {
    while (this.#count > 0) this.close(this.#list[this.#count - 1] ?? 0);
  }

  /** Looks into as many as are due since the last time. */
  sweep(now: Millis, deliver: Deliver, handlers: PacketHandlers): void {
    const elapsed = Math.min(now - this.#lastSweep, strayLimits.interval);
    this.#lastSweep = now;
    this.#slot = -1;
    this.#due = Math.min(this.#count, this.#due + (this.#count * elapsed) / strayLimits.interval);
    for (let left: number = strayLimits.ofAll; this.#due >= 1 && left > 0 && this.#count > 0; this.#due -= 1) {
      if (this.#next >= this.#count) this.#next = 0;
      const socket = this.#list[this.#next] ?? 0;
      this.#next += 1;
      left -= this.#read(socket, Math.min(left, strayLimits.ofOne), deliver, handlers);
    }
  }

  /** A handler may close the socket, or unlatch it, in between. */
  #read(socket: SocketId, budget: number, deliver: Deliver, handlers: PacketHandlers): number {
    const { libc, arena, own } = this.#parts;
    const descriptor = this.#descriptors[socket] ?? -1;
    let taken = 0;
    while (taken < budget && this.#descriptors[socket] === descriptor) {
      if (this.#slot < 0) this.#slot = own.take();
      const slot = this.#slot;
      if (slot < 0) break;
      arena.words[(this.#source + socketAddressBytes) >> 2] = socketAddressBytes;
      const length = libc.recvfrom(
        descriptor,
        arena.address(slot, receiveCapacity),
        receiveCapacity,
        MSG_DONTWAIT | MSG_TRUNC,
        arena.address(this.#source, socketAddressBytes),
        arena.address(this.#source + socketAddressBytes, 4),
      );
      if (length < 0) break;
      taken += 1;
      if (length > receiveCapacity) continue;
      this.#slot = -1;
      deliver(socket, slot, length, this.#source);
    }
    if (taken > 0 && this.#descriptors[socket] === descriptor) this.#countUnread(socket, descriptor, handlers);
    return taken;
  }

  #countUnread(socket: SocketId, descriptor: number, handlers: PacketHandlers): void {
    const drops = this.#parts.udp.drops(descriptor);
    const unread = (drops - (this.#drops[socket] ?? 0)) >>> 0;
    this.#drops[socket] = drops;
    if (unread > 0) handlers.onUnread?.(socket, unread);
  }

  #has(socket: SocketId): boolean {
    return (this.#descriptors[socket] ?? -1) >= 0;
  }
}
