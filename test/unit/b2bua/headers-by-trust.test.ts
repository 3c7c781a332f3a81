// What is said of a caller depends on who says it and who reads it: privacy (RFC 3323, RFC 3325 §7), forwarding (RFC 7044,
// RFC 5806), signatures (RFC 8224), one Session-ID for all legs (RFC 7989).
import { describe, expect, test } from 'vitest';
import { privacyOf } from '../../../src/b2bua/headers/privacy.ts';
import { maxIdentities, maxIdentityBytes, signatureTrace } from '../../../src/b2bua/headers/signed-identity.ts';
import type { Peer } from '../../../src/b2bua/routing/directory.ts';
import { plainNumbers } from '../../../src/b2bua/routing/number-rules.ts';
import {
  diverterOf,
  maxRetargetBytes,
  maxRetargets,
  retargetingFields,
} from '../../../src/b2bua/routing/retargeting.ts';
import { type Origin, peerTarget, userTarget } from '../../../src/b2bua/routing/target-builder.ts';
import { SessionIds } from '../../../src/b2bua/session-ids.ts';
import { userIdentity } from '../../../src/sip/auth/identity.ts';
import { Headers } from '../../../src/sip/message/headers.ts';
import type { SipRequest } from '../../../src/sip/message/message.ts';
import type { Identity } from '../../../src/sip/user-agent/session.ts';
import { SeededRandom } from '../../support/fake-time.ts';
import { fakeFlow, nextHop } from '../../support/fake-transport.ts';
import { request } from '../../support/sip-messages.ts';
import { inside, outside } from './call/call-kit.ts';

type Fields = readonly (readonly [string, string])[];

const alice = userIdentity('alice', 'pbx.test');
const fromPbx: Identity = { kind: 'pbx', name: 'main' };
const anonymous = '"Anonymous" <sip:anonymous@anonymous.invalid>';

function invite(from: string, fields: Fields = []): SipRequest {
  const made = request('INVITE', { headers: fields });
  return { ...made, headers: made.headers.with('From', `${from};tag=f`) };
}

