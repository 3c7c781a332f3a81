// One session's media as a plain, versioned record, from which another worker or another process goes on: the same ports, the
// same keys (sealed), the same peers. What changes with each packet stands in the ledger; here it may be old.
import type { SocketAddress } from '../../core/socket-address.ts';
import type { DtlsTerms } from '../dtls/dtls-terms.ts';
import type { ReceivedIndices, SentIndices } from '../srtp/index-record.ts';
import type { SrtpSuite } from '../srtp/profile.ts';
import type { EndpointRemote, EndpointReport } from './messages.ts';

/** Of what is written. Whoever reads knows it and those before. */
export const mediaSnapshotVersion = 2;

export interface MediaSnapshot {
  readonly version: 2;
  readonly endpoints: readonly EndpointSnapshot[];
  /** Pairs of endpoints that are joined. */
  readonly joined: readonly (readonly [a: number, b: number])[];
  readonly nextEndpoint: number;
  readonly isPaused: boolean;
  /** Of endpoints that were closed before. */
  readonly closed: readonly EndpointReport[];
}

export interface EndpointSnapshot {
  readonly endpoint: number;
  readonly address: string;
  readonly rtpPort: number;
  readonly rtcpPort: number | null;
  /** What is known of the peer, without keys; null before `setRemote`. */
  readonly remote: EndpointRemote | null;
  readonly keys: KeysSnapshot;
  /** With DTLS and an RTCP socket of its own, another handshake gave them. */
  readonly rtcpKeys: KeysSnapshot;
  /**
   * The DTLS association that gave `keys`, and `rtcpKeys`; null: none did. Another one than `remote` names: its handshake was not
   * over, and what the peer before had agreed protects until it is.
   */
  readonly keyedBy: DtlsTerms | null;
  readonly rtcpKeyedBy: DtlsTerms | null;
  /** Where the peer was proven to send from. */
  readonly latched: SocketAddress | null;
  readonly rtcpLatched: SocketAddress | null;
  /** SSRCs as they come from the joined endpoint and as they leave here. */
  readonly sources: readonly (readonly [from: number, to: number])[];
  /** What was counted until now. */
  readonly report: EndpointReport;
}

export interface KeysSnapshot {
  readonly receive: (SealedKey & { readonly indices: ReceivedIndices }) | null;
  readonly send: (SealedKey & { readonly indices: SentIndices }) | null;
}

export interface SealedKey {
  readonly suite: SrtpSuite;
  readonly sealed: string;
}

/** A record of this version or an earlier one, as one of this version; what is inside was written by us. Undefined for anything else. */
export function readMediaSnapshot(value: unknown): MediaSnapshot | undefined {
  if (isVersion<MediaSnapshot>(value, 2)) return value;
  if (!isVersion<FirstMediaSnapshot>(value, 1)) return undefined;
  return { ...value, version: 2, endpoints: value.endpoints.map(withKeyedBy) };
}

/** Version 1 did not tell which handshake had given the keys: it was taken to be the one that `remote` names. */
function withKeyedBy(endpoint: FirstEndpointSnapshot): EndpointSnapshot {
  const terms = endpoint.remote?.dtls ?? null;
  return {
    ...endpoint,
    keyedBy: endpoint.keys.send === null ? null : terms,
    rtcpKeyedBy: endpoint.rtcpKeys.send === null ? null : terms,
  };
}

type FirstEndpointSnapshot = Omit<EndpointSnapshot, 'keyedBy' | 'rtcpKeyedBy'>;

interface FirstMediaSnapshot extends Omit<MediaSnapshot, 'version' | 'endpoints'> {
  readonly version: 1;
  readonly endpoints: readonly FirstEndpointSnapshot[];
}

function isVersion<T extends { readonly version: number }>(value: unknown, version: T['version']): value is T {
  return (
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === version &&
    'endpoints' in value &&
    Array.isArray(value.endpoints)
  );
}
