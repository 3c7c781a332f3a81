// SRTP as RFC 3711, 6188 and 7714 write it down, with node:crypto and nothing of the product: slow, plain, and only for comparing.
import { createCipheriv, createHmac } from 'node:crypto';

export interface ReferenceKeys {
  readonly masterKey: Uint8Array;
  readonly masterSalt: Uint8Array;
  readonly aead: boolean;
  readonly tagBytes: number;
}

/** Protects one RTP packet: `index` is 2^16 · ROC + SEQ (RFC 3711 §3.3.1). */
export class ReferenceSrtp {
  readonly #keys: ReferenceKeys;
  readonly #key: Buffer;
  readonly #salt: Buffer;
  readonly #authKey: Buffer;

  constructor(keys: ReferenceKeys) {
    this.#keys = keys;
    this.#key = this.#derive(0, keys.masterKey.length);
    this.#authKey = this.#derive(1, 20);
    this.#salt = this.#derive(2, keys.masterSalt.length);
  }

  protect(packet: Buffer, headerBytes: number, index: number): Buffer {
    return this.#keys.aead ? this.#seal(packet, headerBytes, index) : this.#encrypt(packet, headerBytes, index);
  }

  /** RFC 3711 §4.1.1: IV = (k_s · 2^16) XOR (SSRC · 2^64) XOR (i · 2^16); §4.2: HMAC over packet and ROC. */
  #encrypt(packet: Buffer, headerBytes: number, index: number): Buffer {
    const iv = (number(this.#salt) << 16n) ^ (BigInt(packet.readUInt32BE(8)) << 64n) ^ (BigInt(index) << 16n);
    const cipher = createCipheriv(`aes-${8 * this.#key.length}-ctr`, this.#key, octets(iv, 16));
    const sealed = Buffer.concat([packet.subarray(0, headerBytes), cipher.update(packet.subarray(headerBytes))]);
    const tag = createHmac('sha1', this.#authKey)
      .update(sealed)
      .update(octets(BigInt(index) >> 16n, 4))
      .digest();
    return Buffer.concat([sealed, tag.subarray(0, this.#keys.tagBytes)]);
  }

  /** RFC 7714 §8.1: IV = (00 00 | SSRC | ROC | SEQ) XOR salt; the header is associated data. */
  #seal(packet: Buffer, headerBytes: number, index: number): Buffer {
    const iv = ((BigInt(packet.readUInt32BE(8)) << 48n) | BigInt(index)) ^ number(this.#salt);
    const name = this.#key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
    const cipher = createCipheriv(name, this.#key, octets(iv, 12));
    cipher.setAAD(packet.subarray(0, headerBytes));
    const text = Buffer.concat([cipher.update(packet.subarray(headerBytes)), cipher.final()]);
    return Buffer.concat([packet.subarray(0, headerBytes), text, cipher.getAuthTag()]);
  }

  /** RFC 3711 §4.3.1, §4.3.3: x = (label · 2^48) XOR salt of 112 bits, key stream from x · 2^16. A 96-bit salt is padded behind. */
  #derive(label: number, sizeBytes: number): Buffer {
    const { masterKey, masterSalt } = this.#keys;
    const salt = number(Buffer.concat([masterSalt, Buffer.alloc(14 - masterSalt.length)]));
    const start = (salt ^ (BigInt(label) << 48n)) << 16n;
    return createCipheriv(`aes-${8 * masterKey.length}-ctr`, masterKey, octets(start, 16)).update(
      Buffer.alloc(sizeBytes),
    );
  }
}

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function octets(value: bigint, sizeBytes: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * sizeBytes, '0'), 'hex');
}
