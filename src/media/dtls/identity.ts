// The certificate that this process shows in DTLS: self-signed, made at start, worth what its fingerprint in SDP is worth.
// RFC 5763 §3, RFC 8122 §6.
import { generateKeyPairSync, sign } from 'node:crypto';
import type { EpochMillis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { signedCertificate } from '../../core/x509.ts';
import { type Fingerprint, fingerprintOf } from './fingerprint.ts';

export interface DtlsIdentity {
  /** DER. */
  readonly certificate: Uint8Array;
  /** PKCS #8, DER. A secret. */
  readonly privateKey: Uint8Array;
}

/** A fresh key on P-256 and its certificate. The name in it says nothing. */
export function createDtlsIdentity(now: EpochMillis, random: Random): DtlsIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = signedCertificate(
    {
      issuer: commonName,
      subject: commonName,
      keyInfo: publicKey.export({ type: 'spki', format: 'der' }),
      // A phone's clock may be behind ours, and a process may run for years.
      notBefore: now - day,
      notAfter: now + validDays * day,
      extensions: [],
    },
    random,
    (body) => sign('sha256', body, privateKey),
  );
  return { certificate, privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }) };
}

/** What our SDP shows of it. */
export function ownFingerprint({ certificate }: DtlsIdentity): Fingerprint {
  return fingerprintOf(certificate, 'sha-256');
}

const day = 86_400_000;
const validDays = 3_650;
const commonName = 'media';
