// Certificate fingerprints: what signalling says about the certificate that the peer will show (RFC 8122 §5).
// SHA-256 and stronger only: MD2, MD5 and SHA-1 no longer bind a certificate to anything.
import { createHash } from 'node:crypto';

export const fingerprintHashes = ['sha-512', 'sha-384', 'sha-256'] as const;

/** Strongest first. */
export type FingerprintHash = (typeof fingerprintHashes)[number];

export interface Fingerprint {
  readonly hash: FingerprintHash;
  /** Upper-case hexadecimal bytes with colons between them. */
  readonly value: string;
}

/** Fingerprints of one m-line that are looked at; a peer that lists more has listed every certificate of its house. */
export const maxFingerprints = 8;

/** Reads `hash SP value`; undefined for a hash that proves nothing, or a value of another length. */
export function parseFingerprint(text: string): Fingerprint | undefined {
  const [name = '', value = '', ...rest] = text.trim().split(/ +/);
  const hash = fingerprintHashes.find((known) => known === name.toLowerCase());
  if (hash === undefined || rest.length > 0) return undefined;
  const canonical = value.toUpperCase();
  return canonical.length === 3 * digestBytes[hash] - 1 && valuePattern.test(canonical)
    ? { hash, value: canonical }
    : undefined;
}

/** The fingerprint of a certificate in DER. */
export function fingerprintOf(certificate: Uint8Array, hash: FingerprintHash): Fingerprint {
  const digest = createHash(nodeNames[hash]).update(certificate).digest('hex').toUpperCase();
  return { hash, value: digest.match(/../g)?.join(':') ?? '' };
}

/** Those with the strongest hash among them: a weaker one beside it must not open a second door (RFC 8122 §5). */
export function strongest(fingerprints: readonly Fingerprint[]): readonly Fingerprint[] {
  for (const hash of fingerprintHashes) {
    const found = fingerprints.filter((one) => one.hash === hash);
    if (found.length > 0) return found;
  }
  return [];
}

/** Whether `certificate` is one of those that were announced. */
export function isAnnounced(certificate: Uint8Array, fingerprints: readonly Fingerprint[]): boolean {
  return strongest(fingerprints).some(({ hash, value }) => fingerprintOf(certificate, hash).value === value);
}

/** The bytes of the digest. */
export function digestOf({ value }: Fingerprint): Uint8Array {
  return Buffer.from(value.replaceAll(':', ''), 'hex');
}

const digestBytes: Readonly<Record<FingerprintHash, number>> = { 'sha-256': 32, 'sha-384': 48, 'sha-512': 64 };
const nodeNames: Readonly<Record<FingerprintHash, string>> = {
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
};
const valuePattern = /^(?:[0-9A-F]{2}:)*[0-9A-F]{2}$/;
