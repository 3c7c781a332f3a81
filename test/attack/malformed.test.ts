// Messages that are no SIP, or that two readers could read in two ways (RFC 3261 §7.3, §16.3, §18.3; RFC 4475), over UDP and
// TLS while a call runs: 400 or nothing, and neither the process nor the call notices.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { AttackSite } from '../support/attack-site.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import type { RawDatagrams } from '../support/raw-peer.ts';
import { rawRequest, textOf } from '../support/raw-request.ts';

let site: AttackSite;
let call: PhoneCall;
let attacker: RawDatagrams;

beforeAll(async () => {
  site = await AttackSite.start();
  attacker = await site.datagrams();
  const alice = await site.phone('alice');
  call = await alice.call('600').answered;
});

afterAll(async () => {
  await call.talk(10);
  await vi.waitFor(() => expect(call.heard.packets).toBeGreaterThanOrEqual(9), { timeout: 3_000 });
  await call.hangUp();
  expect(site.log.filter((line) => /handling-failed|user-failed|defect|threw/.test(line))).toEqual([]);
  await site.close();
});

const invite = () => textOf(rawRequest({ method: 'INVITE', transport: 'UDP' }));

/** Each changes a good INVITE. Some have no answer that could be sent. */
const spoiled: Readonly<Record<string, (good: string) => string>> = {
  'a tag of 10,000 characters': (good) => good.replace(/;tag=\w+/, `;tag=${'t'.repeat(10_000)}`),
  'a branch of 9,000 characters': (good) => good.replace(/branch=\w+/, `branch=z9hG4bK${'b'.repeat(9_000)}`),
  'a second To': (good) => good.replace('To: ', 'To: <sip:601@pbx.test>\r\nTo: '),
  'a second To in compact form': (good) => good.replace('To: ', 't: <sip:601@pbx.test>\r\nTo: '),
  'no To': (good) => good.replace(/To: .*\r\n/, ''),
  'an empty From': (good) => good.replace(/From: .*\r\n/, 'From:\r\n'),
  'an empty Call-ID': (good) => good.replace(/Call-ID: .*\r\n/, 'Call-ID:\r\n'),
  'an empty Via': (good) => good.replace(/Via: .*\r\n/, 'Via: \r\n'),
  'a CSeq beyond 2^31': (good) => good.replace(/CSeq: 1/, 'CSeq: 4294967296'),
  'a CSeq of another method': (good) => good.replace(/CSeq: 1 INVITE/, 'CSeq: 1 BYE'),
  'a Max-Forwards of 999': (good) => good.replace('Max-Forwards: 70', 'Max-Forwards: 999'),
  'a lone CR in a header': (good) => good.replace('Contact: ', 'Subject: a\rX-Injected: b\r\nContact: '),
  'a lone LF in a header': (good) => good.replace('Contact: ', 'Subject: a\nX-Injected: b\r\nContact: '),
  'a NUL in a header': (good) => good.replace('Contact: ', 'Subject: a\0b\r\nContact: '),
  'two Content-Lengths': (good) => good.replace('Content-Length: 0', 'Content-Length: 0\r\nContent-Length: 5'),
  'a spaced second Content-Length': (good) => good.replace('Content-Length: 0', 'Content-Length: 0\r\nl : 5'),
  'a negative Content-Length': (good) => good.replace('Content-Length: 0', 'Content-Length: -1'),
  'a huge Content-Length': (good) => good.replace('Content-Length: 0', 'Content-Length: 99999999999999999999'),
  'a Content-Length beyond the body': (good) => good.replace('Content-Length: 0', 'Content-Length: 50'),
  'a thousand headers': (good) => good.replace('Contact: ', `${'X-A: b\r\n'.repeat(1_000)}Contact: `),
  'a header of 20,000 characters': (good) => good.replace('Contact: ', `X-A: ${'b'.repeat(20_000)}\r\nContact: `),
  'a Request-URI of 5,000 characters': (good) => good.replace('sip:600@', `sip:${'6'.repeat(5_000)}@`),
  'an escaped line end in the Request-URI, raw': (good) => good.replace('sip:600@', 'sip:6\r\n00@'),
  'a header without a colon': (good) => good.replace('Contact: ', 'Nonsense\r\nContact: '),
  'a header without a name': (good) => good.replace('Contact: ', ': nameless\r\nContact: '),
  'a broken escape in From': (good) => good.replace('sip:alice@', 'sip:%zzalice@'),
  'another protocol': () => 'GET / HTTP/1.1\r\nHost: pbx.test\r\n\r\n',
  'a method that is none': (good) => good.replaceAll('INVITE', 'IN VITE'),
  'a version of its own': (good) => good.replace('SIP/2.0\r\nVia', 'SIP/9.0\r\nVia'),
};

