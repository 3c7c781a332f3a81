// Messages in the manner of RFC 4475: what each is called there, and what comes of it here.
import { describe, expect, test } from 'vitest';
import {
  contactExpires,
  contacts,
  essentialsOf,
  routes,
  tokens,
  vias,
} from '../../../../src/sip/message/header-fields.ts';
import type { SipMessage } from '../../../../src/sip/message/message.ts';
import type { NameAddr } from '../../../../src/sip/message/name-addr.ts';
import { parseUri } from '../../../../src/sip/message/uri.ts';
import { corpus } from '../../../fuzz/sip-message-mutation.ts';
import { invalid, parse, valid } from './raw.ts';

// Those of the fuzz corpus come last here: they are what these tests were written for.
const samples = new Map(
  corpus()
    .toReversed()
    .map(({ name, bytes }) => [name, bytes]),
);

function sample(name: string): Buffer {
  const bytes = samples.get(name);
  if (bytes === undefined) throw new Error(`no sample ${name}`);
  return bytes;
}

const accepted = (name: string): SipMessage => valid(parse(sample(name)));
const refused = (name: string) => invalid(parse(sample(name)));

function contactList(message: SipMessage): readonly NameAddr[] {
  const list = valid(contacts(message.headers));
  return list === '*' ? [] : list;
}

