import { describe, expect, test } from 'vitest';
import { formatSocketAddress, parseSocketAddress, sameSocketAddress } from '../../../src/core/socket-address.ts';

describe('an address with a port', () => {
  test.each([
    ['192.0.2.1:5060', '192.0.2.1', 5060],
    ['[2001:db8::1]:5061', '2001:db8::1', 5061],
    ['[2001:DB8:0::1]:0', '2001:db8::1', 0],
    ['0.0.0.0:65535', '0.0.0.0', 65_535],
  ])('%s is read', (text, address, port) => {
    expect(parseSocketAddress(text)).toEqual({ ok: true, value: { address, port } });
  });

  test.each([
    '',
    '192.0.2.1',
    '192.0.2.1:',
    '192.0.2.1:65536',
    '192.0.2.1:-1',
    '192.0.2.1:5060 ',
    '192.0.2.1:٥',
    '192.0.2.1:000005060',
    'sbc.example.com:5060',
    '2001:db8::1:5060',
    '[192.0.2.1]:5060',
    '[]:5060',
    '[::1:5060',
  ])('"%s" is refused, and the reason quotes it', (text) => {
    const parsed = parseSocketAddress(text);
    expect(parsed.ok).toBe(false);
    expect(parsed.ok ? '' : parsed.error).toContain('expected');
  });

  test('is written with brackets around IPv6 only, and reads back as the same', () => {
    expect(formatSocketAddress({ address: '192.0.2.1', port: 5060 })).toBe('192.0.2.1:5060');
    const text = formatSocketAddress({ address: '2001:db8::1', port: 5061 });
    expect(text).toBe('[2001:db8::1]:5061');
    const back = parseSocketAddress(text);
    expect(back.ok && sameSocketAddress(back.value, { address: '2001:db8::1', port: 5061 })).toBe(true);
    expect(sameSocketAddress({ address: '192.0.2.1', port: 1 }, { address: '192.0.2.1', port: 2 })).toBe(false);
  });
});
