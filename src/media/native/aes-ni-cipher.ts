// AES counter mode with HMAC-SHA1 where OpenSSL's routine for AES-NI can be had (RFC 3711 §4.1.1, §4.2; RFC 6188). All that a packet
// needs of its key lies in one piece of the arena, since with thousands of calls waiting for memory is what costs most:
//
//   0 HMAC states after both pads (40 B) | 40 … | 48 salt (16 B) | 64 expanded AES key (244 B) | … 320
import { SbcError } from '../../core/errors.ts';
import { putWord, wordAt } from '../rtp/rtp-packet.ts';
import { encryptedFlag, forgedPacket, longestPacketBytes, type SrtpCipher } from '../srtp/cipher.ts';
import type { DerivedKeys, SessionKeys } from '../srtp/key-derivation.ts';
import type { SrtpProfile } from '../srtp/profile.ts';
import type { Arena } from './arena.ts';
import type { AesNi } from './openssl.ts';
import type { HmacSha1Words } from './openssl-hmac.ts';

/** What all ciphers of a thread share: they never run at the same time. */
export interface AesNiShared {
  readonly arena: Arena;
  readonly aesNi: AesNi;
  readonly hmac: HmacSha1Words;
  readonly counterBlock: number;
  readonly counterAddress: number;
}

export function aesNiShared(arena: Arena, aesNi: AesNi, hmac: HmacSha1Words): AesNiShared {
  const counterBlock = arena.allocate(blockBytes);
  return { arena, aesNi, hmac, counterBlock, counterAddress: arena.address(counterBlock, blockBytes) };
}

const blockBytes = 16;
const longestKeyBytes = 32;
const saltAt = 48;
const scheduleAt = 64;
const scheduleBytes = 256;
const keyBytes = scheduleAt + scheduleBytes;
const longTagBytes = 10;
const cacheLineBytes = 64;

export class AesNiCipher implements SrtpCipher {
  readonly #shared: AesNiShared;
  readonly #rtpTagBytes: number;
  /** Offsets of the two keys; -1 when closed. */
  #rtp: number;
  #rtcp: number;

  constructor(shared: AesNiShared, { rtpTagBytes }: SrtpProfile, { rtp, rtcp }: DerivedKeys) {
    this.#shared = shared;
    this.#rtpTagBytes = rtpTagBytes;
    this.#rtp = openKey(shared, rtp);
    this.#rtcp = openKey(shared, rtcp);
  }

  protectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    const shared = this.#shared;
    const { arena, hmac } = shared;
    cryptRtp(shared, this.#rtp, offset, headerBytes, length, rollOver);
    putWord(arena, offset + length, rollOver);
    hmac.digest(this.#rtp, offset, length + 4);
    const tagBytes = this.#rtpTagBytes;
    writeTag(shared, offset + length, tagBytes);
    return length + tagBytes;
  }

  unprotectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    const shared = this.#shared;
    const { arena, hmac } = shared;
    const tagBytes = this.#rtpTagBytes;
    const plainLength = length - tagBytes;
    const end = offset + plainLength;
    // Authenticating overwrites what follows the packet, the tag included: it is read first.
    const tag0 = wordAt(arena, end);
    const tag1 = tagBytes === longTagBytes ? wordAt(arena, end + 4) : 0;
    const tag2 = tagBytes === longTagBytes ? wordAt(arena, end + 6) : 0;
    putWord(arena, end, rollOver);
    hmac.digest(this.#rtp, offset, plainLength + 4);
    if (differs(shared, tagBytes, tag0, tag1, tag2)) return forgedPacket;
    cryptRtp(shared, this.#rtp, offset, headerBytes, plainLength, rollOver);
    return plainLength;
  }

  protectRtcp(offset: number, length: number, index: number): number {
    const shared = this.#shared;
    cryptRtcp(shared, this.#rtcp, offset, length, index);
    putWord(shared.arena, offset + length, index | encryptedFlag);
    shared.hmac.digest(this.#rtcp, offset, length + 4);
    writeTag(shared, offset + length + 4, longTagBytes);
    return length + 4 + longTagBytes;
  }

  unprotectRtcp(offset: number, length: number): number {
    const shared = this.#shared;
    const { arena } = shared;
    const end = offset + length - longTagBytes;
    const indexWord = wordAt(arena, end - 4);
    const tag0 = wordAt(arena, end);
    const tag1 = wordAt(arena, end + 4);
    const tag2 = wordAt(arena, end + 6);
    shared.hmac.digest(this.#rtcp, offset, end - offset);
    if (differs(shared, longTagBytes, tag0, tag1, tag2)) return forgedPacket;
    const plainLength = length - longTagBytes - 4;
    if (indexWord < 0) cryptRtcp(shared, this.#rtcp, offset, plainLength, indexWord & 0x7fffffff);
    return plainLength;
  }

  preload(): number {
    const { words } = this.#shared.arena;
    const key = this.#rtp >> 2;
    if (key < 0) return 0;
    let read = 0;
    for (let word = key; word < key + keyBytes / 4; word += cacheLineBytes / 4) read ^= words[word] ?? 0;
    return read;
  }

  close(): void {
    if (this.#rtp < 0) return;
    closeKey(this.#shared, this.#rtp);
    closeKey(this.#shared, this.#rtcp);
    this.#rtp = this.#rtcp = -1;
  }
}

function openKey({ arena, aesNi, hmac }: AesNiShared, keys: SessionKeys): number {
  const key = arena.allocate(keyBytes, 64);
  hmac.prepare(keys.authenticationKey, key);
  arena.bytes.set(keys.salt, key + saltAt);
  const copy = arena.allocate(longestKeyBytes);
  const { encryptionKey } = keys;
  arena.bytes.set(encryptionKey, copy);
  const from = arena.address(copy, encryptionKey.length);
  const refused = aesNi.setEncryptKey(from, encryptionKey.length * 8, arena.address(key + scheduleAt, scheduleBytes));
  arena.bytes.fill(0, copy, copy + longestKeyBytes);
  arena.release(copy);
  if (refused === 0) return key;
  closeKey({ arena }, key);
  throw new SbcError('openssl-cipher', 'OpenSSL refused an AES key');
}

function closeKey({ arena }: Pick<AesNiShared, 'arena'>, key: number): void {
  arena.bytes.fill(0, key, key + keyBytes);
  arena.release(key);
}

/** IV = salt · 2^16 XOR SSRC · 2^64 XOR (ROC, sequence number) · 2^16; everything but ROC already lies in memory order. */
function cryptRtp(
  shared: AesNiShared,
  key: number,
  offset: number,
  headerBytes: number,
  length: number,
  rollOver: number,
): void {
  const { words } = shared.arena;
  const word = offset >> 2;
  crypt(
    shared,
    key,
    offset + headerBytes,
    length - headerBytes,
    words[word + 2] ?? 0,
    swapped(rollOver),
    (words[word] ?? 0) >>> 16,
  );
}

/** IV = salt · 2^16 XOR SSRC · 2^64 XOR index · 2^16. */
function cryptRtcp(shared: AesNiShared, key: number, offset: number, length: number, index: number): void {
  const inOrder = swapped(index);
  const ssrc = shared.arena.words[(offset >> 2) + 1] ?? 0;
  crypt(shared, key, offset + 8, length - 8, ssrc, inOrder << 16, inOrder >>> 16);
}

/** In place, whole blocks: up to 15 bytes behind are destroyed. The three words are what the salt is combined with. */
function crypt(
  { arena, aesNi, counterBlock, counterAddress }: AesNiShared,
  key: number,
  start: number,
  sizeBytes: number,
  second: number,
  third: number,
  fourth: number,
): void {
  if (key < 0 || sizeBytes > longestPacketBytes) throw new SbcError('srtp-cipher', 'closed, or packet too long');
  if (sizeBytes <= 0) return;
  const { words } = arena;
  const block = counterBlock >> 2;
  const salt = (key + saltAt) >> 2;
  words[block] = words[salt] ?? 0;
  words[block + 1] = (words[salt + 1] ?? 0) ^ second;
  words[block + 2] = (words[salt + 2] ?? 0) ^ third;
  words[block + 3] = (words[salt + 3] ?? 0) ^ fourth;
  const address = arena.address(start, sizeBytes + blockBytes - 1);
  const schedule = arena.address(key + scheduleAt, scheduleBytes);
  aesNi.counter32(address, address, (sizeBytes + blockBytes - 1) >> 4, schedule, counterAddress);
}

function writeTag({ arena, hmac }: AesNiShared, at: number, tagBytes: number): void {
  const { words, bytes } = arena;
  putWord(arena, at, words[hmac.result] ?? 0);
  if (tagBytes !== longTagBytes) return;
  const third = words[hmac.result + 2] ?? 0;
  putWord(arena, at + 4, words[hmac.result + 1] ?? 0);
  bytes[at + 8] = third >>> 24;
  bytes[at + 9] = third >>> 16;
}

/** All words are compared, whichever differs. `tag2` is the last 32 of 80 bits: it overlaps the second word. */
function differs({ arena, hmac }: AesNiShared, tagBytes: number, tag0: number, tag1: number, tag2: number): boolean {
  const { words } = arena;
  const first = (words[hmac.result] ?? 0) ^ tag0;
  if (tagBytes !== longTagBytes) return first !== 0;
  const second = words[hmac.result + 1] ?? 0;
  const third = words[hmac.result + 2] ?? 0;
  return (first | (second ^ tag1) | (((second << 16) | (third >>> 16)) ^ tag2)) !== 0;
}

/** Network order to the little-endian order of this machine's words, and back. */
function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
