// SRTP ciphers on the OpenSSL inside the Node binary: the fast implementation of `SrtpCipherFactory`.
// Every form that is used is compared with node:crypto before the first call, so that a changed OpenSSL is noticed.
import { createCipheriv, createHmac } from 'node:crypto';
import { messageOf, SbcError } from '../../core/errors.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { SrtpCipherFactory } from '../srtp/cipher.ts';
import { type BlockEncryption, wipeSessionKeys } from '../srtp/key-derivation.ts';
import { profileOf, type SrtpProfile } from '../srtp/profile.ts';
import { AesNiCipher, type AesNiShared, aesNiShared } from './aes-ni-cipher.ts';
import type { Arena } from './arena.ts';
import { loadOpenssl, type Openssl } from './openssl.ts';
import { openCipherContext } from './openssl-context.ts';
import { counterShared, OpensslCounterCipher } from './openssl-counter.ts';
import { gcmShared, OpensslGcmCipher } from './openssl-gcm.ts';
import { type HmacSha1Factory, hmacSha1Factory, hmacSha1Words, writeText } from './openssl-hmac.ts';

export interface OpensslCipherFactory extends SrtpCipherFactory {
  readonly name: 'openssl';
  readonly hmacForm: HmacSha1Factory['form'];
  readonly counterForm: 'aes-ni' | 'evp';
}

/** Which of the forms may be used; tests and measurements force the others. */
export interface OpensslForms {
  readonly hmac?: 'any' | 'evp-mac';
  readonly counter?: 'any' | 'evp';
}

/** Ciphers over `arena`, or why there are none. One factory a thread: its ciphers share scratch memory. */
export function opensslCipherFactory(arena: Arena, options: OpensslForms = {}): Result<OpensslCipherFactory, string> {
  const loaded = loadOpenssl();
  if (!loaded.ok) return loaded;
  const openssl = loaded.value;
  try {
    if (!isLittleEndian()) return err('words are expected to be little-endian');
    const fetched = fetchCiphers(arena, openssl);
    testBlockCipher(arena, openssl, fetched.ecb128);
    const { hmac: hmacForm = 'any', counter: counterForm = 'any' } = options;
    const aesNi = hmacForm === 'any' && counterForm === 'any' ? testedAesNi(arena, openssl) : undefined;
    const counter = counterShared(arena, openssl, testedHmac(arena, openssl, hmacForm), {
      16: fetched.ecb128,
      32: fetched.ecb256,
    });
    const gcm = gcmShared(arena, openssl, { 16: fetched.gcm128, 32: fetched.gcm256 });
    return ok({
      name: 'openssl',
      memory: arena,
      hmacForm: counter.hmac.form,
      counterForm: aesNi === undefined ? 'evp' : 'aes-ni',
      encryptBlocks: blockEncryption(arena, openssl, fetched),
      open: (profile, keys, direction) => {
        try {
          if (profile.aead) return new OpensslGcmCipher(gcm, profile, keys, direction);
          if (aesNi !== undefined) return new AesNiCipher(aesNi, profile, keys);
          return new OpensslCounterCipher(counter, profile, keys);
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

/** None of its routines is one of OpenSSL's public ones: used only when a packet comes out as node:crypto makes it. */
function testedAesNi(arena: Arena, openssl: Openssl): AesNiShared | undefined {
  const hmac = hmacSha1Words(arena, openssl);
  if (openssl.aesNi === undefined || hmac === undefined) return undefined;
  const shared = aesNiShared(arena, openssl.aesNi, hmac);
  return (['AES_CM_128_HMAC_SHA1_80', 'AES_256_CM_HMAC_SHA1_80'] as const).every((suite) =>
    isRightPacket(arena, shared, profileOf(suite)),
  )
    ? shared
    : undefined;
}

/** Whole blocks and parts of one. With SSRC and salt all ones, nothing but the last 16 bits of the counter block is left to count. */
function isRightPacket(arena: Arena, shared: AesNiShared, profile: SrtpProfile): boolean {
  const filled = (sizeBytes: number, factor: number) =>
    Uint8Array.from({ length: sizeBytes }, (_, at) => at * factor + 3);
  const [encryptionKey, authenticationKey] = [filled(profile.keyBytes, 11), filled(20, 7)];
  const salt = new Uint8Array(14).fill(0xff);
  const session = { encryptionKey, authenticationKey, salt };
  const cipher = new AesNiCipher(shared, profile, { rtp: session, rtcp: session });
  const packet = arena.allocate(512 + 128, 64);
  const isRight = [0, 1, 16, 20, 160, 330].every((payloadBytes) => {
    // No SSRC, sequence number or roll-over counter: the counter block is the salt.
    const plain = Uint8Array.from([...filled(12, 0).fill(0), ...filled(payloadBytes, 5)]);
    plain[0] = 0x80;
    arena.bytes.set(plain, packet);
    const length = cipher.protectRtp(packet, 12, plain.length, 0);
    const name = profile.keyBytes === 32 ? 'aes-256-ctr' : 'aes-128-ctr';
    const iv = Buffer.concat([salt, Buffer.alloc(2)]);
    const body = createCipheriv(name, encryptionKey, iv).update(plain.subarray(12));
    const whole = Buffer.concat([plain.subarray(0, 12), body]);
    const tag = createHmac('sha1', authenticationKey).update(whole).update(Buffer.alloc(4)).digest().subarray(0, 10);
    return Buffer.concat([whole, tag]).equals(arena.bytes.subarray(packet, packet + length));
  });
  cipher.close();
  arena.release(packet);
  return isRight;
}

/** As `testBlockCipher` has found it right. node:crypto takes ten times as long to make the cipher. */
function blockEncryption(arena: Arena, openssl: Openssl, fetched: ReturnType<typeof fetchCiphers>): BlockEncryption {
  const scratch = arena.allocate(2 * blocksAtOnce + 16, 16);
  const [input, output] = [arena.address(scratch, blocksAtOnce), arena.address(scratch + blocksAtOnce, blocksAtOnce)];
  const length = arena.address(scratch + 2 * blocksAtOnce, 4);
  return (key, blocks) => {
    if (blocks.length > blocksAtOnce) throw new SbcError('openssl-cipher', 'more blocks than keys are derived from');
    const context = openCipherContext(
      arena,
      openssl,
      key.length === 32 ? fetched.ecb256 : fetched.ecb128,
      key,
      'encrypt',
    );
    openssl.cipherSetPadding(context, 0);
    arena.bytes.set(blocks, scratch);
    const updated = openssl.cipherUpdate(context, output, length, input, blocks.length);
    openssl.cipherContextFree(context);
    blocks.set(arena.bytes.subarray(scratch + blocksAtOnce, scratch + blocksAtOnce + blocks.length));
    arena.bytes.fill(0, scratch, scratch + 2 * blocksAtOnce);
    if (updated !== 1) throw new SbcError('openssl-cipher', 'OpenSSL failed to encrypt');
  };
}

/** What the keys of one direction are derived from: six labels, two blocks each. */
const blocksAtOnce = 6 * 2 * 16;

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
