// What DTLS-SRTP asks of a TLS library: one handshake over datagrams, the peer's certificate, and the keys of RFC 5764.
// Implemented by `native/openssl-dtls`; there is no other, so that without native code DTLS is refused.
import type { PacketMemory } from '../rtp/packet-memory.ts';
import type { SrtpSuite } from '../srtp/profile.ts';
import type { Fingerprint } from './fingerprint.ts';

/** The client sends the first ClientHello: `a=setup:active` (RFC 5763 §5). */
export type DtlsRole = 'client' | 'server';

/** `failed` and `closed` are final: an alert of the peer, or a certificate that was not announced. */
export type DtlsProgress = 'handshaking' | 'complete' | 'failed' | 'closed';

/** Bytes of a datagram of ours, at an offset of the packet memory; valid during the call. */
export type SendDatagram = (offset: number, length: number) => void;

export interface DtlsConnection {
  /** A client's first flight. */
  start(send: SendDatagram): DtlsProgress;
  /** One datagram of the peer. A server's first is a ClientHello with a cookie that was checked. */
  receive(offset: number, length: number, send: SendDatagram): DtlsProgress;
  /** Sends a flight again whose time has come (RFC 6347 §4.2.4). Call a few times a second while handshaking. */
  onDeadline(send: SendDatagram): DtlsProgress;
  /** Once complete: the certificate (DER) whose key the peer has proven to hold. */
  peerCertificate(): Uint8Array | undefined;
  /** Once complete: what both sides share, or undefined when no SRTP profile was agreed. The caller wipes it. */
  exportKeys(): ExportedKeys | undefined;
  /** Why it failed, for logs. */
  readonly failure: string | undefined;
  /** Says goodbye if there is anybody to hear it, and frees everything. Idempotent; nothing else may be called afterwards. */
  close(send?: SendDatagram): void;
}

export interface ExportedKeys {
  readonly suite: SrtpSuite;
  /** Client key, server key, client salt, server salt (RFC 5764 §4.2). */
  readonly material: Uint8Array;
}

export interface DtlsFactory {
  readonly memory: PacketMemory;
  /** Throws `SbcError` when the library has no memory for it. */
  open(role: DtlsRole, fingerprints: readonly Fingerprint[]): DtlsConnection;
}

/** The longest datagram that is sent: what any path of today carries, less room for tunnels. */
export const dtlsMtu = 1200;
