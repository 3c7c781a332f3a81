import { describe, expect, test } from 'vitest';
import { bodyParts } from '../../../../src/sip/message/body-parts.ts';
import { parseDisposition, parseMediaType } from '../../../../src/sip/message/media-type.ts';
import { invalid, parsed, valid } from './raw.ts';

interface Told {
  readonly type: string;
  readonly text: string;
  readonly handling: string;
}

function parts(contentType: string, lines: readonly string[], add: readonly string[] = []): readonly Told[] {
  return valid(bodyParts(parsed({ body: lines.join('\r\n'), add: [`Content-Type: ${contentType}`, ...add] }))).map(
    (part) => ({
      type: part.type.name,
      text: Buffer.from(part.content).toString(),
      handling: `${part.disposition.name} ${part.disposition.handling}`,
    }),
  );
}

const error = (contentType: string, lines: readonly string[]) =>
  invalid(
    bodyParts(parsed({ body: lines.join('\r\n'), add: contentType === '' ? [] : [`Content-Type: ${contentType}`] })),
  );

describe('bodies (RFC 5621, RFC 2046 §5.1)', () => {
  test('none', () => {
    expect(valid(bodyParts(parsed({ add: ['Content-Type: application/sdp'] })))).toEqual([]);
  });

  test('one', () => {
    expect(parts('application/SDP; charset="utf-8"', ['v=0', ''])).toEqual([
      { type: 'application/sdp', text: 'v=0\r\n', handling: 'session required' },
    ]);
  });

  test('SDP and ISUP', () => {
    const lines = [
      'a preamble that is no part',
      '--unique-1',
      'Content-Type: application/sdp',
      '',
      'v=0',
      '',
      '--unique-1  ',
      'c : application/ISUP;version=nxv3',
      'Content-Disposition:\r\n signal ;handling=optional',
      '',
      '\u0001\u0002--unique-1',
      '--unique-1--',
      'an epilogue',
    ];
    expect(parts('multipart/mixed;boundary=unique-1', lines)).toEqual([
      { type: 'application/sdp', text: 'v=0\r\n', handling: 'session required' },
      { type: 'application/isup', text: '\u0001\u0002--unique-1', handling: 'signal optional' },
    ]);
  });

  test('nested, a part without headers, an empty part', () => {
    const lines = [
      '--o',
      'Content-Type: multipart/alternative;boundary="i n"',
      '',
      '--i n',
      '',
      'plain',
      '--i n',
      'Content-Type: text/html',
      '',
      '<p>',
      '--i n--',
      '--o',
      '',
      '--o',
      'Content-Type: application/pidf+xml',
      '',
      '<x/>',
      '--o--',
    ];
    expect(parts('Multipart/Mixed; boundary="o"', lines).map(({ type, text }) => [type, text])).toEqual([
      ['text/plain', 'plain'],
      ['text/html', '<p>'],
      ['application/pidf+xml', '<x/>'],
    ]);
  });

  test.each([
    ['no Content-Type', '', ['x'], 'content-type-malformed', 400],
    ['one that cannot be read', 'sdp', ['x'], 'content-type-malformed', 400],
    ['no boundary', 'multipart/mixed', ['--x', '', '--x--'], 'multipart-malformed', 400],
    ['an empty boundary', 'multipart/mixed;boundary=""', ['--', '', '----'], 'multipart-malformed', 400],
    ['a boundary of 71', `multipart/mixed;boundary=${'b'.repeat(71)}`, ['x'], 'multipart-malformed', 400],
    ['no part', 'multipart/mixed;boundary=x', ['hello'], 'multipart-malformed', 400],
    ['no end', 'multipart/mixed;boundary=x', ['--x', '', 'hello'], 'multipart-malformed', 400],
    ['nothing behind the boundary', 'multipart/mixed;boundary=x', ['--x'], 'multipart-malformed', 400],
    [
      'a part without an empty line',
      'multipart/mixed;boundary=x',
      ['--x', 'hello', '--x--'],
      'multipart-malformed',
      400,
    ],
    [
      'a header that is none',
      'multipart/mixed;boundary=x',
      ['--x', 'hello', '', '', '--x--'],
      'multipart-malformed',
      400,
    ],
    [
      'a part of no type',
      'multipart/mixed;boundary=x',
      ['--x', 'c: y', '', 'a', '--x--'],
      'content-type-malformed',
      400,
    ],
    [
      '17 parts',
      'multipart/mixed;boundary=x',
      [...Array.from({ length: 17 }, () => '--x\r\n\r\na'), '--x--'],
      'body-parts',
      413,
    ],
  ] as const)('%s', (_, contentType, lines, code, status) => {
    expect(error(contentType, lines)).toMatchObject({ code, status });
  });

  test('nesting has an end', () => {
    const nest = (depth: number): readonly string[] =>
      depth === 0
        ? ['x']
        : [
            `--b${depth}`,
            `c: ${depth === 1 ? 'a/b' : `multipart/mixed;boundary=b${depth - 1}`}`,
            '',
            ...nest(depth - 1),
            `--b${depth}--`,
          ];
    expect(parts('multipart/mixed;boundary=b2', nest(2))).toHaveLength(1);
    expect(error('multipart/mixed;boundary=b3', nest(3))).toMatchObject({ code: 'body-parts', status: 413 });
  });
});

describe('Content-Type and Content-Disposition', () => {
  test.each([
    ['application/sdp', 'application/sdp', []],
    [' Text / HTML ; charset=ISO-8859-4', 'text/html', [['charset', 'ISO-8859-4']]],
    ['multipart/mixed;boundary="a;b"', 'multipart/mixed', [['boundary', 'a;b']]],
  ] as const)('%s', (text, name, parameters) => {
    expect(parseMediaType(text)).toEqual({ name, parameters: new Map(parameters) });
  });

  test.each(['', '/', 'a', 'a/', '/b', 'a/b/c', 'a b/c', 'a/b;c=', 'a/b c', 'a/b;c;c'])('%j is no type', (text) => {
    expect(parseMediaType(text)).toBeUndefined();
  });

  test.each([
    [undefined, 'session', 'required'],
    ['render', 'render', 'required'],
    ['Session;handling=optional', 'session', 'optional'],
    ['session ; HANDLING = Optional', 'session', 'optional'],
    ['icon;handling=required', 'icon', 'required'],
    ['session;handling=maybe', 'session', 'required'],
    ['', 'session', 'required'],
  ])('%j', (text, name, handling) => {
    expect(parseDisposition(text)).toEqual({ name, handling });
  });
});
