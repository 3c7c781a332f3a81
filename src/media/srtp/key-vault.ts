// Master keys outside a worker: AES-256-GCM under a key of the state folder, bound to the socket and direction that they serve,
// so that one endpoint's keys cannot be put in another's place. They are sealed when they are learned: nobody outside keeps them plain.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../../core/random.ts';
import { isKeyingComplete, profileOf, type SrtpKeying, type SrtpSuite } from './profile.ts';

export const vaultKeyBytes = 32;

export class KeyVault {
  readonly #key: Uint8Array;
  readonly #random: Random;

  /** `key` has `vaultKeyBytes`. */
  constructor(key: Uint8Array, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  /** `v1.<iv>.<ciphertext and tag>`, in base64url. */
  seal({ suite, masterKey, masterSalt }: SrtpKeying, owner: string): string {
    const iv = this.#random.bytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv, { authTagLength: tagBytes });
    cipher.setAAD(boundTo(suite, owner));
    const sealed = Buffer.concat([
      cipher.update(masterKey),
      cipher.update(masterSalt),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return `v1.${Buffer.from(iv).toString('base64url')}.${sealed.toString('base64url')}`;
  }

  /** Undefined for what was not sealed here for this owner and suite, whatever the text. */
  open(text: string, suite: SrtpSuite, owner: string): SrtpKeying | undefined {
    const [version, ivText = '', sealedText = '', ...rest] = text.split('.');
    const iv = Buffer.from(ivText, 'base64url');
    const sealed = Buffer.from(sealedText, 'base64url');
    if (version !== 'v1' || rest.length > 0 || iv.length !== ivBytes || sealed.length < tagBytes) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, iv, { authTagLength: tagBytes });
    decipher.setAAD(boundTo(suite, owner));
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    try {
      const plain = Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - tagBytes)), decipher.final()]);
      const { keyBytes } = profileOf(suite);
      const masterKey = Uint8Array.from(plain.subarray(0, keyBytes));
      const keying = { suite, masterKey, masterSalt: Uint8Array.from(plain.subarray(keyBytes)) };
      plain.fill(0);
      return isKeyingComplete(keying) ? keying : undefined;
    } catch {
      // The only reason for `final` to throw here is a tag that does not fit.
      return undefined;
    }
  }
}

const ivBytes = 12;
const tagBytes = 16;

function boundTo(suite: SrtpSuite, owner: string): Buffer {
  return Buffer.from(`portcullis media key v1 ${suite} ${owner}`);
}
