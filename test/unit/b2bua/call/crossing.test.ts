// What crosses from leg to leg: headers by allow-list, identity by proof, hosts of the side that reads them (RFC 3325, RFC 5853).
import { describe, expect, test } from 'vitest';
import type { EndCause } from '../../../../src/b2bua/call/end-cause.ts';
import { reasonFor, statusReason } from '../../../../src/b2bua/call/reason.ts';
import { crossInvite, maxCrossingValueBytes, reasonOf } from '../../../../src/b2bua/headers/header-policy.ts';
import type { Peer, ReachableContact } from '../../../../src/b2bua/routing/directory.ts';
import { plainNumbers } from '../../../../src/b2bua/routing/number-rules.ts';
import {
  maxDisplayNameLength,
  type Origin,
  peerTarget,
  userTarget,
} from '../../../../src/b2bua/routing/target-builder.ts';
import { userIdentity } from '../../../../src/sip/auth/identity.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import type { SipRequest } from '../../../../src/sip/message/message.ts';
import type { Identity } from '../../../../src/sip/user-agent/session.ts';
import { fakeFlow, nextHop } from '../../../support/fake-transport.ts';
import { request } from '../../../support/sip-messages.ts';
import { inside, outside } from './call-kit.ts';

const alice = userIdentity('alice', 'pbx.test');

function invite(from: string, fields: readonly (readonly [string, string])[] = []): SipRequest {
  const made = request('INVITE', { headers: fields });
  return { ...made, headers: made.headers.with('From', `${from};tag=f`) };
}

function origin(message: SipRequest, identity: Identity = alice, over: Partial<Origin> = {}): Origin {
  return {
    request: message,
    identity,
    canonical: '600',
    domain: 'pbx.test',
    sips: false,
    trusted: identity.kind === 'pbx',
    headers: Headers.empty,
    ...over,
  };
}

const pbx: Peer = {
  kind: 'pbx',
  name: 'main',
  facts: { kind: 'pbx', name: 'main', limits: undefined },
  numbers: plainNumbers,
  destination: nextHop(),
  hostPort: '10.0.0.5:5060',
  scheme: 'sip',
  identityHost: 'pbx.test',
  trusted: true,
  signedIdentity: 'drop',
  takesSipsWithoutTls: false,
  media: inside,
  credentials: undefined,
  isUp: () => true,
};

describe('headers', () => {
  test('cross by name, in their number and order, with the hops that are left', () => {
    const message = invite('<sip:alice@pbx.test>', [
      ['Subject', 'one'],
      ['Priority', 'urgent'],
      ['Subject', 'two'],
      ['X-Anything', 'no'],
      ['Server', 'no'],
    ]);
    expect([...crossInvite(message, false, 41).entries()]).toEqual([
      ['Max-Forwards', '41'],
      ['Allow', expect.stringContaining('INVITE')],
      ['Subject', 'one'],
      ['Subject', 'two'],
      ['Priority', 'urgent'],
    ]);
  });

  test('that make a phone do something cross only from those who may ask for it', () => {
    const message = invite('<sip:alice@pbx.test>', [['Alert-Info', '<http://ring.test/x.wav>']]);
    expect(crossInvite(message, false, 1).has('Alert-Info')).toBe(false);
    expect(crossInvite(message, true, 1).has('Alert-Info')).toBe(true);
  });

  test('that are too long stay behind', () => {
    const fits = 'x'.repeat(maxCrossingValueBytes);
    expect(crossInvite(invite('<sip:a@b>', [['Subject', fits]]), false, 1).get('Subject')).toBe(fits);
    expect(crossInvite(invite('<sip:a@b>', [['Subject', `${fits}x`]]), false, 1).has('Subject')).toBe(false);
    const bye = (reason: string): SipRequest => request('BYE', { headers: [['Reason', reason]] });
    expect(reasonOf(bye('Q.850;cause=16'))).toBe('Q.850;cause=16');
    expect(reasonOf(bye(`${fits}x`))).toBeUndefined();
    expect(reasonOf(undefined)).toBeUndefined();
  });
});

