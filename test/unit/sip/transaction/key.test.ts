import { describe, expect, test } from 'vitest';
import { essentialsOf } from '../../../../src/sip/message/header-fields.ts';
import type { SipRequest } from '../../../../src/sip/message/message.ts';
import { hasUniqueBranch, isSameSource, originKey, serverKey } from '../../../../src/sip/transaction/key.ts';
import { fakeFlow } from '../../../support/fake-transport.ts';
import { type RequestOptions, request } from '../../../support/sip-messages.ts';

function keyOf(message: SipRequest, method = message.method): string {
  return serverKey(message, essentialsOf(message), method);
}

function inviteKey(options: RequestOptions): string {
  return keyOf(request('INVITE', options));
}

describe('server transactions by branch (RFC 3261 §17.2.3)', () => {
  const original = inviteKey({});

  test.each<[string, RequestOptions]>([
    ['a branch in another case', { branch: 'Z9HG4BK-1' }],
    ['a sent-by host in another case', { sentBy: 'Phone.TEST:5060' }],
    ['another Request-URI, CSeq and tag', { uri: 'sip:carol@example.com', cseq: 7, fromTag: 'other', toTag: 'x' }],
  ])('%s is the same one', (_, options) => {
    expect(inviteKey(options)).toBe(original);
  });

  test.each<[string, RequestOptions]>([
    ['another branch', { branch: 'z9hG4bK-2' }],
    ['another sent-by host', { sentBy: 'other.test:5060' }],
    ['another sent-by port', { sentBy: 'phone.test:5061' }],
    ['no sent-by port', { sentBy: 'phone.test' }],
  ])('%s is another one', (_, options) => {
    expect(inviteKey(options)).not.toBe(original);
  });

  test('another method is another one; ACK and CANCEL look for the INVITE', () => {
    expect(keyOf(request('BYE'))).not.toBe(original);
    expect(keyOf(request('CANCEL'))).not.toBe(original);
    expect(keyOf(request('ACK'), 'INVITE')).toBe(original);
    expect(keyOf(request('CANCEL'), 'INVITE')).toBe(original);
  });
});

describe('server transactions of RFC 2543 (RFC 3261 §17.2.3)', () => {
  const old: RequestOptions = { branch: '1' };
  const original = inviteKey(old);

  test.each<[string, RequestOptions]>([
    ['Request-URI', { uri: 'sip:carol@example.com' }],
    ['From tag', { fromTag: 'other' }],
    ['Call-ID', { callId: 'other' }],
    ['CSeq number', { cseq: 2 }],
    ['top Via branch', { branch: '2' }],
    ['top Via without branch', { branch: null }],
    ['top Via host', { sentBy: 'other.test:5060' }],
    ['top Via protocol', { protocol: 'TCP' }],
  ])('another %s is another one', (_, options) => {
    expect(inviteKey({ ...old, ...options })).not.toBe(original);
  });

  test('a copy is the same one, and so is its ACK with the tag of the answer', () => {
    expect(inviteKey(old)).toBe(original);
    expect(keyOf(request('ACK', { ...old, toTag: 'to-1' }), 'INVITE')).toBe(original);
  });

  test.each([
    ['z9hG4bK-1', true],
    ['Z9hg4BK-1', true],
    ['z9hG4bK', false],
    ['1', false],
    [null, false],
  ])('branch %s alone names a transaction: %s (RFC 4475 §3.2.1)', (branch, isUnique) => {
    expect(hasUniqueBranch(essentialsOf(request('INVITE', { branch })).via)).toBe(isUnique);
  });
});

describe('copies that took several paths (RFC 3261 §8.2.2.2)', () => {
  const origin = (options: RequestOptions): string | undefined => originKey(essentialsOf(request('INVITE', options)));

  test('share From tag, Call-ID and CSeq, whatever their branch and Request-URI', () => {
    expect(origin({ branch: 'z9hG4bK-2', uri: 'sip:b@example.com' })).toBe(origin({}));
    expect(origin({ fromTag: 'other' })).not.toBe(origin({}));
    expect(origin({ callId: 'other' })).not.toBe(origin({}));
    expect(origin({ cseq: 2 })).not.toBe(origin({}));
  });

  test('are not looked for inside a dialog', () => {
    expect(origin({ toTag: 'to-1' })).toBeUndefined();
  });
});

test('a source is a listener and an address, whatever the port', () => {
  const flow = fakeFlow();
  expect(isSameSource(flow, fakeFlow({ remote: { address: '198.51.100.1', port: 40_000 } }))).toBe(true);
  expect(isSameSource(flow, fakeFlow({ remote: { address: '198.51.100.2', port: 5060 } }))).toBe(false);
  expect(isSameSource(flow, fakeFlow({ listener: 'other' }))).toBe(false);
});
