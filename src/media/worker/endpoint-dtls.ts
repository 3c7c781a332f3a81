// The DTLS associations of one endpoint: one on its RTP socket, another on the RTCP socket where both have their own
// (RFC 5764 §5.1.1: keys belong to the transport that the handshake ran on).
import type { Millis } from '../../core/clock.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import { readClientHello } from '../dtls/client-hello.ts';
import { DtlsAssociation, type DtlsVerdict, dtlsVerdict } from '../dtls/dtls-association.ts';
import type { DtlsRoom } from '../dtls/dtls-peer.ts';
import type { DtlsTerms } from '../dtls/dtls-terms.ts';
import type { SocketId } from '../packet-io/packet-io.ts';
import type { EndpointRemote, MediaError } from '../plane/messages.ts';
import { dropIndex } from './endpoint-counters.ts';
import type { EndpointKeys } from './endpoint-keys.ts';
import type { Latch } from './latch.ts';

/** One socket, whose association's keys go to `keys`. */
export interface DtlsSocket {
  readonly socket: SocketId;
  readonly latch: Latch;
  readonly keys: EndpointKeys;
  /** The address at the offset was proven by a handshake, whose keys were applied. */
  onKeyed(address: number): void;
}

export class EndpointDtls {
  readonly #room: DtlsRoom | undefined;
  readonly #sockets: readonly DtlsSocket[];
  readonly #associations = new Map<SocketId, DtlsAssociation>();
  readonly #early = new Map<SocketId, EarlyHello>();
  #awaitsLatch = false;
  /** By socket: whose handshake gave the keys that protect now. One without a `DtlsAssociation` goes on by its keys (RFC 5764 §4.2). */
  readonly #keyed = new Map<SocketId, DtlsTerms>();

  /** RTP first. `room` is undefined where there is no DTLS. */
  constructor(room: DtlsRoom | undefined, sockets: readonly DtlsSocket[]) {
    this.#room = room;
    this.#sockets = sockets;
  }

  check({ dtls }: EndpointRemote): MediaError | undefined {
    if (dtls === undefined) return undefined;
    if (this.#room === undefined) return { code: 'cipher-unavailable', detail: 'there is no DTLS in this worker' };
    return dtls.fingerprints.length > 0 ? undefined : { code: 'bad-key', detail: 'DTLS without a fingerprint' };
  }

  /** The same association goes on; another one begins. Keys of another certificate are gone at once, others serve until then. */
  apply({ dtls, rtcp, awaitLatch }: EndpointRemote): void {
    this.#awaitsLatch = awaitLatch === true;
    for (const [index, socket] of this.#sockets.entries()) {
      const isUsed = dtls !== undefined && (index === 0 || rtcp !== undefined);
      const current = this.#associations.get(socket.socket);
      const isOver = current === undefined && this.#keyed.get(socket.socket)?.association === dtls?.association;
      if (isUsed && isOver) continue;
      if (isUsed && current?.terms.association === dtls.association) current.start();
      else this.#replace(socket, current, isUsed ? dtls : undefined);
    }
    this.#early.clear();
  }

  /** The handshake of these terms was over elsewhere, and its keys are known here: it need not be done again. `apply` comes next. */
  resume(socket: SocketId, terms: DtlsTerms): void {
    this.#keyed.set(socket, terms);
  }

  /** Whose handshake gave the keys of a socket; null when none did. */
  keyedBy(socket: SocketId): DtlsTerms | null {
    return this.#keyed.get(socket) ?? null;
  }

  /** A datagram of DTLS; -1, or the index of the reason to drop it. */
  receive(socket: SocketId, offset: number, length: number, source: number): number {
    const association = this.#associations.get(socket);
    return association === undefined
      ? dropIndex['unexpected-protocol']
      : dropOf(association.receive(offset, length, source));
  }

  /** A peer may begin before its answer got here (RFC 5763 §5): its last ClientHello waits, so that it need not repeat it. */
  hold(socket: SocketId, offset: number, length: number, source: number): void {
    if (this.#room === undefined || length > longestEarlyHello) return;
    const { memory, io } = this.#room;
    if (readClientHello(memory, offset, length) === undefined) return;
    this.#early.set(socket, { bytes: memory.bytes.slice(offset, offset + length), source: io.readAddress(source) });
  }

  /** A few times a second. */
  onDeadline(now: Millis): void {
    for (const { socket, keys } of this.#sockets) {
      const association = this.#associations.get(socket);
      association?.onDeadline(now);
      if (association?.isVerified === true && keys.receiver?.hasReceived === true) association.confirm();
    }
  }

  /** Why the last handshake failed. */
  get failure(): string | undefined {
    for (const { failure } of this.#associations.values()) if (failure !== undefined) return failure;
    return undefined;
  }

  close(): void {
    for (const association of this.#associations.values()) association.close();
    this.#associations.clear();
    this.#keyed.clear();
    this.#early.clear();
  }

  #replace(socket: DtlsSocket, current: DtlsAssociation | undefined, terms: DtlsTerms | undefined): void {
    current?.close();
    this.#associations.delete(socket.socket);
    const former = current?.terms ?? this.#keyed.get(socket.socket);
    const isKept = former !== undefined && terms !== undefined && isSamePeer(former, terms);
    if (!isKept) this.#keyed.delete(socket.socket);
    if (this.#room === undefined || terms === undefined) return;
    if (!isKept) socket.keys.await();
    const { latch, keys } = socket;
    const signalled = (): number => (this.#awaitsLatch && !latch.isProven ? -1 : latch.destination);
    const association = new DtlsAssociation(terms, socket.socket, this.#room, signalled, {
      onKeys: (agreed, address) => {
        keys.applyDtls(agreed);
        this.#keyed.set(socket.socket, terms);
        socket.onKeyed(address);
      },
    });
    this.#associations.set(socket.socket, association);
    association.start();
    this.#resume(socket, association);
  }

  #resume({ socket }: DtlsSocket, association: DtlsAssociation): void {
    const early = this.#early.get(socket);
    if (early === undefined || this.#room === undefined) return;
    const { io, memory, load } = this.#room;
    const slot = io.acquire();
    if (slot < 0 || !load.take()) return;
    const source = io.allocateAddress();
    memory.bytes.set(early.bytes, slot);
    if (io.writeAddress(source, early.source)) association.receive(slot, early.bytes.length, source);
    load.giveBack(source);
  }
}

interface EarlyHello {
  readonly bytes: Uint8Array;
  readonly source: SocketAddress;
}

const longestEarlyHello = 1500;

function isSamePeer(a: DtlsTerms, b: DtlsTerms): boolean {
  const text = ({ fingerprints }: DtlsTerms): string => fingerprints.map(({ hash, value }) => hash + value).join();
  return text(a) === text(b);
}

function dropOf(verdict: DtlsVerdict): number {
  switch (verdict) {
    case dtlsVerdict.taken:
      return -1;
    case dtlsVerdict.foreign:
      return dropIndex.foreign;
    case dtlsVerdict.refused:
      return dropIndex['handshake-refused'];
    case dtlsVerdict.unexpected:
      return dropIndex['unexpected-protocol'];
  }
}
