import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatNameAddr, type NameAddr, parseNameAddr } from '../../../../src/sip/message/name-addr.ts';
import { parseUri } from '../../../../src/sip/message/uri.ts';
import { valid } from './raw.ts';

interface Expected {
  readonly name?: string;
  readonly uri: string;
  readonly parameters?: readonly (readonly [string, string | undefined])[];
}

const read = (text: string): NameAddr => valid(parseNameAddr(text));

describe('name-addr and addr-spec (RFC 3261 §20.10, §25.1)', () => {
  const cases: readonly (readonly [string, Expected])[] = [
    ['<sip:a@b>', { uri: 'sip:a@b' }],
    ['sip:a@b', { uri: 'sip:a@b' }],
    ['  <sip:a@b>\t', { uri: 'sip:a@b' }],
    ['Alice <sip:a@b>', { name: 'Alice', uri: 'sip:a@b' }],
    ['Alice<sip:a@b>', { name: 'Alice', uri: 'sip:a@b' }],
    ["token1~` token2'+_ token3*%!.- <sip:a@b>", { name: "token1~` token2'+_ token3*%!.-", uri: 'sip:a@b' }],
    ['"" <sip:a@b>', { name: '', uri: 'sip:a@b' }],
    ['"Alice" <sip:a@b>', { name: 'Alice', uri: 'sip:a@b' }],
    ['"Alice"<sip:a@b>', { name: 'Alice', uri: 'sip:a@b' }],
    [
      '"A, \\"B\\" <c> \\\\ ;tag=x" <sip:a@b>;tag=y',
      { name: 'A, "B" <c> \\ ;tag=x', uri: 'sip:a@b', parameters: [['tag', 'y']] },
    ],
    ['"Łukasz Жук" <sip:a@b>', { name: 'Łukasz Жук', uri: 'sip:a@b' }],
    ['Łukasz Жук <sip:a@b>;tag=1', { name: 'Łukasz Жук', uri: 'sip:a@b', parameters: [['tag', '1']] }],
    ['"%Z%45" <sip:a@b>', { name: '%Z%45', uri: 'sip:a@b' }],
    // Parameters outside the brackets belong to the header, without brackets all of them do.
    ['<sip:a@b;x=1>;y=2', { uri: 'sip:a@b;x=1', parameters: [['y', '2']] }],
    [
      'sip:a@b;x=1;y=2',
      {
        uri: 'sip:a@b',
        parameters: [
          ['x', '1'],
          ['y', '2'],
        ],
      },
    ],
    [
      'sip:a@b ; TAG = 1 ; q',
      {
        uri: 'sip:a@b',
        parameters: [
          ['tag', '1'],
          ['q', undefined],
        ],
      },
    ],
    ['<sip:a,b@c?d=e>', { uri: 'sip:a,b@c?d=e' }],
    ['<tel:+1-2;ext=3>;tag=1', { uri: 'tel:+1-2;ext=3', parameters: [['tag', '1']] }],
    ['<urn:service:sos>', { uri: 'urn:service:sos' }],
    ['sip:a@b;+sip.instance="<urn:uuid:1>"', { uri: 'sip:a@b', parameters: [['+sip.instance', '<urn:uuid:1>']] }],
    ['<sip:a@b>;x="y;z, \\"w\\""', { uri: 'sip:a@b', parameters: [['x', 'y;z, "w"']] }],
    ['<sip:a@b>;received=2001:db8::1', { uri: 'sip:a@b', parameters: [['received', '2001:db8::1']] }],
    ['<sip:a@b>;x=""', { uri: 'sip:a@b', parameters: [['x', '']] }],
    ['<sip:a@b>;tag=1 ; ', { uri: 'sip:a@b', parameters: [['tag', '1']] }],
    ['<sip:a@b>;__proto__=1', { uri: 'sip:a@b', parameters: [['__proto__', '1']] }],
  ];
  test.each(cases)('%s', (text, { name, uri, parameters }) => {
    const address = read(text);
    expect(address.displayName).toBe(name);
    expect(address.uriText).toBe(uri);
    expect(address.uri).toEqual(valid(parseUri(uri)));
    expect([...address.parameters]).toEqual(parameters ?? []);
  });

  test.each([200, 4000])('a tag of %i characters', (length) => {
    const tag = 'x'.repeat(length);
    expect(read(`<sip:a@b>;tag=${tag}`).parameters.get('tag')).toBe(tag);
  });

  const malformed = [
    '',
    '  ',
    '*',
    'Alice',
    '"Alice',
    '"Alice\\" <sip:a@b>',
    '"Alice"',
    '"Alice" sip:a@b',
    '"A" B <sip:a@b>',
    'A "B" <sip:a@b>',
    '<sip:a@b',
    'sip:a@b>',
    '<>',
    '< sip:a@b>',
    '<sip:a@b >',
    '<sip:a@b>x',
    '<sip:a@b> <sip:c@d>',
    '<<sip:a@b>>',
    'Bell, Alexander <sip:a@b>',
    'A;b <sip:a@b>',
    'sip:a@b?c=d',
    'sip:a,b@c',
    '<sip:a@b>, <sip:c@d>',
    '<sip:a@b>;tag=1;tag=2',
    '<sip:a@b>;tag=1;TAG=1',
    '<sip:a@b>;tag=',
    '<sip:a@b>;tag="x',
    '<sip:a@b>;=x',
    '<sip:a@b>;;tag=1',
    '<sip:a@b>;tag=1;;',
    '<sip:a@b>;tag=a b',
    '<sip:a@b>;tag=a,b',
    '<sip:a@b>;ta g',
    '<sip:a@b>;tag=<x>',
    '<sip:a@b>;tag==x',
    '<sip:a@b>;\u00e9=x',
  ];
  test.each(malformed)('%j is none', (text) => {
    expect(parseNameAddr(text).ok).toBe(false);
  });
});

