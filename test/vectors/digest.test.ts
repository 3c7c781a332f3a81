// Published digest examples: RFC 2617 §3.5, RFC 7616 §3.9.1 and §3.9.2 (the last as corrected by erratum 4897).
import { describe, expect, test } from 'vitest';
import { ha1 } from '../../src/sip/auth/credentials.ts';
import {
  type DigestAlgorithm,
  digestHash,
  digestResponse,
  digestResponseWithoutQop,
} from '../../src/sip/auth/digest.ts';
import { parseRawCredentials, readCredentials } from '../../src/sip/auth/digest-header.ts';

interface Vector {
  readonly source: string;
  readonly algorithm: DigestAlgorithm;
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly nonce: string;
  readonly cnonce: string;
  readonly uri: string;
  readonly response: string;
}

const rfc2617: Vector = {
  source: 'RFC 2617 §3.5',
  algorithm: 'MD5',
  user: 'Mufasa',
  password: 'Circle Of Life',
  realm: 'testrealm@host.com',
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  cnonce: '0a4f113b',
  uri: '/dir/index.html',
  response: '6629fae49393a05397450978507c4ef1',
};

const rfc7616: Omit<Vector, 'algorithm' | 'response'> = {
  source: 'RFC 7616 §3.9.1',
  user: 'Mufasa',
  password: 'Circle of Life',
  realm: 'http-auth@example.org',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  uri: '/dir/index.html',
};

const vectors: readonly Vector[] = [
  rfc2617,
  { ...rfc7616, algorithm: 'MD5', response: '8ca523f5e9506fed4657c9700eebdbec' },
  {
    ...rfc7616,
    algorithm: 'SHA-256',
    response: '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  },
  {
    source: 'RFC 7616 §3.9.2, erratum 4897',
    algorithm: 'SHA-512-256',
    user: 'J\u00e4s\u00f8n Doe',
    password: 'Secret, or not?',
    realm: 'api@example.org',
    nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK',
    cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
    uri: '/doe.json',
    response: '3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5',
  },
];

describe('published digest responses', () => {
  test.each(vectors)('$source with $algorithm', (vector) => {
    const { algorithm, user, realm, password, nonce, cnonce, uri, response } = vector;
    const secret = ha1(algorithm, user, realm, password);
    expect(digestResponse({ algorithm, ha1: secret, nonce, nc: '00000001', cnonce, method: 'GET', uri })).toBe(
      response,
    );
  });

  test.each(vectors)('$source with $algorithm, read from its header', (vector) => {
    const { algorithm, user, realm, nonce, cnonce, uri, response } = vector;
    const header = `Digest username="${user}", realm="${realm}", uri="${uri}", algorithm=${algorithm}, nonce="${nonce}", nc=00000001, cnonce="${cnonce}", qop=auth, response="${response}", opaque="x"`;
    const raw = parseRawCredentials(header);
    if (!raw.ok || raw.value === undefined) throw new Error('not read');
    expect(readCredentials(raw.value)).toEqual({
      ok: true,
      value: { username: user, realm, nonce, uri, response, algorithm, cnonce, nc: '00000001', ncValue: 1 },
    });
  });

  test('SHA-512-256 is the function of FIPS 180-4, not a cut SHA-512 (RFC 7616 erratum 4897)', () => {
    expect(digestHash('SHA-512-256', 'J\u00e4s\u00f8n Doe:api@example.org')).toBe(
      '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b',
    );
    expect(digestHash('SHA-512-256', 'abc')).toBe('53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23');
  });

  test('without qop, as RFC 2069 had it (RFC 2617 §3.2.2.1)', () => {
    const { algorithm, user, realm, password, nonce, uri } = rfc2617;
    const secret = ha1(algorithm, user, realm, password);
    expect(digestResponseWithoutQop({ algorithm, ha1: secret, nonce, method: 'GET', uri })).toBe(
      '670fd8c2df070c60b045671b8b24ff02',
    );
  });

  test('a username of another case proves nothing', () => {
    const { algorithm, realm, password } = rfc2617;
    expect(ha1(algorithm, 'mufasa', realm, password)).not.toBe(ha1(algorithm, 'Mufasa', realm, password));
  });
});
