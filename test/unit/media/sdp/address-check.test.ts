import { describe, expect, test } from 'vitest';
import { addressUse, classifyAddress } from '../../../../src/media/sdp/address-check.ts';
import { outsidePolicy } from './sdp-fixtures.ts';

describe('the class of an address', () => {
  test.each([
    ['198.51.100.7', 'public'],
    ['8.8.8.8', 'public'],
    ['172.15.255.255', 'public'],
    ['172.32.0.0', 'public'],
    ['100.63.255.255', 'public'],
    ['100.128.0.0', 'public'],
    ['2001:db8::1', 'public'],
    ['2a00:1450::1', 'public'],
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.255.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fc00::1', 'private'],
    ['fdff::1', 'private'],
    ['fec0::1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['169.254.1.1', 'link-local'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['169.254.169.254', 'metadata'],
    ['169.254.170.2', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['ff02::1', 'multicast'],
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['0.0.0.1', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::ffff:10.0.0.1', 'reserved'],
    ['::ffff:198.51.100.7', 'reserved'],
    ['::2', 'reserved'],
    ['100::1', 'reserved'],
    ['64:ff9b::198.51.100.7', 'public'],
    ['64:ff9b::127.0.0.1', 'reserved'],
    ['64:ff9b::a9fe:a9fe', 'reserved'],
    ['64:ff9b:1::198.51.100.7', 'reserved'],
    ['64:ff9b:1:a9fe:a9:fe00::', 'reserved'],
    ['2002:c633:6407::1', 'public'],
    ['2002:a00:1::1', 'reserved'],
    ['fe80::1%eth0', undefined],
    ['127.1', undefined],
    ['0x7f000001', undefined],
    ['2130706433', undefined],
    ['0177.0.0.1', undefined],
    ['localhost', undefined],
    ['', undefined],
  ])('%s is %s', (address, expected) => {
    expect(classifyAddress(address)).toBe(expected);
  });
});

describe('what media may do with an address', () => {
  const use = (address: string, allowedAddresses: 'public' | 'private' | 'any'): string =>
    addressUse(address, { ...outsidePolicy, allowedAddresses });

  test.each([
    ['198.51.100.7', 'send', 'send', 'send'],
    ['192.168.1.5', 'latch', 'send', 'send'],
    ['127.0.0.1', 'refuse', 'refuse', 'send'],
    ['169.254.1.1', 'refuse', 'refuse', 'send'],
    ['169.254.169.254', 'refuse', 'refuse', 'refuse'],
    ['224.0.0.1', 'refuse', 'refuse', 'refuse'],
    ['255.255.255.255', 'refuse', 'refuse', 'refuse'],
    ['not-an-address', 'refuse', 'refuse', 'refuse'],
  ])('%s: public %s, private %s, any %s', (address, whenPublic, whenPrivate, whenAny) => {
    expect([use(address, 'public'), use(address, 'private'), use(address, 'any')]).toEqual([
      whenPublic,
      whenPrivate,
      whenAny,
    ]);
  });

  test('is to wait for a latch when signalling came from elsewhere', () => {
    const policy = { ...outsidePolicy, provenAddress: '198.51.100.7' };
    expect(addressUse('198.51.100.7', policy)).toBe('send');
    expect(addressUse('198.51.100.8', policy)).toBe('latch');
    expect(addressUse('224.0.0.1', { ...policy, provenAddress: '224.0.0.1' })).toBe('refuse');
  });
});
