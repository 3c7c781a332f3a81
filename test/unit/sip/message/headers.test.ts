import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalName } from '../../../../src/sip/message/header-names.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { parsed } from './raw.ts';

const fields = Headers.of(['Via', 'SIP/2.0/UDP a'], ['Route', '<sip:x>'], ['Via', 'SIP/2.0/UDP b'], ['X-Thing', '1']);

describe('names (RFC 3261 §7.3.1, §7.3.3)', () => {
  const spellings = [
    ['i', 'Call-ID'],
    ['I', 'Call-ID'],
    ['CALL-ID', 'Call-ID'],
    ['call-id', 'Call-ID'],
    ['cSEQ', 'CSeq'],
    ['www-authenticate', 'WWW-Authenticate'],
    ['v', 'Via'],
    ['f', 'From'],
    ['t', 'To'],
    ['m', 'Contact'],
    ['l', 'Content-Length'],
    ['c', 'Content-Type'],
    ['e', 'Content-Encoding'],
    ['k', 'Supported'],
    ['s', 'Subject'],
    ['o', 'Event'],
    ['r', 'Refer-To'],
    ['b', 'Referred-By'],
    ['u', 'Allow-Events'],
    ['x', 'Session-Expires'],
    ['y', 'Identity'],
    ['a', 'Accept-Contact'],
    ['d', 'Request-Disposition'],
    ['j', 'Reject-Contact'],
    ['n', 'Identity-Info'],
    ['x-OWN-thing', 'X-Own-Thing'],
  ] as const;
  test.each(spellings)('%s is %s', (spelling, canonical) => {
    expect(canonicalName(spelling)).toBe(canonical);
  });

  test('that are names of an object prototype are names like any other', () => {
    const headers = Headers.of(['__proto__', '1'], ['constructor', '2']);
    expect(headers.get('__PROTO__')).toBe('1');
    expect(headers.get('toString')).toBeUndefined();
    expect([...headers.names()]).toEqual(['__proto__', 'Constructor']);
  });

  test('are found in whatever spelling they are asked for', () => {
    const { headers } = parsed({ replace: { 'Call-ID': 'i: abc@d' }, add: ['sUBJECT: hello'] });
    expect(headers.get('call-id')).toBe('abc@d');
    expect(headers.get('I')).toBe('abc@d');
    expect(headers.get('Subject')).toBe('hello');
    expect(headers.has('s')).toBe(true);
    expect(headers.count('SUBJECT')).toBe(1);
  });

  test('a space before the colon does not hide a header', () => {
    const { headers } = parsed({ add: ['X-Evil : 1', 'P-Asserted-Identity\t : <sip:a@b>'] });
    expect(headers.get('X-Evil')).toBe('1');
    expect(headers.get('P-Asserted-Identity')).toBe('<sip:a@b>');
    expect([...headers.names()]).not.toContain('X-Evil ');
  });
});

describe('reading', () => {
  test('first, all and count', () => {
    expect(fields.get('via')).toBe('SIP/2.0/UDP a');
    expect(fields.all('Via')).toEqual(['SIP/2.0/UDP a', 'SIP/2.0/UDP b']);
    expect(fields.count('v')).toBe(2);
    expect(fields.get('Contact')).toBeUndefined();
    expect(fields.all('Contact')).toEqual([]);
    expect(fields.has('Contact')).toBe(false);
    expect(fields.size).toBe(4);
  });

  test('comma-separated values are the same as repeated fields (RFC 3261 §7.3.1)', () => {
    const headers = Headers.of(
      ['Route', '<sip:a;x=1,2>, "B, \\"C\\" <x>" <sip:b>'],
      ['Route', '<sip:c>,,'],
      ['Route', ''],
    );
    expect(headers.values('Route')).toEqual(['<sip:a;x=1,2>', '"B, \\"C\\" <x>" <sip:b>', '<sip:c>']);
    expect(headers.all('Route')).toHaveLength(3);
    expect(Headers.of(['Route', '"a\\", b" <sip:c>, <sip:d>']).values('Route')).toEqual([
      '"a\\", b" <sip:c>',
      '<sip:d>',
    ]);
  });

  const whole = [
    'Authorization',
    'Proxy-Authorization',
    'WWW-Authenticate',
    'Proxy-Authenticate',
    'Date',
    'Subject',
    'From',
    'Call-ID',
    'Retry-After',
    'User-Agent',
    'Identity',
  ];
  test.each(whole)('commas in %s are text', (name) => {
    expect(Headers.of([name, 'Digest a="1", b=2, c'], [name, 'x, y']).values(name)).toEqual([
      'Digest a="1", b=2, c',
      'x, y',
    ]);
  });

  test('an open quoted string or bracket swallows the commas after it', () => {
    expect(Headers.of(['Contact', '"a, b, c']).values('Contact')).toEqual(['"a, b, c']);
    expect(Headers.of(['Contact', '<sip:a, b']).values('Contact')).toEqual(['<sip:a, b']);
    expect(Headers.of(['Contact', '"a\\']).values('Contact')).toEqual(['"a\\']);
    expect(Headers.of(['Contact', 'a,"b\\']).values('Contact')).toEqual(['a', '"b\\']);
  });

  test('is computed once for each Headers object', () => {
    let runs = 0;
    const read = (headers: Headers): readonly string[] => {
      runs += 1;
      return headers.values('Via');
    };
    const headers = Headers.of(['Via', 'a, b']);
    expect(headers.once(read)).toBe(headers.once(read));
    expect(runs).toBe(1);
    expect(headers.append('Via', 'c').once(read)).toEqual(['a', 'b', 'c']);
    expect(runs).toBe(2);
  });

  test('remembers readers that ask other readers', () => {
    const inner = (headers: Headers): number => headers.size;
    const outer = (headers: Headers): number => headers.once(inner) + 1;
    const headers = Headers.of(['A', '1']);
    expect([headers.once(outer), headers.once(inner), headers.once(outer)]).toEqual([2, 1, 2]);
  });

  test('two Headers are equal to a test when their fields are', () => {
    expect(Headers.of(['Via', 'a'])).toEqual(Headers.of(['v', 'a']));
    expect(Headers.of(['Via', 'a'])).not.toEqual(Headers.of(['Via', 'b']));
  });
});

