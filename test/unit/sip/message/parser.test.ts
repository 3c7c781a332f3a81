import { describe, expect, test } from 'vitest';
import { contacts, essentialsOf } from '../../../../src/sip/message/header-fields.ts';
import { invalid, parse, parsed, raw, valid } from './raw.ts';

const invite = 'INVITE sip:bob@example.net SIP/2.0';

describe('start lines (RFC 3261 §7.1, §7.2)', () => {
  test('a request', () => {
    expect(parsed()).toMatchObject({ kind: 'request', method: 'INVITE', uri: 'sip:bob@example.net' });
  });

  test('methods are case-sensitive tokens', () => {
    const method = "inVite-.!%*_+`'~9";
    expect(parsed({ startLine: `${method} sip:a@b SIP/2.0`, replace: { CSeq: `CSeq: 1 ${method}` } })).toMatchObject({
      method,
    });
    expect(invalid(parse(raw({ replace: { CSeq: 'CSeq: 1 invite' } })))).toMatchObject({
      code: 'cseq-method-mismatch',
    });
  });

  test('the version is not case-sensitive', () => {
    expect(parsed({ startLine: 'INVITE sip:a@b sip/2.0' })).toMatchObject({ uri: 'sip:a@b' });
    expect(parsed({ startLine: 'sip/2.0 200 OK' })).toMatchObject({ status: 200 });
  });

  test.each([
    ['SIP/2.0 200 OK', 200, 'OK'],
    ['SIP/2.0 100 ', 100, ''],
    ['SIP/2.0 100', 100, ''],
    ['SIP/2.0 486  two spaces ', 486, ' two spaces '],
    ['SIP/2.0 200 = 2**3 * 5**2 но сто', 200, '= 2**3 * 5**2 но сто'],
    ['SIP/2.0 699 x', 699, 'x'],
  ])('%j is a response', (startLine, status, reason) => {
    expect(parsed({ startLine })).toMatchObject({ kind: 'response', status, reason });
  });

  test.each([
    'SIP/2.0',
    'SIP/2.0 ',
    'SIP/2.0 20',
    'SIP/2.0 99 x',
    'SIP/2.0 700 x',
    'SIP/2.0 2000',
    'SIP/2.0  200 OK',
    'SIP/2.0 2x0 OK',
    'SIP/2.0 4294967301 better not',
    'SIP/2.0 200OK',
  ])('%j is no response and is not answered', (startLine) => {
    const error = invalid(parse(raw({ startLine })));
    expect(error.code).toBe('start-line-malformed');
    expect(error.answerable).toBeUndefined();
  });

  test.each(['INVITE sip:a@b SIP/7.0', 'INVITE sip:a@b SIP/2.1', 'INVITE sip:a@b SIP/2.00', 'INVITE sip:a@b SIP/'])(
    '%j asks for another version: 505',
    (startLine) => {
      const error = invalid(parse(raw({ startLine })));
      expect(error).toMatchObject({ code: 'version-unsupported', status: 505 });
      expect(error.answerable?.method).toBe('INVITE');
    },
  );

  test('a response of another version is not answered', () => {
    expect(invalid(parse(raw({ startLine: 'SIP/3.0 200 OK' }))).answerable).toBeUndefined();
  });

  const malformed = [
    'INVITE',
    'INVITE ',
    'INVITE sip:a@b',
    'INVITE SIP/2.0',
    ' INVITE sip:a@b SIP/2.0',
    'INVITE  sip:a@b  SIP/2.0',
    'INVITE sip:a@b SIP/2.0 ',
    'INVITE sip:a@b SIP/2.0 x',
    'INVITE\tsip:a@b\tSIP/2.0',
    'IN/VITE sip:a@b SIP/2.0',
    'INVITE <sip:a@b> SIP/2.0',
    'INVITE sip:a@b; lr SIP/2.0',
    'INVITE sip:a b@c SIP/2.0',
    'INVITE sip:@ SIP/2.0',
    'INVITE nonsense SIP/2.0',
    'INVITE sip:a@b?Route=%3Csip:x%3E SIP/2.0',
    'INVITE sip:a@b HTTP/1.1',
    'GET / HTTP/1.1',
    '',
  ];
  test.each(malformed)('%j is none: 400', (startLine) => {
    expect(invalid(parse(raw({ startLine })))).toMatchObject({ status: 400 });
  });

  test('a garbled Request-URI can be answered', () => {
    const error = invalid(parse(raw({ startLine: 'INVITE sip:a b@c SIP/2.0' })));
    expect(error.code).toBe('request-uri-malformed');
    expect(error.answerable?.headers.get('Call-ID')).toBe('3848276298220188511@client.example.com');
  });

  test.each([
    'urn:service:sos',
    'nobodyKnowsThisScheme:totallyopaquecontent',
    'tel:+12015550123',
    'soap.beep://192.0.2.103:3002',
  ])('a Request-URI %s parses: whether it is served is decided above', (uri) => {
    expect(parsed({ startLine: `INVITE ${uri} SIP/2.0` })).toMatchObject({ uri });
  });

  test('empty lines before the start line are passed over (§7.5)', () => {
    expect(parse(`\r\n\r\n\r\n${raw()}`).ok).toBe(true);
  });
});

