// What signalling agreed about one DTLS association (RFC 8842 §4): plain values that cross to the worker.
import type { DtlsRole } from './dtls-connection.ts';
import type { Fingerprint } from './fingerprint.ts';

export interface DtlsTerms {
  /** Ours. */
  readonly role: DtlsRole;
  /** Of the certificate that the peer will show. */
  readonly fingerprints: readonly Fingerprint[];
  /** The same name: the same association, which goes on. Another: a new one, with another handshake. Holds no secret. */
  readonly association: string;
}
