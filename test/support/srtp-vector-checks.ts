// The known answers put to one implementation of SRTP ciphers. Each check throws when the answer is another.
import assert from 'node:assert/strict';
import type { CipherDirection, SrtpCipher, SrtpCipherFactory } from '../../src/media/srtp/cipher.ts';
import { type DerivedKeys, deriveSessionKeys } from '../../src/media/srtp/key-derivation.ts';
import { profileOf, type SrtpSuite } from '../../src/media/srtp/profile.ts';
import {
  gcmRtcpIndex,
  gcmRtcpVectors,
  gcmRtpVectors,
  gcmTagOnly,
  referenceRtcpPacket,
  referenceRtpPackets,
  rfc3711KeyStream,
} from './srtp-vectors.ts';

export interface VectorCheck {
  readonly name: string;
  run(ciphers: SrtpCipherFactory): void;
}

const headerBytes = 12;
/** Where packets are put; 4096 bytes are asked of the memory from here. */
export const packetOffset = 4096;

export const vectorChecks: readonly VectorCheck[] = [
  {
    name: 'AES-CM key stream (RFC 3711 §B.2)',
    run: (ciphers) => {
      // Index 0 and SSRC 0: the key stream is what a payload of zeros becomes.
      const { encryptionKey, salt, firstBlocks } = rfc3711KeyStream;
      const keys = () => ({
        encryptionKey: Uint8Array.from(encryptionKey),
        authenticationKey: new Uint8Array(20),
        salt: Uint8Array.from(salt),
      });
      withCipher(ciphers, 'AES_CM_128_HMAC_SHA1_80', { rtp: keys(), rtcp: keys() }, 'protect', (cipher) => {
        const plain = new Uint8Array(headerBytes + firstBlocks.length);
        plain[0] = 0x80;
        put(ciphers, plain);
        cipher.protectRtp(packetOffset, headerBytes, plain.length, 0);
        assert.deepEqual(taken(ciphers, headerBytes, firstBlocks.length), firstBlocks);
      });
    },
  },
  ...[...referenceRtpPackets].map(({ name, keying, plain, protectedPacket }) => ({
    name: `${name} SRTP packet from master key on`,
    run: (ciphers: SrtpCipherFactory) => {
      const { suite } = keying();
      withCipher(ciphers, suite, deriveSessionKeys(keying()), 'protect', (cipher) => {
        put(ciphers, plain);
        const length = cipher.protectRtp(packetOffset, headerBytes, plain.length, 0);
        assert.deepEqual(taken(ciphers, 0, length), protectedPacket);
      });
      withCipher(ciphers, suite, deriveSessionKeys(keying()), 'unprotect', (cipher) => {
        put(ciphers, protectedPacket);
        assert.equal(cipher.unprotectRtp(packetOffset, headerBytes, protectedPacket.length, 0), plain.length);
        assert.deepEqual(taken(ciphers, 0, plain.length), plain);
        rejectsEveryFlippedByte(ciphers, protectedPacket, (length) =>
          cipher.unprotectRtp(packetOffset, headerBytes, length, 0),
        );
      });
    },
  })),
  {
    name: `${referenceRtcpPacket.name} SRTCP packet from master key on`,
    run: (ciphers) => {
      const { keying, plain, protectedPacket } = referenceRtcpPacket;
      const { suite } = keying();
      withCipher(ciphers, suite, deriveSessionKeys(keying()), 'protect', (cipher) => {
        put(ciphers, plain);
        const length = cipher.protectRtcp(packetOffset, plain.length, 1);
        assert.deepEqual(taken(ciphers, 0, length), protectedPacket);
      });
      withCipher(ciphers, suite, deriveSessionKeys(keying()), 'unprotect', (cipher) => {
        put(ciphers, protectedPacket);
        assert.equal(cipher.unprotectRtcp(packetOffset, protectedPacket.length), plain.length);
        assert.deepEqual(taken(ciphers, 0, plain.length), plain);
        rejectsEveryFlippedByte(ciphers, protectedPacket, (length) => cipher.unprotectRtcp(packetOffset, length));
      });
    },
  },
  ...gcmRtpVectors.map(({ name, suite, keys, plain, protectedPacket }) => ({
    name,
    run: (ciphers: SrtpCipherFactory) => {
      withCipher(ciphers, suite, keys(), 'protect', (cipher) => {
        put(ciphers, plain);
        const length = cipher.protectRtp(packetOffset, headerBytes, plain.length, 0);
        assert.deepEqual(taken(ciphers, 0, length), protectedPacket);
      });
      withCipher(ciphers, suite, keys(), 'unprotect', (cipher) => {
        put(ciphers, protectedPacket);
        assert.equal(cipher.unprotectRtp(packetOffset, headerBytes, protectedPacket.length, 0), plain.length);
        assert.deepEqual(taken(ciphers, 0, plain.length), plain);
        rejectsEveryFlippedByte(ciphers, protectedPacket, (length) =>
          cipher.unprotectRtp(packetOffset, headerBytes, length, 0),
        );
      });
    },
  })),
  ...gcmRtcpVectors.map(({ name, suite, keys, plain, protectedPacket }) => ({
    name,
    run: (ciphers: SrtpCipherFactory) => {
      withCipher(ciphers, suite, keys(), 'protect', (cipher) => {
        put(ciphers, plain);
        const length = cipher.protectRtcp(packetOffset, plain.length, gcmRtcpIndex);
        assert.deepEqual(taken(ciphers, 0, length), protectedPacket);
      });
      withCipher(ciphers, suite, keys(), 'unprotect', (cipher) => {
        put(ciphers, protectedPacket);
        assert.equal(cipher.unprotectRtcp(packetOffset, protectedPacket.length), plain.length);
        assert.deepEqual(taken(ciphers, 0, plain.length), plain);
        rejectsEveryFlippedByte(ciphers, protectedPacket, (length) => cipher.unprotectRtcp(packetOffset, length));
      });
    },
  })),
  {
    name: gcmTagOnly.name,
    run: (ciphers) => {
      const { suite, keys, plain, protectedPacket } = gcmTagOnly;
      withCipher(ciphers, suite, keys(), 'unprotect', (cipher) => {
        put(ciphers, protectedPacket);
        assert.equal(cipher.unprotectRtcp(packetOffset, protectedPacket.length), plain.length);
        assert.deepEqual(taken(ciphers, 0, plain.length), plain);
        rejectsEveryFlippedByte(ciphers, protectedPacket, (length) => cipher.unprotectRtcp(packetOffset, length));
      });
    },
  },
];

function withCipher(
  ciphers: SrtpCipherFactory,
  suite: SrtpSuite,
  keys: DerivedKeys,
  direction: CipherDirection,
  use: (cipher: SrtpCipher) => void,
): void {
  const cipher = ciphers.open(profileOf(suite), keys, direction);
  try {
    use(cipher);
  } finally {
    cipher.close();
  }
}

function rejectsEveryFlippedByte(
  ciphers: SrtpCipherFactory,
  packet: Uint8Array,
  unprotect: (length: number) => number,
): void {
  for (let at = 0; at < packet.length; at++) {
    const flipped = Uint8Array.from(packet);
    flipped[at] = (flipped[at] ?? 0) ^ 0x01;
    put(ciphers, flipped);
    assert.ok(unprotect(packet.length) < 0, `byte ${at} was changed and nobody noticed`);
  }
}

function put(ciphers: SrtpCipherFactory, packet: Uint8Array): void {
  ciphers.memory.bytes.set(packet, packetOffset);
}

function taken(ciphers: SrtpCipherFactory, start: number, sizeBytes: number): Uint8Array {
  return ciphers.memory.bytes.slice(packetOffset + start, packetOffset + start + sizeBytes);
}
