// Known answers for SRTP, shared by the tests of both implementations.
import { Arena } from '../../src/media/native/arena.ts';
import type { DerivedKeys } from '../../src/media/srtp/key-derivation.ts';
import type { SrtpKeying, SrtpSuite } from '../../src/media/srtp/profile.ts';

export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s+/g, ''), 'hex'));
}

/** RFC 3711 §B.3: master key and salt, and the session keys for RTP. */
export const rfc3711KeyDerivation = {
  masterKey: hex('E1F97A0D3E018BE0D64FA32C06DE4139'),
  masterSalt: hex('0EC675AD498AFEEBB6960B3AABE6'),
  encryptionKey: hex('C61E7A93744F39EE10734AFE3FF7A087'),
  salt: hex('30CBBC08863D8C85D49DB34A9AE1'),
  authenticationKey: hex('CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4'),
};

/** RFC 6188 §7.2: the same with a key of 256 bits. */
export const rfc6188KeyDerivation = {
  masterKey: hex('f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6'),
  masterSalt: hex('3b04803de51ee7c96423ab5b78d2'),
  encryptionKey: hex('5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4'),
  salt: hex('fa31791685ca444a9e07c6c64e93'),
  authenticationKey: hex('fd9c32d39ed5fbb5a9dc96b30818454d1313dc05'),
};

/** RFC 3711 §B.2: session key and salt, and blocks of the key stream for index and SSRC 0. */
export const rfc3711KeyStream = {
  encryptionKey: hex('2B7E151628AED2A6ABF7158809CF4F3C'),
  salt: hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD'),
  firstBlocks: hex(
    'E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0',
  ),
};

/** RFC 7714 §16 and §17: session keys and salt stand for themselves, ROC 0, SRTCP index 0x5d4. */
const gcmSalt = hex('517569642070726f2071756f');
const gcmKey128 = hex('000102030405060708090a0b0c0d0e0f');
const gcmKey256 = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
const gcmRtp = hex(
  '8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573',
);
const gcmRtcp = hex(
  '81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef',
);

export interface GcmVector {
  readonly name: string;
  readonly suite: SrtpSuite;
  readonly keys: () => DerivedKeys;
  readonly plain: Uint8Array;
  readonly protectedPacket: Uint8Array;
}

function gcmKeys(encryptionKey: Uint8Array): () => DerivedKeys {
  const one = () => ({
    encryptionKey: Uint8Array.from(encryptionKey),
    authenticationKey: new Uint8Array(0),
    salt: Uint8Array.from(gcmSalt),
  });
  return () => ({ rtp: one(), rtcp: one() });
}

export const gcmRtcpIndex = 0x5d4;

export const gcmRtpVectors: readonly GcmVector[] = [
  {
    name: 'RFC 7714 §16.1.1 AEAD_AES_128_GCM',
    suite: 'AEAD_AES_128_GCM',
    keys: gcmKeys(gcmKey128),
    plain: gcmRtp,
    protectedPacket: hex(
      `8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833
       899d7f27beb16a9152cf765ee4390cce`,
    ),
  },
  {
    name: 'RFC 7714 §16.2.1 AEAD_AES_256_GCM',
    suite: 'AEAD_AES_256_GCM',
    keys: gcmKeys(gcmKey256),
    plain: gcmRtp,
    protectedPacket: hex(
      `8040f17b8041f8d35501a0b2 32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b
       7aa3db36dfffd6b0f9bb7878d7a76c13`,
    ),
  },
];

export const gcmRtcpVectors: readonly GcmVector[] = [
  {
    name: 'RFC 7714 §17.1 AEAD_AES_128_GCM',
    suite: 'AEAD_AES_128_GCM',
    keys: gcmKeys(gcmKey128),
    plain: gcmRtcp,
    protectedPacket: hex(
      `81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b
       c84aa45896cf4d2fc5abf87245d9eade 800005d4`,
    ),
  },
  {
    name: 'RFC 7714 §17.2 AEAD_AES_256_GCM',
    suite: 'AEAD_AES_256_GCM',
    keys: gcmKeys(gcmKey256),
    plain: gcmRtcp,
    protectedPacket: hex(
      `81c8000d4d617273 d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad
       1d1eb30c4446839f57ff6f6cb26ac3be 800005d4`,
    ),
  },
];

/** RFC 7714 §17.3: authenticated only, so the E flag is clear. */
export const gcmTagOnly: GcmVector = {
  name: 'RFC 7714 §17.3 AEAD_AES_128_GCM, tag only',
  suite: 'AEAD_AES_128_GCM',
  keys: gcmKeys(gcmKey128),
  plain: gcmRtcp,
  protectedPacket: Uint8Array.from([...gcmRtcp, ...hex('841dd9683dd78ec92ae58790125f62b3 000005d4')]),
};

export interface ReferencePacket {
  readonly name: string;
  readonly keying: () => SrtpKeying;
  readonly plain: Uint8Array;
  readonly protectedPacket: Uint8Array;
}

const referenceRtp = hex('800f1234decafbadcafebabe abababababababababababababababab');
const referenceRtcp = hex('81c8000bcafebabe abababababababababababababababab');
const keyingOf = (suite: SrtpSuite, masterKey: Uint8Array, masterSalt: Uint8Array) => (): SrtpKeying => ({
  suite,
  masterKey: Uint8Array.from(masterKey),
  masterSalt: Uint8Array.from(masterSalt),
});
const { masterKey: key128, masterSalt: salt128 } = rfc3711KeyDerivation;
const { masterKey: key256, masterSalt: salt256 } = rfc6188KeyDerivation;

/** Whole packets from master keys on, as libsrtp makes them; the key derivation is part of the answer. */
export const referenceRtpPackets: readonly ReferencePacket[] = [
  {
    name: 'AES_CM_128_HMAC_SHA1_80',
    keying: keyingOf('AES_CM_128_HMAC_SHA1_80', key128, salt128),
    plain: referenceRtp,
    protectedPacket: hex('800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb'),
  },
  {
    name: 'AES_CM_128_HMAC_SHA1_32',
    keying: keyingOf('AES_CM_128_HMAC_SHA1_32', key128, salt128),
    plain: referenceRtp,
    protectedPacket: hex('800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc'),
  },
  {
    name: 'AES_CM_128_HMAC_SHA1_80 without payload',
    keying: keyingOf('AES_CM_128_HMAC_SHA1_80', key128, salt128),
    plain: referenceRtp.subarray(0, 12),
    protectedPacket: hex('800f1234decafbadcafebabe 773c2e1cd91d590d16e5'),
  },
  {
    name: 'AES_256_CM_HMAC_SHA1_80',
    keying: keyingOf('AES_256_CM_HMAC_SHA1_80', key256, salt256),
    plain: referenceRtp,
    protectedPacket: hex('800f1234decafbadcafebabe f1d9de17ff251ff1aa007774b0b4b40d a08d9d9a5b3a55d8873b'),
  },
];

/** SRTCP index 1. */
export const referenceRtcpPacket: ReferencePacket = {
  name: 'AES_CM_128_HMAC_SHA1_80',
  keying: keyingOf('AES_CM_128_HMAC_SHA1_80', key128, salt128),
  plain: referenceRtcp,
  protectedPacket: hex('81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798'),
};

/** Memory without native code. */
export function plainMemory(sizeBytes = 65_536): Arena {
  return new Arena(new ArrayBuffer(sizeBytes), 0);
}