describe('formatting', () => {
  test('quotes what must be quoted and always brackets the URI', () => {
    const parameters = new Map([
      ['tag', 'x'],
      ['lr', undefined],
      ['reason', 'two words'],
      ['received', '2001:db8::1'],
      ['+sip.instance', 'plain'],
    ]);
    const uri = valid(parseUri('sip:a@b;x'));
    expect(formatNameAddr({ displayName: 'A "B" \\', uri, parameters })).toBe(
      '"A \\"B\\" \\\\" <sip:a@b;x>;tag=x;lr;reason="two words";received=2001:db8::1;+sip.instance="plain"',
    );
    expect(formatNameAddr({ uri, uriText: 'sip:A@b', parameters: new Map() })).toBe('<sip:A@b>');
  });

  test('a display name cannot end the header field', () => {
    const uri = valid(parseUri('sip:a@b'));
    expect(formatNameAddr({ displayName: 'x\r\nEvil: 1\0', uri, parameters: new Map() })).toBe(
      '"x  Evil: 1 " <sip:a@b>',
    );
  });

  test('what is formatted reads back the same', () => {
    const text = fc
      .string({ unit: 'grapheme', maxLength: 10 })
      .filter((each) => each.isWellFormed() && !/[\r\n\0]/.test(each));
    const name = fc.stringMatching(/^[a-z][a-z0-9.-]{0,6}$/);
    const arbitrary = fc.record({
      displayName: fc.option(
        text.filter((each) => each !== ''),
        { nil: undefined },
      ),
      uriText: fc.constantFrom('sip:a@b;c=d', 'tel:+1', 'urn:x:y'),
      parameters: fc
        .dictionary(
          name,
          fc.option(
            text.filter((each) => each !== ''),
            { nil: undefined },
          ),
        )
        .map((each) => new Map(Object.entries(each))),
    });
    fc.assert(
      fc.property(arbitrary, (parts) => {
        const address = { ...parts, uri: valid(parseUri(parts.uriText)) };
        expect(read(formatNameAddr(address))).toEqual(address);
      }),
    );
  });
});
