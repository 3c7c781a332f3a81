// Which receive request each socket of the io_uring driver has, and how it is changed. A change always takes the same way:
// cancel, wait for the last completion, connect or disconnect, drain what was queued (with its true sources), receive
// again. So no datagram is ever taken for the peer's because of what the socket was connected to before.
import type { IoUring } from '../native/io-uring.ts';
import { EAGAIN, ECONNREFUSED, MSG_DONTWAIT, MSG_TRUNC } from '../native/linux-abi.ts';
import { type PacketIoCounters, type SocketId, socketAddressBytes } from './packet-io.ts';
import { type Deliver, receiveBudget, receiveCapacity } from './packet-io-base.ts';
import { type StrayParts, StraySockets } from './stray-sockets.ts';
import { nextReceiveTag, type UringRequests } from './uring-requests.ts';

export interface ReceiverParts extends StrayParts {
  readonly ring: IoUring;
  readonly requests: UringRequests;
  readonly counters: PacketIoCounters;
}

export class UringReceivers {
  /** The tag of the receive request in flight; 0: none. */
  readonly tags: Int32Array;
  /** 1: that request puts the source in front of each datagram. */
  readonly hasSource: Uint8Array;
  /**
   * Where the address stands that the socket is connected to; 0: it is not. What was given to `latch` as long as that holds, and a
   * copy of our own from the moment something else is wanted, since the caller may then reuse the place.
   */
  readonly peers: Int32Array;
  /** 1: `close` was called. */
  readonly closing: Uint8Array;
  readonly strays: StraySockets;
  readonly #parts: ReceiverParts;
  readonly #wanted: Int32Array;
  /** 1: `wanted` is not what the socket has. */
  readonly #isChanging: Uint8Array;
  /** The copies of connected addresses. */
  readonly #copies: number;
  readonly #lastTags: Int32Array;
  readonly #isCancelled: Uint8Array;
  readonly #isDraining: Uint8Array;
  readonly #isListed: Uint8Array;
  /** Sockets that need something done between batches; the other list takes what comes up while one is worked through. */
  #unsettled: Int32Array;
  #settling: Int32Array;
  #unsettledCount = 0;
  /** A socket address, then a socklen_t. */
  readonly #source: number;

  constructor(parts: ReceiverParts) {
    const { capacity } = parts.table;
    this.#parts = parts;
    this.strays = new StraySockets(parts);
    this.tags = new Int32Array(capacity);
    this.hasSource = new Uint8Array(capacity);
    this.peers = new Int32Array(capacity);
    this.closing = new Uint8Array(capacity);
    this.#wanted = new Int32Array(capacity);
    this.#isChanging = new Uint8Array(capacity);
    this.#copies = parts.arena.allocateTable(capacity * socketAddressBytes, socketAddressBytes);
    this.#lastTags = new Int32Array(capacity);
    this.#isCancelled = new Uint8Array(capacity);
    this.#isDraining = new Uint8Array(capacity);
    this.#isListed = new Uint8Array(capacity);
    this.#unsettled = new Int32Array(capacity);
    this.#settling = new Int32Array(capacity);
    this.#source = parts.arena.allocate(socketAddressBytes + 4);
  }

  start(socket: SocketId): void {
    this.closing[socket] = 0;
    this.peers[socket] = 0;
    this.#wanted[socket] = 0;
    this.#isChanging[socket] = 0;
    this.#isDraining[socket] = 0;
    this.#list(socket);
  }

