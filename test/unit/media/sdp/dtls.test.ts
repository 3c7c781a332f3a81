import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../../../src/media/dtls/fingerprint.ts';
import { SdpLeg } from '../../../../src/media/sdp/sdp-leg.ts';
import { offersDtls, type SdpPolicy } from '../../../../src/media/sdp/sdp-policy.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import { cryptoLine, makeLeg, outsideLocals, outsidePolicy, plainAudio, textOf, withMedia } from './sdp-fixtures.ts';

const ours = fingerprintOf(Uint8Array.of(1), 'sha-256');
const theirs = fingerprintOf(Uint8Array.of(2), 'sha-256');
const others = fingerprintOf(Uint8Array.of(3), 'sha-256');
const policy: Partial<SdpPolicy> = { keying: ['sdes', 'dtls'], fingerprint: ours };
const dtlsFirst: Partial<SdpPolicy> = { ...policy, keying: ['dtls', 'sdes'] };
const tlsId = 'abcdefghijklmnopqrstuvwxyz';

interface Shown {
  readonly protocol?: string;
  readonly setup?: string;
  readonly fingerprints?: readonly string[];
  readonly tlsId?: string;
  readonly crypto?: readonly string[];
  readonly address?: string;
}

function audio({ protocol = 'UDP/TLS/RTP/SAVP', setup, fingerprints, tlsId: id, crypto = [], address }: Shown = {}) {
  const shown = fingerprints ?? [`sha-256 ${theirs.value}`];
  return withMedia(
    `m=audio 40000 ${protocol} 0 8`,
    ...(address === undefined ? [] : [`c=IN IP4 ${address}`]),
    ...shown.map((value) => `a=fingerprint:${value}`),
    ...(setup === undefined ? [] : [`a=setup:${setup}`]),
    ...(id === undefined ? [] : [`a=tls-id:${id}`]),
    ...crypto.map((value) => `a=crypto:${value}`),
  );
}

function answered(leg: SdpLeg, offer: Uint8Array): string {
  const received = leg.receiveOffer(offer);
  if (!received.ok) throw new Error(`${received.error.status} ${received.error.reason}: ${received.error.detail}`);
  const text = textOf(leg.createAnswer(received.value, outsideLocals));
  return text;
}

function refusalOf(leg: SdpLeg, offer: Uint8Array): string {
  const received = leg.receiveOffer(offer);
  return received.ok ? 'taken' : `${received.error.status} ${received.error.reason}`;
}

/** An offer of `leg` for one audio line. */
function offered(leg: SdpLeg): string {
  const plain = makeLeg({ encryption: 'off' }).receiveOffer(plainAudio);
  if (!plain.ok) throw new Error(plain.error.detail);
  const offer = leg.createOffer(plain.value, outsideLocals);
  if (!offer.ok) throw new Error(`${offer.error.status} ${offer.error.reason}`);
  return textOf(offer.value);
}

const lineOf = (text: string, start: string): string | undefined =>
  text.split('\r\n').find((line) => line.startsWith(start));
const termsOf = (leg: SdpLeg) => leg.remotes()[0]?.dtls;

