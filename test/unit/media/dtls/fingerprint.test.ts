import { describe, expect, test } from 'vitest';
import {
  type Fingerprint,
  fingerprintHashes,
  fingerprintOf,
  isAnnounced,
  parseFingerprint,
  strongest,
} from '../../../../src/media/dtls/fingerprint.ts';

const certificate = Uint8Array.of(1, 2, 3);

describe('fingerprints (RFC 8122 §5)', () => {
  test.each(fingerprintHashes)('%s is read as it is written, in either case', (hash) => {
    const fingerprint = fingerprintOf(certificate, hash);
    expect(parseFingerprint(`${hash} ${fingerprint.value}`)).toEqual(fingerprint);
    expect(parseFingerprint(`${hash.toUpperCase()}  ${fingerprint.value.toLowerCase()} `)).toEqual(fingerprint);
  });

  test.each([
    ['sha-1 proves nothing any more', `sha-1 ${Array(20).fill('AB').join(':')}`],
    ['md5 neither', `md5 ${Array(16).fill('AB').join(':')}`],
    ['too short', 'sha-256 AB:CD'],
    ['without colons', `sha-256 ${'AB'.repeat(32)}${'A'.repeat(31)}`],
    ['not hexadecimal', `sha-256 ${Array(32).fill('GG').join(':')}`],
    ['more than two words', `sha-256 ${Array(32).fill('AB').join(':')} x`],
    ['nothing', ''],
  ])('%s: refused', (_name, text) => {
    expect(parseFingerprint(text)).toBeUndefined();
  });

  test('several of the strongest hash are alternatives, weaker ones beside it do not count', () => {
    const right = fingerprintOf(certificate, 'sha-256');
    const other: Fingerprint = fingerprintOf(Uint8Array.of(9), 'sha-256');
    const stronger = fingerprintOf(Uint8Array.of(9), 'sha-512');
    expect(strongest([right, stronger])).toEqual([stronger]);
    expect(isAnnounced(certificate, [other, right])).toBe(true);
    expect(isAnnounced(certificate, [right, stronger])).toBe(false);
    expect(isAnnounced(certificate, [])).toBe(false);
  });
});
