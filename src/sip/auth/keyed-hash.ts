// HMAC-SHA-256 over a list of texts, and one key for each purpose from one secret, so that no purpose's output serves another.
import { createHmac, hkdfSync } from 'node:crypto';
import { SbcError } from '../../core/errors.ts';

/** Fewest bytes that a secret may have. */
export const smallestSecretBytes = 32;

/** A 32-byte key for that purpose (HKDF, RFC 5869). Throws SbcError when the secret is shorter than 32 bytes. */
export function deriveKey(secret: Uint8Array, purpose: string): Uint8Array {
  if (secret.length < smallestSecretBytes) {
    throw new SbcError('auth-secret-short', `a secret needs ${smallestSecretBytes} bytes`, {
      sizeBytes: secret.length,
    });
  }
  return new Uint8Array(hkdfSync('sha256', secret, '', `portcullis ${purpose}`, 32));
}

/** 32 bytes. Each part goes in with its length, so that no two lists of parts look the same. */
export function keyedHash(key: Uint8Array, ...parts: readonly string[]): Buffer {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(`${part.length}:${part}`);
  return hmac.digest();
}
