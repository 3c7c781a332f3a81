// Where one socket's peer sends from, and therefore where we send to. Nothing moves before a packet is proven.
// RFC 4961 (symmetric RTP), RFC 7362 (latching), RFC 3711 §9.5 (why it must authenticate first).
import type { Millis } from '../../core/clock.ts';
import { type SocketAddress, sameSocketAddress } from '../../core/socket-address.ts';
import type { PacketIo, SocketId } from '../packet-io/packet-io.ts';
import type { Latching } from '../plane/messages.ts';

export const latchLimits = {
  /**
   * A proven peer must be silent this long before the kernel lets others in again and before an authenticated packet from
   * elsewhere moves the destination: whoever replays a captured packet faster than the peer gains nothing.
   */
  relatchAfter: 1_000,
} as const;

/** The source is the peer; may become it once its packet is proven; or has no business here. */
export const standing = { peer: 0, candidate: 1, foreign: 2 } as const;

export type Standing = (typeof standing)[keyof typeof standing];

export class Latch {
  readonly #io: PacketIo;
  readonly #socket: SocketId;
  /** Socket addresses: the signalled one, the proven one, and a third, since a destination in use is never overwritten. */
  readonly #slots: readonly [number, number, number];
  #signalled: number;
  #signalledAs: SocketAddress | undefined;
  #mode: Latching['kind'] = 'authenticated';
  #windowEnd: Millis = 0;
  #destination = -1;
  #isProven = false;
  /** The kernel refuses everybody but the peer. */
  #isFiltered = false;
  #lastHeard: Millis = Number.NEGATIVE_INFINITY;

  /** Takes three address slots of `io`; `close` returns them. */
  constructor(io: PacketIo, socket: SocketId) {
    this.#io = io;
    this.#socket = socket;
    this.#slots = [io.allocateAddress(), io.allocateAddress(), io.allocateAddress()];
    this.#signalled = this.#slots[0];
  }

  /** The offset of the socket address to send to, -1 before anything is known. */
  get destination(): number {
    return this.#destination;
  }

  /** True once a packet of the peer was proven. */
  get isProven(): boolean {
    return this.#isProven;
  }

  get peer(): SocketAddress | undefined {
    return this.#isProven ? this.#io.readAddress(this.#destination) : undefined;
  }

  /** The offset of the proven peer's socket address while the kernel refuses everybody else; else -1. */
  get settledAt(): number {
    return this.#isProven && this.#isFiltered ? this.#destination : -1;
  }

  get lastHeard(): Millis {
    return this.#lastHeard;
  }

  /** Packets came from the settled place. */
  heard(now: Millis): void {
    this.#lastHeard = now;
  }

  /** Where it would be sent to, proven or not. */
  get known(): SocketAddress | undefined {
    return this.#destination < 0 ? undefined : this.#io.readAddress(this.#destination);
  }

  /**
   * A new address starts over; the same one, or the "no address" of an old-style hold (RFC 3264 §8.4), keeps the proven
   * peer, so that hold and unhold find their way back. False when the address is not numeric.
   */
  signal(address: SocketAddress, latching: Latching, now: Millis): boolean {
    const isSameMode = this.#mode === latching.kind;
    this.#mode = latching.kind;
    if (isUnspecified(address)) return true;
    const isSame = this.#signalledAs !== undefined && sameSocketAddress(this.#signalledAs, address);
    if (isSame && isSameMode && this.#isProven) return true;
    const slot = this.#signalled === this.#destination ? this.#freeSlot() : this.#signalled;
    if (!this.#io.writeAddress(slot, address)) return false;
    this.#release();
    this.#signalled = slot;
    this.#signalledAs = address;
    this.#isProven = false;
    this.#destination = slot;
    this.#windowEnd = latching.kind === 'window' ? now + latching.duration : now;
    return true;
  }

  /** `source` is the offset of a packet's socket address. Changes nothing. */
  judge(source: number, now: Millis): Standing {
    if (this.#isProven && (source === this.#destination || this.#io.sameAddress(source, this.#destination))) {
      return standing.peer;
    }
    if (this.#mode === 'authenticated') return standing.candidate;
    if (this.#signalledAs === undefined) return standing.foreign;
    if (this.#io.sameAddress(source, this.#signalled)) {
      // Inside the window the signalled address takes over from whoever was faster.
      return !this.#isProven || now < this.#windowEnd ? standing.candidate : standing.foreign;
    }
    return this.#mode === 'window' && !this.#isProven && now < this.#windowEnd ? standing.candidate : standing.foreign;
  }

  /** A packet from `source`, judged to be the peer's or a candidate's, is proven. True when the peer is now elsewhere. */
  prove(source: number, now: Millis): boolean {
    const isPeer = this.#isProven && (source === this.#destination || this.#io.sameAddress(source, this.#destination));
    if (isPeer) {
      this.#lastHeard = now;
      if (!this.#isFiltered) this.#filter();
      return false;
    }
    const isTooSoon = now - this.#lastHeard < latchLimits.relatchAfter;
    if (this.#isProven && this.#mode === 'authenticated' && isTooSoon) return false;
    this.#release();
    const slot = this.#freeSlot();
    this.#io.copyAddress(source, slot);
    this.#destination = slot;
    this.#isProven = true;
    this.#lastHeard = now;
    this.#filter();
    return true;
  }

  /** Another process had proven a peer there. The kernel filters once it is heard. */
  resume(peer: SocketAddress, now: Millis): void {
    const slot = this.#freeSlot();
    if (!this.#io.writeAddress(slot, peer)) return;
    this.#release();
    this.#destination = slot;
    this.#isProven = true;
    this.#lastHeard = now;
  }

  /** Lets others in after a silence, where they have a right to prove themselves. Call a few times a second. */
  onDeadline(now: Millis): void {
    if (!this.#isFiltered || this.#mode !== 'authenticated') return;
    if (now - this.#lastHeard >= latchLimits.relatchAfter) this.#release();
  }

  /** The socket is closed by whoever opened it. */
  close(): void {
    this.#isProven = false;
    this.#destination = -1;
    for (const slot of this.#slots) this.#io.releaseAddress(slot);
  }

  #freeSlot(): number {
    const [first, second, third] = this.#slots;
    if (first !== this.#destination && first !== this.#signalled) return first;
    return second !== this.#destination && second !== this.#signalled ? second : third;
  }

  /** Inside the window the kernel must not filter: the signalled address may still take over. */
  #filter(): void {
    if (this.#mode === 'window' && this.#lastHeard < this.#windowEnd) return;
    this.#io.latch(this.#socket, this.#destination);
    this.#isFiltered = true;
  }

  #release(): void {
    if (!this.#isFiltered) return;
    this.#io.unlatch(this.#socket);
    this.#isFiltered = false;
  }
}

function isUnspecified({ address, port }: SocketAddress): boolean {
  return port === 0 || address === '0.0.0.0' || address === '::';
}