describe('header fields (RFC 3261 §7.3)', () => {
  const subject = (line: string): string | undefined => parsed({ add: [line] }).headers.get('Subject');
  test.each([
    ['Subject: a b', 'a b'],
    ['Subject:a', 'a'],
    ['Subject:  \t a \t ', 'a'],
    ['Subject : a', 'a'],
    ['Subject \t :\ta', 'a'],
    ['s: a', 'a'],
    ['Subject:', ''],
    ['Subject: ', ''],
    ['Subject:\r\n a', 'a'],
    ['Subject:\r\n\ta', 'a'],
    ['Subject: \r\n \r\n a', 'a'],
    ['Subject: a\r\n  b\r\n\t c', 'a b c'],
    ['Subject: a  \r\n b', 'a b'],
    ['Subject: a: b: c', 'a: b: c'],
    ['Subject: привет 大電', 'привет 大電'],
    ['Subject: привет\r\n 大電', 'привет 大電'],
    ['Subject: \u00a0a\ufeff', '\u00a0a\ufeff'],
    ['Subject: \u0007bell\u001b[31m', '\u0007bell\u001b[31m'],
  ])('%j', (line, value) => {
    expect(subject(line)).toBe(value);
  });

  test('folding inside a quoted string and right after the colon', () => {
    const { from } = essentialsOf(
      parsed({ replace: { From: 'From:\r\n "A\r\n\tB \\"C\\"" \r\n <sip:a@b>\r\n ;\r\n tag\r\n =\r\n x' } }),
    );
    expect(from).toMatchObject({ displayName: 'A B "C"', uriText: 'sip:a@b' });
    expect(from.parameters.get('tag')).toBe('x');
  });

  test('fields behind one that is not ASCII are read at the right place', () => {
    const message = parsed({ replace: { From: 'From: "Łukasz 😀" <sip:a@b>;tag=1' }, add: ['Contact: "Ж" <sip:c@d>'] });
    expect(essentialsOf(message)).toMatchObject({ fromTag: '1', callId: '3848276298220188511@client.example.com' });
    expect(valid(contacts(message.headers))).toMatchObject([{ displayName: 'Ж', uriText: 'sip:c@d' }]);
  });

  test('bytes that are no UTF-8 spoil nothing but themselves', () => {
    const [before = '', after = ''] = raw({ replace: { From: 'From: "A@@B" <sip:a@b>;tag=1' } }).split('@@');
    const bytes = Buffer.concat([Buffer.from(before), Buffer.from([0xff, 0xc0, 0xe2, 0x82]), Buffer.from(after)]);
    const message = valid(parse(bytes));
    expect(essentialsOf(message)).toMatchObject({ fromTag: '1', toTag: undefined, cseq: { sequence: 1 } });
    expect(message.headers.get('From')).toMatch(/^"A\ufffd+B" <sip:a@b>;tag=1$/);
  });

  test.each([
    'no colon here',
    ': no name',
    ' : no name',
    'Sub ject: x',
    'Sub\u00e9ct: x',
    'Sub(ject): x',
    'Subject\r\n : x',
    '"Subject": x',
  ])('%j is none: 400', (line) => {
    const error = invalid(parse(raw({ add: [line] })));
    expect(error).toMatchObject({ status: 400 });
    expect(error.answerable).toBeDefined();
  });

  test('a first line that begins with a space folds nothing', () => {
    const text = raw().replace('\r\nVia', '\r\n Via');
    expect(invalid(parse(text))).toMatchObject({ code: 'header-malformed' });
  });

  test.each([
    ['lone CR', 'Subject: a\rb'],
    ['lone LF', 'Subject: a\nb'],
    ['LF CR', 'Subject: a\n\rb'],
    ['CR CR LF', 'Subject: a\r'],
    ['NUL', 'Subject: a\0b'],
    ['lone LF that would begin a field', 'Subject: a\nEvil: 1'],
    ['lone CR in a name', 'Sub\rject: a'],
    ['lone LF before a fold', 'Subject: a\n b'],
    ['lone CR inside a fold', 'Subject: a\r\n b\r c'],
    ['NUL in a name', 'Sub\0ject: a'],
  ])('%s is refused', (_, line) => {
    const error = invalid(parse(raw({ add: [line] })));
    expect(error).toMatchObject({ code: 'header-control-character', status: 400 });
    expect(error.answerable?.headers.has('Evil')).toBe(false);
  });

  test.each(['INVITE sip:a\rb@c SIP/2.0', 'INVITE sip:a@b SIP/2.0\nEvil: 1', 'SIP/2.0 200 O\0K', 'SIP/2.0 200 O\nK'])(
    'a start line %j is refused',
    (startLine) => {
      expect(invalid(parse(raw({ startLine })))).toMatchObject({ code: 'header-control-character' });
    },
  );
});

