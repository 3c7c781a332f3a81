// What one leg demands of the media that its peer describes, and how an SDP body is refused.
// RFC 3264 §6 (488), RFC 4568 §7 (keys only where signalling is secure), RFC 8643 (opportunistic SRTP).
import type { Millis } from '../../core/clock.ts';
import type { Fingerprint } from '../dtls/fingerprint.ts';
import type { MediaLimit } from '../plane/messages.ts';
import type { SrtpSuite } from '../srtp/profile.ts';

/** Where SRTP keys come from: a=crypto (RFC 4568), or a DTLS handshake (RFC 5764). */
export type Keying = 'sdes' | 'dtls';

export interface SdpPolicy {
  /** required: keys or 488. opportunistic: RTP/AVP with a=crypto (RFC 8643). off: plain RTP. */
  readonly encryption: 'required' | 'opportunistic' | 'off';
  /** The signalling of this leg is TLS. Without it no key is offered or taken. */
  readonly secureSignalling: boolean;
  /** What is offered (the first; all of them where encryption is opportunistic) and taken. */
  readonly keying: readonly Keying[];
  /** Of the certificate that our workers show; undefined where there is no DTLS. */
  readonly fingerprint?: Fingerprint | undefined;
  /** Of SDES, in order of preference. */
  readonly suites: readonly SrtpSuite[];
  /**
   * Which unicast addresses the peer may name for media. `public`: a private one is taken as "behind NAT", nothing is
   * sent there before a packet latched. `private`: private ones are sent to as well. `any`: loopback and link-local too.
   * Multicast, broadcast, metadata services and reserved ranges are refused by each of them.
   */
  readonly allowedAddresses: 'public' | 'private' | 'any';
  /** The family of our media address on this leg: a peer that names the other one cannot be reached. Undefined: either. */
  readonly addressFamily?: 4 | 6 | undefined;
  /** More m-lines than this are answered with port 0. */
  readonly maxMediaLines: number;
  /** What the peer may send on each m-line; undefined: as much as it likes. */
  readonly mediaLimit?: MediaLimit | undefined;
  /** Nor more than the agreed codecs have to send. */
  readonly limitByCodec?: boolean | undefined;
  /** Codecs of audio, in order of preference (`PCMA`, `opus/48000`); undefined: all of them, in the order of the other leg. */
  readonly codecs?: readonly string[] | undefined;
  /** False: audio only; lines of any other kind are refused with port 0. */
  readonly video?: boolean | undefined;
  /** Plain RTP: how long after an exchange the first source may latch. 0: the signalled address only. */
  readonly latchWindow: Millis;
  /** Our offers carry a=rtcp-mux. Answers carry it whenever the peer offers it and we opened one port (RFC 5761 §5.1.1). */
  readonly offerRtcpMux: boolean;
  /** Where signalling comes from: media to another address waits until it latched. Undefined: any signalled address is good. */
  readonly provenAddress?: string | undefined;
}

export const defaultSdpPolicy: SdpPolicy = {
  encryption: 'required',
  secureSignalling: true,
  keying: ['sdes'],
  suites: ['AEAD_AES_256_GCM', 'AEAD_AES_128_GCM', 'AES_256_CM_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_80'],
  allowedAddresses: 'public',
  maxMediaLines: 4,
  latchWindow: 0,
  offerRtcpMux: false,
};

/** Whether keys of this kind may be offered and taken on the leg. */
export function mayKey(
  { encryption, secureSignalling, keying, suites, fingerprint }: SdpPolicy,
  kind: Keying,
): boolean {
  if (encryption === 'off' || !secureSignalling || !keying.includes(kind)) return false;
  return kind === 'sdes' ? suites.length > 0 : fingerprint !== undefined;
}

/** What a new line that must be secure is offered with. */
export function offeredKeying(policy: SdpPolicy): Keying | undefined {
  return policy.keying.find((kind) => mayKey(policy, kind));
}

/** A handshake may answer an offer of ours, before its answer is here: DTLS is what is offered, or is beside SDES (RFC 8643 §3). */
export function offersDtls(policy: SdpPolicy): boolean {
  return mayKey(policy, 'dtls') && (policy.encryption === 'opportunistic' || offeredKeying(policy) === 'dtls');
}

export type SdpRefusalReason =
  | 'malformed'
  | 'too-large'
  | 'too-many-media'
  /** Only port 0, or no m-line at all. */
  | 'no-media'
  /** T.38, MSRP, data channels: nothing that is relayed. */
  | 'unsupported-transport'
  /** Video where policy takes audio only. */
  | 'media-not-allowed'
  /** No codec that policy takes. */
  | 'codec-not-allowed'
  | 'encryption-required'
  /** RTP/SAVP on a leg whose policy or signalling allows no keys. */
  | 'encryption-not-allowed'
  | 'no-acceptable-crypto'
  /** An answer whose tag, suite or key does not belong to our offer. */
  | 'crypto-mismatch'
  | 'address-not-allowed'
  | 'port-not-allowed'
  | 'answer-mismatch'
  /** Another offer is waiting for its answer. */
  | 'exchange-in-progress'
  | 'no-sdp'
  | 'not-sdp'
  /** A part of a multipart body that must be understood, and is not. */
  | 'unsupported-body';

export interface SdpRefusal {
  readonly status: 400 | 415 | 488 | 491;
  readonly reason: SdpRefusalReason;
  /** For logs: what was expected, what came. Holds no key. */
  readonly detail: string;
}

export function refusal(status: SdpRefusal['status'], reason: SdpRefusalReason, detail: string): SdpRefusal {
  return { status, reason, detail };
}
