// HMAC-SHA-256 over a list of texts, and one key for each purpose from one secret, so that no purpose's output serves another.
import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { SbcError } from '../../core/errors.ts';

/** Fewest bytes that a secret may have. */
export const smallestSecretBytes = 32;

/** A 32-byte key for that purpose (HKDF, RFC 5869). Throws SbcError when the secret is shorter than 32 bytes. */
export function deriveKey(secret: Uint8Array, purpose: string): KeyObject {
  if (secret.length < smallestSecretBytes) {
    throw new SbcError('auth-secret-short', `a secret needs ${smallestSecretBytes} bytes`, {
      sizeBytes: secret.length,
    });
  }
  // A KeyObject: given the bytes, createHmac would make one each time, at five times the cost of the hash.
  return createSecretKey(new Uint8Array(hkdfSync('sha256', secret, '', `portcullis ${purpose}`, 32)));
}

/** 32 bytes. Each part goes in with its length, so that no two lists of parts look the same. */
export function keyedHash(key: KeyObject, ...parts: readonly string[]): Buffer {
  let text = '';
  for (const part of parts) text += `${part.length}:${part}`;
  return createHmac('sha256', key).update(text).digest();
}