describe('valid messages (RFC 4475 §3.1.1)', () => {
  test('wsinv: folding, spaces and compact forms everywhere', () => {
    const message = accepted('wsinv');
    const { from, fromTag, to, toTag, cseq, maxForwards, callId } = essentialsOf(message);
    expect({ fromTag, toTag, cseq, maxForwards, callId }).toEqual({
      fromTag: '98asjd8',
      toTag: '1918181833n',
      cseq: { sequence: 9, method: 'INVITE' },
      maxForwards: 68,
      callId: 'wsinv.ndaksdj@192.0.2.1',
    });
    expect([from.displayName, to.uriText]).toEqual(['J Rosenberg \\"', 'sip:vivekg@chair-dnrc.example.com']);
    expect(valid(vias(message.headers)).map(({ protocol, host, branch }) => [protocol, host, branch])).toEqual([
      ['UDP', '192.0.2.2', '390skdjuw'],
      ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
      ['UDP', '192.168.255.111', 'z9hG4bK30239'],
    ]);
    expect(message.headers.get('Subject')).toBe('');
    expect(message.headers.get('NewFangledHeader')).toBe('newfangled value continued newfangled value');
    expect(message.headers.get('UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;');
    expect(contactList(message)).toMatchObject([
      { displayName: 'Quoted string ""', uriText: 'sip:jdrosen@example.com' },
    ]);
    expect([...(contactList(message)[0]?.parameters ?? [])]).toEqual([
      ['newparam', 'newvalue'],
      ['secondparam', undefined],
      ['q', '0.33'],
    ]);
    expect(valid(routes(message.headers))).toHaveLength(1);
    expect(message.body).toHaveLength(150);
  });

  test('intmeth: every odd character that the grammar allows', () => {
    const message = accepted('intmeth');
    expect(message).toMatchObject({ method: "!interesting-Method0123456789_*+`.%indeed'~" });
    const { from, to } = essentialsOf(message);
    expect(to.displayName).toBe('BEL:\u0007 DEL:\u007f');
    expect(to.uri).toMatchObject({ user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*", host: 'example.com' });
    expect(from.displayName).toBe("token1~` token2'+_ token3*%!.-");
    expect(from.parameters.get("fromparam''~+*_!.-%")).toBe('работающий');
    expect(from.parameters.get('tag')).toBe("_token~1'+`*%!-.");
    expect(message.headers.get("extensionHeader-!.%*+_`'~")).toBe('\ufeff大停電');
  });

  test('intmeth with its NUL is refused: no octet may end a string early in what stands behind us', () => {
    expect(refused('intmeth-nul')).toMatchObject({ code: 'header-control-character', status: 400 });
  });

  test('esc01: escapes are read once', () => {
    const message = accepted('esc01');
    expect(message.kind === 'request' && valid(parseUri(message.uri))).toMatchObject({ user: 'sips:user@example.com' });
    const { from, to } = essentialsOf(message);
    expect([from.uri, to.uri]).toMatchObject([{ user: 'I have spaces' }, { user: 'user' }]);
    const [contact] = contactList(message);
    expect(contact?.uri).toMatchObject({ user: 'caller' });
    expect(contact?.uri.scheme === 'sip' && [...contact.uri.parameters]).toEqual([
      ['lr', undefined],
      ['name', 'value%41'],
    ]);
  });

  test('escnull: a NUL that is escaped ends nothing', () => {
    const message = accepted('escnull');
    expect(essentialsOf(message).to.uri).toMatchObject({ user: 'null-\0-null' });
    expect(contactList(message).map(({ uri }) => uri)).toMatchObject([{ user: '\0' }, { user: '\0\0' }]);
  });

  test('esc02: a percent sign in a method, a name or a display name is one', () => {
    const message = accepted('esc02');
    expect(message).toMatchObject({ method: 'RE%47IST%45R' });
    expect(essentialsOf(message).to.displayName).toBe('%Z%45');
    expect(contactList(message)).toHaveLength(2);
  });

  test('lwsdisp: no space before the bracket', () => {
    expect(essentialsOf(accepted('lwsdisp')).from.displayName).toBe('caller');
  });

  test('longreq: long names and values, many Vias', () => {
    const message = accepted('longreq');
    expect(valid(vias(message.headers))).toHaveLength(33);
    expect(essentialsOf(message).fromTag).toHaveLength(2 + 150 + 3);
  });

  test('dblreq: what follows a datagram is dropped', () => {
    expect(accepted('dblreq')).toMatchObject({ method: 'REGISTER', body: new Uint8Array(0) });
  });

  test('semiuri: a semicolon in a user part', () => {
    expect(valid(parseUri('sip:user;par=u%40example.net@example.com'))).toMatchObject({
      user: 'user;par=u@example.net',
    });
    expect(accepted('semiuri').headers.values('Accept')).toHaveLength(6);
  });

  test('transports: any token', () => {
    expect(valid(vias(accepted('transports').headers)).map(({ protocol }) => protocol)).toEqual([
      'UDP',
      'SCTP',
      'TLS',
      'UNKNOWN',
      'TCP',
    ]);
  });

  test('mpart01: a body of parts comes whole, binary and all', () => {
    const { body, headers } = accepted('mpart01');
    expect(headers.get('Content-Type')).toContain('multipart/mixed');
    expect(Buffer.from(body).includes(Buffer.from([0x30, 0x82, 0, 1, 0xff, 0, 0x0d, 0x0a, 0x80]))).toBe(true);
  });

  test('unreason and noreason: any reason phrase, or none', () => {
    expect(accepted('unreason')).toMatchObject({ reason: '= 2**3 * 5**2 но сто девяносто девять - простое' });
    expect(accepted('noreason')).toMatchObject({ status: 100, reason: '' });
  });
});

describe('invalid messages (RFC 4475 §3.1.2, §3.3)', () => {
  test.each([
    ['badinv01', 'header-malformed', 400],
    ['clerr', 'body-truncated', 400],
    ['ncl', 'content-length-malformed', 400],
    ['scalar02', 'header-malformed', 400],
    ['quotbal', 'header-malformed', 400],
    ['ltgtruri', 'request-uri-malformed', 400],
    ['lwsruri', 'request-uri-malformed', 400],
    ['lwsstart', 'request-uri-malformed', 400],
    ['trws', 'start-line-malformed', 400],
    ['escruri', 'request-uri-malformed', 400],
    ['badaspec', 'header-malformed', 400],
    ['baddn', 'header-malformed', 400],
    ['badvers', 'version-unsupported', 505],
    ['mismatch01', 'cseq-method-mismatch', 400],
    ['mismatch02', 'cseq-method-mismatch', 400],
    ['multi01', 'header-repeated', 400],
    ['mcl01', 'header-repeated', 400],
    ['insuf', 'header-missing', 400],
  ])('%s: %s, %i', (name, code, status) => {
    const error = refused(name);
    expect(error).toMatchObject({ code, status });
    // Without a Via that can be read, or without a Call-ID, there is nobody and nothing to answer.
    expect(error.answerable !== undefined).toBe(name !== 'insuf' && name !== 'badinv01');
  });

  test.each(['scalarlg', 'bigcode'])('%s: a bad response is dropped', (name) => {
    expect(refused(name).answerable).toBeUndefined();
  });

  test('regbadct: a header of a URI outside angle brackets', () => {
    expect(contacts(accepted('regbadct').headers)).toMatchObject({ ok: false });
    expect(contactList(accepted('regescrt'))[0]?.uri).toMatchObject({ headers: 'Route=%3Csip:sip.example.com%3E' });
  });

  test('baddate: a Date that we do not use is not read', () => {
    expect(accepted('baddate').headers.get('Date')).toBe('Fri, 01 Jan 2010 16:00:00 EST');
  });
});

describe('messages for the layers above (RFC 4475 §3.2 to §3.4)', () => {
  test('badbranch: only the magic cookie', () => {
    expect(essentialsOf(accepted('badbranch')).via.branch).toBe('z9hG4bK');
  });

  test.each([
    ['unkscm', 'nobodyKnowsThisScheme:totallyopaquecontent'],
    ['novelsc', 'soap.beep://192.0.2.103:3002'],
  ])('%s: a scheme that is decided upon above', (name, uri) => {
    expect(accepted(name)).toMatchObject({ uri });
  });

  test('unksm2: other schemes in To, From and Contact', () => {
    const { from, to } = essentialsOf(accepted('unksm2'));
    expect([from.uri, to.uri, contactList(accepted('unksm2'))[0]?.uri].map((uri) => uri?.scheme)).toEqual([
      'other',
      'other',
      'other',
    ]);
  });

  test('bext01: the option tags', () => {
    expect(tokens(accepted('bext01').headers, 'Require')).toEqual(['nothingSupportsThis', 'nothingSupportsThisEither']);
    expect(tokens(accepted('bext01').headers, 'Proxy-Require')).toHaveLength(2);
  });

  test('zeromf and inv2543: Max-Forwards of 0, and none, and no tags', () => {
    expect(essentialsOf(accepted('zeromf')).maxForwards).toBe(0);
    expect(essentialsOf(accepted('inv2543'))).toMatchObject({ maxForwards: undefined, fromTag: undefined });
  });

  test('cparam01 and cparam02: whose parameter it is', () => {
    const [ofHeader] = contactList(accepted('cparam01'));
    const [ofUri] = contactList(accepted('cparam02'));
    expect([ofHeader?.parameters.has('unknownparam'), ofUri?.parameters.has('unknownparam')]).toEqual([true, false]);
    expect(contactExpires(ofHeader ?? essentialsOf(accepted('cparam01')).to, accepted('cparam01').headers, 7)).toBe(7);
  });

  test('invut, regaut01, bcast, sdp01: parse', () => {
    for (const name of ['invut', 'regaut01', 'bcast', 'sdp01', 'keep-alives'])
      expect(parse(sample(name)).ok).toBe(true);
  });
});
