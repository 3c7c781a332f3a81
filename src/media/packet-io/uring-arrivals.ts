// Datagrams that the kernel has put into slots: from the completion of a receive to the handler, and the slot back to the kernel once
// what was sent from it is gone.
import {
  CQE_BUFFER,
  CQE_BUFFER_SHIFT,
  CQE_MORE,
  receivedFlagsWord,
  receivedHeaderBytes,
} from '../native/io-uring-abi.ts';
import { ECANCELED, ECONNREFUSED, ENOBUFS, MSG_TRUNC } from '../native/linux-abi.ts';
import type { PacketMemory } from '../rtp/packet-memory.ts';
import { type PacketHandlers, type PacketIoCounters, type SocketId, socketAddressBytes } from './packet-io.ts';
import { receiveCapacity } from './packet-io-base.ts';
import type { ProvidedBuffers } from './provided-buffers.ts';
import type { UringReceivers } from './uring-receivers.ts';

export interface ArrivalParts {
  readonly memory: PacketMemory;
  readonly counters: PacketIoCounters;
  readonly buffers: ProvidedBuffers;
  readonly receivers: UringReceivers;
  /** Slots in all. */
  readonly slots: number;
}

export class UringArrivals {
  /** No slot was left to receive into: what waits to be sent must go first. */
  isShort = false;
  readonly #parts: ArrivalParts;
  /** Slots whose packet was queued for sending in this batch. */
  readonly #held: Int32Array;
  #heldCount = 0;
  #isSlotHeld = false;

  constructor(parts: ArrivalParts) {
    this.#parts = parts;
    this.#held = new Int32Array(parts.slots);
  }

  /** What is being handled is queued for sending: its slot stays ours until `giveBack`. */
  hold(): void {
    this.#isSlotHeld = true;
  }

  /** A receive request of the socket has completed. */
  received(handlers: PacketHandlers, socket: SocketId, result: number, flags: number): void {
    const { receivers, buffers, counters } = this.#parts;
    if ((flags & CQE_MORE) === 0) receivers.ended(socket);
    if ((flags & CQE_BUFFER) === 0) {
      if (result < 0) this.#failed(-result);
      return;
    }
    const index = flags >>> CQE_BUFFER_SHIFT;
    if (!buffers.take(index)) {
      counters.implausible += 1;
      return;
    }
    this.#isSlotHeld = false;
    if (receivers.closing[socket] === 0) this.#unwrap(handlers, socket, buffers.slots.offset(index), result);
    if (this.#isSlotHeld) {
      this.#held[this.#heldCount] = index;
      this.#heldCount += 1;
    } else buffers.give(index);
  }

  deliver(handlers: PacketHandlers, socket: SocketId, offset: number, length: number, source: number): void {
    const { receivers, counters } = this.#parts;
    if (receivers.closing[socket] === 1) return;
    counters.received += 1;
    counters.receivedBytes += length;
    handlers.onPacket(socket, offset, length, source);
  }

  /** Everything that was queued is sent. */
  giveBack(): void {
    const { buffers } = this.#parts;
    for (let index = 0; index < this.#heldCount; index += 1) buffers.give(this.#held[index] ?? 0);
    this.#heldCount = 0;
  }

  /** Finds the datagram and its source in a slot of `filled` bytes. */
  #unwrap(handlers: PacketHandlers, socket: SocketId, slot: number, filled: number): void {
    const { receivers, counters, memory } = this.#parts;
    if (receivers.hasSource[socket] === 0) {
      // A datagram that fills the slot may have been longer.
      if (filled >= receiveCapacity) counters.truncated += 1;
      else this.deliver(handlers, socket, slot, filled, receivers.peers[socket] ?? 0);
      return;
    }
    const length = filled - payloadAt;
    if (length < 0 || filled > receiveCapacity) {
      counters.implausible += 1;
      return;
    }
    const isCut = ((memory.words[(slot >> 2) + receivedFlagsWord] ?? 0) & MSG_TRUNC) !== 0;
    if (isCut) counters.truncated += 1;
    else this.deliver(handlers, socket, slot + payloadAt, length, slot + receivedHeaderBytes);
  }

  #failed(errno: number): void {
    const { counters } = this.#parts;
    if (errno === ENOBUFS) {
      counters.bufferShortages += 1;
      this.isShort = true;
    } else if (errno === ECONNREFUSED) counters.portUnreachable += 1;
    else if (errno !== ECANCELED) counters.receiveErrors += 1;
  }
}

const payloadAt = receivedHeaderBytes + socketAddressBytes;
