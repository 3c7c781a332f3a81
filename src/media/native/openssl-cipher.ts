// SRTP ciphers on the OpenSSL inside the Node binary: the fast implementation of `SrtpCipherFactory`.
// Every form that is used is compared with node:crypto before the first call, so that a changed OpenSSL is noticed.
import { createCipheriv, createHmac } from 'node:crypto';
import { messageOf, SbcError } from '../../core/errors.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { SrtpCipherFactory } from '../srtp/cipher.ts';
import { wipeSessionKeys } from '../srtp/key-derivation.ts';
import type { Arena } from './arena.ts';
import { loadOpenssl, type Openssl } from './openssl.ts';
import { openCipherContext } from './openssl-context.ts';
import { counterShared, OpensslCounterCipher } from './openssl-counter.ts';
import { gcmShared, OpensslGcmCipher } from './openssl-gcm.ts';
import { type HmacSha1Factory, hmacSha1Factory, writeText } from './openssl-hmac.ts';

export interface OpensslCipherFactory extends SrtpCipherFactory {
  readonly name: 'openssl';
  readonly hmacForm: HmacSha1Factory['form'];
}

/** Ciphers over `arena`, or why there are none. One factory a thread: its ciphers share scratch memory. */
export function opensslCipherFactory(
  arena: Arena,
  options: { readonly hmac: 'any' | 'evp-mac' } = { hmac: 'any' },
): Result<OpensslCipherFactory, string> {
  const loaded = loadOpenssl();
  if (!loaded.ok) return loaded;
  const openssl = loaded.value;
  try {
    if (!isLittleEndian()) return err('words are expected to be little-endian');
    const fetched = fetchCiphers(arena, openssl);
    testBlockCipher(arena, openssl, fetched.ecb128);
    const counter = counterShared(arena, openssl, testedHmac(arena, openssl, options.hmac), {
      16: fetched.ecb128,
      32: fetched.ecb256,
    });
    const gcm = gcmShared(arena, openssl, { 16: fetched.gcm128, 32: fetched.gcm256 });
    return ok({
      name: 'openssl',
      memory: arena,
      hmacForm: counter.hmac.form,
      open: (profile, keys, direction) => {
        try {
          return profile.aead
            ? new OpensslGcmCipher(gcm, profile, keys, direction)
            : new OpensslCounterCipher(counter, profile, keys);
        } finally {
          wipeSessionKeys(keys.rtp);
          wipeSessionKeys(keys.rtcp);
        }
      },
    });
  } catch (thrown) {
    return err(messageOf(thrown));
  }
}

function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}

function fetchCiphers(arena: Arena, openssl: Openssl) {
  const fetch = (name: string): number => {
    const cipher = openssl.cipherFetch(0, writeText(arena, name), 0);
    if (cipher === 0) throw new SbcError('openssl-cipher', `OpenSSL has no ${name}`);
    return cipher;
  };
  return {
    ecb128: fetch('AES-128-ECB'),
    ecb256: fetch('AES-256-ECB'),
    gcm128: fetch('AES-128-GCM'),
    gcm256: fetch('AES-256-GCM'),
  };
}

/** The fast form writes into OpenSSL's SHA_CTX: used only when its result is the right one here. */
function testedHmac(arena: Arena, openssl: Openssl, allowed: 'any' | 'evp-mac'): HmacSha1Factory {
  const factory = hmacSha1Factory(arena, openssl, allowed);
  if (isRightHmac(arena, factory)) return factory;
  const other = hmacSha1Factory(arena, openssl, 'evp-mac');
  if (isRightHmac(arena, other)) return other;
  throw new SbcError('openssl-hmac', 'OpenSSL and node:crypto disagree about HMAC-SHA1');
}

function isRightHmac(arena: Arena, factory: HmacSha1Factory): boolean {
  const key = Uint8Array.from({ length: 20 }, (_, index) => index * 7 + 1);
  const hmac = factory.open(key);
  const packet = arena.allocate(256);
  const isRight = [1, 55, 64, 119].every((length) => {
    for (let index = 0; index < length; index++) arena.bytes[packet + index] = index;
    const expected = createHmac('sha1', key)
      .update(arena.bytes.subarray(packet, packet + length))
      .digest();
    hmac.digest(packet, length);
    return [0, 1, 2, 3, 4].every((word) => arena.words[factory.result + word] === expected.readInt32BE(word * 4));
  });
  hmac.close();
  arena.release(packet);
  return isRight;
}

function testBlockCipher(arena: Arena, openssl: Openssl, cipher: number): void {
  const key = Uint8Array.from({ length: 16 }, (_, index) => index);
  const scratch = arena.allocate(64);
  const context = openCipherContext(arena, openssl, cipher, key, 'encrypt');
  openssl.cipherSetPadding(context, 0);
  const expected = createCipheriv('aes-128-ecb', key, null).update(new Uint8Array(16));
  const [output, length] = [arena.address(scratch + 16, 16), arena.address(scratch + 32, 4)];
  openssl.cipherUpdate(context, output, length, arena.address(scratch, 16), 16);
  const isRight = expected.equals(arena.bytes.subarray(scratch + 16, scratch + 32));
  openssl.cipherContextFree(context);
  arena.release(scratch);
  if (!isRight) throw new SbcError('openssl-cipher', 'OpenSSL and node:crypto disagree about AES');
}
