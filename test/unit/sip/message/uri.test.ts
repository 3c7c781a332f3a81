import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatUri, noParameters, parseUri, sameUri, type Uri } from '../../../../src/sip/message/uri.ts';
import { invalid, valid } from './raw.ts';

const uri = (text: string): Uri => valid(parseUri(text));
const sip = { scheme: 'sip', host: 'example.com', parameters: noParameters };

describe('SIP URIs (RFC 3261 §19.1, §25.1)', () => {
  const cases: readonly (readonly [string, object])[] = [
    ['sip:example.com', sip],
    ['SIP:Example.COM', sip],
    ['sips:example.com', { ...sip, scheme: 'sips' }],
    ['sip:alice@example.com', { ...sip, user: 'alice' }],
    ['sip:Alice@example.com', { ...sip, user: 'Alice' }],
    ['sip:alice:secret@example.com:5061', { ...sip, user: 'alice', password: 'secret', port: 5061 }],
    ['sip:alice:@example.com', { ...sip, user: 'alice', password: '' }],
    ['sip:example.com:5060', { ...sip, port: 5060 }],
    ['sip:%61lice@example.com', { ...sip, user: 'alice' }],
    ['sip:%C3%A9%20x@example.com', { ...sip, user: 'é x' }],
    ['sip:null-%00-null@example.com', { ...sip, user: 'null-\0-null' }],
    ['sip:a%0d%0aEvil@example.com', { ...sip, user: 'a\r\nEvil' }],
    ['sip:sips%3Auser%40example.com@example.com', { ...sip, user: 'sips:user@example.com' }],
    ['sip:+1-201;phone-context=x?y@example.com', { ...sip, user: '+1-201;phone-context=x?y' }],
    ['sip:*21#@example.com', { ...sip, user: '*21#' }],
    ['sip:192.0.2.1', { ...sip, host: '192.0.2.1' }],
    ['sip:a@[2001:DB8::1]:5060', { ...sip, user: 'a', host: '2001:db8::1', port: 5060 }],
    ['sip:[2001:db8:0:0::0:1]', { ...sip, host: '2001:db8::1' }],
    ['sip:[::ffff:192.0.2.1]', { ...sip, host: '::ffff:192.0.2.1' }],
    ['sip:[fe80::1%25eth0]', { ...sip, host: 'fe80::1%eth0' }],
    ['sip:[fe80::1%eth0]', { ...sip, host: 'fe80::1%eth0' }],
    ['sip:host_1.example.com.', { ...sip, host: 'host_1.example.com.' }],
    ['sip:a.b.c?Subject=x&Priority=urgent', { ...sip, host: 'a.b.c', headers: 'Subject=x&Priority=urgent' }],
    ['sip:a@b?Replaces=x@y', { ...sip, user: 'a', host: 'b', headers: 'Replaces=x@y' }],
  ];
  test.each(cases)('%s', (text, expected) => {
    expect(uri(text)).toEqual(expected);
  });

  test('parameters: names in lower case, values unescaped, lr with and without a value', () => {
    const parsed = uri('sip:a@b;LR=on;Transport=TLS;n%61me=v%61lue%25%34%31;user=phone;flag;empty=');
    expect('parameters' in parsed ? [...parsed.parameters] : []).toEqual([
      ['lr', 'on'],
      ['transport', 'TLS'],
      ['name', 'value%41'],
      ['user', 'phone'],
      ['flag', undefined],
      ['empty', ''],
    ]);
  });

  test('a parameter called __proto__ is one like any other', () => {
    const parsed = uri('sip:a@b;__proto__=x');
    expect('parameters' in parsed && parsed.parameters.get('__proto__')).toBe('x');
  });

  test('one semicolon too many at the end is passed over', () => {
    expect(uri('sip:a@b;lr;')).toEqual(uri('sip:a@b;lr'));
    expect(uri('sip:a@b;')).toEqual(uri('sip:a@b'));
  });

  const malformed = [
    '',
    'sip',
    'sip:',
    ':a@b',
    '1sip:a@b',
    'sip:@b',
    'sip:a@',
    'sip:a@b@c',
    'sip:a b@c',
    'sip:a@b c',
    ' sip:a@b',
    'sip:a@b ',
    'sip:<a@b>',
    '<sip:a@b>',
    'sip:a"b@c',
    'sip:é@b',
    'sip:a@é',
    'sip:a@b:',
    'sip:a@b:0',
    'sip:a@b:65536',
    'sip:a@b:99999999999999999999',
    'sip:a@b:5x',
    'sip:a@b:-1',
    'sip:a@[::1',
    'sip:a@[::1::]',
    'sip:a@[12345::]',
    'sip:a@[fe80::1%]',
    'sip:a@[fe80::1%e/0]',
    'sip:a@::1',
    'sip:a@.b',
    'sip:a@b..c',
    'sip:a@.',
    'sip:a%4@b',
    'sip:a%zz@b',
    'sip:a%ff@b',
    'sip:a@b%41',
    'sip:a@b;x=%4',
    'sip:a@b;x="y"',
    'sip:a@b;=x',
    'sip:a@b;;lr',
    'sip:a@b;lr;;',
    'sip:a@b;lr;lr',
    'sip:a@b;lr;%6Cr',
    'sip:a@b;transport=udp;Transport=tcp',
    'sip:a@b?x y',
    'sip:a@b?x<y',
    'sip:a?b[@c',
    `sip:a@${'x'.repeat(256)}`,
  ];
  test.each(malformed)('%j is none', (text) => {
    expect(invalid(parseUri(text))).toEqual(expect.any(String));
  });

  test.each(['127.1', '0x7f000001', '2130706433', '010.0.0.1', '256.1.1.1', '1.2.3', 'a.0x1', 'a.1', '1.2.3.4.'])(
    'the host %s is refused: a resolver would read an address that no rule has seen',
    (host) => {
      expect(parseUri(`sip:a@${host}`).ok).toBe(false);
    },
  );
});

