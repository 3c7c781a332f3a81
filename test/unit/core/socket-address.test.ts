import { describe, expect, test } from 'vitest';
import { formatSocketAddress, parseSocketAddress, sameSocketAddress } from '../../../src/core/socket-address.ts';

describe('a socket address', () => {
  test.each([
    ['192.0.2.1:5060', '192.0.2.1', 5060],
    ['[2001:db8::1]:5061', '2001:db8::1', 5061],
    ['[fe80::1%eth0]:0', 'fe80::1%eth0', 0],
    ['0.0.0.0:65535', '0.0.0.0', 65535],
  ])('%s is read and written', (text, address, port) => {
    expect(parseSocketAddress(text)).toEqual({ ok: true, value: { address, port } });
    expect(formatSocketAddress({ address, port })).toBe(text);
  });

  test('IPv6 is read into its canonical form', () => {
    expect(parseSocketAddress('[2001:DB8:0::1]:1')).toEqual({ ok: true, value: { address: '2001:db8::1', port: 1 } });
  });

  test.each([
    '',
    ':',
    '5060',
    '192.0.2.1',
    '192.0.2.1:',
    '192.0.2.1:65536',
    '192.0.2.1:-1',
    '192.0.2.1:5 ',
    '2001:db8::1:5060',
    '[192.0.2.1]:5',
    '[::1]',
    'localhost:5060',
    'a:1',
    '192.0.2.1:123456',
    '192.0.2.1:1e3',
  ])('%j is none', (text) => {
    const parsed = parseSocketAddress(text);
    expect(parsed.ok ? '' : parsed.error).toMatch(/^expected/);
  });

  test('are the same when address and port are', () => {
    const address = { address: '192.0.2.1', port: 1 };
    expect(sameSocketAddress(address, { ...address })).toBe(true);
    expect(sameSocketAddress(address, { ...address, port: 2 })).toBe(false);
    expect(sameSocketAddress(address, { ...address, address: '192.0.2.2' })).toBe(false);
  });
});