describe('what must be there once (RFC 3261 §8.1.1, §7.3.1)', () => {
  test.each(['Via', 'From', 'To', 'Call-ID', 'CSeq'])('no %s: 400', (name) => {
    expect(invalid(parse(raw({ replace: { [name]: '' } })))).toMatchObject({ code: 'header-missing', status: 400 });
  });

  test.each(['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Length'])('an empty %s: 400', (name) => {
    expect(invalid(parse(raw({ replace: { [name]: `${name}: ` } })))).toMatchObject({ status: 400 });
  });

  const repeated = [
    'From: <sip:x@y>;tag=1',
    'f: <sip:x@y>;tag=1',
    'To: <sip:x@y>',
    't : <sip:x@y>',
    'CALL-ID: x',
    'i: x',
    'cseq: 2 INVITE',
    'Max-Forwards: 10',
    'Content-Length: 0',
    'l: 0',
  ];
  test.each(repeated)('a second %j: 400', (line) => {
    expect(invalid(parse(raw({ add: [line] })))).toMatchObject({ code: 'header-repeated', status: 400 });
    expect(parse(raw({ startLine: 'SIP/2.0 200 OK', add: [line] })).ok).toBe(false);
  });

  const single = [
    ['Content-Type: a/b', 'c: a/b'],
    ['Content-Disposition: session', 'Content-Disposition: render'],
    ['Date: Sat, 13 Nov 2010 23:29:00 GMT', 'Date: x'],
    ['Expires: 1', 'expires: 2'],
    ['Refer-To: <sip:a@b>', 'r: <sip:c@d>'],
    ['Referred-By: <sip:a@b>', 'b: <sip:c@d>'],
    ['Replaces: x;to-tag=1;from-tag=2', 'Replaces: y;to-tag=1;from-tag=2'],
    ['Session-Expires: 90', 'x: 90'],
    ['Min-SE: 90', 'Min-SE: 91'],
    ['RAck: 1 1 INVITE', 'RAck: 2 1 INVITE'],
    ['Event: a', 'o: b'],
    ['Subject: a', 's: b'],
    ['User-Agent: a', 'User-Agent: b'],
  ] as const;
  test.each(single)('%j and %j: 400 in a request', (first, second) => {
    expect(parse(raw({ add: [first] })).ok).toBe(true);
    expect(invalid(parse(raw({ add: [first, second] })))).toMatchObject({ code: 'header-repeated' });
  });

  test('a response that repeats its Server is still an answer; the first counts', () => {
    const message = parsed({ startLine: 'SIP/2.0 200 OK', add: ['Server: a', 'Server: b'] });
    expect(message.headers.get('Server')).toBe('a');
  });

  test.each([
    'Authorization: Digest a=1',
    'Proxy-Authorization: Digest a=1',
    'Route: <sip:a>',
    'Warning: 300 a "b"',
    'X-Own: 1',
  ])('%j may repeat', (line) => {
    expect(parsed({ add: [line, line] }).headers.all(line.slice(0, line.indexOf(':')))).toHaveLength(2);
  });

  test.each([
    ['Via', 'Via: SIP/2.0/UDP'],
    ['Via', 'Via: nonsense, SIP/2.0/UDP a;branch=x'],
    ['From', 'From: <sip:a@b'],
    ['From', 'From: "Alice <sip:a@b>'],
    ['From', 'From: <sip:a@b>;tag=1;tag=2'],
    ['From', 'From: <sip:a@b>, <sip:c@d>'],
    ['To', 'To: <>'],
    ['To', 'To: "Watson, Thomas" < sip:t.watson@example.org >'],
    ['Call-ID', 'Call-ID: a b'],
    ['Call-ID', 'Call-ID: \u00e9'],
    ['CSeq', 'CSeq: INVITE'],
    ['CSeq', 'CSeq: -1 INVITE'],
    ['CSeq', 'CSeq: 2147483648 INVITE'],
    ['CSeq', 'CSeq: 36893488147419103232 INVITE'],
    ['CSeq', 'CSeq: 1 BYE'],
    ['Max-Forwards', 'Max-Forwards: 256'],
    ['Max-Forwards', 'Max-Forwards: -1'],
    ['Max-Forwards', 'Max-Forwards: many'],
    ['Max-Forwards', 'Max-Forwards: 99999999999999999999'],
    ['Content-Length', 'Content-Length: -1'],
    ['Content-Length', 'Content-Length: 0x10'],
    ['Content-Length', 'Content-Length: 1 2'],
    ['Content-Length', 'Content-Length: 0, 0'],
    ['Content-Length', 'Content-Length: +0'],
  ])('%s as in %j: 400', (name, line) => {
    expect(invalid(parse(raw({ replace: { [name]: line } })))).toMatchObject({ status: 400 });
  });

  test('Call-IDs are compared as they are written', () => {
    expect(essentialsOf(parsed({ replace: { 'Call-ID': 'Call-ID: AbC@Host' } })).callId).toBe('AbC@Host');
    const odd = `intmeth.word%ZK-!.*_+'@word\`~)(><:\\/"][?}{`;
    expect(essentialsOf(parsed({ replace: { 'Call-ID': `Call-ID: ${odd}` } })).callId).toBe(odd);
  });

  test('tags and branches of 4000 characters', () => {
    const long = 'x'.repeat(4000);
    const message = parsed({
      replace: { From: `From: <sip:a@b>;tag=${long}`, Via: `Via: SIP/2.0/UDP a;branch=z9hG4bK${long}` },
    });
    expect(essentialsOf(message)).toMatchObject({ fromTag: long, via: { branch: `z9hG4bK${long}` } });
  });

  test.each(['0', '1', '0068', '255'])('Max-Forwards %s', (hops) => {
    expect(essentialsOf(parsed({ replace: { 'Max-Forwards': `Max-Forwards: ${hops}` } })).maxForwards).toBe(
      Number(hops),
    );
  });
});

