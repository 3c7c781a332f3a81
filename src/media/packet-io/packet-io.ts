// The one interface of the three packet drivers. A driver owns its sockets and the loop of its thread; packets live in
// `memory`, sockets are small integers, peers are offsets of socket addresses. Nothing here allocates per packet.
import type { Millis } from '../../core/clock.ts';
import type { Result } from '../../core/result.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { PacketMemory } from '../rtp/packet-memory.ts';

export const driverNames = ['io_uring', 'epoll', 'dgram'] as const;
export type DriverName = (typeof driverNames)[number];

/** A small dense integer, reused oldest first and only after everything that named it has completed. */
export type SocketId = number;

/** Writable bytes that follow every packet handed to `onPacket` or got from `acquire`: room for SRTP trailers. */
export const packetTailroomBytes = 128;

/** The longest wait of a blocked loop; a worker can be ended within it. */
export const longestWait: Millis = 50;

/** Sockets that are told to `onAhead` at a time, at most. */
export const announcedAtOnce = 32;

/** The size of a socket address in memory: a `sockaddr_in` (16) or `sockaddr_in6` (28), padded. */
export const socketAddressBytes = 32;

export interface PacketHandlers {
  /**
   * One datagram of `length` bytes at `offset` (a multiple of 4), its sender's socket address at `source`. Both are valid
   * during the call; what was given to `send` stays until it is sent. On a latched socket `source` is the very offset that
   * was given to `latch` as soon as the kernel filters by it.
   */
  onPacket(socket: SocketId, offset: number, length: number, source: number): void;
  /** Packets of these sockets come next, unless something comes in between: whoever needs much memory for each can read all of it now. */
  onAhead?(sockets: Int32Array, count: number): void;
  /** So many datagrams came to a latched socket from elsewhere and were dropped unread. */
  onUnread?(socket: SocketId, count: number): void;
  /** Somebody called `wake`: read the control port. */
  onControl(): void;
  /** Called between batches; returns when to be called next (monotonic), which is then or `longestWait` from now, whichever is sooner. */
  onDeadline(now: Millis): Millis;
}

export interface SocketOptions {
  /** The six bits of RFC 2474 §3; 46 is Expedited Forwarding (RFC 3246). */
  readonly dscp: number;
  /** Asked of the kernel, which may give less. */
  readonly receiveBufferBytes: number;
  /**
   * A descriptor that is bound there already, of a thread that has ended: it is taken over, with what is queued in it, or closed
   * when that fails. Native drivers only.
   */
  readonly adopt?: number | undefined;
}

export interface OpenError {
  readonly code: OpenErrorCode;
  readonly detail: string;
}

export type OpenErrorCode =
  /** The port is taken. */
  | 'in-use'
  /** The address is not one of this machine, or the port is not allowed to us. */
  | 'not-available'
  /** No descriptor, socket table entry or kernel memory is left: refuse the call, keep the others. */
  | 'descriptors-exhausted'
  | 'failed';

/** How another thread interrupts a blocked loop; with `message` there is no blocked loop, and any message gets through. */
export type WakeHandle = { readonly kind: 'eventfd'; readonly fd: number } | { readonly kind: 'message' };

/** Numbers since the driver was opened. */
export interface PacketIoCounters {
  received: number;
  receivedBytes: number;
  sent: number;
  sentBytes: number;
  /** The kernel refused a packet (no route, buffer full, peer's port closed). */
  sendErrors: number;
  receiveErrors: number;
  /** A connected peer answered "port unreachable"; nothing is done about it. */
  portUnreachable: number;
  /** Longer than a slot: dropped. */
  truncated: number;
  /** Receiving paused because no packet slot was free. */
  bufferShortages: number;
  /** `acquire` had nothing to give. */
  acquireFailures: number;
  /** Completions, lengths or buffer numbers from the kernel that made no sense: ignored. */
  implausible: number;
  /** `send` to a socket that is closed. */
  sendsToClosed: number;
}

export interface PacketIo {
  readonly driver: DriverName;
  readonly memory: PacketMemory;
  readonly wakeHandle: WakeHandle;
  readonly counters: Readonly<PacketIoCounters>;

  /**
   * Binds a UDP socket to a numeric address and a port (0: any). io_uring and epoll call back before `open` returns, since
   * a blocked loop resolves no promises; dgram calls back later.
   */
  open(
    address: string,
    port: number,
    options: SocketOptions,
    onOpened: (opened: Result<SocketId, OpenError>) => void,
  ): void;
  localPort(socket: SocketId): number;
  /**
   * The peer is proven, its socket address stands at `address` and stays there until `unlatch` or `close`. The driver may now
   * have the kernel refuse everybody else; until that holds, packets still arrive with their true source. Strays are handed up
   * late and few, each with its source, the rest counted by `onUnread`, as long as there are descriptors to spare.
   */
  latch(socket: SocketId, address: number): void;
  /** Again from anybody; the port stays ours. */
  unlatch(socket: SocketId): void;
  /**
   * Queues a datagram. Only inside `onPacket`, `onControl` or `onDeadline`; the bytes, from `onPacket` or `acquire`, and the
   * destination must not change before the batch ends.
   */
  send(socket: SocketId, offset: number, length: number, destination: number): void;
  /** A free slot of at least 1500 + 128 bytes for a packet of our own, valid until the batch ends; -1 when there is none. */
  acquire(): number;

  /** A slot for a socket address; throws when none is left. */
  allocateAddress(): number;
  releaseAddress(offset: number): void;
  /** False when `address` is not numeric or the port is out of range; the slot is then unchanged. */
  writeAddress(offset: number, address: SocketAddress): boolean;
  readAddress(offset: number): SocketAddress;
  /** The same family, address and port. */
  sameAddress(a: number, b: number): boolean;
  /** Copies a socket address, for example a packet's source that is worth keeping. */
  copyAddress(from: number, to: number): void;

  /** Idempotent. The id, the port and the slots in use are free once their completions are drained. */
  close(socket: SocketId): void;
  /**
   * In the thread that opened the driver. io_uring and epoll block it until `stop`; dgram returns to the event loop. Resolves
   * after `stop`; rejects with what a handler throws.
   */
  run(handlers: PacketHandlers): Promise<void>;
  /** Ends `run` after the batch. */
  stop(): void;
  /**
   * Instead of `stop`: ends `run` when nothing is left to be delivered or sent, and lets go of the sockets, which stay open and
   * bound for whoever goes on with them. Node's own are closed, and their ports free to be bound. `dispose` does not follow.
   */
  leave(): void;
  /**
   * Closes every socket and descriptor but the wake handle's: whoever wakes closes it when nobody wakes any more (the
   * `DescriptorLedger` does). Only when `run` is over.
   */
  dispose(): void;
}
