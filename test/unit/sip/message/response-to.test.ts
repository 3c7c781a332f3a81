import { describe, expect, test } from 'vitest';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { responseTo } from '../../../../src/sip/message/message.ts';
import { reasonPhrase } from '../../../../src/sip/message/status.ts';
import { invalid, parse, parsedRequest, raw } from './raw.ts';

const request = parsedRequest({
  add: [
    'Via: SIP/2.0/TCP second.example.com;branch=z9hG4bK2, SIP/2.0/TCP third.example.com',
    'Record-Route: <sip:p1.example.com;lr>',
    'Record-Route: <sip:p2.example.com;lr>, <sip:p3.example.com;lr>',
    'Timestamp: 54',
    'Subject: not copied',
    'Contact: <sip:alice@client.example.com>',
  ],
});

describe('a response (RFC 3261 §8.2.6)', () => {
  test('copies Via in order, From, To, Call-ID and CSeq, and nothing else', () => {
    const response = responseTo(request, 486, { toTag: 'abc' });
    expect(response).toMatchObject({ kind: 'response', status: 486, reason: 'Busy Here' });
    expect([...response.headers.entries()]).toEqual([
      ['Via', 'SIP/2.0/UDP client.example.com:5060;branch=z9hG4bK74bf9'],
      ['From', 'Alice <sip:alice@example.com>;tag=9fxced76sl'],
      ['To', 'Bob <sip:bob@example.net>;tag=abc'],
      ['Call-ID', '3848276298220188511@client.example.com'],
      ['CSeq', '1 INVITE'],
      ['Via', 'SIP/2.0/TCP second.example.com;branch=z9hG4bK2, SIP/2.0/TCP third.example.com'],
    ]);
  });

  test.each([101, 180, 183, 200, 202, 299])('a %i to an INVITE copies Record-Route (§12.1.1)', (status) => {
    expect(responseTo(request, status, { toTag: 'x' }).headers.all('Record-Route')).toEqual([
      '<sip:p1.example.com;lr>',
      '<sip:p2.example.com;lr>, <sip:p3.example.com;lr>',
    ]);
  });

  test.each([100, 300, 401, 503, 603])('a %i does not', (status) => {
    expect(responseTo(request, status, { toTag: 'x' }).headers.has('Record-Route')).toBe(false);
  });

  test('nor does a 200 to a method that makes no dialog', () => {
    const options = parsedRequest({
      startLine: 'OPTIONS sip:a@b SIP/2.0',
      replace: { CSeq: 'CSeq: 1 OPTIONS' },
      add: ['Record-Route: <sip:p>'],
    });
    expect(responseTo(options, 200, { toTag: 'x' }).headers.has('Record-Route')).toBe(false);
  });

  test('Timestamp is copied into a 100 only (§8.2.6.1)', () => {
    expect(responseTo(request, 100).headers.get('Timestamp')).toBe('54');
    expect(responseTo(request, 180).headers.has('Timestamp')).toBe(false);
  });

  test('a To-tag that is there stays', () => {
    const inDialog = parsedRequest({ replace: { To: 'To: <sip:bob@example.net;x>;tag=theirs' } });
    expect(responseTo(inDialog, 200, { toTag: 'ours' }).headers.get('To')).toBe('<sip:bob@example.net;x>;tag=theirs');
  });

  test('a tag goes behind a To without angle brackets too', () => {
    const bare = parsedRequest({ replace: { To: 'To: sip:bob@example.net' } });
    expect(responseTo(bare, 404, { toTag: 'x' }).headers.get('To')).toBe('sip:bob@example.net;tag=x');
  });

  test('extra fields, a body and a reason of our own', () => {
    const body = Buffer.from('v=0\r\n');
    const response = responseTo(request, 200, {
      reason: 'Fine',
      toTag: 'x',
      headers: Headers.of(['Contact', '<sip:us>'], ['Allow', 'INVITE']),
      body,
      contentType: 'application/sdp',
    });
    expect(response.reason).toBe('Fine');
    expect(response.body).toBe(body);
    expect([...response.headers.names()].slice(-3)).toEqual(['Contact', 'Allow', 'Content-Type']);
  });

  test('to a skeleton says no more than the skeleton does', () => {
    const { answerable } = invalid(parse(raw({ replace: { To: '', From: 'From: <sip:a@b' } })));
    if (answerable === undefined) throw new Error('expected an answerable error');
    expect([...responseTo(answerable, 400, { toTag: 'x' }).headers.names()]).toEqual([
      'Via',
      'From',
      'Call-ID',
      'CSeq',
    ]);
  });

  test('a To that cannot be read is sent back as it came', () => {
    const { answerable } = invalid(parse(raw({ replace: { To: 'To: "Bob <sip:b@c>' } })));
    if (answerable === undefined) throw new Error('expected an answerable error');
    expect(responseTo(answerable, 400, { toTag: 'x' }).headers.get('To')).toBe('"Bob <sip:b@c>');
  });
});

describe('reason phrases (RFC 3261 §21)', () => {
  test.each([
    [100, 'Trying'],
    [401, 'Unauthorized'],
    [439, 'First Hop Lacks Outbound Support'],
    [488, 'Not Acceptable Here'],
    [513, 'Message Too Large'],
    [299, 'OK'],
    [499, 'Bad Request'],
    [699, 'Decline'],
    [42, 'Unknown'],
    [1000, 'Unknown'],
  ])('%i %s', (status, phrase) => {
    expect(reasonPhrase(status)).toBe(phrase);
  });
});
