import { describe, expect, test } from 'vitest';
import { formatVia, parseVia } from '../../../../src/sip/message/via.ts';
import { valid } from './raw.ts';

describe('Via (RFC 3261 §20.42)', () => {
  const cases = [
    ['SIP/2.0/UDP a.example.com', { protocol: 'UDP', host: 'a.example.com' }],
    [
      'SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1',
      { protocol: 'TLS', host: '192.0.2.1', port: 5061, branch: 'z9hG4bK1' },
    ],
    ['sip/2.0/udp A.Example', { protocol: 'UDP', host: 'a.example' }],
    [
      'SIP  /   2.0 /UDP    192.0.2.2 : 5060 ; branch = x',
      { protocol: 'UDP', host: '192.0.2.2', port: 5060, branch: 'x' },
    ],
    ['SIP/2.0/ TCP\ta', { protocol: 'TCP', host: 'a' }],
    [
      'SIP/2.0/WSS [2001:DB8::9:1]:443;branch=z9hG4bK2',
      { protocol: 'WSS', host: '2001:db8::9:1', port: 443, branch: 'z9hG4bK2' },
    ],
    ['SIP/2.0/x-new a', { protocol: 'X-NEW', host: 'a' }],
    ["SIP/2.0/UDP a;branch=z9hG4bK-.!%66*_+`'~", { protocol: 'UDP', host: 'a', branch: "z9hG4bK-.!%66*_+`'~" }],
  ] as const;
  test.each(cases)('%s', (text, expected) => {
    const { parameters, ...via } = valid(parseVia(text));
    expect(via).toEqual(expected);
    expect(parameters.get('branch')).toBe('branch' in expected ? expected.branch : undefined);
  });

  test('received and rport (RFC 3581), with and without brackets', () => {
    const { parameters } = valid(parseVia('SIP/2.0/UDP a;RPort;received=2001:db8::1;maddr=[2001:db8::2];ttl=1'));
    expect([...parameters]).toEqual([
      ['rport', undefined],
      ['received', '2001:db8::1'],
      ['maddr', '[2001:db8::2]'],
      ['ttl', '1'],
    ]);
  });

  test('a branch of 4000 characters', () => {
    const branch = `z9hG4bK${'b'.repeat(4000)}`;
    expect(valid(parseVia(`SIP/2.0/UDP a;branch=${branch}`)).branch).toBe(branch);
  });

  test.each([
    '',
    'SIP/2.0',
    'SIP/2.0/',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0/UDPa',
    'SIP/2.0/UDP[::1]',
    'SIP/3.0/UDP a',
    'SIP/2.0 UDP a',
    'SIP/2.0/UDP ;branch=x',
    'SIP/2.0/UDP a b',
    'SIP/2.0/UDP a:',
    'SIP/2.0/UDP a:0',
    'SIP/2.0/UDP a:99999',
    'SIP/2.0/UDP a:50x',
    'SIP/2.0/UDP a/b',
    'SIP/2.0/UDP [::1',
    'SIP/2.0/UDP ::1',
    'SIP/2.0/UDP a;branch=',
    'SIP/2.0/UDP a;branch=x;branch=y',
    'SIP/2.0/UDP a;received=x;received=x',
    'SIP/2.0/UDP a, SIP/2.0/UDP b',
    'SIP/2.0/UDP 127.1',
  ])('%j is none', (text) => {
    expect(parseVia(text).ok).toBe(false);
  });

  test.each([
    ['sip / 2.0 / udp A:5060 ;BRANCH=x;rport', 'SIP/2.0/UDP a:5060;branch=x;rport'],
    [
      'SIP/2.0/TLS [2001:db8::1]:5061;branch=x;received=2001:db8::2',
      'SIP/2.0/TLS [2001:db8::1]:5061;branch=x;received=2001:db8::2',
    ],
  ])('%s is written as %s', (text, expected) => {
    expect(formatVia(valid(parseVia(text)))).toBe(expected);
  });

  test('a branch outside the parameters is written once', () => {
    const via = { protocol: 'UDP', host: 'a', branch: 'z9hG4bK1' };
    expect(formatVia({ ...via, parameters: new Map([['rport', undefined]]) })).toBe(
      'SIP/2.0/UDP a;branch=z9hG4bK1;rport',
    );
    expect(formatVia({ ...via, parameters: new Map([['branch', 'z9hG4bK1']]) })).toBe('SIP/2.0/UDP a;branch=z9hG4bK1');
  });
});
