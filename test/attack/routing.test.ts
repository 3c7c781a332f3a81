// What a peer may make us believe or do: who calls, what was dialled, where requests and media go, and to whom our own
// passwords are told (RFC 3325 §5, RFC 3261 §16.4, §20.34, §22.2, RFC 3966 §5.1.1).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { AttackSite, pbxAddress, stranger } from '../support/attack-site.ts';
import { RawPhone } from '../support/raw-phone.ts';
import { again, plainOffer, rawRequest, Signer, sdpText, textOf } from '../support/raw-request.ts';

/** Its PBX is a socket that the tests speak for; it knows a carrier that is not trusted, and alice has a namesake. */
let scripted: AttackSite;
/** Its PBX calls users back. */
let embedded: AttackSite;
/** Its PBX has a password of ours. */
let known: AttackSite;
/** The one that a test is about. */
let site: AttackSite;

const extra = `
[[trunk]]
name = "carrier"
listener = "udp-phones"
accept_from = ["${stranger}"]
allow_unauthenticated_udp = true
[[domain]]
name = "other.test"
[[user]]
name = "alice"
domain = "other.test"
password = "namesake"`;

beforeAll(async () => {
  scripted = await AttackSite.start({ pbx: 'scripted', extra, mediaPorts: 400 });
  embedded = await AttackSite.start();
  const pbxLines = 'username = "sbc"\npassword_env = "PBX_PASSWORD"\nrealm = "inner"';
  known = await AttackSite.start({ pbx: 'scripted', pbxLines, environment: { PBX_PASSWORD: 'between-us' } });
});

beforeEach(() => {
  site = scripted;
});

afterAll(async () => {
  for (const one of [scripted, embedded, known]) await one.close();
});

/** Calls that the scripted PBXs have refused: copies of their INVITEs may still come. */
const refused = new Set<string>();

/** The call that the scripted PBX gets next, refused at once. */
async function taken(status = 486, lines: readonly string[] = []): Promise<SipRequest> {
  const { inbox } = site.scripted;
  const invite = await inbox.request((request) => request.method === 'INVITE' && !refused.has(keyOf(request)));
  refused.add(keyOf(invite));
  await site.scripted.send(answerTo(invite, status, lines), site.inside);
  await inbox.request((request) => request.method === 'ACK' && keyOf(request) === keyOf(invite));
  return invite;
}

/** Calls that the scripted PBX saw and that no test has taken. */
function unexpected(): readonly string[] {
  const requests = site.scripted.inbox.messages.filter((message) => message.kind === 'request');
  return requests.map(keyOf).filter((key) => !refused.has(key));
}

function keyOf({ headers }: SipRequest): string {
  return `${headers.get('Call-ID') ?? ''} ${Number.parseInt(headers.get('CSeq') ?? '', 10)}`;
}

