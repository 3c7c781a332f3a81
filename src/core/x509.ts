// The body of an X.509 v3 certificate (RFC 5280 §4.1) for keys on P-256, signed with ECDSA and SHA-256 (RFC 5758 §3.2).
// Whoever has the key signs; nothing here does.
import type { EpochMillis } from './clock.ts';
import {
  bitString,
  contextConstructed,
  type Der,
  integer,
  objectIdentifier,
  sequence,
  setOf,
  time,
  utf8String,
} from './der.ts';
import type { Random } from './random.ts';

export interface CertificateContents {
  /** Common names. */
  readonly issuer: string;
  readonly subject: string;
  /** SubjectPublicKeyInfo. */
  readonly keyInfo: Der;
  readonly notBefore: EpochMillis;
  readonly notAfter: EpochMillis;
  readonly extensions: readonly Der[];
}

/** The certificate; `sign` returns the ECDSA signature with SHA-256 over what it is given. */
export function signedCertificate(
  { issuer, subject, keyInfo, notBefore, notAfter, extensions }: CertificateContents,
  random: Random,
  sign: (body: Uint8Array) => Uint8Array,
): Der {
  const body = sequence(
    contextConstructed(0, integer(Uint8Array.of(version3))),
    integer(serialNumber(random)),
    ecdsaWithSha256,
    nameOf(issuer),
    sequence(time(notBefore), time(notAfter)),
    nameOf(subject),
    keyInfo,
    ...(extensions.length === 0 ? [] : [contextConstructed(3, sequence(...extensions))]),
  );
  return sequence(body, ecdsaWithSha256, bitString(sign(body)));
}

const version3 = 2;
const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const serialBytes = 16;

/** Positive and unguessable, 127 bits (RFC 5280 §4.1.2.2 takes 20 bytes at most). */
function serialNumber(random: Random): Uint8Array {
  const serial = Uint8Array.from(random.bytes(serialBytes));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function nameOf(commonName: string): Der {
  return sequence(setOf(sequence(objectIdentifier('2.5.4.3'), utf8String(commonName))));
}