describe('an offer with DTLS-SRTP (RFC 5763 §5)', () => {
  test('is answered with our fingerprint and role, and the endpoint learns whom to expect', () => {
    const leg = makeLeg(policy);
    const text = answered(leg, audio({ setup: 'actpass', tlsId }));
    expect(lineOf(text, 'm=')).toContain('UDP/TLS/RTP/SAVP 0 8');
    expect(lineOf(text, 'a=fingerprint')).toBe(`a=fingerprint:sha-256 ${ours.value}`);
    expect(lineOf(text, 'a=setup')).toBe('a=setup:active');
    expect(lineOf(text, 'a=tls-id')).toMatch(/^a=tls-id:[0-9a-f]{30}$/);
    expect(text).not.toContain('a=crypto');
    expect(leg.remotes()[0]).toMatchObject({
      receive: undefined,
      send: undefined,
      dtls: { role: 'client', fingerprints: [theirs] },
      latching: { kind: 'authenticated' },
    });
  });

  test.each([
    ['active', 'passive', 'server'],
    ['passive', 'active', 'client'],
    [undefined, 'passive', 'server'],
  ] as const)('setup %s is answered by %s', (setup, answer, role) => {
    const leg = makeLeg(policy);
    expect(lineOf(answered(leg, audio({ ...(setup && { setup }) })), 'a=setup')).toBe(`a=setup:${answer}`);
    expect(termsOf(leg)?.role).toBe(role);
  });

  test('a phone behind NAT has to come to us', () => {
    const leg = makeLeg(policy);
    const text = answered(leg, audio({ setup: 'actpass', address: '192.168.1.7' }));
    expect(lineOf(text, 'a=setup')).toBe('a=setup:passive');
    expect(leg.remotes()[0]).toMatchObject({ awaitLatch: true, dtls: { role: 'server' } });
  });

  test('tls-id is answered only to a peer that has one (RFC 8842 §5.3)', () => {
    expect(answered(makeLeg(policy), audio({ setup: 'actpass' }))).not.toContain('a=tls-id');
  });

  test('fingerprint and setup above the first m-line count for each, a line of its own replaces them (RFC 8122 §5)', () => {
    const session = ['v=0', 'o=- 4 7 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0'];
    const above = [`a=fingerprint:sha-256 ${others.value}`, 'a=setup:active'];
    const bodyOf = (...lines: string[]) => Buffer.from([...session, ...above, ...lines, ''].join('\r\n'));
    const inherited = makeLeg(policy);
    answered(inherited, bodyOf('m=audio 40000 UDP/TLS/RTP/SAVP 0'));
    expect(termsOf(inherited)).toMatchObject({ role: 'server', fingerprints: [others] });
    const own = makeLeg(policy);
    answered(own, bodyOf('m=audio 40000 UDP/TLS/RTP/SAVP 0', `a=fingerprint:sha-256 ${theirs.value}`));
    expect(termsOf(own)?.fingerprints).toEqual([theirs]);
  });

  test('several fingerprints are alternatives; what proves nothing is left out', () => {
    const leg = makeLeg(policy);
    const sha1 = `sha-1 ${Array(20).fill('AB').join(':')}`;
    answered(
      leg,
      audio({ setup: 'active', fingerprints: [sha1, `sha-256 ${theirs.value}`, `SHA-256 ${others.value}`] }),
    );
    expect(termsOf(leg)?.fingerprints).toEqual([theirs, others]);
  });

  test.each([
    ['only sha-1', { fingerprints: [`sha-1 ${Array(20).fill('AB').join(':')}`] }, '488 no-acceptable-crypto'],
    ['no fingerprint', { fingerprints: [] }, '488 no-acceptable-crypto'],
    ['only SDES keys', { fingerprints: [], crypto: [cryptoLine(1)] }, '488 no-acceptable-crypto'],
    ['holdconn', { setup: 'holdconn' }, '488 no-acceptable-crypto'],
    ['a tls-id that is none', { tlsId: 'short' }, '488 no-acceptable-crypto'],
  ])('%s: refused', (_name, shown, refusal) => {
    expect(refusalOf(makeLeg(policy), audio(shown))).toBe(refusal);
  });

  test.each([
    ['policy takes SDES only', { ...policy, keying: ['sdes'] }],
    ['workers do not speak it', { keying: ['sdes', 'dtls'] }],
    ['signalling is not secure', { ...policy, secureSignalling: false }],
    ['policy has no encryption', { ...policy, encryption: 'off' }],
  ] satisfies [string, Partial<SdpPolicy>][])('refused with 488 where %s', (_name, changes) => {
    expect(refusalOf(makeLeg(changes), audio({ setup: 'actpass' }))).toBe('488 encryption-not-allowed');
  });

  test('SDES is refused where only DTLS is taken', () => {
    const sdes = audio({ protocol: 'RTP/SAVP', fingerprints: [], crypto: [cryptoLine(1)] });
    expect(refusalOf(makeLeg({ ...policy, keying: ['dtls'] }), sdes)).toBe('488 no-acceptable-crypto');
  });
});

describe('our offer (RFC 5763 §5, RFC 8842 §5.2)', () => {
  test('has the first kind of keys that policy names, and only that', () => {
    const sdes = offered(makeLeg(policy));
    expect(lineOf(sdes, 'm=')).toContain('RTP/SAVP');
    expect(sdes).not.toContain('a=fingerprint');
    const dtls = offered(makeLeg(dtlsFirst));
    expect(lineOf(dtls, 'm=')).toContain('UDP/TLS/RTP/SAVP');
    expect(lineOf(dtls, 'a=setup')).toBe('a=setup:actpass');
    expect(dtls).not.toContain('a=crypto');
  });

  test('falls back to the next kind where the workers do not speak DTLS, and to 488 where there is none', () => {
    expect(lineOf(offered(makeLeg({ keying: ['dtls', 'sdes'] })), 'm=')).toContain('RTP/SAVP');
    expect(() => offered(makeLeg({ keying: ['dtls'] }))).toThrow('488 encryption-not-allowed');
  });

  test.each([
    ['active', 'server'],
    ['passive', 'client'],
  ])('an answer with setup %s makes us the %s', (setup, role) => {
    const leg = makeLeg(dtlsFirst);
    offered(leg);
    const answer = leg.receiveAnswer(audio({ setup, tlsId }));
    expect(answer.ok).toBe(true);
    expect(termsOf(leg)).toMatchObject({ role, fingerprints: [theirs] });
  });

  test.each([
    ['actpass, which is no answer', { setup: 'actpass' }],
    ['without a fingerprint', { fingerprints: [], setup: 'active' }],
    ['with keys of another kind', { fingerprints: [], crypto: [cryptoLine(1)], setup: 'active' }],
  ])('an answer %s is refused', (_name, shown) => {
    const leg = makeLeg(dtlsFirst);
    offered(leg);
    const answer = leg.receiveAnswer(audio(shown));
    expect(answer.ok ? 'taken' : answer.error.reason).toBe('crypto-mismatch');
  });

  test('plain RTP or SDES under another profile is no answer to it', () => {
    for (const protocol of ['RTP/AVP', 'RTP/SAVP']) {
      const leg = makeLeg(dtlsFirst);
      offered(leg);
      const answer = leg.receiveAnswer(audio({ protocol, fingerprints: [], crypto: [cryptoLine(1)] }));
      expect(answer.ok ? 'taken' : answer.error.reason).toBe('answer-mismatch');
    }
  });
});

