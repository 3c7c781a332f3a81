// What crosses between the main thread and a media worker: plain values, structured-clone safe.
// Keys travel towards a worker only, and are never logged.
import type { Millis } from '../../core/clock.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { DtlsTerms } from '../dtls/dtls-terms.ts';
import type { SrtpKeying, SrtpSuite } from '../srtp/profile.ts';

export interface EndpointSpec {
  /** The local address to bind. */
  readonly address: string;
  /** True: RTP and RTCP on one socket (RFC 5761). False: an even port and the odd one above it (RFC 3550 §11). */
  readonly rtcpMux: boolean;
  /** A handshake may begin before the answer is known (RFC 5763 §5): the worker knows of the endpoint before anybody is told of it. */
  readonly dtls?: boolean | undefined;
}

/** Endpoints of one session at a time: early dialogs of a parallel fork each have one. */
export const mostEndpoints = 64;

/** Where the sockets of an endpoint are. */
export interface PortPlace {
  readonly address: string;
  /** Even where there is an RTCP port. */
  readonly rtpPort: number;
  readonly rtcpPort: number | undefined;
}

export interface OpenedEndpoint extends PortPlace {
  /** Unique in its session. */
  readonly endpoint: number;
}

/** What may be believed about where the peer sends from. */
export type Latching =
  /** SRTP: the source of whatever authenticates. */
  | { readonly kind: 'authenticated' }
  /** Plain RTP: the signalled address and port only. */
  | { readonly kind: 'signalled' }
  /** Plain RTP behind NAT: the first source within `duration` of `setRemote`, and none after it. */
  | { readonly kind: 'window'; readonly duration: Millis };

export interface EndpointRemote {
  readonly rtp: SocketAddress;
  /** Undefined: RTCP shares the RTP port (RFC 5761). */
  readonly rtcp: SocketAddress | undefined;
  /** What the peer protects with; undefined: plain RTP. */
  readonly receive: SrtpKeying | undefined;
  /** What we protect with towards the peer; undefined: plain RTP. */
  readonly send: SrtpKeying | undefined;
  /** A handshake gives the keys; `receive` and `send` are undefined then (RFC 5764). */
  readonly dtls?: DtlsTerms | undefined;
  readonly latching: Latching;
  /**
   * True: the signalled address is not proven (a private one, or another than signalling came from), so nothing goes
   * there before a packet has latched. With `signalled` only while there is no address at all (an old-style hold).
   */
  readonly awaitLatch?: boolean;
  /** We may send RTP towards it (RFC 3264 §8.4). RTCP flows in any direction. */
  readonly sending: boolean;
  /** We take RTP from it. */
  readonly receiving: boolean;
  /** Payload types of packets received here, as they leave on the joined endpoint; [] leaves all as they are. */
  readonly payloadTypes: readonly (readonly [from: number, to: number])[];
  /** What is more than this is dropped; undefined: as much as comes. */
  readonly limit?: MediaLimit | undefined;
  /** Timestamp rates of the peer's payload types, for jitter only; static types are known (RFC 3551 §6). */
  readonly clockRates?: readonly (readonly [payloadType: number, hertz: number])[];
  /** What the peer's payload types are, `name/clock/channels` in lower case; they tell how what it sends sounds. */
  readonly codecs?: readonly (readonly [payloadType: number, name: string])[];
}

/** What a peer may send on one m-line; both are above 0. */
export interface MediaLimit {
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
}

export const dropReasons = [
  /** From a source that is not, and may not become, the peer; in the totals also what came to a port that no session has. */
  'foreign',
  /** SRTP authentication failed. */
  'forged',
  /** Already received, or behind the replay window. */
  'replayed',
  /** Neither RTP nor RTCP, or its header does not fit into its length. */
  'malformed',
  /** STUN, DTLS, ZRTP, TURN: nothing that this endpoint speaks. */
  'unexpected-protocol',
  /** Before `setRemote`. */
  'not-ready',
  /** No other endpoint is joined, or that one has no remote yet. */
  'not-joined',
  /** The other endpoint waits for its peer's first packet (`awaitLatch`). */
  'not-latched',
  /** The negotiated direction does not allow it (hold). */
  'held',
  /** More sources at one endpoint than the limit. */
  'too-many-sources',
  /** It would not fit a datagram once protected. */
  'too-large',
  /** More than the peer may send. */
  'over-limit',
  /** Sending it would use a (key, SSRC, index) a second time. */
  'index-reuse',
  /** The DTLS handshake that will give the keys is not over. */
  'not-keyed',
  /** A DTLS handshake too many: their rate or their number at one socket. */
  'handshake-refused',
] as const;

