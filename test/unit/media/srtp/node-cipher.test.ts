// The ciphers against the formulas of the RFCs, written down anew with whole numbers: roll-over counter, index and SSRC in their places.
import { createCipheriv, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CipherDirection, type SrtpCipher, srtcpIndexOffset } from '../../../../src/media/srtp/cipher.ts';
import type { SessionKeys } from '../../../../src/media/srtp/key-derivation.ts';
import { nodeCipherFactory } from '../../../../src/media/srtp/node-cipher.ts';
import { profileOf, type SrtpSuite, srtpSuites } from '../../../../src/media/srtp/profile.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory();
const ciphers = nodeCipherFactory(memory);
const offset = 1024;

interface Packet {
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  readonly ssrc: number;
  readonly sequence: number;
  readonly rollOver: number;
  readonly index: number;
}

interface Keys {
  readonly rtp: SessionKeys;
  readonly rtcp: SessionKeys;
}

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const packets: fc.Arbitrary<Packet> = fc
  .record({
    extension: fc.nat(3),
    payload: fc.uint8Array({ maxLength: 60 }),
    ssrc: word,
    sequence: fc.nat(0xffff),
    rollOver: fc.oneof(word, fc.constantFrom(0, 1, 0x0102_0304)),
    index: fc.oneof(fc.nat(0x7fff_ffff), fc.constantFrom(0, 0x0102_0304)),
  })
  .map(({ extension, ...packet }) => {
    const header = new Uint8Array(12 + 4 * extension).fill(0x5a);
    const view = new DataView(header.buffer);
    view.setUint16(2, packet.sequence);
    view.setUint32(8, packet.ssrc);
    return { header, ...packet };
  });

function keysOf(suite: SrtpSuite): fc.Arbitrary<() => Keys> {
  const { keyBytes, authKeyBytes, saltBytes } = profileOf(suite);
  const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
  const one = fc.record({
    encryptionKey: bytes(keyBytes),
    authenticationKey: bytes(authKeyBytes),
    salt: bytes(saltBytes),
  });
  const copy = ({ encryptionKey, authenticationKey, salt }: SessionKeys): SessionKeys => ({
    encryptionKey: encryptionKey.slice(),
    authenticationKey: authenticationKey.slice(),
    salt: salt.slice(),
  });
  // A cipher wipes what it was given.
  return fc.record({ rtp: one, rtcp: one }).map(({ rtp, rtcp }) => () => ({ rtp: copy(rtp), rtcp: copy(rtcp) }));
}

const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
const bytesOf = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex');
const four = (value: number): Buffer => bytesOf(BigInt(value), 4);

/** RFC 3711 §4.1.1 and §4.2 where there is no AEAD, else RFC 7714 §8. */
function protectedRtp(suite: SrtpSuite, { rtp }: Keys, packet: Packet): Buffer {
  const { aead, keyBytes, rtpTagBytes } = profileOf(suite);
  const { header, payload, ssrc, sequence, rollOver } = packet;
  const index = BigInt(rollOver) * 65_536n + BigInt(sequence);
  if (aead) return Buffer.concat([header, ...sealed(keyBytes, rtp, (BigInt(ssrc) << 48n) ^ index, header, payload)]);
  const clear = Buffer.concat([header, counterMode(keyBytes, rtp, ssrc, index, payload)]);
  return Buffer.concat([clear, tagOf(rtp, [clear, four(rollOver)], rtpTagBytes)]);
}

/** RFC 3711 §3.4, else RFC 7714 §9. The header is eight bytes, with the SSRC behind four. */
function protectedRtcp(suite: SrtpSuite, { rtcp }: Keys, report: Uint8Array, { ssrc, index }: Packet): Buffer {
  const { aead, keyBytes, rtcpTagBytes } = profileOf(suite);
  const [head, rest] = [report.subarray(0, 8), report.subarray(8)];
  const trailer = four(index + 0x8000_0000);
  if (aead) {
    const parts = sealed(keyBytes, rtcp, (BigInt(ssrc) << 48n) ^ BigInt(index), Buffer.concat([head, trailer]), rest);
    return Buffer.concat([head, ...parts, trailer]);
  }
  const clear = Buffer.concat([head, counterMode(keyBytes, rtcp, ssrc, BigInt(index), rest), trailer]);
  return Buffer.concat([clear, tagOf(rtcp, [clear], rtcpTagBytes)]);
}

