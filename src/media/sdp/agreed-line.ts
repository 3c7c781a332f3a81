// One m-line after a complete exchange: what both sides agreed on, and what the media worker must know of it.
// RFC 3264 §6 to §8, RFC 4568 §7.1, RFC 5761.
import type { SocketAddress } from '../../core/socket-address.ts';
import type { EndpointRemote, Latching } from '../plane/messages.ts';
import type { SrtpSuite } from '../srtp/profile.ts';
import { type AgreedCodec, codecLimitOf, stricterLimit } from './codec-limit.ts';
import { keyingOf } from './crypto-attribute.ts';
import { type AgreedDtls, termsOf } from './dtls-attributes.ts';
import type { SdpPolicy } from './sdp-policy.ts';

/** The slot that an m-line keeps for the life of its dialog, used or not. */
export interface Slot {
  readonly kind: string;
  readonly protocol: string;
  readonly formats: readonly string[];
}

export type AgreedLine = RejectedLine | ActiveLine;

export interface RejectedLine extends Slot {
  readonly active: false;
}

export interface ActiveLine extends Slot {
  readonly active: true;
  readonly remote: RemoteMedia;
  readonly sending: boolean;
  readonly receiving: boolean;
  readonly rtcpMux: boolean;
  readonly keys: AgreedKeys | undefined;
  readonly payloadTypes: readonly (readonly [from: number, to: number])[];
  /** In the numbers that the peer sends. */
  readonly clockRates: readonly (readonly [payloadType: number, hertz: number])[];
  /** In the numbers that the peer sends; absent in a line that an earlier release agreed. */
  readonly codecs?: readonly AgreedCodec[];
}

/** Where the peer wants its media. */
export interface RemoteMedia {
  readonly rtp: SocketAddress;
  /** Where RTCP goes when it is not muxed. */
  readonly rtcp: SocketAddress | undefined;
  /** Nothing may go there before a packet latched. */
  readonly awaitLatch: boolean;
}

export type AgreedKeys = AgreedSdes | AgreedDtls;

/** Keys of both directions, base64. Secrets. */
export interface AgreedSdes {
  readonly kind: 'sdes';
  readonly tag: string;
  readonly suite: SrtpSuite;
  readonly localKey: string;
  readonly remoteKey: string;
}

/** The line at `index` while it carries media. */
export function activeAt(lines: readonly AgreedLine[], index: number): ActiveLine | undefined {
  const line = lines[index];
  return line?.active === true ? line : undefined;
}

/** The command for the endpoint of this line. The same keys give the same value, so that the worker keeps its indices. */
export function endpointRemoteOf(line: ActiveLine, policy: SdpPolicy): EndpointRemote {
  const { remote, keys, codecs = [] } = line;
  const byCodec = policy.limitByCodec === true ? codecLimitOf(line.kind, codecs) : undefined;
  const limit = stricterLimit(policy.mediaLimit, byCodec);
  return {
    rtp: remote.rtp,
    rtcp: line.rtcpMux ? undefined : remote.rtcp,
    receive: keys?.kind === 'sdes' ? keyingOf({ suite: keys.suite, keySalt: keys.remoteKey }) : undefined,
    send: keys?.kind === 'sdes' ? keyingOf({ suite: keys.suite, keySalt: keys.localKey }) : undefined,
    ...(keys?.kind === 'dtls' ? { dtls: termsOf(keys) } : {}),
    latching: latchingOf(keys !== undefined, policy),
    ...(remote.awaitLatch ? { awaitLatch: true } : {}),
    sending: line.sending,
    receiving: line.receiving,
    payloadTypes: line.payloadTypes,
    clockRates: line.clockRates,
    ...(codecs.length === 0 ? {} : { codecs }),
    ...(limit === undefined ? {} : { limit }),
  };
}

export function latchingOf(isSecure: boolean, policy: SdpPolicy): Latching {
  if (isSecure) return { kind: 'authenticated' };
  return policy.latchWindow > 0 ? { kind: 'window', duration: policy.latchWindow } : { kind: 'signalled' };
}
