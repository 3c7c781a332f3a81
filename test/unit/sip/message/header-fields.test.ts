import { describe, expect, test } from 'vitest';
import {
  contactExpires,
  contacts,
  essentials,
  essentialsOf,
  formatCSeq,
  parseCSeq,
  parseSeconds,
  recordRoutes,
  requestUri,
  routes,
  tokens,
  vias,
} from '../../../../src/sip/message/header-fields.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody } from '../../../../src/sip/message/message.ts';
import { parseNameAddr } from '../../../../src/sip/message/name-addr.ts';
import { invalid, parsed, parsedRequest, valid } from './raw.ts';

describe('CSeq (RFC 3261 §20.16, §8.1.1.5)', () => {
  test.each([
    ['1 INVITE', 1, 'INVITE'],
    ['0009   INVITE', 9, 'INVITE'],
    ['0\tOPTIONS', 0, 'OPTIONS'],
    ['2147483647 invite', 2147483647, 'invite'],
    ["1 !weird-.%*_+`'~", 1, "!weird-.%*_+`'~"],
  ])('%s', (text, sequence, method) => {
    expect(valid(parseCSeq(text))).toEqual({ sequence, method });
  });

  test.each([
    '',
    '1',
    'INVITE',
    '1INVITE',
    '-1 INVITE',
    '1 INVITE x',
    '1 IN/VITE',
    '0x1 INVITE',
    '1.5 INVITE',
    '+1 INVITE',
  ])('%j is none', (text) => {
    expect(parseCSeq(text).ok).toBe(false);
  });

  test.each(['2147483648', '4294967296', '36893488147419103232', '9'.repeat(400)])('%s is too large', (number) => {
    expect(invalid(parseCSeq(`${number} INVITE`))).toMatch(/2\^31/);
  });

  test('is written as it is read', () => {
    expect(formatCSeq({ sequence: 7, method: 'BYE' })).toBe('7 BYE');
  });
});

describe('essentials (RFC 3261 §8.1.1)', () => {
  test('of a parsed message', () => {
    const found = essentialsOf(parsed({ replace: { To: 'To: <sip:bob@example.net>;tag=77' } }));
    expect(found).toMatchObject({
      fromTag: '9fxced76sl',
      toTag: '77',
      callId: '3848276298220188511@client.example.com',
    });
    expect(found.via).toMatchObject({
      protocol: 'UDP',
      host: 'client.example.com',
      port: 5060,
      branch: 'z9hG4bK74bf9',
    });
    expect(found.cseq).toEqual({ sequence: 1, method: 'INVITE' });
    expect(found.maxForwards).toBe(70);
    expect(found.from.displayName).toBe('Alice');
  });

  test('the top Via is the first value of the first field', () => {
    const via = 'Via: SIP/2.0/TCP first;branch=1,SIP/2.0/UDP second;branch=2';
    expect(essentialsOf(parsed({ replace: { Via: via } })).via.host).toBe('first');
  });

  test('Max-Forwards may be absent', () => {
    expect(essentialsOf(parsed({ replace: { 'Max-Forwards': '' } })).maxForwards).toBeUndefined();
  });

  test('are read once', () => {
    const message = parsed();
    expect(essentialsOf(message)).toBe(essentialsOf(message));
  });

  test('of a message of our own that lacks one are our mistake', () => {
    const message = {
      kind: 'request',
      method: 'INVITE',
      uri: 'sip:a@b',
      headers: Headers.empty,
      body: noBody,
    } as const;
    expect(invalid(essentials(message)).code).toBe('header-missing');
    expect(() => essentialsOf(message)).toThrow(/no Via/);
  });
});

