import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatChallenge,
  formatCredentials,
  isPlaceholder,
  longestDigestHeader,
  parseChallenge,
  parseRawCredentials,
  readCredentials,
} from '../../../../src/sip/auth/digest-header.ts';

const md5 = '6629fae49393a05397450978507c4ef1';
const complete = [
  'username="alice"',
  'realm="pbx.test"',
  'nonce="abc"',
  'uri="sip:pbx.test"',
  `response="${md5}"`,
  'qop=auth',
  'nc=00000001',
  'cnonce="xyz"',
];

function header(...parameters: readonly string[]): string {
  return `Digest ${parameters.join(', ')}`;
}

function without(name: string): readonly string[] {
  return complete.filter((parameter) => !parameter.startsWith(`${name}=`));
}

function read(value: string): ReturnType<typeof readCredentials> {
  const raw = parseRawCredentials(value);
  if (!raw.ok) return raw;
  if (raw.value === undefined) throw new Error('not digest');
  return readCredentials(raw.value);
}

function errorOf(value: string): string | undefined {
  const result = read(value);
  return result.ok ? undefined : result.error;
}

describe('reading Authorization (RFC 7616 §3.4)', () => {
  test('a complete one; algorithm is MD5 when none is named (§3.3)', () => {
    expect(read(header(...complete))).toEqual({
      ok: true,
      value: {
        username: 'alice',
        realm: 'pbx.test',
        nonce: 'abc',
        uri: 'sip:pbx.test',
        response: md5,
        algorithm: 'MD5',
        cnonce: 'xyz',
        nc: '00000001',
        ncValue: 1,
      },
    });
  });

  test('any case of scheme and parameter names, any white space, any order', () => {
    const value = `dIgEsT\t${complete
      .toReversed()
      .join(' ,\t')
      .replaceAll('=', ' = ')
      .replaceAll(/(^|\t)(nc|realm)/g, (text) => text.toUpperCase())}`;
    expect(read(value).ok).toBe(true);
  });

  test('quoted qop, nc and algorithm, as some phones send them', () => {
    const value = header(
      ...without('qop').filter((each) => !each.startsWith('nc=')),
      'qop="auth"',
      'nc="0000000a"',
      'algorithm="md5"',
    );
    expect(read(value)).toMatchObject({ ok: true, value: { nc: '0000000a', ncValue: 10, algorithm: 'MD5' } });
  });

  test('commas, equals signs and escaped quotes inside quoted strings', () => {
    const value = header(...without('username'), 'username="a,b=\\"c\\\\"');
    expect(read(value)).toMatchObject({ ok: true, value: { username: 'a,b="c\\' } });
  });

  test('unknown parameters are skipped, an unknown algorithm is told apart from none', () => {
    expect(read(header(...complete, 'x-new=1', 'y="2"')).ok).toBe(true);
    expect(read(header(...complete, 'algorithm=SHA-256-sess'))).toMatchObject({
      ok: true,
      value: { algorithm: undefined },
    });
  });

  test.each(['username', 'nonce', 'uri', 'response', 'nc', 'cnonce'])('%s missing', (name) => {
    expect(errorOf(header(...without(name)))).toBe('parameter-missing');
  });

  test('realm missing', () => {
    expect(parseRawCredentials(header(...without('realm')))).toEqual({ ok: false, error: 'parameter-missing' });
  });

  test('qop missing or not auth', () => {
    expect(errorOf(header(...without('qop')))).toBe('qop-missing');
    expect(errorOf(header(...without('qop'), 'qop=auth-int'))).toBe('qop-unsupported');
  });

  test.each(['username="bob"', 'realm="other"', 'nc=00000002', 'USERNAME="bob"', 'algorithm=MD5, algorithm=MD5'])(
    'a parameter twice (%s)',
    (again) => {
      expect(errorOf(header(...complete, again))).toBe('duplicate-parameter');
    },
  );

  test.each(['1', '0000001', '000000001', '0000000g', '-0000001', '0x000001', '"0000000 "'])(
    'nc %s is no count',
    (nc) => {
      expect(errorOf(header(...without('nc'), `nc=${nc}`))).toBe('nc-malformed');
    },
  );

  test.each(['', 'abc', md5.toUpperCase(), `${md5}0`, `${md5.slice(1)}g`])('response "%s" is no MD5', (response) => {
    expect(errorOf(header(...without('response'), `response="${response}"`))).toBe('response-malformed');
  });

  test.each([
    'Digest',
    'Digest ',
    'Digest,',
    'Digest"username"="a"',
    'Digest username',
    'Digest username=',
    'Digest username="a',
    'Digest username="a\\',
    'Digest username="a"realm="b"',
    'Digest username="a",',
    'Digest ,username="a"',
    'Digest username="a",,realm="b"',
    'Digest username=alice',
    'Digest =x',
    'Digest username="a" x',
    '"Digest" a=b',
    '',
    ' ',
  ])('malformed: %s', (value) => {
    expect(parseRawCredentials(value)).toEqual({ ok: false, error: 'malformed' });
  });

  test('limits on the header, the parameters, the name and cnonce', () => {
    expect(errorOf(header(...complete, `x="${'a'.repeat(longestDigestHeader)}"`))).toBe('too-long');
    expect(errorOf(header(...complete, ...Array.from({ length: 40 }, (_, index) => `p${index}=1`)))).toBe('too-long');
    expect(errorOf(header(...without('username'), `username="${'a'.repeat(256)}"`))).toBe('too-long');
    expect(errorOf(header(...without('cnonce'), `cnonce="${'a'.repeat(600)}"`))).toBe('too-long');
  });

  test('names that objects inherit are plain parameters', () => {
    expect(read(header(...complete, '__proto__="x"', 'constructor=y', 'toString=z')).ok).toBe(true);
  });

  test('another scheme is no digest', () => {
    expect(parseRawCredentials('Basic YWxpY2U6eA==')).toEqual({ ok: true, value: undefined });
    expect(parseRawCredentials('Bearer a.b-c_d~e+f/g==')).toEqual({ ok: true, value: undefined });
  });

  test('the empty credentials of phones that were not challenged yet', () => {
    const raw = parseRawCredentials(
      'Digest username="alice", realm="pbx.test", nonce="", uri="sip:pbx.test", response=""',
    );
    expect(raw.ok && raw.value !== undefined && isPlaceholder(raw.value)).toBe(true);
    const other = parseRawCredentials(header(...complete));
    expect(other.ok && other.value !== undefined && isPlaceholder(other.value)).toBe(false);
  });

  test('never throws and takes linear time, whatever comes', () => {
    const piece = fc.constantFrom(
      'Digest ',
      'username',
      '=',
      '"',
      '\\',
      ',',
      ' ',
      'realm="x"',
      'nc=',
      '\u0000',
      'é',
      'a',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 60 }).map((pieces) => `Digest ${pieces.join('')}`),
        ),
        (value) => {
          parseRawCredentials(value);
          parseChallenge(value);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('challenges', () => {
  test('one algorithm each, with qop (RFC 8760 §2.3)', () => {
    expect(formatChallenge('pbx.test', 'abc', 'SHA-256', false)).toBe(
      'Digest realm="pbx.test", nonce="abc", algorithm=SHA-256, qop="auth"',
    );
    expect(formatChallenge('a "b"', 'abc', 'MD5', true)).toBe(
      'Digest realm="a \\"b\\"", nonce="abc", algorithm=MD5, qop="auth", stale=true',
    );
  });

  test('reads what it writes, and what others write', () => {
    expect(parseChallenge(formatChallenge('a "b", c', 'n', 'SHA-512-256', true))).toEqual({
      ok: true,
      value: { realm: 'a "b", c', nonce: 'n', opaque: undefined, stale: true, algorithm: 'SHA-512-256', qop: ['auth'] },
    });
    expect(
      parseChallenge('Digest realm="r", nonce="n", qop="auth, auth-int", opaque="", stale=FALSE, domain="sip:x"'),
    ).toEqual({
      ok: true,
      value: { realm: 'r', nonce: 'n', opaque: '', stale: false, algorithm: 'MD5', qop: ['auth', 'auth-int'] },
    });
    expect(parseChallenge('Digest realm="r", nonce="n"')).toMatchObject({ value: { qop: undefined, stale: false } });
    expect(parseChallenge('Digest realm="r", nonce="n", stale=TRUE')).toMatchObject({ value: { stale: true } });
    expect(parseChallenge('Digest nonce="n"').ok).toBe(false);
    expect(parseChallenge('Basic realm="r"')).toEqual({ ok: true, value: undefined });
  });
});

describe('credentials of our own', () => {
  test('survive being read, whatever the texts', () => {
    const text = fc.string({ maxLength: 40 });
    fc.assert(
      fc.property(text, text, text, text, (username, realm, nonce, uri) => {
        const value = formatCredentials({
          username,
          realm,
          nonce,
          uri,
          response: md5,
          algorithm: 'MD5',
          opaque: 'o"p',
          count: { nc: '000000ff', cnonce: 'c' },
        });
        expect(read(value)).toEqual({
          ok: true,
          value: {
            username,
            realm,
            nonce,
            uri,
            response: md5,
            algorithm: 'MD5',
            cnonce: 'c',
            nc: '000000ff',
            ncValue: 255,
          },
        });
      }),
    );
  });
});
