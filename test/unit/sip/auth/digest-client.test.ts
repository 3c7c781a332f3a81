import { describe, expect, test } from 'vitest';
import { ha1 } from '../../../../src/sip/auth/credentials.ts';
import { digestResponse, digestResponseWithoutQop } from '../../../../src/sip/auth/digest.ts';
import { type AnswerRefusal, type ClientCredentials, DigestClient } from '../../../../src/sip/auth/digest-client.ts';
import { formatChallenge, parseRawCredentials, readCredentials } from '../../../../src/sip/auth/digest-header.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody, type SipRequest, type SipResponse } from '../../../../src/sip/message/message.ts';
import { SeededRandom } from '../../../support/fake-time.ts';

const invite: SipRequest = {
  kind: 'request',
  method: 'INVITE',
  uri: 'sip:600@carrier.test',
  headers: Headers.empty,
  body: noBody,
};

function client(over: Partial<ClientCredentials> = {}): DigestClient {
  return new DigestClient({ username: 'sbc', password: 'secret', ...over }, new SeededRandom(5));
}

function challenged(status: number, ...challenges: readonly string[]): SipResponse {
  const name = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
  const headers = Headers.of(...challenges.map((value): [string, string] => [name, value]));
  return { kind: 'response', status, reason: '', headers, body: noBody };
}

