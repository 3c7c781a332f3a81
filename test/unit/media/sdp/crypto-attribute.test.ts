import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chooseCrypto,
  formatCryptoAttribute,
  freshCrypto,
  keyingOf,
  parseCryptoAttribute,
  usableCryptoAttributes,
} from '../../../../src/media/sdp/crypto-attribute.ts';
import { isKeyingComplete, srtpSuites } from '../../../../src/media/srtp/profile.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import { cryptoLine, keySalt } from './sdp-fixtures.ts';

const suite = 'AES_CM_128_HMAC_SHA1_80';
const key = keySalt(suite);

function outcome(value: string): string {
  const parsed = parseCryptoAttribute(value);
  return parsed.ok ? 'usable' : parsed.error;
}

describe('an a=crypto line (RFC 4568 §9)', () => {
  test('has a tag, a suite and an inline key', () => {
    expect(parseCryptoAttribute(`7 ${suite} inline:${key}`)).toEqual({
      ok: true,
      value: { tag: '7', suite, keySalt: key },
    });
  });

  test('of the example in RFC 4568 §4.1 is read, but for its MKI', () => {
    const example = `1 ${suite} inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20`;
    expect(outcome(example)).toBe('usable');
    expect(outcome(`${example}|1:32`)).toBe('MKI is not supported (tag 1)');
  });

  test.each([
    ['a lifetime as a power', `1 ${suite} inline:${key}|2^31`],
    ['a lifetime as a number', `1 ${suite} inline:${key}|1048576`],
    ['the longest lifetime', `1 ${suite} inline:${key}|2^48`],
    ['a window size hint', `1 ${suite} inline:${key} WSH=128`],
    ['an optional extension', `1 ${suite} inline:${key} -EXT=1`],
    ['several spaces', `1  ${suite}  inline:${key}`],
    ['a key method in upper case', `1 ${suite} INLINE:${key}`],
    ['nine digits of tag', `123456789 ${suite} inline:${key}`],
  ])('is usable with %s', (_, value) => {
    expect(outcome(value)).toBe('usable');
  });

  test.each([
    ['an unknown suite', `1 F8_128_HMAC_SHA1_80 inline:${key}`],
    ['a suite in lower case', `1 ${suite.toLowerCase()} inline:${key}`],
    ['an MKI', `1 ${suite} inline:${key}|1:4`],
    ['a lifetime and an MKI', `1 ${suite} inline:${key}|2^20|1:4`],
    ['several keys', `1 ${suite} inline:${key}|2^20|1:4;inline:${key}|2^20|2:4`],
    ['a lifetime of zero', `1 ${suite} inline:${key}|0`],
    ['a lifetime beyond 2^48', `1 ${suite} inline:${key}|2^49`],
    ['two lifetimes', `1 ${suite} inline:${key}|2^20|2^21`],
    ['an empty lifetime', `1 ${suite} inline:${key}|`],
    ['a derivation rate', `1 ${suite} inline:${key} KDR=1`],
    ['unencrypted RTP', `1 ${suite} inline:${key} UNENCRYPTED_SRTP`],
    ['unencrypted RTCP', `1 ${suite} inline:${key} UNENCRYPTED_SRTCP`],
    ['unauthenticated RTP', `1 ${suite} inline:${key} UNAUTHENTICATED_SRTP`],
    ['an order of FEC', `1 ${suite} inline:${key} FEC_ORDER=FEC_SRTP`],
    ['a parameter that nobody knows', `1 ${suite} inline:${key} NEW=1`],
    ['a bad one after a good one', `1 ${suite} inline:${key} WSH=128 NEW=1`],
    ['a short key', `1 ${suite} inline:${key.slice(4)}`],
    ['a long key', `1 ${suite} inline:${key}AAAA`],
    ['the key of another suite', `1 ${suite} inline:${keySalt('AES_256_CM_HMAC_SHA1_80')}`],
    ['what is no base64', `1 ${suite} inline:${key.slice(0, -1)}*`],
    ['no key', `1 ${suite} inline:`],
    ['another key method', `1 ${suite} uri:https://keys.example`],
    ['no tag', `${suite} inline:${key}`],
    ['a tag of ten digits', `1234567890 ${suite} inline:${key}`],
    ['a negative tag', `-1 ${suite} inline:${key}`],
    ['nothing', ''],
  ])('is dropped with %s', (_, value) => {
    const error = outcome(value);
    expect(error).not.toBe('usable');
    expect(error).not.toContain(key);
  });

  test.each(srtpSuites)('of %s takes its own key length, padded or not, and no other', (name) => {
    const own = keySalt(name, 9);
    const unpadded = own.replaceAll('=', '');
    const parsed = [own, unpadded].map((text) => parseCryptoAttribute(`1 ${name} inline:${text}`));
    for (const result of parsed) expect(result).toEqual({ ok: true, value: { tag: '1', suite: name, keySalt: own } });
    expect(isKeyingComplete(keyingOf({ suite: name, keySalt: own }))).toBe(true);
    expect(outcome(`1 ${name} inline:${unpadded.slice(0, -1)}`)).not.toBe('usable');
  });

  test('splits into the key first and the salt behind it', () => {
    const bytes = Uint8Array.from({ length: 30 }, (_, index) => index);
    const keying = keyingOf({ suite, keySalt: Buffer.from(bytes).toString('base64') });
    expect([...keying.masterKey]).toEqual([...bytes.slice(0, 16)]);
    expect([...keying.masterSalt]).toEqual([...bytes.slice(16)]);
  });

  test('of our own reads back as it was written', () => {
    const random = new SeededRandom(3);
    for (const name of srtpSuites) {
      const own = freshCrypto('3', name, random);
      expect(parseCryptoAttribute(formatCryptoAttribute(own))).toEqual({ ok: true, value: own });
    }
  });

  test('never throws, whatever it holds', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(' ', '|', ':', ';', '1', suite, 'inline:', key, '2^20', 'WSH=', '='),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        parseCryptoAttribute(pieces.join(''));
      }),
      { seed: 4568 },
    );
  });
});