function counterMode(keyBytes: number, keys: SessionKeys, ssrc: number, index: bigint, plain: Uint8Array): Buffer {
  const start = (numberOf(keys.salt) << 16n) ^ (BigInt(ssrc) << 64n) ^ (index << 16n);
  return createCipheriv(keyBytes === 32 ? 'aes-256-ctr' : 'aes-128-ctr', keys.encryptionKey, bytesOf(start, 16)).update(
    plain,
  );
}

function tagOf(keys: SessionKeys, parts: readonly Uint8Array[], tagBytes: number): Buffer {
  return createHmac('sha1', keys.authenticationKey).update(Buffer.concat(parts)).digest().subarray(0, tagBytes);
}

function sealed(keyBytes: number, keys: SessionKeys, mask: bigint, aad: Uint8Array, plain: Uint8Array): Buffer[] {
  const nonce = bytesOf(numberOf(keys.salt) ^ mask, 12);
  const cipher = createCipheriv(keyBytes === 32 ? 'aes-256-gcm' : 'aes-128-gcm', keys.encryptionKey, nonce);
  cipher.setAAD(aad);
  return [cipher.update(plain), cipher.final(), cipher.getAuthTag()];
}

function transformed(packet: Uint8Array, transform: (length: number) => number): Uint8Array | number {
  memory.bytes.set(packet, offset);
  const length = transform(packet.length);
  return length < 0 ? length : memory.bytes.slice(offset, offset + length);
}

describe.each(srtpSuites)('%s', (suite) => {
  const open = (keys: Keys, direction: CipherDirection): SrtpCipher => ciphers.open(profileOf(suite), keys, direction);

  test('protects a packet as the RFCs have it, and takes it back (RFC 3711 §4.1.1, §4.2, RFC 7714 §8)', () => {
    fc.assert(
      fc.property(keysOf(suite), packets, (keys, packet) => {
        const { header, payload, rollOver } = packet;
        const plain = Buffer.concat([header, payload]);
        const expected = protectedRtp(suite, keys(), packet);
        const cipher = open(keys(), 'protect');
        const wire = transformed(plain, (length) => cipher.protectRtp(offset, header.length, length, rollOver));
        expect(Buffer.from(wire instanceof Uint8Array ? wire : [])).toEqual(expected);
        const other = open(keys(), 'unprotect');
        const back = transformed(expected, (length) => other.unprotectRtp(offset, header.length, length, rollOver));
        expect(Buffer.from(back instanceof Uint8Array ? back : [])).toEqual(plain);
      }),
      { numRuns: 30 },
    );
  });

  test('protects a report as the RFCs have it, and takes it back (RFC 3711 §3.4, RFC 7714 §9)', () => {
    fc.assert(
      fc.property(keysOf(suite), packets, (keys, packet) => {
        const report = Buffer.concat([Buffer.from([0x80, 200, 0, 1]), four(packet.ssrc), packet.payload]);
        const expected = protectedRtcp(suite, keys(), report, packet);
        const cipher = open(keys(), 'protect');
        const wire = transformed(report, (length) => cipher.protectRtcp(offset, length, packet.index));
        expect(Buffer.from(wire instanceof Uint8Array ? wire : [])).toEqual(expected);
        const at = srtcpIndexOffset(profileOf(suite), 0, expected.length);
        expect(expected.readUInt32BE(at)).toBe(packet.index + 0x8000_0000);
        const other = open(keys(), 'unprotect');
        const back = transformed(expected, (length) => other.unprotectRtcp(offset, length));
        expect(Buffer.from(back instanceof Uint8Array ? back : [])).toEqual(report);
      }),
      { numRuns: 30 },
    );
  });

  test('wipes the keys that it is given', () => {
    fc.assert(
      fc.property(keysOf(suite), (keys) => {
        const given = keys();
        open(given, 'protect');
        for (const { encryptionKey, authenticationKey, salt } of [given.rtp, given.rtcp]) {
          for (const bytes of [encryptionKey, authenticationKey, salt])
            expect(bytes.every((one) => one === 0)).toBe(true);
        }
      }),
      { numRuns: 5 },
    );
  });
});
