// SRTP on node:crypto, for where native code cannot be loaded: slower, and it allocates for every packet.
// RFC 3711 §4.1.1, §4.2 (counter mode, HMAC-SHA1), RFC 7714 §8, §9 (GCM).
import {
  type CipherGCMTypes,
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import type { PacketMemory } from '../rtp/packet-memory.ts';
import { putWord, wordAt } from '../rtp/rtp-packet.ts';
import { encryptedFlag, forgedPacket, type SrtpCipher, type SrtpCipherFactory, srtcpIndexOffset } from './cipher.ts';
import { type DerivedKeys, type SessionKeys, wipeSessionKeys } from './key-derivation.ts';
import type { SrtpProfile } from './profile.ts';

/** Ciphers on node:crypto over `memory`. */
export function nodeCipherFactory(memory: PacketMemory): SrtpCipherFactory {
  return {
    name: 'node',
    memory,
    open: (profile, keys) =>
      profile.aead ? new GaloisCounterCipher(memory, profile, keys) : new CounterCipher(memory, profile, keys),
  };
}

/** A KeyObject is prepared once; a raw key would be prepared for every packet. */
interface PreparedKeys {
  readonly encryption: KeyObject;
  readonly authentication: KeyObject;
  readonly salt: Uint8Array;
}

function prepare(keys: SessionKeys): PreparedKeys {
  const prepared = {
    encryption: createSecretKey(keys.encryptionKey),
    authentication: createSecretKey(keys.authenticationKey),
    salt: Uint8Array.from(keys.salt),
  };
  wipeSessionKeys(keys);
  return prepared;
}

class CounterCipher implements SrtpCipher {
  readonly #memory: PacketMemory;
  readonly #profile: SrtpProfile;
  readonly #rtp: PreparedKeys;
  readonly #rtcp: PreparedKeys;
  readonly #algorithm: string;
  readonly #start = new Uint8Array(16);
  readonly #rollOver = new Uint8Array(4);

  constructor(memory: PacketMemory, profile: SrtpProfile, keys: DerivedKeys) {
    this.#memory = memory;
    this.#profile = profile;
    this.#rtp = prepare(keys.rtp);
    this.#rtcp = prepare(keys.rtcp);
    this.#algorithm = profile.keyBytes === 32 ? 'aes-256-ctr' : 'aes-128-ctr';
  }

  protectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    this.#startRtp(offset, rollOver);
    this.#crypt(this.#rtp.encryption, offset + headerBytes, length - headerBytes);
    this.#memory.bytes.set(this.#rtpTag(offset, length, rollOver), offset + length);
    return length + this.#profile.rtpTagBytes;
  }

  unprotectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    const plainLength = length - this.#profile.rtpTagBytes;
    const tag = this.#rtpTag(offset, plainLength, rollOver);
    if (!timingSafeEqual(tag, this.#piece(offset + plainLength, tag.length))) return forgedPacket;
    this.#startRtp(offset, rollOver);
    this.#crypt(this.#rtp.encryption, offset + headerBytes, plainLength - headerBytes);
    return plainLength;
  }

  protectRtcp(offset: number, length: number, index: number): number {
    this.#startRtcp(offset, index);
    this.#crypt(this.#rtcp.encryption, offset + 8, length - 8);
    putWord(this.#memory, offset + length, index | encryptedFlag);
    this.#memory.bytes.set(this.#rtcpTag(offset, length + 4), offset + length + 4);
    return length + 4 + this.#profile.rtcpTagBytes;
  }

  unprotectRtcp(offset: number, length: number): number {
    const tagBytes = this.#profile.rtcpTagBytes;
    const tag = this.#rtcpTag(offset, length - tagBytes);
    if (!timingSafeEqual(tag, this.#piece(offset + length - tagBytes, tagBytes))) return forgedPacket;
    const plainLength = length - tagBytes - 4;
    const word = wordAt(this.#memory, srtcpIndexOffset(this.#profile, offset, length));
    if (word >= 0) return plainLength;
    this.#startRtcp(offset, word & 0x7fffffff);
    this.#crypt(this.#rtcp.encryption, offset + 8, plainLength - 8);
    return plainLength;
  }

  close(): void {
    this.#rtp.salt.fill(0);
    this.#rtcp.salt.fill(0);
    this.#start.fill(0);
  }

  /** (salt · 2^16) XOR (SSRC · 2^64) XOR (index · 2^16), RFC 3711 §4.1.1; the index is ROC and sequence number. */
  #startRtp(offset: number, rollOver: number): void {
    const start = this.#startWith(this.#rtp.salt, offset + 8);
    xorWord(start, 8, rollOver);
    xorByte(start, 12, this.#memory.bytes[offset + 2] ?? 0);
    xorByte(start, 13, this.#memory.bytes[offset + 3] ?? 0);
  }

  #startRtcp(offset: number, index: number): void {
    xorWord(this.#startWith(this.#rtcp.salt, offset + 4), 10, index);
  }

  #startWith(salt: Uint8Array, ssrcOffset: number): Uint8Array {
    this.#start.fill(0);
    this.#start.set(salt);
    xorWord(this.#start, 4, wordAt(this.#memory, ssrcOffset));
    return this.#start;
  }

  #crypt(key: KeyObject, offset: number, sizeBytes: number): void {
    const output = createCipheriv(this.#algorithm, key, this.#start).update(this.#piece(offset, sizeBytes));
    this.#memory.bytes.set(output, offset);
  }

  #rtpTag(offset: number, length: number, rollOver: number): Uint8Array {
    this.#rollOver.fill(0);
    xorWord(this.#rollOver, 0, rollOver);
    const hmac = createHmac('sha1', this.#rtp.authentication).update(this.#piece(offset, length));
    return hmac.update(this.#rollOver).digest().subarray(0, this.#profile.rtpTagBytes);
  }

  #rtcpTag(offset: number, length: number): Uint8Array {
    const hmac = createHmac('sha1', this.#rtcp.authentication).update(this.#piece(offset, length));
    return hmac.digest().subarray(0, this.#profile.rtcpTagBytes);
  }

  #piece(offset: number, sizeBytes: number): Uint8Array {
    return this.#memory.bytes.subarray(offset, offset + sizeBytes);
  }
}

class GaloisCounterCipher implements SrtpCipher {
  readonly #memory: PacketMemory;
  readonly #rtp: PreparedKeys;
  readonly #rtcp: PreparedKeys;
  readonly #algorithm: CipherGCMTypes;
  readonly #nonce = new Uint8Array(12);

  constructor(memory: PacketMemory, profile: SrtpProfile, keys: DerivedKeys) {
    this.#memory = memory;
    this.#rtp = prepare(keys.rtp);
    this.#rtcp = prepare(keys.rtcp);
    this.#algorithm = profile.keyBytes === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
  }

  protectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    this.#nonceRtp(offset, rollOver);
    const cipher = createCipheriv(this.#algorithm, this.#rtp.encryption, this.#nonce);
    cipher.setAAD(this.#piece(offset, headerBytes));
    this.#seal(cipher, offset + headerBytes, length - headerBytes);
    return length + gcmTagBytes;
  }

  unprotectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    this.#nonceRtp(offset, rollOver);
    const plainLength = length - gcmTagBytes;
    const aad = this.#piece(offset, headerBytes);
    const isProven = this.#open(this.#rtp, aad, offset + headerBytes, plainLength - headerBytes);
    return isProven ? plainLength : forgedPacket;
  }

  protectRtcp(offset: number, length: number, index: number): number {
    this.#nonceRtcp(offset, index);
    const cipher = createCipheriv(this.#algorithm, this.#rtcp.encryption, this.#nonce);
    const indexOffset = offset + length + gcmTagBytes;
    putWord(this.#memory, indexOffset, index | encryptedFlag);
    cipher.setAAD(Buffer.concat([this.#piece(offset, 8), this.#piece(indexOffset, 4)]));
    this.#seal(cipher, offset + 8, length - 8);
    return length + gcmTagBytes + 4;
  }

  /** Without the E flag everything is associated data and only the tag is there (RFC 7714 §9.3). */
  unprotectRtcp(offset: number, length: number): number {
    const plainLength = length - gcmTagBytes - 4;
    const indexOffset = offset + length - 4;
    const word = wordAt(this.#memory, indexOffset);
    this.#nonceRtcp(offset, word & 0x7fffffff);
    const clearBytes = word < 0 ? 8 : plainLength;
    const aad = Buffer.concat([this.#piece(offset, clearBytes), this.#piece(indexOffset, 4)]);
    const isProven = this.#open(this.#rtcp, aad, offset + clearBytes, plainLength - clearBytes);
    return isProven ? plainLength : forgedPacket;
  }

  close(): void {
    this.#rtp.salt.fill(0);
    this.#rtcp.salt.fill(0);
    this.#nonce.fill(0);
  }

  /** Two zero bytes, SSRC, ROC, sequence number, XOR salt (RFC 7714 §8.1). */
  #nonceRtp(offset: number, rollOver: number): void {
    this.#nonce.set(this.#rtp.salt);
    xorWord(this.#nonce, 2, wordAt(this.#memory, offset + 8));
    xorWord(this.#nonce, 6, rollOver);
    xorByte(this.#nonce, 10, this.#memory.bytes[offset + 2] ?? 0);
    xorByte(this.#nonce, 11, this.#memory.bytes[offset + 3] ?? 0);
  }

  /** Two zero bytes, SSRC, two zero bytes, 31-bit index, XOR salt (RFC 7714 §9.1). */
  #nonceRtcp(offset: number, index: number): void {
    this.#nonce.set(this.#rtcp.salt);
    xorWord(this.#nonce, 2, wordAt(this.#memory, offset + 4));
    xorWord(this.#nonce, 8, index);
  }

  #seal(cipher: Cipheriv & { getAuthTag(): Buffer }, offset: number, sizeBytes: number): void {
    this.#memory.bytes.set(cipher.update(this.#piece(offset, sizeBytes)), offset);
    cipher.final();
    this.#memory.bytes.set(cipher.getAuthTag(), offset + sizeBytes);
  }

  #open(keys: PreparedKeys, aad: Uint8Array, offset: number, sizeBytes: number): boolean {
    const decipher = createDecipheriv(this.#algorithm, keys.encryption, this.#nonce, { authTagLength: gcmTagBytes });
    decipher.setAAD(aad);
    decipher.setAuthTag(this.#piece(offset + sizeBytes, gcmTagBytes));
    const plain = decipher.update(this.#piece(offset, sizeBytes));
    try {
      decipher.final();
    } catch {
      // node:crypto reports a tag that does not match by throwing; the caller counts the packet as forged.
      return false;
    }
    this.#memory.bytes.set(plain, offset);
    return true;
  }

  #piece(offset: number, sizeBytes: number): Uint8Array {
    return this.#memory.bytes.subarray(offset, offset + sizeBytes);
  }
}

const gcmTagBytes = 16;

function xorByte(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ value;
}

function xorWord(bytes: Uint8Array, at: number, value: number): void {
  xorByte(bytes, at, value >>> 24);
  xorByte(bytes, at + 1, (value >>> 16) & 0xff);
  xorByte(bytes, at + 2, (value >>> 8) & 0xff);
  xorByte(bytes, at + 3, value & 0xff);
}
