import { describe, expect, test } from 'vitest';
import { deriveSessionKeys } from '../../src/media/srtp/key-derivation.ts';
import { nodeCipherFactory } from '../../src/media/srtp/node-cipher.ts';
import { vectorChecks } from '../support/srtp-vector-checks.ts';
import { plainMemory, rfc3711KeyDerivation, rfc6188KeyDerivation } from '../support/srtp-vectors.ts';

describe('SRTP key derivation', () => {
  test('128-bit session keys (RFC 3711 §B.3)', () => {
    const { masterKey, masterSalt, ...expected } = rfc3711KeyDerivation;
    expect(deriveSessionKeys({ suite: 'AES_CM_128_HMAC_SHA1_80', masterKey, masterSalt }).rtp).toEqual(expected);
  });

  test('256-bit session keys (RFC 6188 §7.2)', () => {
    const { masterKey, masterSalt, ...expected } = rfc6188KeyDerivation;
    expect(deriveSessionKeys({ suite: 'AES_256_CM_HMAC_SHA1_80', masterKey, masterSalt }).rtp).toEqual(expected);
  });
});

describe('SRTP on node:crypto', () => {
  test.each(vectorChecks.map((check) => [check.name, check] as const))('%s', (_name, check) => {
    expect(() => check.run(nodeCipherFactory(plainMemory()))).not.toThrow();
  });
});