test('a scheme is letters, and behind the first of them digits, "+", "-" and "." (RFC 3986 §3.1)', () => {
  for (let code = 0x21; code < 0x7f; code += 1) {
    const character = String.fromCharCode(code);
    if (character === ':') continue;
    expect([character, parseUri(`a${character}b:c`).ok]).toEqual([character, /[A-Za-z0-9+.-]/.test(character)]);
    expect([character, parseUri(`${character}b:c`).ok]).toEqual([character, /[A-Za-z]/.test(character)]);
  }
});

describe('other schemes', () => {
  test.each([
    ['tel:+1-201-555-0123', '+1-201-555-0123', []],
    ['TEL:7042;phone-context=example.com', '7042', [['phone-context', 'example.com']]],
    ['tel:*21#', '*21#', []],
    [
      'tel:863-1234;phone-context=%2b1-914-555;ext=1',
      '863-1234',
      [
        ['phone-context', '+1-914-555'],
        ['ext', '1'],
      ],
    ],
  ] as const)('%s (RFC 3966)', (text, number, parameters) => {
    expect(uri(text)).toEqual({ scheme: 'tel', number, parameters: new Map(parameters) });
  });

  test.each(['tel:', 'tel:+', 'tel:-', 'tel:1 2', 'tel:%2b1', 'tel:alice', 'tel:1+2', 'tel:1;x=;x='])(
    '%j is none',
    (text) => {
      expect(parseUri(text).ok).toBe(false);
    },
  );

  test.each([
    ['urn:service:sos', 'urn'],
    ['mailto:a@b', 'mailto'],
    ['HTTP://example.com/x?y=z#w', 'http'],
    ['nobodyKnowsThisScheme:totallyopaquecontent', 'nobodyknowsthisscheme'],
    ['im+x.y-z:a', 'im+x.y-z'],
  ])('%s is carried as text', (text, name) => {
    expect(uri(text)).toEqual({ scheme: 'other', name, text });
    expect(formatUri(uri(text))).toBe(text);
  });

  test.each(['urn:', 'urn:a b', 'urn:<x>', 'u_n:x', 'urn:\u00e9', 'urn'])('%j is none', (text) => {
    expect(parseUri(text).ok).toBe(false);
  });
});

