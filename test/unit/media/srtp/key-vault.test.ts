import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyVault, vaultKeyBytes } from '../../../../src/media/srtp/key-vault.ts';
import { profileOf, srtpSuites } from '../../../../src/media/srtp/profile.ts';
import { SeededRandom } from '../../../support/fake-time.ts';

const random = new SeededRandom(7);
const vault = new KeyVault(random.bytes(vaultKeyBytes), random);

describe('sealed master keys', () => {
  test.each(srtpSuites)('%s: what was sealed opens for its owner and suite only', (suite) => {
    const { keyBytes, saltBytes } = profileOf(suite);
    const keying = { suite, masterKey: random.bytes(keyBytes), masterSalt: random.bytes(saltBytes) };
    const sealed = vault.seal(keying, '192.0.2.1:20000 rtp send');
    expect(vault.open(sealed, suite, '192.0.2.1:20000 rtp send')).toEqual(keying);
    expect(vault.open(sealed, suite, '192.0.2.1:20002 rtp send')).toBeUndefined();
    const other = srtpSuites.find((one) => one !== suite) ?? suite;
    expect(vault.open(sealed, other, '192.0.2.1:20000 rtp send')).toBeUndefined();
    const another = new KeyVault(random.bytes(vaultKeyBytes), random);
    expect(another.open(sealed, suite, '192.0.2.1:20000 rtp send')).toBeUndefined();
    expect(vault.seal(keying, 'x')).not.toBe(vault.seal(keying, 'x'));
  });

  test('no text opens that was not sealed', () => {
    const suite = 'AEAD_AES_128_GCM';
    const opens = (text: string): boolean => vault.open(text, suite, '') !== undefined;
    fc.assert(fc.property(fc.string(), (text) => !opens(text)));
    fc.assert(fc.property(fc.base64String(), (text) => !opens(`v1.${text}.${text}`)));
  });
});
