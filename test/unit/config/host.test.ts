import { describe, expect, test } from 'vitest';
import { isSipTarget, parseHostPort } from '../../../src/config/host.ts';
import { parseUri } from '../../../src/sip/message/uri.ts';

describe('a host with a port', () => {
  test.each([
    ['sbc.example.com:5061', 'sbc.example.com', 5061],
    ['sbc', 'sbc', undefined],
    ['10.0.0.5:5060', '10.0.0.5', 5060],
    ['[2001:DB8::1]:5061', '2001:db8::1', 5061],
    ['[::1]', '::1', undefined],
  ])('%s', (text, address, port) => {
    expect(parseHostPort(text)).toEqual({ address, port });
  });

  test.each([
    '',
    ':5060',
    'a b',
    'a:',
    'a:0',
    'a:65536',
    'a:5e3',
    'a: 5060',
    'a:5060:5061',
    '::1',
    '[::1',
    '::1]',
    '[::1]x',
    '[a]:5060',
    'a]b[:5060',
    '10.0.0.256',
    '10.0.5',
    '1234',
    'x'.repeat(254),
  ])('"%s" is none', (text) => {
    expect(parseHostPort(text)).toBeUndefined();
  });
});

describe('where a peer is called', () => {
  test.each(['sip:10.0.0.5', 'sip:10.0.0.5:5060', 'sips:sip.carrier.example', 'sip:[2001:db8::1]:5060'])(
    '%s',
    (uri) => {
      expect(isSipTarget(uri)).toBe(true);
      expect(parseUri(uri).ok).toBe(true);
    },
  );

  test.each([
    '10.0.0.5',
    'sip:',
    'sip:a@b',
    'sip:a;transport=tcp',
    'sip:a?x=y',
    'SIP:a',
    'tel:+44',
    'sip:a:99999',
    'sip:a b',
  ])('"%s" is none', (uri) => {
    expect(isSipTarget(uri)).toBe(false);
  });
});