describe('formatting', () => {
  test.each([
    ['SIP:%61lice@Example.COM:5060;LR', 'sip:alice@example.com:5060;lr'],
    ['sip:a%20b%40c@d', 'sip:a%20b%40c@d'],
    ['sip:a%0D%0Ab@c', 'sip:a%0D%0Ab@c'],
    ['sip:a%25b@c', 'sip:a%25b@c'],
    ['sip:*21#@c', 'sip:*21%23@c'],
    ['sip:%C3%A9@c', 'sip:%C3%A9@c'],
    ['sip:a@[2001:db8::1]:5060', 'sip:a@[2001:db8::1]:5060'],
    ['sip:[fe80::1%eth0]', 'sip:[fe80::1%25eth0]'],
    ['sip:a@b;x=%3B?h=1', 'sip:a@b;x=%3B?h=1'],
    ['tel:+1;ext=2', 'tel:+1;ext=2'],
  ])('%s becomes %s', (text, expected) => {
    expect(formatUri(uri(text))).toBe(expected);
  });

  test('what is formatted reads back the same, whatever the parts hold', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((each) => each.isWellFormed());
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    const built = fc.record({
      scheme: fc.constantFrom('sip' as const, 'sips' as const),
      user: fc.option(text, { nil: undefined }),
      host: fc.oneof(fc.constantFrom('example.com', '192.0.2.7', '2001:db8::7', 'fe80::1%eth0'), name),
      port: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
      parameters: fc.dictionary(name, fc.option(text, { nil: undefined })).map((each) => new Map(Object.entries(each))),
      headers: fc.option(fc.constantFrom('Subject=hello', 'a=b&c=d'), { nil: undefined }),
    });
    fc.assert(
      fc.property(built, (parts) => {
        expect(parseUri(formatUri(parts))).toEqual({ ok: true, value: parts });
      }),
    );
  });

  test('no text makes the reader throw or read what it would not write', () => {
    const bits = fc.constantFrom(
      'sip:',
      'tel:',
      '@',
      ':',
      ';',
      '?',
      '%41',
      '%',
      '[',
      ']',
      '::1',
      'a.b',
      '=',
      'lr',
      '1',
      ' ',
      '<',
    );
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 10 }), (parts) => {
        const result = parseUri(parts.join(''));
        if (result.ok) expect(parseUri(formatUri(result.value))).toEqual(result);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('comparison (RFC 3261 §19.1.4)', () => {
  test.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtlanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
    ['sip:biloxi.com;transport=tcp;method=REGISTER', 'sip:biloxi.com;method=REGISTER;transport=tcp'],
    ['sip:alice@a.com?subject=x%20y&priority=urgent', 'sip:alice@a.com?priority=urgent&SUBJECT=x%20y'],
    ['sip:a@[2001:db8::1]', 'sip:a@[2001:DB8:0:0:0:0:0:1]'],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
    ['tel:123;phone-context=+1-914', 'tel:123;phone-context=+1914'],
    ['tel:1;a=X;b', 'tel:1;b;a=x'],
    ['urn:service:sos', 'urn:service:sos'],
  ])('%s is %s', (a, b) => {
    expect(sameUri(uri(a), uri(b))).toBe(true);
    expect(sameUri(uri(b), uri(a))).toBe(true);
  });

  test.each([
    ['SIP:ALICE@a.com', 'SIP:alice@a.com'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@c.com;security=on', 'sip:carol@c.com;security=off'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a@b;user=phone', 'sip:a@b'],
    ['sip:a@b;ttl=1', 'sip:a@b'],
    ['sip:a@b;maddr=c', 'sip:a@b'],
    ['sip:a:x@b', 'sip:a@b'],
    ['sip:b', 'sip:a@b'],
    ['tel:1;ext=2', 'tel:1'],
    ['tel:1', 'sip:1@b'],
    ['tel:1;phone-context=a-b.com', 'tel:1;phone-context=ab.com'],
    ['tel:1;phone-context=+1', 'tel:1;phone-context=1.com'],
    ['tel:1;isub=+1-2', 'tel:1;isub=+12'],
    ['urn:a', 'urn:b'],
    ['urn:a', 'sip:a'],
  ])('%s is not %s', (a, b) => {
    expect(sameUri(uri(a), uri(b))).toBe(false);
    expect(sameUri(uri(b), uri(a))).toBe(false);
  });
});