describe('a call to the PBX', () => {
  test('asserts the user that proved itself, whatever From and P-Asserted-Identity say', () => {
    const message = invite('"Boss" <sip:director@pbx.test>', [['P-Asserted-Identity', '<sip:director@pbx.test>']]);
    const target = peerTarget(pbx, origin(message));
    expect(target.from).toBe('"Boss" <sip:alice@pbx.test>');
    expect(target.headers.all('P-Asserted-Identity')).toEqual(['"Boss" <sip:alice@pbx.test>']);
    expect(target.requestUri).toBe('sip:600@10.0.0.5:5060');
    expect(target.followTarget).toBe(true);
  });

  test('escapes what a URI would read as its own', () => {
    const target = peerTarget(pbx, origin(invite('<sip:alice@pbx.test>'), alice, { canonical: '#31#600' }));
    expect(target.requestUri).toBe('sip:%2331%23600@10.0.0.5:5060');
  });

  test('shows a display name, but not without end, and never as markup', () => {
    const long = peerTarget(pbx, origin(invite(`"${'n'.repeat(500)}" <sip:alice@pbx.test>`)));
    expect(long.from).toBe(`"${'n'.repeat(maxDisplayNameLength)}" <sip:alice@pbx.test>`);
    const sly = peerTarget(pbx, origin(invite('"a\\" <sip:evil@evil.test>;x=\\"" <sip:alice@pbx.test>')));
    expect(sly.from).toBe('"a\\" <sip:evil@evil.test>;x=\\"" <sip:alice@pbx.test>');
  });

  test('from a trunk asserts what a trusted one asserts, and nothing for one that is not trusted (RFC 3325 §5)', () => {
    const message = invite('<sip:anonymous@anonymous.invalid>', [
      ['P-Asserted-Identity', '<tel:+441632960000>, <sip:other@carrier.test>'],
    ]);
    const trunk: Identity = { kind: 'trunk', name: 'carrier' };
    const believed = peerTarget(pbx, origin(message, trunk, { trusted: true }));
    expect(believed.headers.get('P-Asserted-Identity')).toBe('<sip:+441632960000@pbx.test>');
    const doubted = peerTarget(pbx, origin(message, trunk, { trusted: false }));
    expect(doubted.headers.has('P-Asserted-Identity')).toBe(false);
  });
});

test('a call to an untrusted trunk carries no asserted identity', () => {
  const limits = {
    concurrentCalls: 3,
    direction: 'both',
    maxCallDuration: 1,
    ringTimeout: 1,
    earlyMediaTimeout: 1,
  } as const;
  const trunk: Peer = {
    ...pbx,
    kind: 'trunk',
    name: 'carrier',
    facts: { kind: 'trunk', name: 'carrier', limits },
    trusted: false,
    identityHost: 'sip.carrier.test',
    scheme: 'sips',
  };
  const target = peerTarget(trunk, origin(invite('<sip:100@pbx.test>'), { kind: 'pbx', name: 'main' }));
  expect(target.headers.has('P-Asserted-Identity')).toBe(false);
  expect(target.from).toBe('<sip:100@sip.carrier.test>');
  expect(target.requestUri).toMatch(/^sips:/);
  expect(target.followTarget).toBe(false);
});

test('a call to a phone goes to the contact that it registered, over its flow', () => {
  const flow = fakeFlow({ transport: 'tls' });
  const contact: ReachableContact = {
    path: [],
    priority: 1,
    identity: alice,
    uri: 'sip:alice@192.168.1.5:5060;ob',
    destination: { kind: 'flow', flow },
    media: outside,
  };
  const target = userTarget(
    'alice@pbx.test',
    contact,
    origin(invite('"R" <sip:100@10.0.0.5>'), { kind: 'pbx', name: 'main' }),
  );
  expect(target).toMatchObject({
    requestUri: contact.uri,
    destination: { kind: 'flow' },
    claims: [],
    followTarget: false,
  });
  expect(target.from).toBe('"R" <sip:100@pbx.test>');
  expect(target.headers.has('P-Asserted-Identity')).toBe(false);
});

test('each end that the method alone does not explain has a Reason (RFC 3326)', () => {
  const silent: readonly EndCause[] = ['refused', 'failed', 'no-ack', 'signalling-timeout', 'internal'];
  for (const cause of silent) expect(reasonFor(cause).size).toBe(0);
  const spoken: readonly EndCause[] = ['caller-hung-up', 'duration-limit', 'media-timeout', 'draining', 'operator'];
  for (const cause of spoken) expect(reasonFor(cause).get('Reason')).toMatch(/^(SIP|Q\.850);cause=\d+;text="[^"]+"$/);
  expect(statusReason(486, 'Busy').get('Reason')).toBe('SIP;cause=486;text="Busy"');
});
