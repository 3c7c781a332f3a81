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

/** AES in electronic code book mode over whole blocks, in place; the key has 16 or 32 bytes. */
export type BlockEncryption = (key: Uint8Array, blocks: Uint8Array) => void;

/** Derives both sets of session keys. Key and salt have the lengths of their suite (`isKeyingComplete`). */
export function deriveSessionKeys(keying: SrtpKeying, encrypt: BlockEncryption = encryptBlocks): DerivedKeys {
  const { keyBytes, authKeyBytes, saltBytes } = profileOf(keying.suite);
  const sizes = [keyBytes, authKeyBytes, saltBytes, keyBytes, authKeyBytes, saltBytes];
  const streams = counterBlocks(keying, sizes);
  encrypt(keying.masterKey, streams);
  const cut = (label: number): Uint8Array => {
    const at = label * labelBytes;
    return streams.slice(at, at + (sizes[label] ?? 0));
  };
  const keys: DerivedKeys = {
    rtp: { encryptionKey: cut(0), authenticationKey: cut(1), salt: cut(2) },
    rtcp: { encryptionKey: cut(3), authenticationKey: cut(4), salt: cut(5) },
  };
  streams.fill(0);
  return keys;
}

/** Overwrites session keys that are no longer needed. */
export function wipeSessionKeys({ encryptionKey, authenticationKey, salt }: SessionKeys): void {
  encryptionKey.fill(0);
  authenticationKey.fill(0);
  salt.fill(0);
}

const blockBytes = 16;
/** Of one label's key stream: the longest key has 32 bytes. */
const labelBytes = 2 * blockBytes;

/**
 * RFC 3711 §4.3.3: for each label (its place in `sizes`) the counter blocks from (label · 2^48 XOR master salt) · 2^16. All of them go
 * through one cipher, since making one costs twenty times what a block does.
 */
function counterBlocks({ masterSalt }: SrtpKeying, sizes: readonly number[]): Uint8Array {
  const blocks = new Uint8Array(sizes.length * labelBytes);
  for (let label = 0; label < sizes.length; label += 1) {
    for (let counter = 0; counter < labelBytes / blockBytes; counter += 1) {
      const at = label * labelBytes + counter * blockBytes;
      blocks.set(masterSalt, at);
      blocks[at + 7] = (blocks[at + 7] ?? 0) ^ label;
      blocks[at + 15] = counter;
    }
  }
  return blocks;
}

function encryptBlocks(key: Uint8Array, blocks: Uint8Array): void {
  const cipher = createCipheriv(key.length === 32 ? 'aes-256-ecb' : 'aes-128-ecb', key, null);
  const encrypted = cipher.setAutoPadding(false).update(blocks);
  blocks.set(encrypted);
  encrypted.fill(0);
}