  /** `peer` 0: from anybody. */
  want(socket: SocketId, peer: number): void {
    if (peer === 0 && this.peers[socket] === 0 && this.#isChanging[socket] === 0) return;
    this.#wanted[socket] = peer;
    this.#isChanging[socket] = 1;
    if (this.peers[socket] !== 0) this.peers[socket] = this.#copyOf(socket);
    this.#list(socket);
  }

  close(socket: SocketId): void {
    if (this.closing[socket] === 1) return;
    this.closing[socket] = 1;
    this.#list(socket);
  }

  /** The receive request of the socket has completed for the last time. */
  ended(socket: SocketId): void {
    this.tags[socket] = 0;
    this.#list(socket);
  }

  /** A cancellation came too early to find its request running and too late to find it waiting: once more. */
  cancelMissed(socket: SocketId): void {
    this.#isCancelled[socket] = 0;
    this.#list(socket);
  }

  /** Does what can be done now for every listed socket. True when some of it is left for the next batch. */
  settle(deliver: Deliver): boolean {
    const count = this.#unsettledCount;
    if (count === 0) return false;
    const settling = this.#unsettled;
    this.#unsettled = this.#settling;
    this.#settling = settling;
    this.#unsettledCount = 0;
    for (let index = 0; index < count; index += 1) {
      const socket = settling[index] ?? 0;
      this.#isListed[socket] = 0;
      if (!this.#settleOne(socket, deliver)) this.#list(socket);
    }
    return this.#unsettledCount > 0;
  }

  #settleOne(socket: SocketId, deliver: Deliver): boolean {
    if (!this.#parts.table.isOpen(socket)) return true;
    const isUnwanted = this.closing[socket] === 1 || this.#isChanging[socket] === 1;
    if (this.tags[socket] !== 0) return !isUnwanted || this.#cancel(socket);
    if (isUnwanted && !this.#flush()) return false;
    if (this.closing[socket] === 1) {
      this.#remove(socket);
      return true;
    }
    if (isUnwanted) this.#reconnect(socket);
    if (this.#isDraining[socket] === 1 && !this.#drain(socket, deliver)) return false;
    if (this.closing[socket] === 1 || this.#isChanging[socket] === 1) return false;
    return this.#receive(socket);
  }

  #cancel(socket: SocketId): boolean {
    if (this.#isCancelled[socket] === 1) return true;
    if (!this.#parts.requests.cancel(socket, this.tags[socket] ?? 0)) return false;
    this.#isCancelled[socket] = 1;
    return true;
  }

  #receive(socket: SocketId): boolean {
    const tag = nextReceiveTag(this.#lastTags[socket] ?? 0);
    const withSource = this.peers[socket] === 0;
    if (!this.#parts.requests.receive(socket, tag, withSource)) return false;
    this.#lastTags[socket] = tag;
    this.tags[socket] = tag;
    this.hasSource[socket] = withSource ? 1 : 0;
    this.#isCancelled[socket] = 0;
    return true;
  }

  /**
   * Sends that were queued for the old state go out before it changes: those without a destination need the connection, and
   * all of them name a place in the file table that may soon be another socket's. False when the kernel does not take them.
   */
  #flush(): boolean {
    const { ring } = this.#parts;
    if (ring.unsubmitted > 0) ring.submit(0, 0);
    return ring.unsubmitted === 0;
  }

  #reconnect(socket: SocketId): void {
    const { table, counters } = this.#parts;
    this.#isChanging[socket] = 0;
    const wanted = this.#wanted[socket] ?? 0;
    if (wanted === 0 && this.peers[socket] === 0) return;
    this.strays.close(socket);
    const isConnected = wanted !== 0 && table.connect(socket, wanted);
    // A peer that cannot be connected to (no route) is served unconnected, each datagram with its source.
    const isUnfiltered = isConnected || table.disconnect(socket);
    if (isConnected !== (wanted !== 0) || !isUnfiltered) counters.receiveErrors += 1;
    if (isConnected) this.#parts.arena.bytes.copyWithin(this.#copyOf(socket), wanted, wanted + socketAddressBytes);
    if (isConnected) this.strays.open(socket);
    this.peers[socket] = isConnected ? wanted : 0;
    this.#isDraining[socket] = isConnected ? 1 : 0;
  }

  /** Reads what was queued before the kernel filtered, every datagram with its own source. False when more may be there. */
  #drain(socket: SocketId, deliver: Deliver): boolean {
    const { libc, arena, table, own, counters } = this.#parts;
    const descriptor = table.descriptors[socket] ?? -1;
    const source = arena.address(this.#source, socketAddressBytes);
    const sourceLength = arena.address(this.#source + socketAddressBytes, 4);
    for (let count = 0; count < receiveBudget; count += 1) {
      const offset = own.take();
      if (offset < 0) return false;
      arena.words[(this.#source + socketAddressBytes) >> 2] = socketAddressBytes;
      const buffer = arena.address(offset, receiveCapacity);
      const flags = MSG_DONTWAIT | MSG_TRUNC;
      const length = libc.recvfrom(descriptor, buffer, receiveCapacity, flags, source, sourceLength);
      if (length < 0) {
        // Any other error (a peer's "port unreachable") says nothing about what is queued behind it.
        const errno = libc.errno();
        if (errno === EAGAIN) {
          this.#isDraining[socket] = 0;
          return true;
        }
        if (errno === ECONNREFUSED) counters.portUnreachable += 1;
        else counters.receiveErrors += 1;
      } else if (length > receiveCapacity) counters.truncated += 1;
      else deliver(socket, offset, length, this.#source);
    }
    return false;
  }

  #copyOf(socket: SocketId): number {
    return this.#copies + socket * socketAddressBytes;
  }

  #remove(socket: SocketId): void {
    const { ring, table, libc } = this.#parts;
    this.strays.close(socket);
    ring.setFile(socket, -1);
    libc.close(table.remove(socket));
  }

  #list(socket: SocketId): void {
    if (this.#isListed[socket] === 1) return;
    this.#isListed[socket] = 1;
    this.#unsettled[this.#unsettledCount] = socket;
    this.#unsettledCount += 1;
  }
}
