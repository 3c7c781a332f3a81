import { describe, expect, test } from 'vitest';
import type { SdpPolicy } from '../../../../src/media/sdp/sdp-policy.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import {
  accepted,
  cryptoLine,
  insideLocals,
  insidePolicy,
  keySalt,
  linesWith,
  makeLeg,
  outsideLocals,
  plainAudio,
  refusalOf,
  secureAudio,
  withMedia,
} from './sdp-fixtures.ts';

const opportunistic = { encryption: 'opportunistic' } as const;
const off = { encryption: 'off' } as const;
const insecure = { secureSignalling: false } as const;
const bothProfiles = withMedia('m=audio 40000 RTP/AVP 0', `a=crypto:${cryptoLine(1)}`);

/** What `policy` makes of an offer: the refusal, or the m-line and the keys of the answer. */
function answerTo(offer: Uint8Array, policy: Partial<SdpPolicy>): string {
  const leg = makeLeg(policy);
  const received = leg.receiveOffer(offer);
  if (!received.ok) return refusalOf(received);
  const answer = leg.createAnswer(received.value, outsideLocals);
  const profile = linesWith(answer, 'm=')[0]?.split(' ')[2];
  return [
    profile,
    ...linesWith(answer, 'a=crypto:').map((line) => line.slice(9).split(' ').slice(0, 2).join(' ')),
  ].join(' ');
}

