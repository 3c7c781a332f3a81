import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sessionDescriptionIn } from '../../../../src/media/sdp/body.ts';
import { accepted, plainAudio, refusalOf, textOf } from './sdp-fixtures.ts';

const sdpText = textOf(plainAudio);

function multipart(...parts: readonly string[]): Uint8Array {
  return Buffer.from(`preamble\r\n${parts.map((part) => `--b1\r\n${part}\r\n`).join('')}--b1--\r\nepilogue`, 'latin1');
}

function find(
  bytes: Uint8Array,
  contentType = 'multipart/mixed;boundary=b1',
  contentDisposition?: string,
): string | undefined {
  const found = accepted(sessionDescriptionIn(bytes, { contentType, contentDisposition }));
  return found && textOf(found);
}

const sdpPart = `Content-Type: application/sdp\r\n\r\n${sdpText}`;
const isupPart =
  'Content-Type: application/isup;version=itu-t92+\r\nContent-Disposition: signal;handling=optional\r\n\r\n\x01\x00\x60';

describe('a body that is SDP', () => {
  test.each(['application/sdp', 'Application/SDP', ' application/sdp ; charset=utf-8'])('is found as %s', (type) => {
    expect(find(plainAudio, type)).toBe(sdpText);
  });

  test('is none when it is empty', () => {
    expect(find(new Uint8Array(0), 'application/sdp')).toBeUndefined();
  });

  test('of an early session is not the session (RFC 3959 §4)', () => {
    expect(find(plainAudio, 'application/sdp', 'early-session')).toBeUndefined();
    const required = { contentType: 'application/sdp', contentDisposition: 'early-session;handling=required' };
    expect(refusalOf(sessionDescriptionIn(plainAudio, required))).toBe('415 unsupported-body');
  });

  test('is refused when it is compressed', () => {
    const zipped = { contentType: 'application/sdp', contentEncoding: 'gzip' };
    expect(refusalOf(sessionDescriptionIn(plainAudio, zipped))).toBe('415 unsupported-body');
  });
});

describe('a body that is something else (RFC 3261 §21.4.13)', () => {
  test('is refused, unless it may be ignored', () => {
    const text = { contentType: 'text/plain', contentDisposition: undefined };
    expect(refusalOf(sessionDescriptionIn(plainAudio, text))).toBe('415 not-sdp');
    expect(refusalOf(sessionDescriptionIn(plainAudio, { contentType: undefined }))).toBe('415 not-sdp');
    expect(find(plainAudio, 'text/plain', 'render; Handling="OPTIONAL"')).toBeUndefined();
  });
});

describe('a multipart body (RFC 5621)', () => {
  test('gives its session description, wherever it stands', () => {
    expect(find(multipart(sdpPart))).toBe(sdpText);
    expect(find(multipart(isupPart, sdpPart))).toBe(sdpText);
    expect(find(multipart(sdpPart, isupPart))).toBe(sdpText);
  });

  test('gives it with LF line ends, a quoted boundary, folded headers and odd case', () => {
    const part = `content-TYPE:\r\n application/sdp\r\nContent-Disposition: session\r\nContent-ID: <x@y>\r\n\r\n${sdpText}`;
    expect(find(multipart(part), 'Multipart/Mixed; charset="a;b"; Boundary="b1"')).toBe(sdpText);
    const unix = `--b1\nContent-Type: application/sdp\n\n${sdpText}\n--b1--`;
    expect(find(Buffer.from(unix, 'latin1'))).toBe(sdpText);
  });

  test('ends a part only where its boundary begins a line', () => {
    const part = `Content-Type: application/sdp\r\n\r\n${sdpText}a=x --b1\r\na=y`;
    expect(find(multipart(part))).toBe(`${sdpText}a=x --b1\r\na=y`);
  });

  test('is passed over where a part is unknown and does not insist', () => {
    expect(find(multipart('Content-Type: application/pidf+xml\r\n\r\n<x/>', sdpPart))).toBe(sdpText);
    expect(find(multipart(isupPart))).toBeUndefined();
  });

  test('is refused where an unknown part insists', () => {
    const required = 'Content-Type: application/x\r\nContent-Disposition: render; handling=required\r\n\r\nx';
    const result = sessionDescriptionIn(multipart(sdpPart, required), { contentType: 'multipart/mixed;boundary=b1' });
    expect(refusalOf(result)).toBe('415 unsupported-body');
  });

  test('is refused with an encoded description', () => {
    const part = `Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\ndj0w`;
    const result = sessionDescriptionIn(multipart(part), { contentType: 'multipart/mixed;boundary=b1' });
    expect(refusalOf(result)).toBe('415 unsupported-body');
  });

  test('is refused with two session descriptions, while the last of alternatives counts (RFC 2046 §5.1.4)', () => {
    const two = multipart(sdpPart, sdpPart.replace('m=audio', 'm=video'));
    expect(refusalOf(sessionDescriptionIn(two, { contentType: 'multipart/mixed;boundary=b1' }))).toBe('400 malformed');
    expect(find(two, 'multipart/alternative;boundary=b1')).toContain('m=video');
  });

  test('may hold another one, but not for ever', () => {
    const nest = (part: string, depth: number): string =>
      depth === 0
        ? part
        : `Content-Type: multipart/mixed;boundary=n${depth}\r\n\r\n--n${depth}\r\n${nest(part, depth - 1)}\r\n--n${depth}--`;
    expect(find(multipart(nest(sdpPart, 2)))).toBe(sdpText);
    const deep = sessionDescriptionIn(multipart(nest(sdpPart, 3)), { contentType: 'multipart/mixed;boundary=b1' });
    expect(refusalOf(deep)).toBe('400 malformed');
  });

  test.each([
    ['no boundary parameter', multipart(sdpPart), 'multipart/mixed'],
    ['an empty boundary', multipart(sdpPart), 'multipart/mixed;boundary=""'],
    ['an endless boundary', multipart(sdpPart), `multipart/mixed;boundary=${'x'.repeat(71)}`],
    ['another boundary', multipart(sdpPart), 'multipart/mixed;boundary=b'],
    ['no closing boundary', multipart(sdpPart).subarray(0, 60), 'multipart/mixed;boundary=b1'],
    ['too many parts', multipart(...Array.from({ length: 17 }, () => isupPart)), 'multipart/mixed;boundary=b1'],
    ['an endless part header', multipart(`X: ${'x'.repeat(5_000)}\r\n\r\nx`), 'multipart/mixed;boundary=b1'],
    ['a part header without a colon', multipart('nonsense\r\n\r\nx'), 'multipart/mixed;boundary=b1'],
    ['two Content-Types in a part', multipart(`Content-Type: text/plain\r\n${sdpPart}`), 'multipart/mixed;boundary=b1'],
  ])('is refused with %s', (_, bytes, contentType) => {
    expect(refusalOf(sessionDescriptionIn(bytes, { contentType }))).toBe('400 malformed');
  });

  test('never throws, whatever it holds', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('--b1', '--b1--', '\r\n', '\n', '\r', ':', 'Content-Type', sdpPart, ' '),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.string(), (pieces, disposition) => {
        const contentType = 'multipart/mixed;boundary=b1';
        sessionDescriptionIn(Buffer.from(pieces.join('')), { contentType, contentDisposition: disposition });
        sessionDescriptionIn(Buffer.from(pieces.join('')), { contentType: pieces.join('') });
      }),
      { seed: 5621 },
    );
  });
});