describe.each(Object.entries(spoiled))('%s', (_, spoil) => {
  test('over UDP is refused or dropped', async () => {
    const before = attacker.inbox.messages.length;
    await attacker.send(spoil(invite()), site.udp);
    await expectAlive();
    for (const message of attacker.inbox.messages.slice(before, -1)) {
      expect(message).toMatchObject({ kind: 'response' });
      if (message.kind === 'response') expect([400, 414, 505, 513]).toContain(message.status);
    }
  });

  test('over TLS is refused or dropped, and a connection out of step is closed', async () => {
    const stream = await site.stream();
    stream.send(spoil(invite().replace('/UDP', '/TLS')));
    // Read as part of the message where its length lied; else the sentinel is challenged.
    const sentinel = rawRequest({ transport: 'TLS' });
    stream.send(textOf(sentinel));
    await stream.inbox.until(() => (stream.isClosed || stream.inbox.messages.length > 0 ? true : undefined));
    for (const message of stream.inbox.messages) {
      if (message.kind === 'response') expect([400, 401, 414, 505, 513]).toContain(message.status);
    }
    stream.close();
    await expectAlive();
  });
});

const malformedAuthorizations: readonly string[] = [
  '',
  'Digest',
  'Digest username',
  'Digest username="alice',
  'Digest username="alice", realm="pbx.test", realm="pbx.test"',
  `Digest ${'a="b",'.repeat(500)}c="d"`,
  'Digest username="alice", realm="pbx.test", nonce="n", uri="sip:600@pbx.test", response="0"',
  'Digest __proto__="x", constructor="y", realm="pbx.test"',
  `Digest username="${'a'.repeat(3_000)}", realm="pbx.test", nonce="n", uri="sip:600@pbx.test", response="0", qop=auth, nc=00000001, cnonce="c"`,
  'Basic YWxpY2U6c2VjcmV0',
  'Digest username="alice", realm="pbx.test", nonce="\\',
];

test.each(malformedAuthorizations)('Authorization: %s', async (authorization) => {
  const raw = rawRequest({ method: 'INVITE' });
  await attacker.send(textOf(raw, authorization), site.udp);
  const { status } = await attacker.inbox.response(raw.callId);
  expect([400, 401]).toContain(status);
});

describe('smuggling', () => {
  test('a header with a space before its colon is that header: it is read, and does not cross unread', async () => {
    const raw = rawRequest({ method: 'INVITE', lines: ['Max-Forwards : 5'] });
    await attacker.send(textOf(raw), site.udp);
    expect((await attacker.inbox.response(raw.callId)).status).toBe(400);
  });

  test('what a body holds is never a second message on a stream', async () => {
    const stream = await site.stream();
    const inner = rawRequest({ transport: 'TLS' });
    const outer = rawRequest({ transport: 'TLS', body: textOf(inner) });
    const last = rawRequest({ transport: 'TLS' });
    stream.send(textOf(outer) + textOf(last));
    expect((await stream.inbox.response(last.callId)).status).toBe(401);
    expect(stream.inbox.messages.map(({ headers }) => headers.get('Call-ID'))).toEqual([outer.callId, last.callId]);
    stream.close();
  });
});

/** The next request is challenged, as if nothing had been. */
async function expectAlive(): Promise<void> {
  const sentinel = rawRequest();
  await attacker.send(textOf(sentinel), site.udp);
  expect((await attacker.inbox.response(sentinel.callId)).status).toBe(401);
}
