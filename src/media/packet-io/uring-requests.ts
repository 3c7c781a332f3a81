// The io_uring requests that the driver makes, written into submission entries. A request's user data is two words: whom it
// is for, and a tag of kind (low 4 bits) and generation, so that a late completion is never taken for a new one.
import type { Arena } from '../native/arena.ts';
import type { IoUring } from '../native/io-uring.ts';
import {
  messageHeaderBytes,
  messageNameLengthAt,
  OP_ASYNC_CANCEL,
  OP_POLL_ADD,
  OP_RECV,
  OP_RECVMSG,
  OP_SEND,
  POLL_ADD_MULTI,
  POLLIN,
  RECV_MULTISHOT,
  SQE_BUFFER_SELECT,
  SQE_CQE_SKIP_SUCCESS,
  SQE_FIXED_FILE,
} from '../native/io-uring-abi.ts';
import { MSG_DONTWAIT } from '../native/linux-abi.ts';
import { socketAddressBytes } from './packet-io.ts';

export const KIND_RECEIVE = 1;
export const KIND_SEND = 2;
export const KIND_CANCEL = 3;
export const KIND_WAKE = 4;
const kindBits = 4;
const maxGeneration = 0x7ff_ffff;

/** The tag of the receive request after the one with `tag`. */
export function nextReceiveTag(tag: number): number {
  return ((((tag >>> kindBits) + 1) & maxGeneration) << kindBits) | KIND_RECEIVE;
}

export function kindOf(tag: number): number {
  return tag & ((1 << kindBits) - 1);
}

export class UringRequests {
  readonly #ring: IoUring;
  readonly #arena: Arena;
  /** A msghdr that asks for the source of a datagram and no control data; shared by all multishot RECVMSG. */
  readonly #sourceRequest: number;

  constructor(ring: IoUring, arena: Arena) {
    this.#ring = ring;
    this.#arena = arena;
    this.#sourceRequest = arena.allocate(messageHeaderBytes, 8);
    arena.view.setUint32(this.#sourceRequest + messageNameLengthAt, socketAddressBytes, true);
  }

  /** Receives until it ends by itself: plain payloads, or with the source in front. False when there is no entry. */
  receive(file: number, tag: number, withSource: boolean): boolean {
    const source = withSource ? this.#arena.address(this.#sourceRequest, messageHeaderBytes) : 0;
    const entry = this.#ring.nextEntry();
    if (entry < 0) return false;
    const words = this.#ring.entries;
    const flags = SQE_FIXED_FILE | SQE_BUFFER_SELECT;
    words[entry] = (withSource ? OP_RECVMSG : OP_RECV) | (flags << 8) | (RECV_MULTISHOT << 16);
    words[entry + 1] = file;
    words[entry + 2] = 0;
    words[entry + 3] = 0;
    putWide(words, entry + 4, source);
    words[entry + 6] = withSource ? 1 : 0;
    words[entry + 7] = 0;
    words[entry + 8] = file;
    words[entry + 9] = tag;
    words[entry + 11] = 0;
    return true;
  }

  /** Ends the receive request of that tag; it completes once more, with ECANCELED or a last datagram. */
  cancel(file: number, tag: number): boolean {
    const entry = this.#ring.nextEntry();
    if (entry < 0) return false;
    const words = this.#ring.entries;
    words[entry] = OP_ASYNC_CANCEL | (SQE_CQE_SKIP_SUCCESS << 8);
    words[entry + 1] = -1;
    words[entry + 2] = 0;
    words[entry + 3] = 0;
    words[entry + 4] = file;
    words[entry + 5] = tag;
    words[entry + 6] = 0;
    words[entry + 7] = 0;
    words[entry + 8] = file;
    words[entry + 9] = KIND_CANCEL;
    words[entry + 11] = 0;
    return true;
  }

  /** Completes each time the descriptor becomes readable. */
  poll(file: number): boolean {
    const entry = this.#ring.nextEntry();
    if (entry < 0) return false;
    const words = this.#ring.entries;
    words[entry] = OP_POLL_ADD | (SQE_FIXED_FILE << 8);
    words[entry + 1] = file;
    words[entry + 2] = 0;
    words[entry + 3] = 0;
    words[entry + 4] = 0;
    words[entry + 5] = 0;
    words[entry + 6] = POLL_ADD_MULTI;
    words[entry + 7] = POLLIN;
    words[entry + 8] = file;
    words[entry + 9] = KIND_WAKE;
    words[entry + 11] = 0;
    return true;
  }

  /**
   * Sends now or never (MSG_DONTWAIT): done when `submit` returns, and heard of again only when it failed. With `destination` 0
   * to the connected peer. Throws `ArenaError`, before anything is queued, for a range outside of the arena.
   */
  send(file: number, offset: number, length: number, destination: number, destinationLength: number): boolean {
    const payload = this.#arena.address(offset, length);
    const to = destination === 0 ? 0 : this.#arena.address(destination, destinationLength);
    const entry = this.#ring.nextEntry();
    if (entry < 0) return false;
    const words = this.#ring.entries;
    words[entry] = OP_SEND | ((SQE_FIXED_FILE | SQE_CQE_SKIP_SUCCESS) << 8);
    words[entry + 1] = file;
    putWide(words, entry + 2, to);
    putWide(words, entry + 4, payload);
    words[entry + 6] = length;
    words[entry + 7] = MSG_DONTWAIT;
    words[entry + 8] = length;
    words[entry + 9] = KIND_SEND;
    words[entry + 11] = destination === 0 ? 0 : destinationLength;
    return true;
  }
}

/** A little-endian u64 from an address (an integer below 2^53). */
function putWide(words: Int32Array, index: number, value: number): void {
  words[index] = value | 0;
  words[index + 1] = (value * twoToMinus32) | 0;
}

const twoToMinus32 = 1 / 0x1_0000_0000;