function answerTo(request: SipRequest, status: number, lines: readonly string[] = []): string {
  const copied = ['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${request.headers.get(name) ?? ''}`);
  const to = `To: ${request.headers.get('To') ?? ''};tag=pbx`;
  return [`SIP/2.0 ${status} Scripted`, ...copied, to, ...lines, 'Content-Length: 0', '', ''].join('\r\n');
}

describe('who calls', () => {
  test('is who proved it, whatever headers of identity, routing and product a phone sends', async () => {
    const alice = await RawPhone.start(site);
    const lines = [
      'P-Asserted-Identity: <sip:director@pbx.test>',
      'P-Preferred-Identity : <sip:director@pbx.test>',
      'Remote-Party-ID: <sip:director@pbx.test>;party=calling',
      'Diversion: <sip:director@pbx.test>',
      'History-Info: <sip:director@pbx.test>;index=1',
      'Route: <sip:10.0.0.1;lr>, <sip:169.254.169.254;lr>',
      'Record-Route: <sip:10.0.0.1;lr>',
      'Path: <sip:10.0.0.1;lr>',
      'Replaces: a;to-tag=b;from-tag=c',
      'Alert-Info: <http://10.0.0.1/ring>',
      'X-Inner : 1',
      'Subject: folded\r\n X-Injected: yes',
      'User-Agent: spy',
    ];
    await alice.send(
      rawRequest({ method: 'INVITE', lines, body: alice.offer, from: '"Al" <sip:alice@pbx.test>;tag=a' }),
    );
    const { headers, uri } = await taken();
    expect(uri).toBe(`sip:600@${pbxAddress}:${site.scripted.local.port}`);
    expect(headers.all('P-Asserted-Identity')).toEqual(['"Al" <sip:alice@pbx.test>']);
    expect(headers.get('From')).toContain('<sip:alice@pbx.test>');
    expect(headers.get('Subject')).toBe('folded X-Injected: yes');
    const foreign = lines.map((line) => line.slice(0, line.search(/ ?:/))).filter((name) => name !== 'Subject');
    for (const name of foreign) if (name !== 'P-Asserted-Identity') expect(headers.has(name)).toBe(false);
    expect(headers.has('X-Injected')).toBe(false);
  });

  test('over a trunk that is not trusted is not asserted, least of all as one of ours', async () => {
    const carrier = await site.datagrams();
    const lines = ['P-Asserted-Identity: <sip:alice@pbx.test>'];
    const body = plainOffer({ address: stranger, port: 30_000 });
    await carrier.send(
      textOf(rawRequest({ method: 'INVITE', from: '<sip:alice@pbx.test>;tag=a', lines, body })),
      site.udp,
    );
    expect((await taken()).headers.all('P-Asserted-Identity')).toEqual([]);
  });

  test('keeps its domain: a namesake in another domain is somebody else', async () => {
    const peer = await site.datagrams('127.0.0.1');
    const raw = rawRequest({
      method: 'INVITE',
      from: '<sip:alice@other.test>;tag=a',
      body: plainOffer({ address: '127.0.0.1', port: 30_000 }),
    });
    const challenged = peer.inbox.response(raw.callId);
    await peer.send(textOf(raw), site.udp);
    const next = again(raw);
    await peer.send(textOf(next, new Signer('alice', 'namesake').sign(next, await challenged)), site.udp);
    const { headers } = await taken();
    expect(headers.all('P-Asserted-Identity')).toEqual(['<sip:alice@other.test>']);
    expect(headers.get('From')).toContain('<sip:alice@other.test>');
  });
});

describe('what was dialled', () => {
  const premium = '+449098790000';
  test.each([
    'sip:+449098790000@pbx.test',
    'sip:00449098790000@pbx.test',
    'sip:%2B449098790000@pbx.test',
    'sip:+44%390%398790000@pbx.test',
    'sip:+44-(909).879-0000@pbx.test;user=phone',
    'sip:9098790000;phone-context=+44@pbx.test;user=phone',
    'tel:+44-909-879-0000',
    'tel:909-879-0000;phone-context=+44',
    'sip:+449098790000@10.0.0.1',
    'sip:+449098790000:secret@pbx.test',
  ])('%s is one number, and To does not matter', async (uri) => {
    const alice = await RawPhone.start(site);
    await alice.send(rawRequest({ method: 'INVITE', uri, to: '<sip:600@pbx.test>', body: alice.offer }));
    const invite = await taken();
    expect(invite.uri).toBe(`sip:${premium}@${pbxAddress}:${site.scripted.local.port}`);
    expect(invite.headers.get('To')).toContain(`<sip:${premium}@pbx.test>`);
  });

  test.each([
    'sip:%0d%0aX-Injected:1@pbx.test',
    'sip:6%0000@pbx.test',
    'sip:%EF%BC%96%EF%BC%90%EF%BC%90@pbx.test',
    'sip:++44909@pbx.test',
    'sip:%20@pbx.test',
    'sip:__proto__%3C@pbx.test',
    'sip:pbx.test',
    'http://10.0.0.1/',
  ])('%s reaches nobody', async (uri) => {
    const alice = await RawPhone.start(site);
    const { status } = await alice.ask(rawRequest({ method: 'INVITE', uri, body: alice.offer }));
    expect([400, 404, 416, 484]).toContain(status);
    expect(unexpected()).toEqual([]);
  });

  test('in a circle ends when its hops are used up', async () => {
    site = embedded;
    const alice = await RawPhone.start(site);
    const raw = rawRequest({ method: 'INVITE', uri: 'sip:bob@pbx.test', body: alice.offer });
    const hops = (count: number) => (text: string) => text.replace('Max-Forwards: 70', `Max-Forwards: ${count}`);
    expect((await alice.ask(raw, hops(0))).status).toBe(483);
    expect((await alice.ask({ ...raw, callId: `${raw.callId}1` }, hops(1))).status).toBe(483);
    // Refused by the SBC when it came back from the PBX.
    expect((await alice.ask({ ...raw, callId: `${raw.callId}2` }, hops(2))).status).toBe(483);
  });
});

describe('where a call goes', () => {
  test('to a registered phone: over its own connection, whatever address its Contact names', async () => {
    site = embedded;
    const victim = await site.datagrams();
    const alice = await RawPhone.start(site);
    const inner = `sip:alice@${victim.local.address}:${victim.local.port};maddr=${victim.local.address}`;
    await alice.register(inner, ['Path: <sip:10.0.0.1;lr>', 'Route: <sip:10.0.0.1;lr>']);
    const bob = await site.phone('bob');
    const dialling = bob.call('alice');
    const invite = await alice.peer.inbox.request(({ method }) => method === 'INVITE');
    expect(invite.uri).toBe(inner);
    expect(invite.headers.has('Route')).toBe(false);
    const sdp = plainOffer({ address: '127.0.0.1', port: alice.peer.local.port });
    const answer = answerTo(invite, 200, [
      `Contact: <${inner}>`,
      `Record-Route: <sip:${victim.local.address}:${victim.local.port};lr>`,
      'Content-Type: application/sdp',
    ]).replace('Content-Length: 0\r\n\r\n', `Content-Length: ${sdp.length}\r\n\r\n${sdp}`);
    await alice.peer.send(answer, site.udp);
    const call = await dialling.answered;
    await alice.peer.inbox.request(({ method }) => method === 'ACK');
    void call.hangUp();
    const bye = await alice.peer.inbox.request(({ method }) => method === 'BYE');
    await alice.peer.send(answerTo(bye, 200), site.udp);
    await call.ended;
    expect(victim.inbox.bytes).toEqual([]);
  });

  test('a redirection, and a transfer, are followed by nobody', async () => {
    site = embedded;
    const alice = await RawPhone.start(site);
    await alice.register(`sip:alice@127.0.0.1:${alice.peer.local.port}`);
    const bob = await site.phone('bob');
    const outcome = bob.call('alice').answered.catch((thrown: unknown) => thrown);
    const invite = await alice.peer.inbox.request(({ method }) => method === 'INVITE');
    await alice.peer.send(answerTo(invite, 302, ['Contact: <sip:+449098790000@pbx.test>']), site.udp);
    expect(await outcome).toMatchObject({ status: 480 });
    expect(
      (await alice.ask(rawRequest({ method: 'REFER', lines: ['Refer-To: <sip:+449098790000@pbx.test>'] }))).status,
    ).toBe(405);
  });
});

describe('where media goes', () => {
  const lines: readonly (readonly [string, string])[] = [
    ['multicast', plainOffer({ address: '224.0.1.75', port: 30_000 })],
    ['a metadata service', plainOffer({ address: '169.254.169.254', port: 80 })],
    ['a metadata service, high port', plainOffer({ address: '169.254.169.254', port: 30_000 })],
    ['broadcast', plainOffer({ address: '255.255.255.255', port: 30_000 })],
    ['a reserved port', plainOffer({ address: '127.0.0.1', port: 53 })],
    ['another than signalling comes from', plainOffer({ address: '203.0.113.5', port: 30_000 })],
    [
      'a host name',
      sdpText('127.0.0.1', ['m=audio 30000 RTP/AVP 8']).replace('c=IN IP4 127.0.0.1', 'c=IN IP4 inner.pbx.test'),
    ],
    [
      '10,000 lines',
      sdpText(
        '127.0.0.1',
        Array.from({ length: 2_000 }, () => 'm=audio 9 RTP/AVP 8'),
      ),
    ],
    ['nowhere', sdpText('127.0.0.1', [])],
    ['two addresses in one value', sdpText('127.0.0.1', ['m=audio 30000 RTP/AVP 8\rc=IN IP4 10.0.0.1'])],
    [
      'keys over an open transport',
      sdpText('127.0.0.1', ['m=audio 30000 RTP/SAVP 8', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'A'.repeat(40)}`]),
    ],
  ];
  test.each(lines)('%s: refused before anybody is called', async (_, body) => {
    const alice = await RawPhone.start(site);
    const { status } = await alice.ask(rawRequest({ method: 'INVITE', body }));
    expect([400, 488]).toContain(status);
    expect(unexpected()).toEqual([]);
    await expect.poll(() => site.metric('sbc_media_sessions_active')).toBe(0);
  });

  test('10,000 m-lines in 64 kB are too large before they are read', async () => {
    const stream = await site.stream('127.0.0.1');
    const raw = rawRequest({ method: 'INVITE', transport: 'TLS', body: 'm=a 0 b c\r\n'.repeat(10_000) });
    stream.send(textOf(raw));
    expect((await stream.inbox.response(raw.callId)).status).toBe(513);
    await stream.closed;
  });
});

describe('our own password', () => {
  const challenge = (realm: string) =>
    `WWW-Authenticate: Digest realm="${realm}", nonce="n", algorithm=MD5, qop="auth"`;

  test('does not exist for a PBX without credentials: its challenge ends the attempt, and is not passed out', async () => {
    const alice = await RawPhone.start(site);
    const raw = rawRequest({ method: 'INVITE', body: alice.offer });
    const sent = await alice.send(raw);
    const invite = await taken(401, [challenge('pbx.test')]);
    expect(invite.headers.has('Authorization')).toBe(false);
    const answer = await alice.peer.inbox.until(() => {
      return alice.peer.inbox.messages.find((message): message is SipResponse => {
        return (
          message.kind === 'response' && message.headers.get('CSeq') === `${sent.cseq} INVITE` && message.status >= 200
        );
      });
    });
    expect(answer.status).toBe(500);
    expect(answer.headers.has('WWW-Authenticate')).toBe(false);
    expect(unexpected()).toEqual([]);
  });

  test('is told for its realm only', async () => {
    site = known;
    const alice = await RawPhone.start(site);
    await alice.send(rawRequest({ method: 'INVITE', body: alice.offer }));
    await taken(401, [challenge('elsewhere')]);
    await alice.send(rawRequest({ method: 'INVITE', body: alice.offer }));
    expect((await taken(401, [challenge('inner')])).headers.has('Authorization')).toBe(false);
    expect((await taken(486)).headers.get('Authorization')).toContain('realm="inner"');
    expect(unexpected()).toEqual([]);
  });

  test('is not told to a phone that challenges our INVITE', async () => {
    site = embedded;
    const alice = await RawPhone.start(site);
    await alice.register(`sip:alice@127.0.0.1:${alice.peer.local.port}`);
    const bob = await site.phone('bob');
    const outcome = bob.call('alice').answered.catch((thrown: unknown) => thrown);
    const invite = await alice.peer.inbox.request(({ method }) => method === 'INVITE');
    await alice.peer.send(answerTo(invite, 401, [challenge('pbx.test')]), site.udp);
    expect(await outcome).toMatchObject({ status: 500 });
    const sent = alice.peer.inbox.bytes.map((bytes) => Buffer.from(bytes).toString());
    expect(sent.filter((text) => text.includes('Authorization:'))).toEqual([]);
  });
});