describe('Contact (RFC 3261 §10.2.2, §20.10)', () => {
  test('a list over several fields, with commas, quotes and brackets', () => {
    const headers = Headers.of(['m', '"A, B" <sip:a,x@b;y=1>;q=0.5, sip:c@d'], ['Contact', '<sip:e@f?g=h,i>']);
    const list = valid(contacts(headers));
    expect(list === '*' ? [] : list.map(({ uriText }) => uriText)).toEqual([
      'sip:a,x@b;y=1',
      'sip:c@d',
      'sip:e@f?g=h,i',
    ]);
  });

  test('none is an empty list', () => {
    expect(valid(contacts(Headers.empty))).toEqual([]);
  });

  test.each([[['Expires', '0']], [['Expires', '00']]] as const)('* beside %j', (expires) => {
    expect(valid(contacts(Headers.of(['Contact', ' * '], expires)))).toBe('*');
  });

  const misused: readonly (readonly (readonly [string, string])[])[] = [
    [['Contact', '*']],
    [
      ['Contact', '*'],
      ['Expires', '1'],
    ],
    [
      ['Contact', '*'],
      ['Expires', ''],
    ],
    [
      ['Contact', '*'],
      ['Expires', '-0'],
    ],
    [
      ['Contact', '*, <sip:a@b>'],
      ['Expires', '0'],
    ],
    [
      ['Contact', '<sip:a@b>, *'],
      ['Expires', '0'],
    ],
    [
      ['Contact', '*'],
      ['Contact', '<sip:a@b>'],
      ['Expires', '0'],
    ],
    [
      ['Contact', '<sip:a@b>'],
      ['Contact', '*'],
      ['Expires', '0'],
    ],
    [
      ['Contact', '*'],
      ['Contact', '*'],
      ['Expires', '0'],
    ],
    [
      ['Contact', '*;expires=0'],
      ['Expires', '0'],
    ],
  ];
  test.each(misused.map((fields) => [fields]))('%j is an error', (fields) => {
    expect(invalid(contacts(Headers.of(...fields)))).toMatchObject({ code: 'header-malformed', status: 400 });
  });

  test('one bad value spoils the list', () => {
    expect(contacts(Headers.of(['Contact', '<sip:a@b>, <sip:>'])).ok).toBe(false);
  });

  const contact = (text: string) => valid(parseNameAddr(text));
  test.each([
    ['<sip:a@b>;expires=60', [['Expires', '120']], 60],
    ['<sip:a@b>', [['Expires', '120']], 120],
    ['<sip:a@b>', [], 3600],
    ['<sip:a@b>;expires=0', [], 0],
    ['<sip:a@b>;expires="30"', [], 30],
    ['<sip:a@b>;expires=soon', [['Expires', '120']], 120],
    ['<sip:a@b>;expires', [['Expires', 'later']], 3600],
    ['<sip:a@b>;expires=99999999999999999999', [], 4294967295],
    ['<sip:a@b>', [['Expires', '4294967296']], 4294967295],
  ] as const)('%s with %j is asked for %j s: parameter, header, default', (text, fields, seconds) => {
    expect(contactExpires(contact(text), Headers.of(...fields), 3600)).toBe(seconds);
  });
});

describe('the Request-URI', () => {
  test('is read once, also when the parser did it', () => {
    const message = parsedRequest({ startLine: 'INVITE sip:%61@b;user=phone SIP/2.0' });
    const first = requestUri(message);
    expect(first).toMatchObject({ ok: true, value: { user: 'a', host: 'b' } });
    expect(requestUri(message)).toBe(first);
  });

  test('of an edited request is its own, though the headers are shared', () => {
    const message = parsedRequest();
    const edited = { ...message, uri: 'tel:+1' };
    expect(requestUri(message)).toMatchObject({ value: { host: 'example.net' } });
    expect(requestUri(edited)).toMatchObject({ value: { number: '+1' } });
    expect(requestUri(message)).toMatchObject({ value: { host: 'example.net' } });
    expect(requestUri({ ...message, uri: '' }).ok).toBe(false);
  });
});

describe('other typed fields', () => {
  test.each([
    ['0', 0],
    ['007', 7],
    ['4294967295', 4294967295],
    ['4294967296', 4294967295],
    [`1${'0'.repeat(500)}`, 4294967295],
    ['', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    [' 1', undefined],
    ['1e3', undefined],
    [undefined, undefined],
  ])('%j is %j seconds', (text, seconds) => {
    expect(parseSeconds(text)).toBe(seconds);
  });

  test('Route and Record-Route in order, lr with a value or without', () => {
    const headers = Headers.of(
      ['Route', '<sip:a;lr>,<sip:b;lr=on>'],
      ['Route', '<sip:c>'],
      ['Record-Route', '<sip:d;lr>'],
    );
    expect(valid(routes(headers)).map(({ uri }) => uri.scheme === 'sip' && uri.parameters.has('lr'))).toEqual([
      true,
      true,
      false,
    ]);
    expect(valid(recordRoutes(headers)).map(({ uriText }) => uriText)).toEqual(['sip:d;lr']);
  });

  test('every Via in order', () => {
    const headers = Headers.of(['Via', 'SIP/2.0/UDP a, SIP/2.0/TCP b'], ['v', 'SIP/2.0/TLS c']);
    expect(valid(vias(headers)).map(({ host }) => host)).toEqual(['a', 'b', 'c']);
    expect(vias(headers.append('Via', 'nonsense')).ok).toBe(false);
  });

  test('option tags and methods', () => {
    const headers = Headers.of(['Require', '100rel,  timer'], ['Require', 'outbound,']);
    expect(tokens(headers, 'require')).toEqual(['100rel', 'timer', 'outbound']);
    expect(tokens(headers, 'Proxy-Require')).toEqual([]);
  });
});
