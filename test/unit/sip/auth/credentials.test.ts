import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ha1, ha1ForAll, parseHa1 } from '../../../../src/sip/auth/credentials.ts';
import { parseAlgorithm, sameDigest, strongestFirst } from '../../../../src/sip/auth/digest.ts';
import { sameIdentity, userIdentity } from '../../../../src/sip/auth/identity.ts';
import { deriveKey, keyedHash } from '../../../../src/sip/auth/keyed-hash.ts';
import { isSealedWithOldKey, newKeyLine, open, parseKeyFile, seal } from '../../../../src/sip/auth/sealing.ts';
import { SeededRandom } from '../../../support/fake-time.ts';

const random = new SeededRandom(3);

function ringOf(...ids: readonly string[]): Extract<ReturnType<typeof parseKeyFile>, { ok: true }>['value'] {
  const file = ids.map((id) => newKeyLine(id, new SeededRandom(id.charCodeAt(0)))).join('\n');
  const ring = parseKeyFile(`# keys\n\n${file}\n`);
  if (!ring.ok) throw new Error(ring.error);
  return ring.value;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe('what is kept of a password', () => {
  test('HA1 for each algorithm (RFC 7616 §3.4.2), and nothing of the password', () => {
    const all = ha1ForAll('alice', 'pbx.test', 'wonder');
    expect(Object.keys(all)).toEqual(['SHA-512-256', 'SHA-256', 'MD5']);
    expect(all.MD5).toBe(ha1('MD5', 'alice', 'pbx.test', 'wonder'));
    expect(JSON.stringify(all)).not.toContain('wonder');
  });

  test('HA1 from a configuration is checked and put in lower case', () => {
    const md5 = ha1('MD5', 'a', 'b', 'c');
    expect(parseHa1({ MD5: md5.toUpperCase() })).toEqual({ ok: true, value: { MD5: md5 } });
    expect(parseHa1({ md5 })).toEqual({ ok: false, error: 'expected one of SHA-512-256, SHA-256, MD5, got "md5"' });
    expect(parseHa1({ 'SHA-256': md5 })).toEqual({ ok: false, error: 'expected 64 hexadecimal digits for SHA-256' });
    for (const value of [1, null, undefined, `${md5.slice(1)}g`]) expect(parseHa1({ MD5: value }).ok).toBe(false);
  });

  test('algorithms: names in any case, MD5 by default, strongest first', () => {
    expect(parseAlgorithm(undefined)).toBe('MD5');
    expect(parseAlgorithm('sha-256')).toBe('SHA-256');
    expect(parseAlgorithm('SHA-256-sess')).toBeUndefined();
    expect(strongestFirst(['MD5', 'SHA-256', 'MD5'])).toEqual(['SHA-256', 'MD5']);
  });

  test('digests compare by content, whatever the lengths', () => {
    expect(sameDigest('abc', 'abc')).toBe(true);
    for (const other of ['abd', 'ab', 'abcd', '', 'äbc']) expect(sameDigest('abc', other)).toBe(false);
  });
});

describe('sealed credentials', () => {
  test('open for their owner only', () => {
    const ring = ringOf('a');
    const sealed = seal(bytesOf('secret'), 'alice@pbx.test', ring, random);
    expect(open(sealed, 'alice@pbx.test', ring)).toEqual({ ok: true, value: bytesOf('secret') });
    expect(open(sealed, 'bob@pbx.test', ring)).toEqual({ ok: false, error: 'tampered' });
    expect(sealed).not.toContain('secret');
  });

  test('the same bytes never look the same twice', () => {
    const ring = ringOf('a');
    expect(seal(bytesOf('x'), 'o', ring, random)).not.toBe(seal(bytesOf('x'), 'o', ring, random));
  });

  test('keys rotate: the new one seals, the old one still opens, and old rows are told apart', () => {
    const old = seal(bytesOf('x'), 'o', ringOf('a'), random);
    const ring = ringOf('b', 'a');
    expect(ring.current).toBe('b');
    expect(open(old, 'o', ring)).toEqual({ ok: true, value: bytesOf('x') });
    expect(isSealedWithOldKey(old, ring)).toBe(true);
    const renewed = seal(bytesOf('x'), 'o', ring, random);
    expect(isSealedWithOldKey(renewed, ring)).toBe(false);
    expect(open(renewed, 'o', ringOf('a'))).toEqual({ ok: false, error: 'unknown-key' });
  });

  test('a row under a renamed or another key does not open', () => {
    const sealed = seal(bytesOf('x'), 'o', ringOf('a'), random);
    const key = ringOf('a').keys.get('a') ?? new Uint8Array(32);
    const renamed = { current: 'b', keys: new Map([['b', key]]) };
    expect(open(sealed.replace('.a.', '.b.'), 'o', renamed)).toEqual({ ok: false, error: 'tampered' });
    const other = { current: 'a', keys: new Map([['a', new Uint8Array(32)]]) };
    expect(open(sealed, 'o', other)).toEqual({ ok: false, error: 'tampered' });
  });

  test('any changed byte is noticed', () => {
    const ring = ringOf('a');
    const sealed = seal(bytesOf('secret'), 'o', ring, random);
    const dot = sealed.lastIndexOf('.');
    const body = Buffer.from(sealed.slice(dot + 1), 'base64url');
    for (let index = 0; index < body.length; index += 1) {
      const changed = Buffer.from(body);
      changed[index] = (changed[index] ?? 0) ^ 1;
      const text = `${sealed.slice(0, dot + 1)}${changed.toString('base64url')}`;
      expect(open(text, 'o', ring)).toEqual({ ok: false, error: 'tampered' });
    }
  });

  test('never throws on text that it did not make', () => {
    const ring = ringOf('a');
    const piece = fc.constantFrom('v1', '.', 'a', 'AAAAAAAAAAAAAAAA', 'b', '=', '\u0000', 'AAAAAAAAAAAAAAAAAAAAAA');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          expect(open(text, 'o', ring).ok).toBe(false);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('a key file with a mistake is refused with its line', () => {
    const line = newKeyLine('a', random);
    expect(parseKeyFile('')).toEqual({ ok: false, error: 'expected at least one key' });
    expect(parseKeyFile(`${line}\n${line}`)).toEqual({ ok: false, error: 'line 2: the id "a" is already used' });
    expect(parseKeyFile('a:AAAA')).toEqual({ ok: false, error: 'line 1: expected 32 bytes, got 3' });
    for (const text of ['nokey', ':AAAA', 'a.b:AAAA']) expect(parseKeyFile(text).ok).toBe(false);
    expect(() => newKeyLine('a.b', random)).toThrow('expected an id');
  });
});

describe('keyed hashes', () => {
  test('one key for each purpose', () => {
    const secret = new Uint8Array(32).fill(1);
    expect(deriveKey(secret, 'a').equals(deriveKey(secret, 'a'))).toBe(true);
    expect(deriveKey(secret, 'a').equals(deriveKey(secret, 'b'))).toBe(false);
  });

  test('no two lists of parts look the same', () => {
    const key = deriveKey(new Uint8Array(32), 'test');
    const lists = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['1:a'], ['a', '1:b'], ['a1:b']];
    expect(new Set(lists.map((parts) => keyedHash(key, ...parts).toString('hex'))).size).toBe(lists.length);
  });
});

describe('identities', () => {
  test('a user is a name, case and all, at a domain without case', () => {
    expect(userIdentity('Alice', 'PBX.test')).toEqual({
      kind: 'user',
      aor: 'Alice@pbx.test',
      name: 'Alice',
      domain: 'pbx.test',
    });
    expect(sameIdentity(userIdentity('alice', 'PBX.test'), userIdentity('alice', 'pbx.test'))).toBe(true);
    expect(sameIdentity(userIdentity('alice', 'pbx.test'), userIdentity('Alice', 'pbx.test'))).toBe(false);
  });

  test('a trunk is no PBX of the same name, and nobody is the same as nobody', () => {
    expect(sameIdentity({ kind: 'trunk', name: 'a' }, { kind: 'trunk', name: 'a' })).toBe(true);
    expect(sameIdentity({ kind: 'trunk', name: 'a' }, { kind: 'pbx', name: 'a' })).toBe(false);
    expect(sameIdentity({ kind: 'anonymous' }, { kind: 'anonymous' })).toBe(false);
  });
});
