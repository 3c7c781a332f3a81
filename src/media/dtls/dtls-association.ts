// DTLS-SRTP on one socket: whose handshake may come to an end, and the keys of the first one whose certificate was announced.
// As a client it speaks to where signalling says. As a server it hears whoever proves by a cookie that it can be reached, since
// a phone behind NAT comes from an address that it did not signal; what a stranger begins costs little and harms nobody.
// RFC 5764, RFC 5763 §5, RFC 6347 §4.2.1.
import type { Millis } from '../../core/clock.ts';
import { formatSocketAddress } from '../../core/socket-address.ts';
import { readClientHello, writeHelloVerifyRequest } from './client-hello.ts';
import type { DtlsProgress } from './dtls-connection.ts';
import { DtlsPeer, type DtlsRoom } from './dtls-peer.ts';
import type { DtlsTerms } from './dtls-terms.ts';
import { isAnnounced } from './fingerprint.ts';
import { type DtlsKeys, srtpKeysOf } from './srtp-keys.ts';
import { TokenBucket } from './token-bucket.ts';

export const dtlsLimits = {
  /** Handshakes that a server keeps at a time on one socket; the last place is for the signalled address. */
  peers: 8,
  /** A stranger's handshake gives way to another one when it is this old. */
  peerMinimumAge: 2_000,
  peerMaximumAge: 15_000,
  /** ClientHellos without a good cookie a second and socket, of strangers; the signalled address has as many for itself. */
  hellosPerSecond: 50,
  /** Handshakes begun a second and socket, likewise. */
  handshakesPerSecond: 4,
  /** A client whose handshake was broken begins another one after this time. */
  retryAfter: 1_000,
  /** A server whose peer never sends media keeps the association this long, to repeat its last flight (RFC 6347 §4.2.4). */
  lingerFor: 60_000,
} as const;

/** What becomes of a datagram. */
export const dtlsVerdict = { taken: 0, foreign: 1, refused: 2, unexpected: 3 } as const;

export type DtlsVerdict = (typeof dtlsVerdict)[keyof typeof dtlsVerdict];

export interface DtlsEvents {
  /** A peer with an announced certificate is at the socket address at `address` (an offset, valid during the call). */
  onKeys(keys: DtlsKeys, address: number): void;
}

/** Where signalling says that the peer is; offsets of socket addresses that the owner keeps. -1: nowhere that may be sent to. */
export type SignalledAddress = () => number;

export class DtlsAssociation {
  readonly terms: DtlsTerms;
  readonly #room: DtlsRoom;
  readonly #socket: number;
  readonly #signalled: SignalledAddress;
  readonly #events: DtlsEvents;
  readonly #hellos: readonly [strangers: TokenBucket, signalled: TokenBucket];
  readonly #handshakes: readonly [strangers: TokenBucket, signalled: TokenBucket];
  #peers: readonly DtlsPeer[] = [];
  /** The one whose keys are in use, while its last flight may have to be repeated. */
  #verified: DtlsPeer | undefined;
  #isVerified = false;
  #isClosed = false;
  #nextAttempt: Millis;
  #failure: string | undefined;

  constructor(terms: DtlsTerms, socket: number, room: DtlsRoom, signalled: SignalledAddress, events: DtlsEvents) {
    const now = room.clock.now();
    const bucket = (perSecond: number): TokenBucket => new TokenBucket(perSecond, now);
    this.terms = terms;
    this.#socket = socket;
    this.#room = room;
    this.#signalled = signalled;
    this.#events = events;
    this.#hellos = [bucket(dtlsLimits.hellosPerSecond), bucket(dtlsLimits.hellosPerSecond)];
    this.#handshakes = [bucket(dtlsLimits.handshakesPerSecond), bucket(dtlsLimits.handshakesPerSecond)];
    this.#nextAttempt = now;
  }

  get isVerified(): boolean {
    return this.#isVerified;
  }

  /** Handshakes that hold memory. */
  get openPeers(): number {
    return this.#peers.length + (this.#verified === undefined ? 0 : 1);
  }

