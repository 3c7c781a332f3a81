import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxLoggedItems, maxLoggedLength } from '../../../src/observe/clean-fields.ts';
import { createLogger, type LogLevel } from '../../../src/observe/log.ts';

function logged(level: LogLevel | 'silent' = 'debug') {
  const lines: string[] = [];
  const logger = createLogger('edge1', level, { write: (line) => void lines.push(line) });
  return { logger, lines };
}

/** The one line that these fields make, as text. */
function lineOf(fields: Readonly<Record<string, unknown>>): string {
  const { logger, lines } = logged();
  logger.info('event', fields);
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

function read(line: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(line);
  return Object.fromEntries(Object.entries(parsed ?? {}));
}

describe('a line', () => {
  test('is one JSON object: when, how grave, where, what, and its fields', () => {
    const entry = read(lineOf({ call: 'c-1', status: 486 }));
    expect(entry).toEqual({
      level: 'info',
      time: entry['time'],
      node: 'edge1',
      call: 'c-1',
      status: 486,
      event: 'event',
    });
    expect(entry['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('has the fields of its child logger before its own', () => {
    const { logger, lines } = logged();
    logger.child({ call: 'c-1' }).child({ leg: 'a' }).warn('odd', { status: 400 });
    expect(read(lines[0] ?? '')).toMatchObject({ level: 'warn', call: 'c-1', leg: 'a', status: 400, event: 'odd' });
  });
});

describe('the level', () => {
  test.each<[LogLevel | 'silent', readonly string[]]>([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ])('%s writes %j', (level, expected) => {
    const { logger, lines } = logged(level);
    for (const name of ['debug', 'info', 'warn', 'error'] as const) logger[name](name);
    expect(lines.map((line) => read(line)['event'])).toEqual(expected);
  });

  test('that changes while it runs changes for children that exist', () => {
    const { logger, lines } = logged('warn');
    const child = logger.child({ listener: 'phones' }).child({ flow: '1' });
    child.info('before');
    logger.setLevel('debug');
    child.debug('after');
    logger.setLevel('error');
    child.warn('later');
    expect(lines.map((line) => read(line)['event'])).toEqual(['after']);
  });
});

describe('what a peer wrote', () => {
  test.each([
    ['CR LF', 'a\r\n{"level":"error","event":"forged"}'],
    ['ESC', '\u001b[2J\u001b[1;31mgone'],
    ['C1', 'a\u0085b\u009b31mc'],
    ['DEL', 'a\u007f'],
    ['line separators', 'a\u2028b\u2029c'],
    ['directions of writing', 'exe\u202egpj.\u2066x\u2069\u200f\u061c'],
    ['NUL', 'a\0b'],
  ])('with %s stays in its line, shows as what it is, and reads back unchanged', (_what, text) => {
    const places = [{ text }, { deep: { list: [{ text }] } }, { [text]: 1 }];
    for (const fields of places) {
      const line = lineOf(fields);
      expect(line.endsWith('\n')).toBe(true);
      expect(line.slice(0, -1)).not.toMatch(obeyed);
      expect(read(line)).toMatchObject(fields);
    }
  });

  test('in a child logger is no different', () => {
    const { logger, lines } = logged();
    logger.child({ peer: 'a\r\nb\u009b' }).info('x');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toMatch(obeyed);
  });

  test('never makes two lines of one, or no JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (fields) => {
        const line = lineOf(fields);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        read(line);
      }),
    );
  });

  test('is cut at a length, and lists at a number of items', () => {
    const line = lineOf({
      text: 'x'.repeat(100_000),
      list: new Array<string>(10_000).fill('y'),
      nested: { text: 'z'.repeat(100_000) },
    });
    expect(line.length).toBeLessThan(3 * maxLoggedLength + 10 * maxLoggedItems);
    expect(String(read(line)['text'])).toHaveLength(maxLoggedLength + 1);
  });
});

describe('secrets', () => {
  const secret = 'correct-horse';

  test.each([
    ['password', { password: secret }],
    ['a password in a child of a child', { a: { b: [{ c: { userPassword: secret } }] } }],
    ['HA1', { ha1: { MD5: secret } }],
    ['a master key', { keying: { masterKey: secret, master_salt: secret, masterSalt: secret } }],
    ['Authorization', { headers: { Authorization: secret, 'Proxy-Authorization': secret } }],
    ['credentials', { credentials: [secret] }],
    ['a private key', { tls: { key: secret, privateKey: secret } }],
    ['another spelling', { PASSWORD: secret, clientSecret: secret, password_env_value: secret }],
    ['a Map', { map: new Map([['password', secret]]) }],
    ['a header that is quoted', { detail: `got "Authorization: Digest response=${secret}, uri=x"` }],
    ['a header that is quoted in lower case', { detail: `proxy-authorization : Digest ${secret}` }],
    [
      'keys of SRTP that are quoted',
      { detail: `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${secret.replace('-', '')}|2^20` },
    ],
    ['a response that is quoted', { detail: `qop=auth, response="${secret}", nc=1` }],
    ['a response whose quote was cut', { detail: `response="${secret}` }],
    ['an error', { error: new Error(`password=${secret} is wrong`) }],
  ])('%s is not written', (_what, fields) => {
    expect(lineOf(fields)).not.toMatch(/correct-?horse/);
  });

  test('bytes are not written, only how many', () => {
    expect(read(lineOf({ data: new Uint8Array([1, 2, 3]), buffer: Buffer.from(secret) }))).toMatchObject({
      data: '[3 bytes]',
      buffer: '[13 bytes]',
    });
  });

  test('what only sounds like one is', () => {
    const fields = {
      keyword: 'a',
      monkey: 'b',
      keys: 2,
      reason: 'nonce-stale',
      detail: 'the response was late',
      author: 'c',
    };
    expect(read(lineOf(fields))).toMatchObject(fields);
  });
});

describe('whatever is handed in', () => {
  test('does not throw, and ends', () => {
    const round: Record<string, unknown> = { name: 'round' };
    round['self'] = round;
    const fields = {
      round,
      big: 2n ** 70n,
      nothing: null,
      missing: undefined,
      number: Number.NaN,
      call: () => obeyed,
      set: new Set([1, 2]),
      error: new TypeError('broken'),
    };
    const entry = read(lineOf(fields));
    expect(entry).toMatchObject({ big: '1180591620717411303424', nothing: null, number: null, set: [1, 2] });
    expect(entry['error']).toMatchObject({ name: 'TypeError', message: 'broken' });
    expect(JSON.stringify(entry['round'])).toContain('[deeper]');
    expect(entry).not.toHaveProperty('call');
  });

  test('a name that objects inherit is a name', () => {
    const inherited: (readonly [string, unknown])[] = [
      ['__proto__', { polluted: true }],
      ['constructor', 1],
    ];
    expect(lineOf(Object.fromEntries<unknown>(inherited))).toContain('"__proto__":{"polluted":true}');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

/** Controls, formats, line and paragraph separators. */
const obeyed = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