export type DropReason = (typeof dropReasons)[number];

export interface TrafficCount {
  readonly packets: number;
  readonly bytes: number;
}

/** The end-of-call account of one endpoint: what came from its peer and what went to it. */
export interface EndpointReport {
  readonly endpoint: number;
  readonly received: TrafficCount;
  readonly sent: TrafficCount;
  readonly receivedRtcp: TrafficCount;
  readonly sentRtcp: TrafficCount;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Packets of the peer that never arrived, from its sequence numbers (RFC 3550 §A.3). */
  readonly lost: number;
  /** Interarrival jitter (RFC 3550 §6.4.1); 0 when the clock rate of the payload type is not known. */
  readonly jitter: Millis;
  /** Estimated mean opinion score of what came from the peer, 1–4.5; undefined when nothing came. */
  readonly meanOpinionScore: number | undefined;
  /** What the peer sent last, of speech: `pcma/8000`; absent when nothing came, or its payload type says nothing. */
  readonly codec?: string | undefined;
  /** What protects media here, as agreed at last. */
  readonly suite?: SrtpSuite | undefined;
  /** To the peer and back, from RTCP; undefined when its reports did not tell. */
  readonly roundTrip: Millis | undefined;
  /** It was silent for ten seconds while the other side was heard. */
  readonly oneWay: boolean;
  /** Where the peer was proven to send from. */
  readonly latched: SocketAddress | undefined;
}

export interface MediaReport {
  readonly endpoints: readonly EndpointReport[];
  /** Of the first packets, where they are to be noted; what another worker or process had noted is not among them. */
  readonly captures?: readonly HeaderCapture[];
}

/** The headers of one endpoint's first packets, as `HeaderNotes` writes them. */
export interface HeaderCapture {
  readonly endpoint: number;
  readonly local: SocketAddress;
  readonly localRtcp: SocketAddress;
  /** Where packets went to at last; the same for RTCP unless it has a port of its own. */
  readonly remote: SocketAddress;
  readonly remoteRtcp: SocketAddress;
  readonly received: Uint8Array;
  readonly sent: Uint8Array;
}

export type MediaEvent =
  /** No packet came from either side for the configured time. */
  | { readonly type: 'timeout' }
  /** A command was not carried out, or not taken in time. The session still has what it had before. */
  | { readonly type: 'failed'; readonly command: string; readonly error: MediaError }
  /** The worker is gone, and the media of this session with it. */
  | { readonly type: 'lost'; readonly reason: string }
  /** Media is expected, and for some time no DTLS handshake has given keys for it. Told again while that lasts. */
  | { readonly type: 'keying-failed'; readonly endpoint: number; readonly reason: string }
  /** Nothing comes from this side, while the other one is heard. Once an endpoint. */
  | { readonly type: 'one-way'; readonly endpoint: number }
  /** The peer sends more than it may. Once an endpoint. */
  | { readonly type: 'over-limit'; readonly endpoint: number; readonly limit: MediaLimit }
  | { readonly type: 'latched'; readonly endpoint: number; readonly remote: SocketAddress };

export type MediaErrorCode =
  | 'no-ports'
  | 'descriptors-exhausted'
  | 'address-not-available'
  | 'too-many-endpoints'
  | 'unknown-endpoint'
  | 'unknown-session'
  | 'bad-key'
  | 'cipher-unavailable'
  | 'worker-lost'
  | 'deadline'
  | 'closed'
  | 'internal';

export interface MediaError {
  readonly code: MediaErrorCode;
  readonly detail: string;
}
