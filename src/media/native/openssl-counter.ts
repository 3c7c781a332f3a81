// AES counter mode with HMAC-SHA1 for SRTP (RFC 3711 §4.1.1, §4.2; RFC 6188). Counter blocks are written here, one
// EVP_CipherUpdate of AES-ECB turns all of them into key stream, and the XOR is done in words.
import { SbcError } from '../../core/errors.ts';
import { putWord, wordAt } from '../rtp/rtp-packet.ts';
import { encryptedFlag, forgedPacket, longestPacketBytes, type SrtpCipher } from '../srtp/cipher.ts';
import type { DerivedKeys, SessionKeys } from '../srtp/key-derivation.ts';
import type { SrtpProfile } from '../srtp/profile.ts';
import type { Arena } from './arena.ts';
import type { Openssl } from './openssl.ts';
import { openCipherContext } from './openssl-context.ts';
import type { HmacSha1, HmacSha1Factory } from './openssl-hmac.ts';

/** What all counter ciphers of a thread share: they never run at the same time. */
export interface CounterShared {
  readonly arena: Arena;
  readonly openssl: Openssl;
  readonly hmac: HmacSha1Factory;
  /** EVP_CIPHER of AES-ECB by key length. */
  readonly blockCiphers: { readonly 16: number; readonly 32: number };
  readonly counterBlocks: number;
  readonly counterAddress: number;
  readonly keyStream: number;
  readonly keyStreamAddress: number;
  readonly outputLengthAddress: number;
}

/** The scratch memory of counter ciphers. */
export function counterShared(
  arena: Arena,
  openssl: Openssl,
  hmac: HmacSha1Factory,
  blockCiphers: CounterShared['blockCiphers'],
): CounterShared {
  const counterBlocks = arena.allocate(scratchBytes);
  const keyStream = arena.allocate(scratchBytes);
  return {
    arena,
    openssl,
    hmac,
    blockCiphers,
    counterBlocks,
    counterAddress: arena.address(counterBlocks, scratchBytes),
    keyStream,
    keyStreamAddress: arena.address(keyStream, scratchBytes),
    outputLengthAddress: arena.address(arena.allocate(8), 4),
  };
}

export class OpensslCounterCipher implements SrtpCipher {
  readonly #shared: CounterShared;
  readonly #profile: SrtpProfile;
  readonly #rtp: CounterStream;
  readonly #rtcp: CounterStream;

  constructor(shared: CounterShared, profile: SrtpProfile, keys: DerivedKeys) {
    this.#shared = shared;
    this.#profile = profile;
    this.#rtp = new CounterStream(shared, profile, keys.rtp);
    this.#rtcp = new CounterStream(shared, profile, keys.rtcp);
  }

  protectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    const { arena } = this.#shared;
    this.#rtp.cryptRtp(offset, headerBytes, length, rollOver);
    putWord(arena, offset + length, rollOver);
    this.#rtp.hmac.digest(offset, length + 4);
    const tagBytes = this.#profile.rtpTagBytes;
    this.#writeTag(offset + length, tagBytes);
    return length + tagBytes;
  }

  unprotectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    const { arena } = this.#shared;
    const tagBytes = this.#profile.rtpTagBytes;
    const plainLength = length - tagBytes;
    const end = offset + plainLength;
    // Authenticating overwrites what follows the packet, the tag included: it is read first.
    const tag0 = wordAt(arena, end);
    const tag1 = tagBytes === longTagBytes ? wordAt(arena, end + 4) : 0;
    const tag2 = tagBytes === longTagBytes ? wordAt(arena, end + 6) : 0;
    putWord(arena, end, rollOver);
    this.#rtp.hmac.digest(offset, plainLength + 4);
    if (this.#differs(tagBytes, tag0, tag1, tag2)) return forgedPacket;
    this.#rtp.cryptRtp(offset, headerBytes, plainLength, rollOver);
    return plainLength;
  }

  protectRtcp(offset: number, length: number, index: number): number {
    const { arena } = this.#shared;
    this.#rtcp.cryptRtcp(offset, length, index);
    putWord(arena, offset + length, index | encryptedFlag);
    this.#rtcp.hmac.digest(offset, length + 4);
    this.#writeTag(offset + length + 4, longTagBytes);
    return length + 4 + longTagBytes;
  }

  unprotectRtcp(offset: number, length: number): number {
    const { arena } = this.#shared;
    const end = offset + length - longTagBytes;
    const indexWord = wordAt(arena, end - 4);
    const tag0 = wordAt(arena, end);
    const tag1 = wordAt(arena, end + 4);
    const tag2 = wordAt(arena, end + 6);
    this.#rtcp.hmac.digest(offset, end - offset);
    if (this.#differs(longTagBytes, tag0, tag1, tag2)) return forgedPacket;
    const plainLength = length - longTagBytes - 4;
    if (indexWord < 0) this.#rtcp.cryptRtcp(offset, plainLength, indexWord & 0x7fffffff);
    return plainLength;
  }

  close(): void {
    this.#rtp.close();
    this.#rtcp.close();
  }

  #writeTag(at: number, tagBytes: number): void {
    const { arena, hmac } = this.#shared;
    const { words, bytes } = arena;
    putWord(arena, at, words[hmac.result] ?? 0);
    if (tagBytes !== longTagBytes) return;
    const third = words[hmac.result + 2] ?? 0;
    putWord(arena, at + 4, words[hmac.result + 1] ?? 0);
    bytes[at + 8] = third >>> 24;
    bytes[at + 9] = third >>> 16;
  }

  /** All words are compared, whichever differs. `tag2` is the last 32 of 80 bits: it overlaps the second word. */
  #differs(tagBytes: number, tag0: number, tag1: number, tag2: number): boolean {
    const { words } = this.#shared.arena;
    const { result } = this.#shared.hmac;
    const first = (words[result] ?? 0) ^ tag0;
    if (tagBytes !== longTagBytes) return first !== 0;
    const second = words[result + 1] ?? 0;
    const third = words[result + 2] ?? 0;
    return (first | (second ^ tag1) | (((second << 16) | (third >>> 16)) ^ tag2)) !== 0;
  }
}