  /** Why the last handshake failed, for logs. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** A client's first flight, as soon as there is an address to send it to. */
  start(): void {
    const now = this.#room.clock.now();
    const address = this.#signalled();
    if (this.terms.role !== 'client' || this.#isVerified || this.#isClosed || address < 0) return;
    if (this.#peers.length > 0 || now < this.#nextAttempt) return;
    this.#nextAttempt = now + dtlsLimits.retryAfter;
    const peer = this.#begin(address, -1);
    if (peer !== undefined) this.#advance(peer, peer.start());
  }

  /** One datagram from the socket address at `source`. */
  receive(offset: number, length: number, source: number): DtlsVerdict {
    const known = this.#peerAt(source);
    // Some answer "passive" after they began as if active: their ClientHello would end our handshake, which has not met theirs.
    if (this.terms.role === 'client' && readClientHello(this.#room.memory, offset, length) !== undefined) {
      return known === undefined && !this.#isSignalled(source) ? dtlsVerdict.foreign : dtlsVerdict.unexpected;
    }
    if (this.#isVerified || this.terms.role === 'client') {
      // Once verified nobody else is heard, and who is heard cannot begin again: that takes signalling (RFC 8842 §4).
      if (known === undefined) return this.#isSignalled(source) ? dtlsVerdict.unexpected : dtlsVerdict.foreign;
      this.#advance(known, known.receive(offset, length));
      return dtlsVerdict.taken;
    }
    const hello = readClientHello(this.#room.memory, offset, length);
    if (hello === undefined) {
      if (known === undefined) return dtlsVerdict.foreign;
      this.#advance(known, known.receive(offset, length));
      return dtlsVerdict.taken;
    }
    if (known?.isSameHello(hello.random) === true && hello.cookieBytes > 0) {
      this.#advance(known, known.receive(offset, length));
      return dtlsVerdict.taken;
    }
    const now = this.#room.clock.now();
    const standing = this.#isSignalled(source) ? 1 : 0;
    if (!this.#hellos[standing].take(now)) return dtlsVerdict.refused;
    const from = formatSocketAddress(this.#room.io.readAddress(source));
    if (!this.#room.cookies.isOurs(hello, from, this.#socket)) {
      this.#sendCookie(this.#room.cookies.bake(hello, from, this.#socket), hello, source);
      return dtlsVerdict.taken;
    }
    if (!this.#handshakes[standing].take(now)) return dtlsVerdict.refused;
    if (known !== undefined) this.#end(known);
    if (!this.#makeRoom(standing === 1, now)) return dtlsVerdict.refused;
    const peer = this.#begin(source, hello.random);
    if (peer === undefined) return dtlsVerdict.refused;
    this.#advance(peer, peer.receive(offset, length));
    return dtlsVerdict.taken;
  }

  /** A few times a second. */
  onDeadline(now: Millis): void {
    if (this.#isClosed) return;
    for (const peer of this.#peers) {
      if (now - peer.since >= dtlsLimits.peerMaximumAge) this.#drop(peer, 'no end of the handshake in time');
      else this.#advance(peer, peer.onDeadline());
    }
    if (this.#verified !== undefined && now - this.#verified.since >= dtlsLimits.lingerFor) this.confirm();
    this.start();
  }

  /** The peer protects with the new keys: it has our last flight, and nothing has to be repeated. */
  confirm(): void {
    this.#verified?.close(false);
    this.#verified = undefined;
  }

  /** Says goodbye where the association is still there. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const peer of this.#peers) peer.close(false);
    this.#peers = [];
    this.#verified?.close(true);
    this.#verified = undefined;
  }

  #begin(address: number, helloRandom: number): DtlsPeer | undefined {
    const peer = DtlsPeer.begin(this.terms, this.#socket, address, helloRandom, this.#room);
    if (peer !== undefined) this.#peers = [...this.#peers, peer];
    return peer;
  }

  #advance(peer: DtlsPeer, progress: DtlsProgress): void {
    if (progress === 'handshaking' || (peer === this.#verified && progress === 'complete')) return;
    if (progress === 'complete') this.#complete(peer);
    else this.#drop(peer, peer.failure ?? `the peer ended it (${progress})`);
  }

  #complete(peer: DtlsPeer): void {
    const certificate = peer.connection.peerCertificate();
    // The second lock on this door: the handshake itself fails on a certificate that was not announced.
    if (certificate === undefined || !isAnnounced(certificate, this.terms.fingerprints)) {
      this.#drop(peer, 'a certificate that was not announced');
      return;
    }
    const exported = peer.connection.exportKeys();
    if (exported === undefined) {
      this.#drop(peer, 'no SRTP profile in common');
      return;
    }
    this.#isVerified = true;
    for (const other of this.#peers) if (other !== peer) other.close(false);
    this.#peers = [];
    this.#verified = peer;
    peer.since = this.#room.clock.now();
    this.#events.onKeys(srtpKeysOf(exported, this.terms.role), peer.address);
    // The server has our last flight, or it would not have sent its own.
    if (this.terms.role === 'client') this.confirm();
  }

  #drop(peer: DtlsPeer, reason: string): void {
    if (peer === this.#verified) {
      this.confirm();
      return;
    }
    this.#failure = reason;
    this.#end(peer);
  }

  #end(peer: DtlsPeer): void {
    peer.close(false);
    this.#peers = this.#peers.filter((one) => one !== peer);
  }

  /** The signalled address always finds a place; a stranger only where one is free or has been held for long. */
  #makeRoom(isSignalled: boolean, now: Millis): boolean {
    const limit = isSignalled ? dtlsLimits.peers : dtlsLimits.peers - 1;
    if (this.#peers.length < limit) return true;
    const oldest = this.#peers.find((peer) => !this.#isSignalled(peer.address));
    if (oldest === undefined || (!isSignalled && now - oldest.since < dtlsLimits.peerMinimumAge)) return false;
    this.#end(oldest);
    return true;
  }

  #sendCookie(cookie: Uint8Array, hello: Parameters<typeof writeHelloVerifyRequest>[1], source: number): void {
    const { io, memory } = this.#room;
    const slot = io.acquire();
    if (slot < 0) return;
    io.send(this.#socket, slot, writeHelloVerifyRequest(memory, hello, cookie, slot), source);
  }

  #peerAt(source: number): DtlsPeer | undefined {
    const { io } = this.#room;
    if (this.#verified !== undefined && io.sameAddress(this.#verified.address, source)) return this.#verified;
    return this.#peers.find((peer) => io.sameAddress(peer.address, source));
  }

  #isSignalled(source: number): boolean {
    const signalled = this.#signalled();
    return signalled >= 0 && this.#room.io.sameAddress(signalled, source);
  }
}
