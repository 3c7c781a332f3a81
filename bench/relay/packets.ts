// RTP packets of the load: 20 ms of G.711 behind a header, and a bank of them protected as a phone would (RFC 3711, RFC 7714).
// Written out on node:crypto, apart from the program's own SRTP, so that it judges that too.
import { createCipheriv, createHmac, randomBytes } from 'node:crypto';

/** Towards the phone; the PBX has plain RTP always. */
export type Protection = 'plain' | 'cm' | 'gcm';

export const suiteOf = { cm: 'AES_CM_128_HMAC_SHA1_80', gcm: 'AEAD_AES_128_GCM' } as const;

/** 12 bytes of header, 160 of payload. */
export const rtpBytes = 172;
const headerBytes = 12;
const tagBytes = 10;
const keyBytes = 16;
const saltBytes = { plain: 14, cm: 14, gcm: 12 } as const;

export interface SessionKeys {
  readonly key: Buffer;
  readonly authKey: Buffer;
  readonly salt: Buffer;
}

/** A master key and salt, as SDES carries them. */
export function masterKeyFor(protection: Protection): string {
  return randomBytes(keyBytes + saltBytes[protection]).toString('base64');
}

/** RFC 3711 §4.3.1 with a key derivation rate of 0. */
export function sessionKeys(masterKey: string, protection: Protection): SessionKeys {
  const master = Buffer.from(masterKey, 'base64');
  return {
    key: derive(master, 0, keyBytes),
    authKey: derive(master, 1, 20),
    salt: derive(master, 2, saltBytes[protection]),
  };
}

export function rtpPacket(ssrc: number, sequence: number): Buffer {
  const packet = Buffer.alloc(rtpBytes, 0xd5);
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8(8, 1);
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(sequence * 160, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

export interface BankOptions {
  readonly masterKey: string;
  readonly protection: Protection;
  readonly ssrc: number;
  readonly firstSequence: number;
  readonly count: number;
}

/** Packets of one source in sequence, below 65536 in all. */
export function protectedBank({ masterKey, protection, ssrc, firstSequence, count }: BankOptions): Uint8Array[] {
  const packets = Array.from({ length: count }, (_, index) => rtpPacket(ssrc, firstSequence + index));
  if (protection === 'plain') return packets;
  const keys = sessionKeys(masterKey, protection);
  return packets.map((packet) => (protection === 'cm' ? counterMode(packet, keys) : galois(packet, keys)));
}

/** The same with a random tag: nothing of them may come out. */
export function forgedBank(options: BankOptions): Uint8Array[] {
  const forge = (packet: Uint8Array): Uint8Array => {
    const forged = Buffer.from(packet);
    randomBytes(tagBytes).copy(forged, packet.length - tagBytes);
    return forged;
  };
  return protectedBank(options).map(forge);
}

/** What is no RTP, in four ways: cut off, of another version, with sources and with an extension that do not fit. */
export function malformedBank({ ssrc, firstSequence, count }: BankOptions): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const packet = rtpPacket(ssrc, firstSequence + index);
    if (index % 4 === 0) return packet.subarray(0, 8);
    if (index % 4 === 1) packet.writeUInt8(0x40, 0);
    else if (index % 4 === 2) return Buffer.concat([Buffer.of(0x8f), packet.subarray(1, 40)]);
    else {
      packet.writeUInt8(0x90, 0);
      packet.writeUInt16BE(0xffff, headerBytes + 2);
    }
    return packet;
  });
}

function counterMode(packet: Buffer, { key, authKey, salt }: SessionKeys): Buffer {
  const counter = Buffer.alloc(16);
  counter.set(salt);
  mix(counter, 4, packet.subarray(8, 12));
  mix(counter, 12, packet.subarray(2, 4));
  const cipher = createCipheriv('aes-128-ctr', key, counter);
  const secured = Buffer.concat([packet.subarray(0, headerBytes), cipher.update(packet.subarray(headerBytes))]);
  const tag = createHmac('sha1', authKey).update(secured).update(Buffer.alloc(4)).digest();
  return Buffer.concat([secured, tag.subarray(0, tagBytes)]);
}

/** RFC 7714 §8.1. */
function galois(packet: Buffer, { key, salt }: SessionKeys): Buffer {
  const nonce = Buffer.from(salt);
  mix(nonce, 2, packet.subarray(8, 12));
  mix(nonce, 10, packet.subarray(2, 4));
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  cipher.setAAD(packet.subarray(0, headerBytes));
  const secured = Buffer.concat([cipher.update(packet.subarray(headerBytes)), cipher.final()]);
  return Buffer.concat([packet.subarray(0, headerBytes), secured, cipher.getAuthTag()]);
}

function mix(into: Buffer, offset: number, bytes: Uint8Array): void {
  for (const [index, byte] of bytes.entries()) into[offset + index] = (into[offset + index] ?? 0) ^ byte;
}

function derive(master: Uint8Array, label: number, length: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.set(master.subarray(keyBytes));
  counter[7] = (counter[7] ?? 0) ^ label;
  return createCipheriv('aes-128-ctr', master.subarray(0, keyBytes), counter).update(Buffer.alloc(length));
}