const longTagBytes = 10;
const blockBytes = 16;
const scratchBytes = Math.ceil(longestPacketBytes / blockBytes) * blockBytes;

/** One session key: the salt as four words in memory order, the AES context, the HMAC. */
class CounterStream {
  readonly hmac: HmacSha1;
  readonly #shared: CounterShared;
  #context: number;
  #salt0: number;
  #salt1: number;
  #salt2: number;
  #salt3: number;

  constructor(shared: CounterShared, profile: SrtpProfile, keys: SessionKeys) {
    const { arena, openssl, blockCiphers } = shared;
    this.#shared = shared;
    const salt = new Int32Array(4);
    new Uint8Array(salt.buffer).set(keys.salt);
    [this.#salt0 = 0, this.#salt1 = 0, this.#salt2 = 0, this.#salt3 = 0] = salt;
    salt.fill(0);
    this.hmac = shared.hmac.open(keys.authenticationKey);
    const cipher = profile.keyBytes === 32 ? blockCiphers[32] : blockCiphers[16];
    this.#context = openCipherContext(arena, openssl, cipher, keys.encryptionKey, 'encrypt');
    openssl.cipherSetPadding(this.#context, 0);
  }

  /** IV = salt · 2^16 XOR SSRC · 2^64 XOR (ROC, sequence number) · 2^16; everything but ROC already lies in memory order. */
  cryptRtp(offset: number, headerBytes: number, length: number, rollOver: number): void {
    const { words } = this.#shared.arena;
    const word = offset >> 2;
    this.#crypt(
      offset + headerBytes,
      length - headerBytes,
      this.#salt1 ^ (words[word + 2] ?? 0),
      this.#salt2 ^ swapped(rollOver),
      this.#salt3 ^ ((words[word] ?? 0) >>> 16),
    );
  }

  /** IV = salt · 2^16 XOR SSRC · 2^64 XOR index · 2^16. */
  cryptRtcp(offset: number, length: number, index: number): void {
    const inOrder = swapped(index);
    this.#crypt(
      offset + 8,
      length - 8,
      this.#salt1 ^ (this.#shared.arena.words[(offset >> 2) + 1] ?? 0),
      this.#salt2 ^ (inOrder << 16),
      this.#salt3 ^ (inOrder >>> 16),
    );
  }

  close(): void {
    this.hmac.close();
    if (this.#context !== 0) this.#shared.openssl.cipherContextFree(this.#context);
    this.#context = 0;
    this.#salt0 = this.#salt1 = this.#salt2 = this.#salt3 = 0;
  }

  /** `start` is a multiple of 4. */
  #crypt(start: number, sizeBytes: number, iv1: number, iv2: number, iv3: number): void {
    if (this.#context === 0 || sizeBytes > scratchBytes)
      throw new SbcError('srtp-cipher', 'closed, or packet too long');
    const { openssl, arena, counterBlocks, counterAddress, keyStream, keyStreamAddress, outputLengthAddress } =
      this.#shared;
    const { words, bytes } = arena;
    const iv0 = this.#salt0;
    const blocks = (sizeBytes + blockBytes - 1) >> 4;
    let counter = counterBlocks >> 2;
    for (let block = 0; block < blocks; block++) {
      words[counter] = iv0;
      words[counter + 1] = iv1;
      words[counter + 2] = iv2;
      words[counter + 3] = iv3 ^ (block << 24);
      counter += 4;
    }
    const context = this.#context;
    const updated = openssl.cipherUpdate(context, keyStreamAddress, outputLengthAddress, counterAddress, blocks << 4);
    // The scratch still holds another packet's key stream: using it twice would give both packets away.
    if (updated !== 1) throw new SbcError('srtp-cipher', 'OpenSSL failed to encrypt');
    const first = start >> 2;
    const stream = keyStream >> 2;
    const whole = sizeBytes >> 2;
    for (let word = 0; word < whole; word++)
      words[first + word] = (words[first + word] ?? 0) ^ (words[stream + word] ?? 0);
    for (let at = whole << 2; at < sizeBytes; at++) {
      bytes[start + at] = (bytes[start + at] ?? 0) ^ (bytes[keyStream + at] ?? 0);
    }
  }
}

/** Network order to the little-endian order of this machine's words, and back. */
function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
