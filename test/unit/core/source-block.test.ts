import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sourceBlock, unmappedAddress } from '../../../src/core/ip-address.ts';

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
    ['not:an:address', 'not:an:address'],
  ])('%s counts as %s', (address, block) => {
    expect(sourceBlock(address)).toBe(block);
  });

  test('a host that changes the lower half of its IPv6 address stays the same source; another /64 is another', () => {
    const group = fc.integer({ min: 1, max: 0xfffe }).map((value) => value.toString(16));
    const half = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(half, half, half, (network, host, other) => {
        const block = sourceBlock([...network, ...host].join(':'));
        expect(sourceBlock([...network, ...other].join(':'))).toBe(block);
        expect(sourceBlock([...other, ...host].join(':')) === block).toBe(other.join() === network.join());
      }),
    );
  });
});
