// RTP packets of the load: 20 ms of G.711 behind a header, and a bank of them protected as a phone would (RFC 3711
// AES_CM_128_HMAC_SHA1_80). Written out on node:crypto, apart from the program's own SRTP, so that it judges that too.
import { createCipheriv, createHmac } from 'node:crypto';

/** 12 bytes of header, 160 of payload. */
export const rtpBytes = 172;
const headerBytes = 12;
const tagBytes = 10;

export function rtpPacket(ssrc: number, sequence: number): Uint8Array {
  const packet = Buffer.alloc(rtpBytes, 0xd5);
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8(8, 1);
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(sequence * 160, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

/** `count` packets of one source from `firstSequence`, under `master` (16 bytes of key, 14 of salt). Below 65536 in all. */
export function protectedBank(master: Uint8Array, ssrc: number, firstSequence: number, count: number): Uint8Array[] {
  const key = derive(master, 0, 16);
  const authKey = derive(master, 1, 20);
  const salt = derive(master, 2, 14);
  return Array.from({ length: count }, (_, index) => {
    const packet = Buffer.from(rtpPacket(ssrc, firstSequence + index));
    const counter = Buffer.alloc(16);
    counter.set(salt);
    for (let byte = 0; byte < 4; byte += 1) counter[4 + byte] = (counter[4 + byte] ?? 0) ^ (packet[8 + byte] ?? 0);
    for (let byte = 0; byte < 2; byte += 1) counter[12 + byte] = (counter[12 + byte] ?? 0) ^ (packet[2 + byte] ?? 0);
    const cipher = createCipheriv('aes-128-ctr', key, counter);
    const secured = Buffer.concat([packet.subarray(0, headerBytes), cipher.update(packet.subarray(headerBytes))]);
    const tag = createHmac('sha1', authKey).update(secured).update(Buffer.alloc(4)).digest();
    return Buffer.concat([secured, tag.subarray(0, tagBytes)]);
  });
}

/** RFC 3711 §4.3.1 with a key derivation rate of 0. */
function derive(master: Uint8Array, label: number, length: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.set(master.subarray(16, 30));
  counter[7] = (counter[7] ?? 0) ^ label;
  return createCipheriv('aes-128-ctr', master.subarray(0, 16), counter).update(Buffer.alloc(length));
}
