import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CidrTable, parseCidr } from '../../../src/core/cidr.ts';

function tableOf(...blocks: readonly string[]): CidrTable<string> {
  const table = new CidrTable<string>();
  for (const block of blocks) {
    const parsed = parseCidr(block);
    if (!parsed.ok) throw new Error(parsed.error);
    table.add(parsed.value, block);
  }
  return table;
}

describe('address blocks', () => {
  test.each([
    ['10.0.0.5', '10.0.0.5', true],
    ['10.0.0.5', '10.0.0.6', false],
    ['198.51.100.0/24', '198.51.100.255', true],
    ['198.51.100.0/24', '198.51.101.0', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['255.255.255.255', '255.255.255.255', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:DB8::', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['fe80::/10', 'fe80::1', true],
    ['::/0', '2001:db8::1', true],
  ])('%s covers %s: %s', (block, address, covered) => {
    expect(tableOf(block).has(address)).toBe(covered);
  });

  test('an IPv4-mapped address is its IPv4 address, in the list and in the question (RFC 4291 §2.5.5.2)', () => {
    expect(tableOf('192.0.2.0/24').has('::ffff:192.0.2.7')).toBe(true);
    expect(tableOf('192.0.2.0/24').has('::ffff:c000:207')).toBe(true);
    expect(tableOf('::ffff:192.0.2.0/120').has('192.0.2.7')).toBe(true);
    expect(tableOf('::ffff:192.0.2.7').has('192.0.2.7')).toBe(true);
    expect(tableOf('::ffff:192.0.2.7').has('192.0.2.8')).toBe(false);
  });

  test('every IPv6 address does not mean every IPv4 address', () => {
    expect(tableOf('::/0').has('192.0.2.1')).toBe(false);
    expect(tableOf('::/0').has('::ffff:192.0.2.1')).toBe(false);
  });

  test.each([
    '',
    'garbage',
    'localhost',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.5',
    '10.0.0.5 ',
    'fe80::1%eth0',
    '[::1]',
    '::1::',
    '10.0.0.5:5060',
  ])('covers nothing when asked for "%s"', (address) => {
    expect(tableOf('0.0.0.0/0', '::/0').has(address)).toBe(false);
  });

  test.each([
    '',
    '/',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0/+8',
    '2001:db8::/129',
    '::ffff:192.0.2.0/95',
    'fe80::%eth0/10',
    'pbx.test',
    '10.0.0.0/8x',
    '10.0.0.0/1e1',
  ])('refuses the entry "%s"', (entry) => {
    expect(parseCidr(entry).ok).toBe(false);
  });

  test('refuses an entry with bits beyond its length, which tells of a typing mistake', () => {
    expect(parseCidr('10.0.0.5/24')).toEqual({
      ok: false,
      error: '"10.0.0.5/24" has bits set beyond its prefix length of 24',
    });
    expect(parseCidr('2001:db8::1/64').ok).toBe(false);
  });

  test('returns the most specific block first, and all of one block in order', () => {
    const table = tableOf('10.0.0.0/8', '10.1.2.3', '10.1.0.0/16');
    const again = parseCidr('10.1.0.0/16');
    if (again.ok) table.add(again.value, 'second');
    expect(table.lookup('10.1.2.3')).toEqual(['10.1.2.3', '10.1.0.0/16', 'second', '10.0.0.0/8']);
    expect(table.lookup('10.2.0.0')).toEqual(['10.0.0.0/8']);
  });

  test('agrees with plain arithmetic for every IPv4 block', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    const dotted = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
    fc.assert(
      fc.property(word, word, fc.integer({ min: 0, max: 32 }), (block, address, length) => {
        const size = 2 ** (32 - length);
        const start = Math.floor(block / size) * size;
        const covered = address >= start && address < start + size;
        expect(tableOf(`${dotted(start)}/${length}`).has(dotted(address))).toBe(covered);
      }),
      { numRuns: 500 },
    );
  });

  test('never throws, whatever it is asked', () => {
    const table = tableOf('10.0.0.0/8', '2001:db8::/32');
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseCidr(text);
        table.has(text);
      }),
    );
  });
});
