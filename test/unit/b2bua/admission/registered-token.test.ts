// Whom a peer calls by what we registered with it.
import { describe, expect, test } from 'vitest';
import { askedByToken, dialledUri } from '../../../../src/b2bua/admission/registered-token.ts';
import { essentials } from '../../../../src/sip/message/header-fields.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody, type SipRequest } from '../../../../src/sip/message/message.ts';
import type { Identity } from '../../../../src/sip/user-agent/session.ts';

const pbx: Identity = { kind: 'pbx', name: 'main' };
const trunk: Identity = { kind: 'trunk', name: 'carrier' };
const via = 'SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1';
const path = '<sip:token@10.0.0.10:5060;lr>';
const ids = [
  ['From', '<sip:+4930@pbx.test>;tag=1'],
  ['To', '<sip:+4940@pbx.test>'],
  ['Call-ID', 'c1'],
  ['CSeq', '1 INVITE'],
  ['Max-Forwards', '70'],
] as const;

function invite(uri: string, ...fields: readonly (readonly [string, string])[]): SipRequest {
  const all = [...fields, ...ids].map(([name, value]): [string, string] => [name, value]);
  return { kind: 'request', method: 'INVITE', uri, headers: Headers.of(...all), body: noBody };
}

describe('of a PBX', () => {
  const directory = {
    registeredAor: (name: string, user: string) =>
      name === 'main' && user === 'token' ? { aor: 'alice@pbx.test' } : undefined,
  };

  test.each([
    ['our Contact, which makes us the end', invite('sip:token@10.0.0.10', ['Via', via], ['Via', via]), false],
    ['our Path, where it calls by itself', invite('sip:alice@192.0.2.7', ['Via', via], ['Route', path]), false],
    ['our Path, where it is a proxy', invite('sip:alice@192.0.2.7', ['Via', via], ['Via', via], ['Route', path]), true],
  ])('%s', (_, request, isOfProxy) => {
    expect(askedByToken(request, pbx, directory)).toEqual({ aor: 'alice@pbx.test', isOfProxy });
  });

  test('nobody is asked for by another name, by a Route that is not the first, or by who is no PBX', () => {
    expect(askedByToken(invite('sip:alice@10.0.0.10'), pbx, directory)).toBeUndefined();
    expect(askedByToken(invite('tel:+4940'), pbx, directory)).toBeUndefined();
    const second = invite('sip:alice@192.0.2.7', ['Route', '<sip:10.0.0.9;lr>'], ['Route', path]);
    expect(askedByToken(second, pbx, directory)).toBeUndefined();
    expect(askedByToken(invite('sip:token@10.0.0.10'), trunk, directory)).toBeUndefined();
  });
});

test('a trunk that sends to our Contact has dialled what is in To, everybody else the Request-URI', () => {
  const directory = { isTrunkContact: (name: string, user: string) => name === 'carrier' && user === 'ours' };
  const dialled = (uri: string, identity: Identity): unknown => {
    const request = invite(uri, ['Via', via]);
    // As the transaction layer has asked before.
    expect(essentials(request).ok).toBe(true);
    const read = dialledUri(request, identity, directory);
    return read.ok && read.value.scheme === 'sip' ? read.value.user : read.ok;
  };
  expect(dialled('sip:ours@203.0.113.10', trunk)).toBe('+4940');
  expect(dialled('sip:+4950@203.0.113.10', trunk)).toBe('+4950');
  expect(dialled('sip:ours@203.0.113.10', pbx)).toBe('ours');
  expect(dialled('no uri', trunk)).toBe(false);
});
