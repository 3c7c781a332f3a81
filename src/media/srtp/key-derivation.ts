// Session keys from a master key: AES in counter mode over label and salt, key derivation rate 0.
// RFC 3711 §4.3, RFC 6188 §3 (256-bit keys), RFC 7714 §11 (12-byte salts, padded on the right).
import { createCipheriv } from 'node:crypto';
import { profileOf, type SrtpKeying } from './profile.ts';

/** The session keys of one direction and one of the two protocols. */
export interface SessionKeys {
  readonly encryptionKey: Uint8Array;
  /** Empty for AEAD. */
  readonly authenticationKey: Uint8Array;
  readonly salt: Uint8Array;
}

export interface DerivedKeys {
  readonly rtp: SessionKeys;
  readonly rtcp: SessionKeys;
}

/** Derives both sets of session keys. Key and salt have the lengths of their suite (`isKeyingComplete`). */
export function deriveSessionKeys(keying: SrtpKeying): DerivedKeys {
  return { rtp: derive(keying, rtpLabels), rtcp: derive(keying, rtcpLabels) };
}

/** Overwrites session keys that are no longer needed. */
export function wipeSessionKeys({ encryptionKey, authenticationKey, salt }: SessionKeys): void {
  encryptionKey.fill(0);
  authenticationKey.fill(0);
  salt.fill(0);
}

interface Labels {
  readonly encryption: number;
  readonly authentication: number;
  readonly salt: number;
}

const rtpLabels: Labels = { encryption: 0, authentication: 1, salt: 2 };
const rtcpLabels: Labels = { encryption: 3, authentication: 4, salt: 5 };

function derive(keying: SrtpKeying, labels: Labels): SessionKeys {
  const { keyBytes, authKeyBytes, saltBytes } = profileOf(keying.suite);
  return {
    encryptionKey: expand(keying, labels.encryption, keyBytes),
    authenticationKey: expand(keying, labels.authentication, authKeyBytes),
    salt: expand(keying, labels.salt, saltBytes),
  };
}

/** RFC 3711 §4.3.3: the key stream that starts at (label · 2^48 XOR master salt) · 2^16. */
function expand({ masterKey, masterSalt }: SrtpKeying, label: number, sizeBytes: number): Uint8Array {
  const start = new Uint8Array(16);
  start.set(masterSalt);
  start[7] = (start[7] ?? 0) ^ label;
  const algorithm = masterKey.length === 32 ? 'aes-256-ctr' : 'aes-128-ctr';
  const cipher = createCipheriv(algorithm, masterKey, start);
  return Uint8Array.from(cipher.update(new Uint8Array(sizeBytes)));
}