function answerOf(result: ReturnType<DigestClient['answer']>): { header: string; value: string } {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

function refusalOf(result: ReturnType<DigestClient['answer']>): AnswerRefusal | undefined {
  return result.ok ? undefined : result.error;
}

function read(value: string): Extract<ReturnType<typeof readCredentials>, { ok: true }>['value'] {
  const raw = parseRawCredentials(value);
  if (!raw.ok || raw.value === undefined) throw new Error('not digest');
  const credentials = readCredentials(raw.value);
  if (!credentials.ok) throw new Error(credentials.error);
  return credentials.value;
}

const sha = formatChallenge('carrier.test', 'n1', 'SHA-256', false);
const md5 = formatChallenge('carrier.test', 'n1', 'MD5', false);

describe('answering a configured peer (RFC 7616 §3.4, RFC 8760 §2.6)', () => {
  test('the strongest algorithm that both speak, wherever it stands', () => {
    const peer = client();
    const answer = answerOf(peer.answer(invite, challenged(401, md5, sha)));
    expect(answer.header).toBe('Authorization');
    const { algorithm, nonce, nc, cnonce, uri, response, username, realm } = read(answer.value);
    expect({ algorithm, nonce, nc, uri, username, realm }).toEqual({
      algorithm: 'SHA-256',
      nonce: 'n1',
      nc: '00000001',
      uri: 'sip:600@carrier.test',
      username: 'sbc',
      realm: 'carrier.test',
    });
    const secret = ha1('SHA-256', 'sbc', 'carrier.test', 'secret');
    expect(response).toBe(
      digestResponse({ algorithm: 'SHA-256', ha1: secret, nonce, nc, cnonce, method: 'INVITE', uri: invite.uri }),
    );
    expect(answer.value).not.toContain('secret');
  });

  test('407 is answered in Proxy-Authorization (RFC 3261 §22.3)', () => {
    expect(answerOf(client().answer(invite, challenged(407, md5))).header).toBe('Proxy-Authorization');
  });

  test('opaque goes back as it came', () => {
    const challenge = 'Digest realm="carrier.test", nonce="n", qop="auth", opaque="o\\"p"';
    expect(answerOf(client().answer(invite, challenged(401, challenge))).value).toContain('opaque="o\\"p"');
  });

  test('without qop the old response is computed, for MD5 only (RFC 2617 §3.2.2.1)', () => {
    const answer = answerOf(client().answer(invite, challenged(401, 'Digest realm="carrier.test", nonce="n"')));
    const secret = ha1('MD5', 'sbc', 'carrier.test', 'secret');
    const response = digestResponseWithoutQop({
      algorithm: 'MD5',
      ha1: secret,
      nonce: 'n',
      method: 'INVITE',
      uri: invite.uri,
    });
    expect(answer.value).toContain(`response="${response}"`);
    expect(answer.value).not.toContain('qop');
    const other = 'Digest realm="carrier.test", nonce="n", algorithm=SHA-256';
    expect(refusalOf(client().answer(invite, challenged(401, other)))).toBe('unsupported');
  });

  test('nc counts the uses of one nonce and starts again with another (§3.4)', () => {
    const peer = client();
    expect(peer.authorize(invite)).toBeUndefined();
    answerOf(peer.answer(invite, challenged(401, sha)));
    const second = read(peer.authorize(invite)?.value ?? '');
    expect({ nc: second.nc, nonce: second.nonce }).toEqual({ nc: '00000002', nonce: 'n1' });
    expect(read(answerOf(peer.answer(invite, challenged(401, sha))).value).nc).toBe('00000003');
    const renewed = formatChallenge('carrier.test', 'n2', 'SHA-256', true);
    const third = read(answerOf(peer.answer(invite, challenged(401, renewed))).value);
    expect({ nc: third.nc, nonce: third.nonce }).toEqual({ nc: '00000001', nonce: 'n2' });
  });

  test('nonces that are answered in turn keep their own counts, the last 64 of them', () => {
    const peer = client();
    const countOf = (nonce: string): string => {
      const challenge = formatChallenge('carrier.test', nonce, 'SHA-256', false);
      return read(answerOf(peer.answer(invite, challenged(401, challenge))).value).nc;
    };
    expect(['a', 'b', 'a', 'b', 'a'].map(countOf)).toEqual([
      '00000001',
      '00000001',
      '00000002',
      '00000002',
      '00000003',
    ]);
    for (let index = 0; index < 63; index += 1) countOf(`n${index}`);
    expect(countOf('a')).toBe('00000004');
    expect(countOf('b')).toBe('00000001');
  });

  test('each answer has a cnonce of its own', () => {
    const peer = client();
    const first = read(answerOf(peer.answer(invite, challenged(401, sha))).value);
    expect(read(peer.authorize(invite)?.value ?? '').cnonce).not.toBe(first.cnonce);
  });
});

describe('credentials that do not leak', () => {
  test('only the exact configured realm is answered', () => {
    const peer = client({ realm: 'carrier.test' });
    for (const realm of ['evil.test', 'Carrier.test', 'carrier.test ', '']) {
      expect(refusalOf(peer.answer(invite, challenged(401, formatChallenge(realm, 'n', 'MD5', false))))).toBe(
        'other-realm',
      );
    }
    expect(peer.authorize(invite)).toBeUndefined();
    expect(peer.answer(invite, challenged(401, md5)).ok).toBe(true);
  });

  test('without a configured realm the first one is kept', () => {
    const peer = client();
    answerOf(peer.answer(invite, challenged(401, md5)));
    expect(refusalOf(peer.answer(invite, challenged(407, formatChallenge('other', 'n', 'MD5', false))))).toBe(
      'other-realm',
    );
  });

  test('a realm that was not answered is not kept', () => {
    const peer = client();
    expect(
      refusalOf(peer.answer(invite, challenged(401, 'Digest realm="x", nonce="n", algorithm=NEW, qop="auth"'))),
    ).toBe('unsupported');
    expect(peer.answer(invite, challenged(401, md5)).ok).toBe(true);
  });

  test('an algorithm that is not allowed is not answered', () => {
    const peer = client({ algorithms: ['SHA-256'] });
    expect(refusalOf(peer.answer(invite, challenged(401, md5)))).toBe('unsupported');
    expect(peer.answer(invite, challenged(401, md5, sha)).ok).toBe(true);
  });

  test('a second challenge to the same credentials ends it, unless only the nonce was old (RFC 3261 §22.1)', () => {
    const peer = client();
    const answer = answerOf(peer.answer(invite, challenged(401, sha)));
    const again: SipRequest = { ...invite, headers: Headers.of([answer.header, answer.value]) };
    expect(
      refusalOf(peer.answer(again, challenged(401, formatChallenge('carrier.test', 'n2', 'SHA-256', false)))),
    ).toBe('rejected');
    expect(peer.answer(again, challenged(401, formatChallenge('carrier.test', 'n2', 'SHA-256', true))).ok).toBe(true);
  });

  test.each([
    [200, 'Digest realm="carrier.test", nonce="n", qop="auth"'],
    [403, 'Digest realm="carrier.test", nonce="n", qop="auth"'],
    [401, 'Basic realm="carrier.test"'],
    [401, 'Digest realm="carrier.test"'],
    [401, 'garbage='],
  ])('%i with %s is no challenge', (status, challenge) => {
    expect(refusalOf(client().answer(invite, challenged(status, challenge)))).toBe('no-challenge');
  });

  test('qop=auth-int alone is not supported', () => {
    const challenge = 'Digest realm="carrier.test", nonce="n", qop="auth-int"';
    expect(refusalOf(client().answer(invite, challenged(401, challenge)))).toBe('unsupported');
  });
});