describe('the choice of a line (RFC 4568 §7.1.2)', () => {
  test('follows our preference, not the order of the offer', () => {
    const offered = usableCryptoAttributes([
      cryptoLine(1, 'AES_CM_128_HMAC_SHA1_32'),
      cryptoLine(2),
      cryptoLine(3, 'AEAD_AES_256_GCM'),
    ]);
    expect(chooseCrypto(offered, ['AEAD_AES_256_GCM', suite])?.tag).toBe('3');
    expect(chooseCrypto(offered, [suite, 'AEAD_AES_256_GCM'])?.tag).toBe('2');
    expect(chooseCrypto(offered, ['AEAD_AES_128_GCM'])).toBeUndefined();
  });

  test('takes the first of two lines with the same suite', () => {
    expect(chooseCrypto(usableCryptoAttributes([cryptoLine(5), cryptoLine(6)]), [suite])?.tag).toBe('5');
  });

  test('looks past lines that cannot be used, and past a repeated tag', () => {
    const lines = [
      '1 UNKNOWN inline:x',
      `2 ${suite} inline:${key}|1:4`,
      cryptoLine(3),
      cryptoLine(3, suite, 2),
      cryptoLine(4),
    ];
    expect(usableCryptoAttributes(lines).map(({ tag, keySalt: text }) => [tag, text])).toEqual([
      ['3', key],
      ['4', key],
    ]);
  });

  test('looks at a bounded number of lines', () => {
    const many = [...Array.from({ length: 500 }, () => '1 UNKNOWN inline:x'), cryptoLine(2)];
    expect(usableCryptoAttributes(many)).toEqual([]);
  });
});
