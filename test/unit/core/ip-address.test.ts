import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalIPv6, ipVersion, isIPv4, sourceBlock, unmappedAddress } from '../../../src/core/ip-address.ts';

describe('IPv4', () => {
  test.each(['0.0.0.0', '10.0.0.5', '255.255.255.255', '192.0.2.99'])('%s is an address', (text) => {
    expect(isIPv4(text)).toBe(true);
    expect(ipVersion(text)).toBe(4);
  });

  test.each([
    '',
    '.',
    '1.2.3',
    '1.2.3.',
    '.1.2.3',
    '1.2.3.4.5',
    '1..2.3',
    '256.0.0.1',
    '1.2.3.04',
    '01.2.3.4',
    '1.2.3.4 ',
  ])('"%s" is none: no octal, no gaps, no spaces', (text) => {
    expect(isIPv4(text)).toBe(false);
  });

  test.each(['0x7f.0.0.1', '2130706433', '١.2.3.4', '1.2.3.４'])(
    '%s is none, whatever a resolver makes of it',
    (text) => {
      expect(ipVersion(text)).toBeUndefined();
    },
  );
});

describe('IPv6 in its one written form (RFC 5952)', () => {
  test.each([
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1::', '1::'],
    ['::ffff:c000:0207', '::ffff:192.0.2.7'],
    ['::FFFF:192.0.2.7', '::ffff:192.0.2.7'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalIPv6(text)).toBe(canonical);
    expect(ipVersion(text)).toBe(6);
  });

  test.each([
    '',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    'g::',
    '::1%',
    '::1.2.3',
    '[::1]',
  ])('"%s" is none', (text) => {
    expect(canonicalIPv6(text)).toBeUndefined();
  });

  test('agrees with Node on what is an address, and reads its own form back as the same', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (parts) => {
        const canonical = canonicalIPv6(parts.map((part) => part.toString(16)).join(':'));
        expect(isIP(canonical ?? '')).toBe(6);
        expect(canonicalIPv6(canonical ?? '')).toBe(canonical);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abf:.'), maxLength: 20 }), (text) => {
        expect(ipVersion(text) ?? 0).toBe(isIP(text));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('one source', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:207', '192.0.2.7'],
    ['::1', '::1'],
    ['2001:db8::1.2.3.4', '2001:db8::1.2.3.4'],
  ])('%s of a dual-stack socket is %s', (text, plain) => {
    expect(unmappedAddress(text)).toBe(plain);
  });

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['not-an-address', 'not-an-address'],
  ])('%s counts as %s', (address, block) => {
    expect(sourceBlock(address)).toBe(block);
  });

  test('a host that changes the lower half of its IPv6 address stays the same source; another /64 is another', () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    const half = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(half, half, half, (network, host, other) => {
        fc.pre(network.slice(0, 3).some((part) => part !== '0'));
        const block = sourceBlock([...network, ...host].join(':'));
        expect(sourceBlock([...network, ...other].join(':'))).toBe(block);
        expect(sourceBlock([...other, ...host].join(':')) === block).toBe(other.join() === network.join());
      }),
    );
  });
});
