import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalIPv6 } from '../../../../src/core/ip-address.ts';
import { Arena, ArenaError } from '../../../../src/media/native/arena.ts';
import { AddressSlots } from '../../../../src/media/packet-io/address-slots.ts';

function slotsOf(count = 4): { slots: AddressSlots; arena: Arena } {
  const arena = new Arena(new ArrayBuffer(4096), 0);
  return { slots: new AddressSlots(arena, count), arena };
}

describe('socket addresses in memory', () => {
  test('an IPv4 address is laid out as a sockaddr_in', () => {
    const { slots, arena } = slotsOf();
    const offset = slots.allocate();
    expect(slots.write(offset, { address: '192.0.2.7', port: 0x1234 })).toBe(true);
    expect([...arena.bytes.subarray(offset, offset + 16)]).toEqual([
      2, 0, 0x12, 0x34, 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expect(slots.lengthAt(offset)).toBe(16);
  });

  test('an IPv6 address is laid out as a sockaddr_in6', () => {
    const { slots, arena } = slotsOf();
    const offset = slots.allocate();
    expect(slots.write(offset, { address: '2001:db8::7:192.0.2.1', port: 5 })).toBe(true);
    expect([...arena.bytes.subarray(offset, offset + 28)]).toEqual([
      10, 0, 0, 5, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 7, 192, 0, 2, 1, 0, 0, 0, 0,
    ]);
    expect(slots.lengthAt(offset)).toBe(28);
  });

  test('what is written reads back in canonical form', () => {
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6().filter((text) => canonicalIPv6(text) !== undefined),
    );
    const { slots } = slotsOf();
    const offset = slots.allocate();
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 65535 }), (text, port) => {
        expect(slots.write(offset, { address: text, port })).toBe(true);
        expect(slots.read(offset)).toEqual({ address: text.includes(':') ? canonicalIPv6(text) : text, port });
      }),
    );
  });

  test.each([
    ['a name', 'localhost', 5],
    ['nothing', '', 5],
    ['an octet too large', '1.2.3.256', 5],
    ['a zone', 'fe80::1%eth0', 5],
    ['brackets', '[::1]', 5],
    ['a port too large', '127.0.0.1', 65536],
    ['a negative port', '127.0.0.1', -1],
    ['a fractional port', '127.0.0.1', 1.5],
    ['no port', '127.0.0.1', Number.NaN],
  ])('%s is refused, and the slot stays as it is', (_what, address, port) => {
    const { slots } = slotsOf();
    const offset = slots.allocate();
    slots.write(offset, { address: '192.0.2.1', port: 9 });
    expect(slots.write(offset, { address, port })).toBe(false);
    expect(slots.read(offset)).toEqual({ address: '192.0.2.1', port: 9 });
  });

  test('an unknown family reads as no address', () => {
    const { slots } = slotsOf();
    expect(slots.read(slots.allocate())).toEqual({ address: '0.0.0.0', port: 0 });
  });
});

describe('same', () => {
  const written = (a: { address: string; port: number }, b: { address: string; port: number }) => {
    const { slots, arena } = slotsOf();
    const [first, second] = [slots.allocate(), slots.allocate()];
    slots.write(first, a);
    slots.write(second, b);
    return { slots, arena, first, second };
  };

  test.each([
    ['192.0.2.1', 5, '192.0.2.1', 5, true],
    ['192.0.2.1', 5, '192.0.2.2', 5, false],
    ['192.0.2.1', 5, '192.0.2.1', 6, false],
    ['::1', 5, '::1', 5, true],
    ['::1', 5, '::2', 5, false],
    ['2001:db8::1', 5, '2001:db9::1', 5, false],
    ['2001:db8:0:1::1', 5, '2001:db8:0:2::1', 5, false],
    ['2001:db8::1:0:1', 5, '2001:db8::2:0:1', 5, false],
    ['::ffff:192.0.2.1', 5, '192.0.2.1', 5, false],
  ] as const)('%s port %i and %s port %i: %s', (address, port, otherAddress, otherPort, expected) => {
    const { slots, first, second } = written({ address, port }, { address: otherAddress, port: otherPort });
    expect(slots.same(first, second)).toBe(expected);
    expect(slots.same(second, first)).toBe(expected);
  });

  test('does not look at flow label, scope or what stands behind an IPv4 address', () => {
    const six = written({ address: 'fe80::1', port: 5 }, { address: 'fe80::1', port: 5 });
    six.arena.bytes.fill(9, six.first + 4, six.first + 8);
    six.arena.bytes.fill(9, six.first + 24, six.first + 32);
    expect(six.slots.same(six.first, six.second)).toBe(true);
    const four = written({ address: '192.0.2.1', port: 5 }, { address: '192.0.2.1', port: 5 });
    four.arena.bytes.fill(9, four.first + 8, four.first + 32);
    expect(four.slots.same(four.first, four.second)).toBe(true);
  });

  test('a copy is the same', () => {
    const { slots, first, second } = written({ address: '2001:db8::1', port: 5 }, { address: '192.0.2.1', port: 6 });
    slots.copy(first, second);
    expect(slots.same(first, second)).toBe(true);
    expect(slots.read(second)).toEqual({ address: '2001:db8::1', port: 5 });
  });
});

describe('slots', () => {
  test('are as many as were asked for, zeroed, and free again after release', () => {
    const { slots, arena } = slotsOf(3);
    const offsets = [slots.allocate(), slots.allocate(), slots.allocate()];
    expect(new Set(offsets).size).toBe(3);
    expect(() => slots.allocate()).toThrow(ArenaError);
    const [first = 0] = offsets;
    slots.write(first, { address: '2001:db8::1', port: 5 });
    slots.release(first);
    const again = slots.allocate();
    expect(again).toBe(first);
    expect(arena.bytes.subarray(again, again + 32).every((byte) => byte === 0)).toBe(true);
  });

  test('cannot be released twice, and nothing else can be released', () => {
    const { slots } = slotsOf(3);
    const offset = slots.allocate();
    for (const wrong of [offset + 4, offset + 32, -32, 0, Number.NaN]) {
      expect(() => slots.release(wrong)).toThrow(ArenaError);
    }
    slots.release(offset);
    expect(() => slots.release(offset)).toThrow(ArenaError);
  });
});