describe('opportunistic (RFC 8643 §3)', () => {
  const opportunistic: Partial<SdpPolicy> = { ...policy, encryption: 'opportunistic' };

  test('RTP/AVP offers both kinds of keys, and the answer picks one or none', () => {
    const text = offered(makeLeg(opportunistic));
    expect(lineOf(text, 'm=')).toContain('RTP/AVP');
    expect(text).toContain('a=crypto');
    expect(lineOf(text, 'a=setup')).toBe('a=setup:actpass');
    const outcome = (shown: Shown): string | undefined => {
      const leg = makeLeg(opportunistic);
      offered(leg);
      const answer = leg.receiveAnswer(audio({ protocol: 'RTP/AVP', ...shown }));
      if (!answer.ok) return answer.error.reason;
      return leg.remotes()[0]?.receive?.suite ?? termsOf(leg)?.role;
    };
    expect(outcome({ setup: 'active' })).toBe('server');
    expect(outcome({ fingerprints: [], crypto: [cryptoLine(1)] })).toBe('AES_CM_128_HMAC_SHA1_80');
    expect(outcome({ fingerprints: [] })).toBeUndefined();
  });

  test('an offer of RTP/AVP with a fingerprint gets DTLS, without anything plain RTP', () => {
    const leg = makeLeg({ ...opportunistic, latchWindow: 1000 });
    expect(lineOf(answered(leg, audio({ protocol: 'RTP/AVP', setup: 'actpass' })), 'a=setup')).toBe('a=setup:active');
    expect(termsOf(leg)?.role).toBe('client');
    const plain = makeLeg(opportunistic);
    expect(answered(plain, plainAudio)).not.toContain('a=fingerprint');
  });
});

describe('another exchange (RFC 8842 §4, §5)', () => {
  const first = (leg: SdpLeg, shown: Shown) => {
    answered(leg, audio(shown));
    leg.commit();
    return termsOf(leg)?.association;
  };

  test('the same fingerprint and tls-id keep the association, its role and our tls-id', () => {
    const leg = makeLeg(policy);
    const name = first(leg, { setup: 'actpass', tlsId });
    const text = answered(leg, audio({ setup: 'actpass', tlsId }));
    expect(termsOf(leg)?.association).toBe(name);
    expect(lineOf(text, 'o=')).toContain(' 1 IN');
    const back = answered(
      SdpLeg.restore(rolledBack(leg).snapshot(), new SeededRandom(9)),
      audio({ setup: 'passive', tlsId }),
    );
    expect(back).toBe(text);
  });

  test.each([
    ['a new fingerprint', { fingerprints: [`sha-256 ${others.value}`] }],
    ['a new tls-id', { tlsId: `${tlsId}2` }],
    ['another role', { setup: 'active' }],
  ])('%s is another association, with another tls-id of ours', (_name, changes) => {
    const leg = makeLeg(policy);
    const name = first(leg, { setup: 'actpass', tlsId });
    const before = leg.snapshot().committedBody?.text ?? '';
    const text = answered(leg, audio({ setup: 'actpass', tlsId, ...changes }));
    expect(termsOf(leg)?.association).not.toBe(name);
    expect(lineOf(text, 'a=tls-id')).not.toBe(lineOf(before, 'a=tls-id'));
  });

  test('our own offer keeps the association, the role that is in force and the profile', () => {
    const leg = makeLeg(policy);
    const name = first(leg, { setup: 'actpass', tlsId });
    const text = offered(leg);
    expect(lineOf(text, 'm=')).toContain('UDP/TLS/RTP/SAVP');
    expect(lineOf(text, 'a=setup')).toBe('a=setup:active');
    expect(leg.receiveAnswer(audio({ setup: 'passive', tlsId })).ok).toBe(true);
    expect(termsOf(leg)?.association).toBe(name);
  });
});

function rolledBack(leg: SdpLeg): SdpLeg {
  leg.rollback();
  return leg;
}

test.each<readonly [string, Partial<SdpPolicy>, boolean]>([
  ['SDES first', policy, false],
  ['DTLS first', dtlsFirst, true],
  ['SDES first, and DTLS beside it', { ...policy, encryption: 'opportunistic' }, true],
  ['DTLS alone, without a certificate', { keying: ['sdes', 'dtls'], encryption: 'opportunistic' }, false],
  [
    'DTLS first, over signalling that hides nothing',
    { ...dtlsFirst, encryption: 'opportunistic', secureSignalling: false },
    false,
  ],
])('%s: whether a handshake may come before the answer is what an offer of ours shows', (_what, given, expected) => {
  expect(offered(makeLeg(given)).includes('a=fingerprint')).toBe(expected);
  expect(offersDtls({ ...outsidePolicy, ...given })).toBe(expected);
});