describe('bodies (RFC 3261 §18.3, §20.14)', () => {
  const body = 'v=0\r\n\r\nh\u00e9llo\0';
  const bytes = Buffer.from(body);

  test('a body is bytes, whatever they are', () => {
    expect(Buffer.from(parsed({ body }).body)).toEqual(bytes);
  });

  test('what follows it in a datagram is dropped', () => {
    expect(Buffer.from(valid(parse(`${raw({ body })}INVITE junk`)).body)).toEqual(bytes);
  });

  test('what follows it in a stream is an error of the caller', () => {
    expect(invalid(parse(`${raw({ body })}x`, 'stream')).code).toBe('body-too-long');
    expect(parse(raw({ body }), 'stream').ok).toBe(true);
  });

  test('without a Content-Length a datagram ends it', () => {
    expect(Buffer.from(valid(parse(raw({ body, replace: { 'Content-Length': '' } }))).body)).toEqual(bytes);
    expect(invalid(parse(raw({ replace: { 'Content-Length': '' } }), 'stream')).code).toBe('content-length-missing');
  });

  test.each([`${bytes.length + 1}`, '9999', '4294967296', '99999999999999999999999'])(
    'one shorter than Content-Length %s: 400',
    (length) => {
      const error = invalid(parse(raw({ body, replace: { 'Content-Length': `Content-Length: ${length}` } })));
      expect(error).toMatchObject({ code: 'body-truncated', status: 400 });
      expect(error.answerable).toBeDefined();
    },
  );

  test('folded, compact and spaced Content-Length', () => {
    for (const line of ['l:\r\n 3', 'Content-Length : 3', 'L: 003 ', 'content-length:3']) {
      expect(
        Buffer.from(valid(parse(raw({ body: 'abc', replace: { 'Content-Length': line } }), 'stream')).body),
      ).toEqual(Buffer.from('abc'));
    }
  });

  test('a view of a larger array is read at its own bounds', () => {
    const whole = Buffer.from(`junk${raw({ body: 'abc' })}junk`);
    const view = new Uint8Array(whole.buffer, whole.byteOffset + 4, whole.length - 8);
    const message = valid(parse(view, 'stream'));
    expect(Buffer.from(message.body).toString()).toBe('abc');
    expect(essentialsOf(message).fromTag).toBe('9fxced76sl');
  });
});

