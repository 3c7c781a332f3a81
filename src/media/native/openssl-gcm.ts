// AES-GCM for SRTP (RFC 7714 §8, §9): header as associated data, 16-byte tag, everything in place.
import { SbcError } from '../../core/errors.ts';
import { putWord, wordAt } from '../rtp/rtp-packet.ts';
import { type CipherDirection, encryptedFlag, forgedPacket, type SrtpCipher } from '../srtp/cipher.ts';
import type { DerivedKeys, SessionKeys } from '../srtp/key-derivation.ts';
import type { SrtpProfile } from '../srtp/profile.ts';
import type { Arena } from './arena.ts';
import type { Openssl } from './openssl.ts';
import { openCipherContext } from './openssl-context.ts';

/** What all GCM ciphers of a thread share: they never run at the same time. */
export interface GcmShared {
  readonly arena: Arena;
  readonly openssl: Openssl;
  /** EVP_CIPHER of AES-GCM by key length. */
  readonly gcmCiphers: { readonly 16: number; readonly 32: number };
  readonly nonce: number;
  readonly outputLength: number;
}

/** The scratch memory of GCM ciphers. */
export function gcmShared(arena: Arena, openssl: Openssl, gcmCiphers: GcmShared['gcmCiphers']): GcmShared {
  return { arena, openssl, gcmCiphers, nonce: arena.allocate(16), outputLength: arena.allocate(8) };
}

export class OpensslGcmCipher implements SrtpCipher {
  readonly #arena: Arena;
  readonly #rtp: GcmStream;
  readonly #rtcp: GcmStream;

  constructor(shared: GcmShared, profile: SrtpProfile, keys: DerivedKeys, direction: CipherDirection) {
    this.#arena = shared.arena;
    this.#rtp = new GcmStream(shared, profile, keys.rtp, direction);
    this.#rtcp = new GcmStream(shared, profile, keys.rtcp, direction);
  }

  protectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    this.#rtp.startRtp(offset, rollOver);
    this.#rtp.associate(offset, headerBytes);
    this.#rtp.seal(offset + headerBytes, length - headerBytes);
    return length + tagBytes;
  }

  unprotectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    const plainLength = length - tagBytes;
    this.#rtp.startRtp(offset, rollOver);
    this.#rtp.associate(offset, headerBytes);
    return this.#rtp.open(offset + headerBytes, plainLength - headerBytes) ? plainLength : forgedPacket;
  }

  protectRtcp(offset: number, length: number, index: number): number {
    const indexOffset = offset + length + tagBytes;
    putWord(this.#arena, indexOffset, index | encryptedFlag);
    this.#rtcp.startRtcp(offset, index);
    this.#rtcp.associate(offset, 8);
    this.#rtcp.associate(indexOffset, 4);
    this.#rtcp.seal(offset + 8, length - 8);
    return length + tagBytes + 4;
  }

  /** Without the E flag everything is associated data and only the tag is there (RFC 7714 §9.3). */
  unprotectRtcp(offset: number, length: number): number {
    const plainLength = length - tagBytes - 4;
    const indexOffset = offset + length - 4;
    const word = wordAt(this.#arena, indexOffset);
    const clearBytes = word < 0 ? 8 : plainLength;
    this.#rtcp.startRtcp(offset, word & 0x7fffffff);
    this.#rtcp.associate(offset, clearBytes);
    this.#rtcp.associate(indexOffset, 4);
    return this.#rtcp.open(offset + clearBytes, plainLength - clearBytes) ? plainLength : forgedPacket;
  }

  close(): void {
    this.#rtp.close();
    this.#rtcp.close();
  }
}

const tagBytes = 16;
const nonceBytes = 12;
/** EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG. */
const getTag = 0x10;
const setTag = 0x11;

class GcmStream {
  readonly #openssl: Openssl;
  readonly #arena: Arena;
  readonly #isEncrypting: number;
  readonly #nonce: number;
  readonly #nonceAddress: number;
  readonly #outputLengthAddress: number;
  readonly #salt: Uint8Array;
  #context: number;

  constructor(shared: GcmShared, profile: SrtpProfile, keys: SessionKeys, direction: CipherDirection) {
    const { arena, openssl, gcmCiphers } = shared;
    this.#arena = arena;
    this.#openssl = openssl;
    this.#isEncrypting = direction === 'protect' ? 1 : 0;
    this.#nonce = shared.nonce;
    this.#nonceAddress = arena.address(shared.nonce, nonceBytes);
    this.#outputLengthAddress = arena.address(shared.outputLength, 4);
    this.#salt = Uint8Array.from(keys.salt);
    const cipher = profile.keyBytes === 32 ? gcmCiphers[32] : gcmCiphers[16];
    const way = direction === 'protect' ? 'encrypt' : 'decrypt';
    this.#context = openCipherContext(arena, openssl, cipher, keys.encryptionKey, way);
  }

  /** Nonce = (two zero bytes, SSRC, ROC, sequence number) XOR salt (RFC 7714 §8.1). */
  startRtp(offset: number, rollOver: number): void {
    const { bytes } = this.#arena;
    this.#saltWith(offset + 8);
    this.#xor(6, rollOver);
    bytes[this.#nonce + 10] = (bytes[this.#nonce + 10] ?? 0) ^ (bytes[offset + 2] ?? 0);
    bytes[this.#nonce + 11] = (bytes[this.#nonce + 11] ?? 0) ^ (bytes[offset + 3] ?? 0);
    this.#start();
  }

  /** Nonce = (two zero bytes, SSRC, two zero bytes, index) XOR salt (RFC 7714 §9.1). */
  startRtcp(offset: number, index: number): void {
    this.#saltWith(offset + 4);
    this.#xor(8, index);
    this.#start();
  }

  associate(offset: number, sizeBytes: number): void {
    this.#update(0, this.#arena.address(offset, sizeBytes), sizeBytes);
  }

  /** Encrypts in place and writes the tag behind. */
  seal(offset: number, sizeBytes: number): void {
    const address = this.#arena.address(offset, sizeBytes + tagBytes);
    if (sizeBytes > 0) this.#update(address, address, sizeBytes);
    const end = address + sizeBytes;
    const finished = this.#openssl.cipherFinal(this.#context, end, this.#outputLengthAddress);
    const tagged = this.#openssl.cipherContextControl(this.#context, getTag, tagBytes, end);
    // Never with arguments like ours; but what was not encrypted must not leave.
    if (finished !== 1 || tagged !== 1) throw new SbcError('srtp-cipher', 'OpenSSL failed to encrypt');
  }

  /** Decrypts in place; false when the tag behind does not match. */
  open(offset: number, sizeBytes: number): boolean {
    const address = this.#arena.address(offset, sizeBytes + tagBytes);
    const end = address + sizeBytes;
    if (this.#openssl.cipherContextControl(this.#context, setTag, tagBytes, end) !== 1) return false;
    if (sizeBytes > 0) this.#update(address, address, sizeBytes);
    return this.#openssl.cipherFinal(this.#context, end, this.#outputLengthAddress) === 1;
  }

  close(): void {
    if (this.#context !== 0) this.#openssl.cipherContextFree(this.#context);
    this.#context = 0;
    this.#salt.fill(0);
  }

  #saltWith(ssrcOffset: number): void {
    this.#arena.bytes.set(this.#salt, this.#nonce);
    this.#xor(2, wordAt(this.#arena, ssrcOffset));
  }

  #xor(at: number, word: number): void {
    putWord(this.#arena, this.#nonce + at, wordAt(this.#arena, this.#nonce + at) ^ word);
  }

  #start(): void {
    if (this.#context === 0) throw new SbcError('srtp-cipher', 'used after close');
    const started = this.#openssl.cipherInit(this.#context, 0, 0, this.#nonceAddress, this.#isEncrypting, 0);
    if (started !== 1) throw new SbcError('srtp-cipher', 'OpenSSL refused a nonce');
  }

  #update(output: number, input: number, sizeBytes: number): void {
    const updated = this.#openssl.cipherUpdate(this.#context, output, this.#outputLengthAddress, input, sizeBytes);
    if (updated !== 1) throw new SbcError('srtp-cipher', 'OpenSSL failed on a packet');
  }
}