describe('a peer’s offer under each policy (RFC 4568 §7, RFC 8643 §3)', () => {
  const keyed = 'RTP/SAVP 1 AES_CM_128_HMAC_SHA1_80';
  test.each<readonly [string, Partial<SdpPolicy>, Uint8Array, string]>([
    ['required takes RTP/SAVP', {}, secureAudio(cryptoLine(1)), keyed],
    ['required takes RTP/AVP that brings keys', {}, bothProfiles, 'RTP/AVP 1 AES_CM_128_HMAC_SHA1_80'],
    ['required refuses plain RTP', {}, plainAudio, '488 encryption-required'],
    ['required refuses RTP/SAVP without keys', {}, secureAudio(), '488 no-acceptable-crypto'],
    ['required refuses unknown suites', {}, secureAudio('1 F8_128_HMAC_SHA1_80 inline:x'), '488 no-acceptable-crypto'],
    [
      'required refuses a suite outside policy',
      {},
      secureAudio(cryptoLine(1, 'AEAD_AES_256_GCM')),
      '488 no-acceptable-crypto',
    ],
    ['required takes no keys over UDP', insecure, secureAudio(cryptoLine(1)), '488 encryption-not-allowed'],
    ['required refuses plain RTP over UDP too', insecure, plainAudio, '488 encryption-required'],
    ['opportunistic takes RTP/SAVP', opportunistic, secureAudio(cryptoLine(1)), keyed],
    ['opportunistic takes RTP/AVP that brings keys', opportunistic, bothProfiles, 'RTP/AVP 1 AES_CM_128_HMAC_SHA1_80'],
    ['opportunistic takes plain RTP', opportunistic, plainAudio, 'RTP/AVP'],
    ['opportunistic refuses RTP/SAVP without keys', opportunistic, secureAudio(), '488 no-acceptable-crypto'],
    ['opportunistic ignores keys that came over UDP', { ...opportunistic, ...insecure }, bothProfiles, 'RTP/AVP'],
    [
      'opportunistic refuses RTP/SAVP over UDP',
      { ...opportunistic, ...insecure },
      secureAudio(cryptoLine(1)),
      '488 encryption-not-allowed',
    ],
    ['off takes plain RTP', off, plainAudio, 'RTP/AVP'],
    ['off ignores keys beside RTP/AVP', off, bothProfiles, 'RTP/AVP'],
    ['off refuses RTP/SAVP', off, secureAudio(cryptoLine(1)), '488 encryption-not-allowed'],
  ])('%s', (_, policy, offer, expected) => {
    expect(answerTo(offer, policy)).toBe(expected);
  });

  test('echoes the tag of the line that policy prefers, among many', () => {
    const lines = [
      cryptoLine(1, 'AES_CM_128_HMAC_SHA1_32'),
      '2 X y',
      cryptoLine(17),
      cryptoLine(18, 'AEAD_AES_128_GCM'),
    ];
    expect(answerTo(secureAudio(...lines), {})).toBe('RTP/SAVP 17 AES_CM_128_HMAC_SHA1_80');
    expect(answerTo(secureAudio(...lines), { suites: ['AEAD_AES_128_GCM'] })).toBe('RTP/SAVP 18 AEAD_AES_128_GCM');
  });

  test('keeps the F of the profile (RFC 5124)', () => {
    const offer = withMedia('m=audio 40000 RTP/SAVPF 0', `a=crypto:${cryptoLine(1)}`);
    expect(answerTo(offer, {})).toBe('RTP/SAVPF 1 AES_CM_128_HMAC_SHA1_80');
    expect(answerTo(withMedia('m=audio 40000 RTP/AVPF 0'), off)).toBe('RTP/AVPF');
  });

  test('takes the encrypted one of a stream that is offered as RTP/AVP and as RTP/SAVP on one port', () => {
    const plain = 'm=audio 40000 RTP/AVP 0';
    const secure = ['m=audio 40000 RTP/SAVP 0', `a=crypto:${cryptoLine(1)}`];
    for (const [policy, offer, ports] of [
      [opportunistic, [plain, ...secure], [0, 20_002]],
      [opportunistic, [...secure, plain], [20_000, 0]],
      [{}, [plain, ...secure], [0, 20_002]],
      [off, [...secure, plain], [0, 20_002]],
    ] as const) {
      const leg = makeLeg(policy);
      const received = accepted(leg.receiveOffer(withMedia(...offer)));
      const answer = leg.createAnswer(received, outsideLocals);
      expect(linesWith(answer, 'm=').map((line) => Number(line.split(' ')[1]))).toEqual(ports);
    }
  });

  test('answers with a key of its own, and tells the worker both', () => {
    const leg = makeLeg();
    const received = accepted(leg.receiveOffer(secureAudio(cryptoLine(1))));
    const answer = leg.createAnswer(received, outsideLocals);
    const [remote] = leg.remotes();
    const ours = Buffer.concat([
      remote?.send?.masterKey ?? Buffer.alloc(0),
      remote?.send?.masterSalt ?? Buffer.alloc(0),
    ]);
    const theirs = Buffer.concat([
      remote?.receive?.masterKey ?? Buffer.alloc(0),
      remote?.receive?.masterSalt ?? Buffer.alloc(0),
    ]);
    expect(theirs.toString('base64')).toBe(keySalt('AES_CM_128_HMAC_SHA1_80'));
    expect(linesWith(answer, 'a=crypto:')).toEqual([
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${ours.toString('base64')}`,
    ]);
    expect(remote?.latching).toEqual({ kind: 'authenticated' });
  });
});

describe('our offer under each policy', () => {
  const offered = accepted(makeLeg(off).receiveOffer(plainAudio));
  const feedback = accepted(
    makeLeg(off).receiveOffer(withMedia('m=audio 40000 RTP/AVPF 0', 'm=video 40002 RTP/AVPF 96')),
  );
  const create = (
    policy: Partial<SdpPolicy>,
    description = offered,
  ): ReturnType<ReturnType<typeof makeLeg>['createOffer']> => makeLeg(policy).createOffer(description, outsideLocals);

  test('required: RTP/SAVP with a line for each suite, each with a key of its own', () => {
    const offer = accepted(create({}));
    expect(linesWith(offer, 'm=')).toEqual(['m=audio 20000 RTP/SAVP 0 8']);
    const crypto = linesWith(offer, 'a=crypto:').map((line) => line.slice(9).split(' '));
    expect(crypto.map(([tag, suite]) => `${tag} ${suite}`)).toEqual([
      '1 AES_CM_128_HMAC_SHA1_80',
      '2 AES_256_CM_HMAC_SHA1_80',
      '3 AEAD_AES_128_GCM',
    ]);
    expect(new Set(crypto.map(([, , key]) => key)).size).toBe(3);
  });

  test('opportunistic: RTP/AVP with keys (RFC 8643 §3.1); off: without', () => {
    const offer = accepted(create(opportunistic));
    expect(linesWith(offer, 'm=')).toEqual(['m=audio 20000 RTP/AVP 0 8']);
    expect(linesWith(offer, 'a=crypto:')).toHaveLength(3);
    expect(linesWith(accepted(create(off)), 'a=crypto:')).toEqual([]);
  });

  test('keeps the F of the other leg for video, and drops it for audio: a peer with RTP/AVP alone would refuse it', () => {
    const [secure, plain] = [create({}, feedback), create(off, feedback)].map((offer) =>
      linesWith(accepted(offer), 'm='),
    );
    expect(secure).toEqual(['m=audio 20000 RTP/SAVP 0', 'm=video 20002 RTP/SAVPF 96']);
    expect(plain).toEqual(['m=audio 20000 RTP/AVP 0', 'm=video 20002 RTP/AVPF 96']);
  });

  test('never shows a key where signalling is not TLS (RFC 4568 §7)', () => {
    expect(refusalOf(create(insecure))).toBe('488 encryption-not-allowed');
    expect(linesWith(accepted(create({ ...opportunistic, ...insecure })), 'a=crypto:')).toEqual([]);
  });

  test('has fresh keys on every leg', () => {
    const random = new SeededRandom(11);
    const keys = [1, 2, 3].map(() =>
      linesWith(accepted(makeLeg({}, random).createOffer(offered, outsideLocals)), 'a=crypto:1'),
    );
    expect(new Set(keys.map(([line]) => line)).size).toBe(3);
  });
});

describe('an answer to our offer (RFC 4568 §7.1.3)', () => {
  const offered = accepted(makeLeg(off).receiveOffer(plainAudio));
  const suite = 'AES_CM_128_HMAC_SHA1_80';

  /** `ours` in an answer line stands for the key of our first line. */
  function outcome(policy: Partial<SdpPolicy>, protocol: string, ...crypto: readonly string[]): string {
    const leg = makeLeg(policy);
    const offer = accepted(leg.createOffer(offered, outsideLocals));
    const ours = linesWith(offer, 'a=crypto:')[0]?.split('inline:')[1] ?? '';
    const lines = crypto.map((value) => `a=crypto:${value.replace('ours', ours)}`);
    const result = leg.receiveAnswer(withMedia(`m=audio 40000 ${protocol} 0`, ...lines));
    return result.ok ? (leg.remotes()[0]?.send?.suite ?? 'plain') : refusalOf(result);
  }

  test.each<readonly [string, Partial<SdpPolicy>, string, readonly string[], string]>([
    ['may take the first line', {}, 'RTP/SAVP', [cryptoLine(1)], suite],
    ['may take another line', {}, 'RTP/SAVP', [cryptoLine(3, 'AEAD_AES_128_GCM')], 'AEAD_AES_128_GCM'],
    ['may write the tag with zeros', {}, 'RTP/SAVP', [cryptoLine(1).replace('1 ', '001 ')], suite],
    [
      'may not name another suite under the tag',
      {},
      'RTP/SAVP',
      [cryptoLine(1, 'AEAD_AES_128_GCM')],
      '488 crypto-mismatch',
    ],
    ['may not name a tag of its own', {}, 'RTP/SAVP', [cryptoLine(9)], '488 crypto-mismatch'],
    [
      'may not have two lines',
      {},
      'RTP/SAVP',
      [cryptoLine(1), cryptoLine(2, 'AES_256_CM_HMAC_SHA1_80')],
      '488 crypto-mismatch',
    ],
    ['may not lack the line', {}, 'RTP/SAVP', [], '488 crypto-mismatch'],
    ['may not have an MKI', {}, 'RTP/SAVP', [`${cryptoLine(1)}|1:4`], '488 crypto-mismatch'],
    ['may not ask for plain RTCP', {}, 'RTP/SAVP', [`${cryptoLine(1)} UNENCRYPTED_SRTCP`], '488 crypto-mismatch'],
    ['may not give our own key back', {}, 'RTP/SAVP', [`1 ${suite} inline:ours`], '488 crypto-mismatch'],
    ['may not fall back to plain RTP', {}, 'RTP/AVP', [], '488 answer-mismatch'],
    ['may not fall back to RTP/AVP even with keys', {}, 'RTP/AVP', [cryptoLine(1)], '488 answer-mismatch'],
    ['may not be DTLS-SRTP', {}, 'UDP/TLS/RTP/SAVP', [], '488 answer-mismatch'],
    ['opportunistic: may take the keys', opportunistic, 'RTP/AVP', [cryptoLine(1)], suite],
    ['opportunistic: may take them as RTP/SAVP', opportunistic, 'RTP/SAVP', [cryptoLine(1)], suite],
    ['opportunistic: may decline them', opportunistic, 'RTP/AVP', [], 'plain'],
    ['opportunistic: may not take them wrongly', opportunistic, 'RTP/AVP', [cryptoLine(9)], '488 crypto-mismatch'],
    ['off: is plain', off, 'RTP/AVP', [], 'plain'],
    ['off: may not turn secure', off, 'RTP/SAVP', [cryptoLine(1)], '488 answer-mismatch'],
    ['off: may bring keys that nobody asked for', off, 'RTP/AVP', [cryptoLine(1)], 'plain'],
  ])('%s', (_, policy, protocol, crypto, expected) => {
    expect(outcome(policy, protocol, ...crypto)).toBe(expected);
  });

  test('pairs our key of the taken line with the peer’s', () => {
    const leg = makeLeg();
    const offer = accepted(leg.createOffer(offered, outsideLocals));
    accepted(
      leg.receiveAnswer(
        withMedia('m=audio 40000 RTP/SAVP 0', `a=crypto:${cryptoLine(2, 'AES_256_CM_HMAC_SHA1_80', 5)}`),
      ),
    );
    const [remote] = leg.remotes();
    const { send, receive } = remote ?? {};
    expect(receive?.masterKey.every((byte) => byte === 5)).toBe(true);
    const ours = Buffer.concat([send?.masterKey ?? Buffer.alloc(0), send?.masterSalt ?? Buffer.alloc(0)]).toString(
      'base64',
    );
    expect(linesWith(offer, 'a=crypto:2')[0]).toContain(`inline:${ours}`);
  });
});

test('keys of one leg never show on the other', () => {
  const phone = makeLeg();
  const pbx = makeLeg(insidePolicy);
  const trunk = makeLeg({}, new SeededRandom(99));
  const offer = accepted(phone.receiveOffer(secureAudio(cryptoLine(1))));
  expect(linesWith(accepted(pbx.createOffer(offer, insideLocals)), 'a=crypto:')).toEqual([]);
  const towardsTrunk = linesWith(accepted(trunk.createOffer(offer, insideLocals)), 'a=crypto:').join();
  expect(towardsTrunk).not.toContain(keySalt('AES_CM_128_HMAC_SHA1_80'));
});