function origin(message: SipRequest, identity: Identity): Origin {
  const trusted = identity.kind === 'pbx';
  return {
    request: message,
    identity,
    canonical: '600',
    domain: 'pbx.test',
    sips: false,
    trusted,
    headers: Headers.empty,
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
const believed: Peer = { ...pbx, kind: 'trunk', name: 'carrier', identityHost: 'carrier.test' };
const doubted: Peer = { ...believed, trusted: false };

describe('privacy (RFC 3323, RFC 3325 §7)', () => {
  const named = '"Reception" <sip:100@10.0.0.5>';
  const shown = '"Reception" <sip:100@carrier.test>';
  const asserted = '"Reception" <sip:100@carrier.test>';

  test.each([
    {
      title: 'nothing asked, trusted',
      peer: believed,
      from: named,
      privacy: undefined,
      reads: shown,
      pai: asserted,
      told: undefined,
    },
    {
      title: 'nothing asked, not trusted',
      peer: doubted,
      from: named,
      privacy: undefined,
      reads: shown,
      pai: undefined,
      told: undefined,
    },
    { title: 'id, trusted', peer: believed, from: named, privacy: 'id', reads: anonymous, pai: asserted, told: 'id' },
    {
      title: 'id, not trusted',
      peer: doubted,
      from: named,
      privacy: 'id',
      reads: anonymous,
      pai: undefined,
      told: undefined,
    },
    {
      title: 'user and header',
      peer: doubted,
      from: named,
      privacy: 'user;header',
      reads: anonymous,
      pai: undefined,
      told: undefined,
    },
    {
      title: 'upper case, with critical',
      peer: believed,
      from: named,
      privacy: 'ID;critical',
      reads: anonymous,
      pai: asserted,
      told: 'id;critical',
    },
    { title: 'none wins', peer: believed, from: named, privacy: 'none', reads: shown, pai: asserted, told: 'none' },
    {
      title: 'session alone hides nobody',
      peer: doubted,
      from: named,
      privacy: 'session',
      reads: shown,
      pai: undefined,
      told: undefined,
    },
    {
      title: 'a word that nobody knows is not passed on',
      peer: believed,
      from: named,
      privacy: 'x',
      reads: shown,
      pai: asserted,
      told: undefined,
    },
    {
      title: 'anonymous From that nobody vouches for',
      peer: believed,
      from: anonymous,
      privacy: undefined,
      reads: anonymous,
      pai: undefined,
      told: 'id',
    },
  ])('towards a trunk: $title', ({ peer, from, privacy, reads, pai, told }) => {
    const message = invite(from, privacy === undefined ? [] : [['Privacy', privacy]]);
    const target = peerTarget(peer, origin(message, fromPbx));
    expect(target.from).toBe(reads);
    expect(target.headers.get('P-Asserted-Identity')).toBe(pai);
    expect(target.headers.get('Privacy')).toBe(told);
    expect(target.contactUser).toBe(reads === anonymous ? undefined : '100');
  });

  test('of a user: the PBX is told who it is, and From stays as anonymous as it came', () => {
    const target = peerTarget(pbx, origin(invite('<sip:anonymous@anonymous.invalid>'), alice));
    expect(target.from).toBe(anonymous);
    expect(target.headers.get('P-Asserted-Identity')).toBe('<sip:alice@pbx.test>');
    expect(target.headers.get('Privacy')).toBe('id');
  });

  test('towards a phone: neither From nor Contact nor Privacy tells', () => {
    const contact = {
      path: [],
      priority: 1,
      identity: alice,
      uri: 'sip:alice@192.168.1.5',
      destination: { kind: 'flow' as const, flow: fakeFlow({ transport: 'tls' }) },
      media: outside,
    };
    const message = invite('<sip:100@pbx.test>', [['Privacy', 'id']]);
    const target = userTarget('alice@pbx.test', contact, origin(message, fromPbx));
    expect(target).toMatchObject({ from: anonymous, contactUser: undefined });
    expect(target.headers.size).toBe(0);
  });

  test('asks for nothing that this node would not do: an unknown word is no wish', () => {
    expect(privacyOf(invite('<sip:a@b.test>', [['Privacy', 'x;y']]))).toEqual({
      hidesCaller: false,
      isAnonymous: false,
      header: undefined,
    });
  });
});

describe('who forwarded a call (RFC 7044, RFC 5806)', () => {
  const history: Fields = [
    ['History-Info', '<sip:600@10.0.0.5:5060;transport=udp?Reason=SIP%3Bcause%3D302&X-Inside=1>;index=1;foo=bar'],
    ['History-Info', '<sip:+441632960000@10.0.0.5;cause=302>;index=1.1;mp=1'],
    ['Diversion', '"Desk" <sip:600@10.0.0.5>;reason=unconditional;privacy=off;x-host=inside'],
  ];

  test('is told with the hosts of the reader, and without what shows the inside', () => {
    expect(retargetingFields(invite('<sip:100@10.0.0.5>', history), 'carrier.test')).toEqual([
      ['History-Info', '<sip:600@carrier.test?Reason=SIP%3Bcause%3D302>;index=1'],
      ['History-Info', '<sip:+441632960000@carrier.test;cause=302>;index=1.1;mp=1'],
      ['Diversion', '"Desk" <sip:600@carrier.test>;reason=unconditional;privacy=off'],
    ]);
  });

  test.each([
    ['trusted to trusted', fromPbx, believed, true],
    ['trusted to not trusted', fromPbx, doubted, false],
    ['a user to the PBX', alice, pbx, false],
    ['a trunk that is not trusted to the PBX', { kind: 'trunk', name: 'x' } satisfies Identity, pbx, false],
  ])('crosses by the trust of both: %s', (_title, identity, peer, crosses) => {
    const { headers } = peerTarget(peer, origin(invite('<sip:alice@pbx.test>', history), identity));
    expect(headers.has('History-Info')).toBe(crosses);
    expect(headers.has('Diversion')).toBe(crosses);
  });

  test('is bounded, and what cannot be read stays behind', () => {
    const many = Array.from({ length: maxRetargets + 5 }, (_, index) => ['Diversion', `<sip:${index}@a>`] as const);
    expect(retargetingFields(invite('<sip:a@b>', many), 'h')).toHaveLength(maxRetargets);
    const odd: Fields = [
      ['Diversion', '<sip:no-user.test>'],
      ['Diversion', '"broken <sip:a@b'],
      ['Diversion', `<sip:${'9'.repeat(maxRetargetBytes)}@a>`],
    ];
    expect(retargetingFields(invite('<sip:a@b>', odd), 'h')).toEqual([]);
  });

  test('names the last who did it', () => {
    expect(diverterOf(invite('<sip:a@b>', history))).toBe('600');
    expect(diverterOf(invite('<sip:a@b>', history.slice(0, 2)))).toBe('600');
    expect(diverterOf(invite('<sip:a@b>', history.slice(0, 1)))).toBeUndefined();
    expect(diverterOf(invite('<sip:a@b>'))).toBeUndefined();
  });
});

describe('a signed Identity (RFC 8224)', () => {
  const signature = 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln;info=<https://cert.test/a.pem>;alg=ES256;ppt=shaken';
  const signed = (fields: Fields = []): SipRequest =>
    invite('"A, B" <sip:+441632960000@carrier.test;user=phone>', [
      ['Identity', signature],
      ['Date', 'Fri, 27 Nov 2026 02:00:00 GMT'],
      ...fields,
    ]);
  const passing: Peer = { ...pbx, signedIdentity: 'pass' };

  test('passes unmodified where that is configured, and From, To and Date are then as they came', () => {
    const target = peerTarget(passing, origin(signed(), { kind: 'trunk', name: 'carrier' }));
    expect(target.headers.all('Identity')).toEqual([signature]);
    expect(target.headers.get('Date')).toBe('Fri, 27 Nov 2026 02:00:00 GMT');
    expect(target.from).toBe('"A, B" <sip:+441632960000@carrier.test;user=phone>');
    expect(target.to).toBe('<sip:bob@example.com>');
  });

  test('does not pass elsewhere, and From is ours', () => {
    const target = peerTarget(pbx, origin(signed(), { kind: 'trunk', name: 'carrier' }));
    expect(target.headers.has('Identity')).toBe(false);
    expect(target.headers.has('Date')).toBe(false);
    expect(target.from).toBe('"A, B" <sip:+441632960000@pbx.test>');
  });

  test('gives way to privacy', () => {
    const target = peerTarget({ ...believed, signedIdentity: 'pass' }, origin(signed([['Privacy', 'id']]), fromPbx));
    expect(target.headers.has('Identity')).toBe(false);
    expect(target.from).toBe(anonymous);
  });

  test('is all or nothing, and what became of it is told', () => {
    const tooMany = signed(Array.from({ length: maxIdentities }, () => ['Identity', signature] as const));
    const tooLong = invite('<sip:a@b>', [['Identity', 'x'.repeat(maxIdentityBytes + 1)]]);
    for (const message of [tooMany, tooLong]) {
      expect(peerTarget(passing, origin(message, fromPbx)).headers.has('Identity')).toBe(false);
      expect(signatureTrace(message, 'pass', false)?.answer).toBe('dropped: too many or too long');
    }
    expect(signatureTrace(signed(), 'pass', false)?.answer).toBe('passed with From, To and Date as they came');
    expect(signatureTrace(signed(), 'pass', true)?.answer).toBe('dropped: the caller wants privacy');
    expect(signatureTrace(signed(), 'drop', false)?.answer).toBe('dropped: From and To are rewritten');
    expect(signatureTrace(invite('<sip:a@b>'), 'drop', false)).toBeUndefined();
  });
});

describe('Session-ID (RFC 7989)', () => {
  const a = 'a'.repeat(32);
  const b = 'b'.repeat(32);
  const nil = '0'.repeat(32);
  const heard = (value: string): SipRequest => request('INVITE', { headers: [['Session-ID', value]] });
  const ids = (): SessionIds => new SessionIds(new SeededRandom(4));

  test('passes the half of each side to the other', () => {
    const s = ids();
    s.heard('a', heard(`${a};remote=${nil}`));
    expect(s.towards('b1').get('Session-ID')).toBe(`${a};remote=${nil}`);
    s.heard('b1', heard(`${b};remote=${a}`));
    expect(s.towards('a').get('Session-ID')).toBe(`${b};remote=${a}`);
    expect(s.towards('b1').get('Session-ID')).toBe(`${a};remote=${b}`);
  });

  test('is spoken for a side that has none, with one half for the whole call', () => {
    const s = ids();
    s.heard('b1', heard(b));
    const first = s.towards('b1').get('Session-ID');
    expect(first).toMatch(new RegExp(`^[0-9a-f]{32};remote=${b}$`));
    expect(s.towards('b1').get('Session-ID')).toBe(first);
  });

  test('is not made where nobody has one, nor of what is none', () => {
    const s = ids();
    for (const bad of ['x', a.toUpperCase(), nil, `${a.slice(1)}g`]) s.heard('a', heard(bad));
    expect(s.towards('b1').size).toBe(0);
  });

  test('follows the attempt that is heard, and the endpoint that comes later', () => {
    const s = ids();
    s.heard('a', heard(a));
    s.heard('b1', heard(b));
    s.heard('b2', heard('c'.repeat(32)));
    expect(s.towards('a').get('Session-ID')).toBe(`${'c'.repeat(32)};remote=${a}`);
    s.heard('b2', heard('d'.repeat(32)));
    expect(s.towards('a').get('Session-ID')).toBe(`${'d'.repeat(32)};remote=${a}`);
  });
});
