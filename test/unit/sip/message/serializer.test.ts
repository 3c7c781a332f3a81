import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatCSeq } from '../../../../src/sip/message/header-fields.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody, responseTo, type SipMessage } from '../../../../src/sip/message/message.ts';
import { serializeMessage } from '../../../../src/sip/message/serializer.ts';
import { invalid, parse, parsed, parsedRequest, raw, valid } from './raw.ts';

const text = (message: SipMessage): string => Buffer.from(serializeMessage(message)).toString();

describe('what is written (RFC 3261 §7)', () => {
  test('a request, in long names and the order of the fields', () => {
    const message = parsed({
      replace: { Via: 'v: SIP/2.0/UDP a;branch=1', 'Call-ID': 'i : x' },
      add: ['s:\r\n a\r\n b'],
      body: 'hé',
    });
    expect(text(message)).toBe(
      [
        'INVITE sip:bob@example.net SIP/2.0',
        'Via: SIP/2.0/UDP a;branch=1',
        'Max-Forwards: 70',
        'From: Alice <sip:alice@example.com>;tag=9fxced76sl',
        'To: Bob <sip:bob@example.net>',
        'Call-ID: x',
        'CSeq: 1 INVITE',
        'Subject: a b',
        'Content-Length: 3',
        '',
        'hé',
      ].join('\r\n'),
    );
  });

  test('a response', () => {
    const response = responseTo(parsedRequest(), 183, { reason: 'Прогресс', toTag: 'x' });
    expect(text(response)).toMatch(/^SIP\/2\.0 183 Прогресс\r\nVia: .*\r\nContent-Length: 0\r\n\r\n$/s);
  });

  test('Content-Length is that of the body whatever the headers say', () => {
    const headers = parsed().headers.with('Content-Length', '999');
    const message = { ...parsed(), headers, body: Buffer.from('abc') };
    expect(text(message).match(/Content-Length/g)).toHaveLength(1);
    expect(valid(parse(serializeMessage(message), 'stream')).body).toEqual(Buffer.from('abc'));
  });

  test.each([
    { method: 'INV ITE', uri: 'sip:a@b' },
    { method: '', uri: 'sip:a@b' },
    { method: 'INVITE', uri: '' },
    { method: 'INVITE', uri: 'sip:a b' },
    { method: 'INVITE', uri: 'sip:a@b SIP/2.0\r\nEvil: 1' },
    { method: 'INVITE\r\nEvil: 1', uri: 'sip:a@b' },
  ])('throws for %j: a start line of ours that is none', (line) => {
    expect(() => serializeMessage({ kind: 'request', ...line, headers: Headers.empty, body: noBody })).toThrow(
      /method or URI/,
    );
  });

  test.each([
    [99, 'x'],
    [700, 'x'],
    [200.5, 'x'],
    [Number.NaN, 'x'],
    [200, 'OK\r\nEvil: 1'],
    [200, 'a\0'],
  ])('throws for the status line %s %j', (status, reason) => {
    expect(() => serializeMessage({ kind: 'response', status, reason, headers: Headers.empty, body: noBody })).toThrow(
      /status/,
    );
  });
});

describe('round trips', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9.!%*_+`'~-]{1,12}$/);
  const line = fc
    .string({ unit: 'grapheme', maxLength: 30 })
    .map((each) => each.toWellFormed().replace(/[\r\n\0]/g, ''))
    .map((each) => each.replace(/^[ \t]+|[ \t]+$/g, ''));
  const name = token
    .filter((each) => !/^(a|b|c|d|e|f|i|j|k|l|m|n|o|r|s|t|u|v|x|y)$/i.test(each))
    .map((each) => `X-${each}`);
  const message = fc
    .record({
      method: token,
      status: fc.option(fc.integer({ min: 100, max: 699 }), { nil: undefined }),
      reason: line,
      user: token,
      display: line,
      tag: token,
      branch: token,
      callId: fc.stringMatching(/^[!-~]{1,20}$/),
      sequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      extra: fc.array(fc.tuple(name, line), { maxLength: 5 }),
      body: fc.uint8Array({ maxLength: 40 }),
    })
    .map(({ method, status, reason, user, display, tag, branch, callId, sequence, extra, body }): SipMessage => {
      const quoted = display.replace(/[\\"]/g, '\\$&');
      const headers = Headers.of(
        ['Via', `SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK${branch}`],
        ['From', `"${quoted}" <sip:${user.replaceAll('%', '').replaceAll('`', '') || 'u'}@example.com>;tag=${tag}`],
        ['To', '<sip:b@c>'],
        ['Call-ID', callId],
        ['CSeq', formatCSeq({ sequence, method })],
        ...extra,
      );
      return status === undefined
        ? { kind: 'request', method, uri: 'sip:b@c', headers, body }
        : { kind: 'response', status, reason, headers, body };
    });

  test('parse of what was serialised is the message', () => {
    fc.assert(
      fc.property(message, fc.constantFrom('stream' as const, 'datagram' as const), (original, transport) => {
        const back = valid(parse(serializeMessage(original), transport));
        expect({ ...back, headers: back.headers.without('Content-Length'), body: [...back.body] }).toEqual({
          ...original,
          body: [...original.body],
        });
      }),
      { numRuns: 300 },
    );
  });

  test('serialising what was parsed changes nothing the second time', () => {
    fc.assert(
      fc.property(message, (original) => {
        const once = serializeMessage(valid(parse(serializeMessage(original))));
        expect(Buffer.from(serializeMessage(valid(parse(once)))).equals(once)).toBe(true);
      }),
    );
  });

  test('a round trip test that compares nothing would not see this', () => {
    const back = valid(parse(serializeMessage(parsed({ add: ['X-A: 1'] }))));
    expect(back.headers.without('Content-Length')).not.toEqual(
      parsed({ add: ['X-A: 2'] }).headers.without('Content-Length'),
    );
    expect(invalid(parse(raw({ replace: { To: '' } }))).code).toBe('header-missing');
  });
});
