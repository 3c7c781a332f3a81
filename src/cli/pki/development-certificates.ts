// A certificate authority of a machine's own, for trying out, and one server that it vouches for. The authority's key is
// forgotten at once: who makes a phone trust this authority trusts this one server, and nobody can make another.
import { generateKeyPairSync } from 'node:crypto';
import type { EpochMillis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { issueCertificate } from './certificate.ts';

export interface DevelopmentCertificates {
  /** PEM, to be trusted by phones. */
  readonly authority: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM (PKCS #8), a secret. */
  readonly key: string;
  readonly notAfter: EpochMillis;
}

export interface ServerNames {
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

const day = 86_400_000;
/** The longest that every phone takes. */
const validDays = 397;

export function developmentCertificates(names: ServerNames, now: EpochMillis, random: Random): DevelopmentCertificates {
  const authorityKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serverKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { commonName: 'Portcullis development authority', ...authorityKeys };
  // A phone's clock may be behind ours.
  const validity = { notBefore: now - day, notAfter: now + (validDays - 1) * day };
  const authority = issueCertificate(
    {
      role: { kind: 'authority' },
      commonName: issuer.commonName,
      publicKey: authorityKeys.publicKey,
      issuer,
      ...validity,
    },
    random,
  );
  const certificate = issueCertificate(
    {
      role: { kind: 'server', ...names },
      commonName: names.dnsNames[0] ?? names.addresses[0] ?? 'portcullis',
      publicKey: serverKeys.publicKey,
      issuer,
      ...validity,
    },
    random,
  );
  const key = serverKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { authority, certificate, key, notAfter: validity.notAfter };
}
