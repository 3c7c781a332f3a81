import { describe, expect, test } from 'vitest';
import { defaultSdpLimits, formatSdpLine, parseSdpLines } from '../../../../src/media/sdp/sdp-lines.ts';
import { accepted, refusalOf } from './sdp-fixtures.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('lines of an SDP body (RFC 8866 §5)', () => {
  test('end with CR LF, with LF alone, or not at all on the last line', () => {
    for (const text of [
      'v=0\r\ns=x\r\nm=a 1 b 2\r\na=c\r\n',
      'v=0\ns=x\nm=a 1 b 2\na=c\n',
      'v=0\r\ns=x\nm=a 1 b 2\r\na=c',
    ]) {
      expect(accepted(parseSdpLines(bytes(text)))).toEqual({
        session: [
          { type: 'v', value: '0' },
          { type: 's', value: 'x' },
        ],
        media: [
          [
            { type: 'm', value: 'a 1 b 2' },
            { type: 'a', value: 'c' },
          ],
        ],
      });
    }
  });

  test('are kept with unknown types, empty values, spaces and bytes above 127 as they came', () => {
    const text =
      'v=0\r\nx=unknown\r\nz=0 0\r\ns=\r\ni= caf\xc3\xa9 \r\nm=audio 1 RTP/AVP 0\r\na=odd:  two  spaces \r\n';
    const { session, media } = accepted(parseSdpLines(bytes(text)));
    const lines = [...session, ...media.flat()];
    expect(lines.map(({ type, value }) => formatSdpLine(type, value)).join('')).toBe(text);
  });

  test('may be empty, which nobody needs and some phones send at the end', () => {
    expect(accepted(parseSdpLines(bytes('v=0\r\n\r\ns=x\r\n\r\n'))).session).toHaveLength(2);
  });

  test.each([
    ['a CR inside a line', 'v=0\r\na=x\ry\r\n'],
    ['a CR before the CR LF', 'v=0\r\na=x\r\r\n'],
    ['a NUL', 'v=0\r\na=x\0y\r\n'],
    ['an escape character', 'v=0\r\na=\x1b[31m\r\n'],
    ['a DEL', 'v=0\r\na=\x7f\r\n'],
    ['an upper-case type', 'v=0\r\nA=x\r\n'],
    ['a space before the equals sign', 'v =0\r\n'],
    ['a folded line', 'v=0\r\n a=x\r\n'],
    ['no equals sign', 'v=0\r\nhello\r\n'],
    ['a type without a value sign at the very end', 'v=0\r\na'],
  ])('are refused with %s', (_, text) => {
    expect(refusalOf(parseSdpLines(bytes(text)))).toBe('400 malformed');
  });

  test('are never written with a control character inside a value', () => {
    expect(() => formatSdpLine('s', 'x\r\na=crypto:1')).toThrow('control character');
  });
});

describe('limits of an SDP body', () => {
  const limits = { ...defaultSdpLimits, bodyBytes: 300, lines: 20, lineBytes: 40, mediaLines: 4 };
  const parse = (text: string): string => refusalOf(parseSdpLines(bytes(text), limits));

  test('hold for its bytes', () => {
    expect(parse('a=12345\r\n'.repeat(16).slice(0, 140))).toBe('not refused');
    expect(parse(`a=${'1\r\na='.repeat(60)}`)).toBe('400 too-large');
  });

  test('hold for its lines', () => {
    expect(parse('a=1\r\n'.repeat(20))).toBe('not refused');
    expect(parse('a=1\r\n'.repeat(21))).toBe('400 too-large');
  });

  test('hold for the length of a line', () => {
    expect(parse(`a=${'x'.repeat(38)}\r\n`)).toBe('not refused');
    expect(parse(`a=${'x'.repeat(39)}\r\n`)).toBe('400 too-large');
  });

  test('hold for its m-lines, before the rest is looked at', () => {
    expect(parse('m=a 1 b 2\r\n'.repeat(4))).toBe('not refused');
    expect(parse(`${'m=a 1 b 2\r\n'.repeat(5)}not a line`)).toBe('488 too-many-media');
  });

  test('refuse 10,000 m-lines at once', () => {
    const many = Buffer.from(`v=0\r\n${'m=audio 9 RTP/AVP 0\r\n'.repeat(10_000)}`);
    expect(refusalOf(parseSdpLines(many))).toBe('400 too-large');
    const unbounded = { ...defaultSdpLimits, bodyBytes: 1_000_000, lines: 100_000 };
    expect(refusalOf(parseSdpLines(many, unbounded))).toBe('488 too-many-media');
  });
});

test('as much as each limit allows is taken, and one more is not', () => {
  const limits = { bodyBytes: 60, lines: 6, lineBytes: 20, mediaLines: 2, formatsPerLine: 4 };
  const isTaken = (...lines: readonly string[]): boolean =>
    parseSdpLines(Buffer.from(lines.map((line) => `${line}\n`).join('')), limits).ok;
  expect([isTaken(`a=${'x'.repeat(18)}`), isTaken(`a=${'x'.repeat(19)}`)]).toEqual([true, false]);
  const five = ['v=0', 'o=1', 's=2', 't=3', 'a=4'];
  expect([isTaken(...five, 'a=5'), isTaken(...five, 'a=5', 'a=6')]).toEqual([true, false]);
  expect([isTaken('m=1', 'm=2'), isTaken('m=1', 'm=2', 'm=3')]).toEqual([true, false]);
  const long = (last: number): readonly string[] => [
    `a=${'x'.repeat(17)}`,
    `a=${'x'.repeat(17)}`,
    `a=${'x'.repeat(last)}`,
  ];
  expect([isTaken(...long(17)), isTaken(...long(18))]).toEqual([true, false]);
});

test('every lower-case letter is a type of line, and nothing else is', () => {
  for (let code = 0x21; code < 0x7f; code += 1) {
    const type = String.fromCharCode(code);
    expect([type, parseSdpLines(bytes(`${type}=1 2 3 4\n`)).ok]).toEqual([type, /[a-z]/.test(type)]);
  }
});
