// X.509 v3 certificates (RFC 5280 §4) with keys on P-256, signed with ECDSA and SHA-256 (RFC 5758 §3.2): an authority that signs
// others, and servers with DNS names and addresses.
import { createHash, type KeyObject, sign } from 'node:crypto';
import { parseCidr } from '../../core/cidr.ts';
import {
  bitString,
  boolean,
  contextPrimitive,
  type Der,
  integer,
  objectIdentifier,
  octetString,
  sequence,
} from '../../core/der.ts';
import { SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { signedCertificate } from '../../core/x509.ts';

export type CertificateRole =
  | { readonly kind: 'authority' }
  | { readonly kind: 'server'; readonly dnsNames: readonly string[]; readonly addresses: readonly string[] };

export interface CertificateRequest {
  readonly role: CertificateRole;
  readonly commonName: string;
  readonly publicKey: KeyObject;
  /** Who signs; the same name and key as the subject's for a self-signed authority. */
  readonly issuer: { readonly commonName: string; readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The certificate in PEM. Throws SbcError `certificate-address` for a name that is no numeric address. */
export function issueCertificate(request: CertificateRequest, random: Random): string {
  const { role, commonName, publicKey, issuer, notBefore, notAfter } = request;
  const certificate = signedCertificate(
    {
      issuer: issuer.commonName,
      subject: commonName,
      keyInfo: keyInfoOf(publicKey),
      notBefore,
      notAfter,
      extensions: extensionsOf(role, publicKey, issuer.publicKey),
    },
    random,
    (body) => sign('sha256', body, issuer.privateKey),
  );
  return pem('CERTIFICATE', certificate);
}

function keyInfoOf(key: KeyObject): Der {
  return key.export({ type: 'spki', format: 'der' });
}

function extensionsOf(role: CertificateRole, subject: KeyObject, issuer: KeyObject): readonly Der[] {
  const common = [
    extension('2.5.29.14', false, octetString(keyIdentifier(subject))),
    extension('2.5.29.35', false, sequence(contextPrimitive(0, keyIdentifier(issuer)))),
  ];
  if (role.kind === 'authority') {
    return [
      // It signs servers, and no other authority.
      extension('2.5.29.19', true, sequence(boolean(true), integer(Uint8Array.of(0)))),
      extension('2.5.29.15', true, bitString(Uint8Array.of(keyCertSign | crlSign), 1)),
      ...common,
    ];
  }
  const names = [
    ...role.dnsNames.map((name) => contextPrimitive(2, new TextEncoder().encode(name))),
    ...role.addresses.map((address) => contextPrimitive(7, addressBytes(address))),
  ];
  return [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, bitString(Uint8Array.of(digitalSignature), 7)),
    extension('2.5.29.37', false, sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.17', false, sequence(...names)),
    ...common,
  ];
}

/** Bits of KeyUsage (RFC 5280 §4.2.1.3); bit 0 is the highest. */
const digitalSignature = 0x80;
const keyCertSign = 0x04;
const crlSign = 0x02;

function extension(id: string, isCritical: boolean, value: Der): Der {
  return sequence(objectIdentifier(id), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

/** RFC 7093 §2, method 4: the leftmost 160 bits of the hash of the whole key info. */
function keyIdentifier(key: KeyObject): Uint8Array {
  return createHash('sha256').update(keyInfoOf(key)).digest().subarray(0, 20);
}

function addressBytes(address: string): Uint8Array {
  const parsed = parseCidr(address);
  if (!parsed.ok || address.includes('/')) {
    throw new SbcError('certificate-address', `expected a numeric address, got "${address}"`, { address });
  }
  const { family, bits } = parsed.value;
  return Buffer.from(bits.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
}

function pem(label: string, der: Der): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