describe('what can be answered (RFC 3261 §8.2.6)', () => {
  const bad = { startLine: invite, add: ['Sub ject: x'] };

  test('Via, From, To, Call-ID and CSeq are kept, all of Via, the first of the others', () => {
    const text = raw({
      startLine: invite,
      add: ['Via: SIP/2.0/TCP b', 'To: <sip:second@b>', 'i: second', 'Subject: x'],
    });
    const { answerable } = invalid(parse(text));
    expect([...(answerable?.headers.names() ?? [])]).toEqual(['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Via']);
    expect(answerable?.headers.get('To')).toBe('Bob <sip:bob@example.net>');
  });

  test.each(['Via', 'Call-ID', 'CSeq'])('not without %s', (name) => {
    expect(invalid(parse(raw({ ...bad, replace: { [name]: '' } }))).answerable).toBeUndefined();
  });

  test.each(['From', 'To'])('but without %s', (name) => {
    expect(invalid(parse(raw({ ...bad, replace: { [name]: '' } }))).answerable?.headers.has(name)).toBe(false);
  });

  test('not with a Via that says nowhere to answer to', () => {
    expect(invalid(parse(raw({ ...bad, replace: { Via: 'Via: SIP/2.0/UDP ;x' } }))).answerable).toBeUndefined();
  });

  test('never an ACK, never a response', () => {
    const ack = raw({ startLine: 'ACK sip:a@b SIP/2.0', replace: { CSeq: 'CSeq: 1 ACK' }, add: ['Sub ject: x'] });
    expect(invalid(parse(ack)).answerable).toBeUndefined();
    expect(invalid(parse(raw({ startLine: 'SIP/2.0 200 OK', add: ['Sub ject: x'] }))).answerable).toBeUndefined();
  });

  test('a CSeq that is too large is sent back as it came', () => {
    const error = invalid(parse(raw({ replace: { CSeq: 'CSeq: 36893488147419103232 INVITE' } })));
    expect(error.answerable?.headers.get('CSeq')).toBe('36893488147419103232 INVITE');
  });

  test('a message without an empty line behind its headers', () => {
    const error = invalid(parse(raw().slice(0, -2)));
    expect(error).toMatchObject({ code: 'header-unterminated', status: 400 });
    expect(error.answerable?.headers.get('CSeq')).toBe('1 INVITE');
  });

  test('a field that was cut off is no part of the answer', () => {
    const text = raw();
    const error = invalid(parse(text.slice(0, text.indexOf('INVITE', 10) + 3)));
    expect(error.answerable).toBeUndefined();
  });

  test.each(['', '\r\n', '\r\n\r\n', '\0\0\0\0', '\x16\x03\x01\x02', 'x'])(
    '%j is nothing and cannot be answered',
    (text) => {
      expect(invalid(parse(text)).answerable).toBeUndefined();
    },
  );
});
