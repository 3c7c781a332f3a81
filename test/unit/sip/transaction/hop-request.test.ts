import { describe, expect, test } from 'vitest';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { ackTo, cancelOf } from '../../../../src/sip/transaction/hop-request.ts';
import { request, response } from '../../../support/sip-messages.ts';

const invite = request('INVITE', {
  cseq: 42,
  headers: [
    ['Route', '<sip:one.test;lr>'],
    ['Route', '<sip:two.test;lr>'],
    ['Require', '100rel'],
    ['Proxy-Require', 'x'],
    ['Contact', '<sip:alice@phone.test>'],
  ],
  body: new TextEncoder().encode('v=0'),
});

const common = [
  ['Via', 'SIP/2.0/UDP phone.test:5060;branch=z9hG4bK-1'],
  ['Route', '<sip:one.test;lr>'],
  ['Route', '<sip:two.test;lr>'],
  ['Max-Forwards', '70'],
  ['From', '<sip:alice@example.com>;tag=from-1'],
];

describe('the ACK to a failure (RFC 3261 §17.1.1.3)', () => {
  test('has the Request-URI, Via, Route, From, Call-ID and CSeq number of the INVITE and the To of the response', () => {
    const ack = ackTo(invite, response(invite, 486, 'busy'));
    expect(ack.method).toBe('ACK');
    expect(ack.uri).toBe('sip:bob@example.com');
    expect([...ack.headers.entries()]).toEqual([
      ...common,
      ['To', '<sip:bob@example.com>;tag=busy'],
      ['Call-ID', 'call-1@phone.test'],
      ['CSeq', '42 ACK'],
    ]);
    expect(ack.body).toHaveLength(0);
  });
});

describe('the CANCEL (RFC 3261 §9.1)', () => {
  test('has the To of the INVITE, no Require, and what the user adds', () => {
    const reason: [string, string] = ['Reason', 'SIP;cause=200;text="Call completed elsewhere"'];
    const cancel = cancelOf(invite, Headers.of(reason));
    expect(cancel.method).toBe('CANCEL');
    expect(cancel.uri).toBe('sip:bob@example.com');
    expect([...cancel.headers.entries()]).toEqual([
      ...common,
      ['To', '<sip:bob@example.com>'],
      ['Call-ID', 'call-1@phone.test'],
      ['CSeq', '42 CANCEL'],
      reason,
    ]);
  });
});
