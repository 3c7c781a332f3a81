import { isIP, isIPv4 as isNodeIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalIPv6, ipVersion, isIPv4 } from '../../../src/core/ip-address.ts';

describe('IPv4', () => {
  test.each(['0.0.0.0', '255.255.255.255', '192.0.2.1', '10.0.0.9'])('%s', (text) => {
    expect(ipVersion(text)).toBe(4);
  });

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.04',
    '00.0.0.0',
    '1..2.3',
    '.1.2.3',
    '1.2.3.',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '-1.2.3.4',
    '1.2.3.a',
  ])('%j is none', (text) => {
    expect(isIPv4(text)).toBe(false);
  });
});

describe('IPv6 (RFC 4291 §2.2, RFC 5952)', () => {
  test.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0002:0001', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:1:0:0:0:0:1', '0:0:1::1'],
    ['1:0:0:2:0:0:0:0', '1:0:0:2::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::FFFF:C000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['fe80::1%eth0.5', 'fe80::1%eth0.5'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalIPv6(text)).toBe(canonical);
    expect(canonicalIPv6(canonical)).toBe(canonical);
    expect(ipVersion(text)).toBe(6);
  });

  test.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1::',
    '1::2::3',
    ':1::',
    '1::2:',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.256',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%',
    'fe80::1%a b',
    'fe80::1%a%b',
    `fe80::1%${'z'.repeat(40)}`,
    '[::1]',
    ' ::1',
    '1'.repeat(1000),
  ])('%j is none', (text) => {
    expect(canonicalIPv6(text)).toBeUndefined();
    expect(ipVersion(text)).toBeUndefined();
  });
});

describe('agrees with Node', () => {
  test('on every text of the right characters', () => {
    const piece = fc.constantFrom('0', '1', '10', '255', '256', 'ff', 'FFFF', '00', ':', '::', '.', '1.2.3.4', 'db8');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 17 }), (pieces) => {
        const text = pieces.join('');
        expect(isIPv4(text)).toBe(isNodeIPv4(text));
        expect(ipVersion(text) ?? 0).toBe(isIP(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('on addresses', () => {
    fc.assert(fc.property(fc.ipV4(), (text) => ipVersion(text) === 4));
    fc.assert(fc.property(fc.ipV6(), (text) => ipVersion(text) === 6));
  });

  test('on which address it is', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        expect(`[${canonicalIPv6(text)}]`).toBe(
          new URL(`http://[${text}]/`).hostname.replace(
            /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/,
            (_, high: string, low: string) => {
              const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
              return `[::ffff:${a >> 8}.${a & 255}.${b >> 8}.${b & 255}]`;
            },
          ),
        );
      }),
    );
  });
});
