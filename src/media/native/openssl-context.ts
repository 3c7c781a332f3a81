// EVP_CIPHER_CTX with a key in it: opened here so that the key's copy in native memory is wiped in one place.
import { SbcError } from '../../core/errors.ts';
import type { Arena } from './arena.ts';
import type { Openssl } from './openssl.ts';

/** A context for `cipher` under `key`. Whoever asked for it frees it. Throws `SbcError` when OpenSSL refuses. */
export function openCipherContext(
  arena: Arena,
  openssl: Openssl,
  cipher: number,
  key: Uint8Array,
  direction: 'encrypt' | 'decrypt',
): number {
  const context = openssl.cipherContextNew();
  if (context === 0) throw new SbcError('openssl-cipher', 'OpenSSL has no memory for a cipher context');
  const copy = arena.allocate(longestKeyBytes);
  arena.bytes.set(key, copy);
  const keyAddress = arena.address(copy, key.length);
  const initialised = openssl.cipherInit(context, cipher, keyAddress, 0, direction === 'encrypt' ? 1 : 0, 0);
  arena.bytes.fill(0, copy, copy + longestKeyBytes);
  arena.release(copy);
  if (initialised === 1) return context;
  openssl.cipherContextFree(context);
  throw new SbcError('openssl-cipher', 'OpenSSL refused a cipher');
}

const longestKeyBytes = 32;