describe('editing makes a new list', () => {
  test('with replaces at the place of the first', () => {
    expect([...fields.with('via', 'c', 'd').entries()]).toEqual([
      ['Via', 'c'],
      ['Via', 'd'],
      ['Route', '<sip:x>'],
      ['X-Thing', '1'],
    ]);
    expect([...fields.with('Contact', '<sip:y>').entries()].at(-1)).toEqual(['Contact', '<sip:y>']);
    expect(fields.with('Via')).toEqual(fields.without('Via'));
  });

  test('prepend goes above the first of that name, else to the top', () => {
    expect(fields.prepend('v', 'top').all('Via')).toEqual(['top', 'SIP/2.0/UDP a', 'SIP/2.0/UDP b']);
    expect([...fields.prepend('Route', '<sip:w>').names()]).toEqual(['Via', 'Route', 'Route', 'Via', 'X-Thing']);
    expect([...fields.prepend('Contact', '<sip:y>').names()][0]).toBe('Contact');
  });

  test('append goes to the end', () => {
    expect([...fields.append('Via', 'last').entries()].at(-1)).toEqual(['Via', 'last']);
  });

  test('without leaves the others in order', () => {
    expect([...fields.without('VIA').names()]).toEqual(['Route', 'X-Thing']);
    expect(fields.size).toBe(4);
  });

  test('on what was parsed keeps the parsed values', () => {
    const { headers } = parsed({ add: ['Subject: a\r\n  b'] });
    const edited = headers.prepend('Via', 'SIP/2.0/TCP us').without('Max-Forwards');
    expect(edited.get('Subject')).toBe('a b');
    expect(edited.all('Via')).toEqual(['SIP/2.0/TCP us', 'SIP/2.0/UDP client.example.com:5060;branch=z9hG4bK74bf9']);
  });

  test.each(['a\r\nEvil: 1', 'a\nb', 'a\rb', 'a\0b'])('refuses the value %j', (value) => {
    expect(() => Headers.of(['Subject', value])).toThrow(/CR, LF or NUL/);
    expect(() => fields.with('Subject', value)).toThrow(/CR, LF or NUL/);
    expect(() => fields.append('Subject', value)).toThrow(/CR, LF or NUL/);
    expect(() => fields.prepend('Subject', value)).toThrow(/CR, LF or NUL/);
  });

  test.each(['', 'A b', 'A:', 'A\r\n', 'é'])('refuses the name %j', (name) => {
    expect(() => Headers.of([name, 'x'])).toThrow(/token/);
    expect(() => fields.append(name, 'x')).toThrow(/token/);
  });

  test('a list of operations does what an array would', () => {
    const name = fc.constantFrom('Via', 'Route', 'Contact');
    const operation = fc.record({
      kind: fc.constantFrom('append', 'prepend', 'with', 'without'),
      name,
      value: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
        let headers = Headers.empty;
        let model: (readonly [string, string])[] = [];
        for (const [step, each] of operations.entries()) {
          const value = `${step}`;
          const first = model.findIndex(([existing]) => existing === each.name);
          if (each.kind === 'append') {
            headers = headers.append(each.name, value);
            model = [...model, [each.name, value]];
          } else if (each.kind === 'prepend') {
            headers = headers.prepend(each.name, value);
            model = model.toSpliced(Math.max(0, first), 0, [each.name, value]);
          } else {
            const rest = model.filter(([existing]) => existing !== each.name);
            headers = each.kind === 'with' ? headers.with(each.name, value) : headers.without(each.name);
            const place = first < 0 ? rest.length : first;
            model = each.kind === 'with' ? rest.toSpliced(place, 0, [each.name, value]) : rest;
          }
          expect([...headers.entries()]).toEqual(model);
        }
      }),
    );
  });
});
