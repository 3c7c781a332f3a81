// Who proved nothing gets nothing: every method, every listener, requests inside other people's dialogs, guessed and
// bent credentials, and questions about who exists (RFC 3261 §22, §26.3.2; RFC 7616 §3.4.6, §5).
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SipResponse } from '../../src/sip/message/message.ts';
import { AttackSite, type Seen } from '../support/attack-site.ts';
import type { Phone } from '../support/phone.ts';
import type { RawDatagrams, RawStream } from '../support/raw-peer.ts';
import { again, type RawRequest, rawRequest, Signer, textOf } from '../support/raw-request.ts';

let site: AttackSite;
let attacker: RawDatagrams;
let stream: RawStream;
let alice: Phone;
const aliceSaw: Seen[] = [];

beforeAll(async () => {
  site = await AttackSite.start();
  attacker = await site.datagrams();
  stream = await site.stream();
  alice = await site.phone('alice', 'tls', aliceSaw);
  expect(await alice.register()).toBe(200);
});

afterAll(() => site.close());

type Way = 'UDP' | 'TLS' | 'inside';

/** Sends it and waits for the next final answer of its Call-ID. */
async function ask(way: Way, raw: RawRequest, authorization?: string): Promise<SipResponse> {
  const text = textOf({ ...raw, transport: way === 'TLS' ? 'TLS' : 'UDP' }, authorization);
  const { inbox } = way === 'TLS' ? stream : attacker;
  const answer = inbox.response(raw.callId, inbox.messages.length);
  if (way === 'TLS') stream.send(text);
  else await attacker.send(text, way === 'UDP' ? site.udp : site.inside);
  return answer;
}

const methods = [
  'INVITE',
  'MESSAGE',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'REGISTER',
  'BYE',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'REFER',
  'PRACK',
  'NONSENSE',
];

describe.each(methods)('%s without credentials', (method) => {
  const expected = { UDP: 401, TLS: 401, inside: 403 } as const;
  test.each(['UDP', 'TLS', 'inside'] as const)('over %s', async (way) => {
    const outside = await ask(way, rawRequest({ method }));
    expect(outside.status).toBe(expected[way]);
    const inDialog = await ask(way, rawRequest({ method, to: '<sip:600@pbx.test>;tag=guessed' }));
    expect(inDialog.status).toBe(expected[way]);
  });
});

test('a request without credentials leaves no transaction and no dialog', async () => {
  const held = async () => [await site.metric('sbc_transactions_active'), await site.metric('sbc_dialogs_active')];
  const [transactions = 0, dialogs = 0] = await held();
  for (const method of methods) await ask('UDP', rawRequest({ method }));
  const [after = 0, dialogsAfter = 0] = await held();
  expect(after).toBeLessThanOrEqual(transactions);
  expect(dialogsAfter).toBeLessThanOrEqual(dialogs);
});

describe('inside the dialog of others', () => {
  const methodsInDialog = ['BYE', 'INVITE', 'UPDATE', 'INFO', 'REFER', 'MESSAGE', 'NOTIFY'];

  test('with its true Call-ID, tags and CSeq, another flow is challenged, and another user meets no dialog', async () => {
    const call = await alice.call('600').answered;
    const ofCall = lastAnswer(aliceSaw);
    for (const method of methodsInDialog) {
      const raw = rawRequest({ method, ...ofCall, cseq: 50 });
      expect((await ask('TLS', raw)).status).toBe(401);
    }
    const udp = rawRequest({ method: 'BYE', ...ofCall, cseq: 90 });
    expect((await ask('UDP', udp)).status).toBe(401);
    expect((await askAs('bob', rawRequest({ method: 'BYE', ...ofCall, cseq: 60, from: ofCall.from }))).status).toBe(
      481,
    );
    await call.talk(10);
    await expect.poll(() => call.heard.packets).toBeGreaterThanOrEqual(9);
    await call.hangUp();
  });

  test('of the PBX, from an address that is not the PBX, is refused', async () => {
    const call = await alice.call('600').answered;
    const { message } = site.seenByPbx.findLast(({ direction, message: seen }) => {
      return direction === 'out' && seen.kind === 'response' && seen.status === 200;
    }) ?? { message: undefined };
    const raw = rawRequest({
      method: 'BYE',
      callId: message?.headers.get('Call-ID') ?? '',
      from: message?.headers.get('To') ?? '',
      to: message?.headers.get('From') ?? '',
      cseq: 50,
    });
    expect((await ask('inside', raw)).status).toBe(403);
    await call.talk(5);
    await expect.poll(() => call.heard.packets).toBeGreaterThanOrEqual(4);
    await call.hangUp();
  });

  test('a CANCEL from elsewhere finds nothing to cancel, with the true branch too', async () => {
    const bob = await site.phone('bob');
    expect(await bob.register()).toBe(200);
    const dialling = alice.call('bob');
    const ring = await bob.nextCall();
    const invite = aliceSaw.findLast(({ direction, message }) => {
      return direction === 'out' && message.kind === 'request' && message.method === 'INVITE';
    })?.message;
    if (invite?.kind !== 'request') throw new Error('no INVITE was seen');
    const { headers } = invite;
    const via = /TLS ([^;]+);branch=([^;]+)/.exec(headers.get('Via') ?? '');
    const cseq = Number.parseInt(headers.get('CSeq') ?? '', 10);
    const stolen: Partial<RawRequest> = {
      method: 'CANCEL',
      uri: invite.uri,
      from: headers.get('From') ?? '',
      to: headers.get('To') ?? '',
      callId: headers.get('Call-ID') ?? '',
      via: via?.[1] ?? '',
      branch: via?.[2] ?? '',
      cseq,
    };
    expect((await ask('TLS', rawRequest(stolen))).status).toBe(481);
    expect((await ask('UDP', rawRequest(stolen))).status).toBe(481);
    const call = await ring.answer();
    await (await dialling.answered).hangUp();
    await call.ended;
    bob.close();
  });
});

describe('credentials', () => {
  test('of a user that exists, does not exist, or is locked are refused alike: one status, one size, one set of headers', async () => {
    const answers: string[] = [];
    for (const name of ['alice', 'nobod', 'locked']) {
      const from = `<sip:${name}@pbx.test>;tag=0123456789`;
      const raw = rawRequest({ method: 'REGISTER', uri: 'sip:pbx.test', from, to: `<sip:${name}@pbx.test>` });
      const challenge = await ask('TLS', raw);
      const next = again(raw);
      const before = stream.inbox.bytes.length;
      stream.send(textOf({ ...next, transport: 'TLS' }, new Signer(name, 'wrong').sign(next, challenge)));
      await stream.inbox.until(() => (stream.inbox.bytes.length > before ? true : undefined));
      answers.push(Buffer.from(stream.inbox.bytes.at(-1) ?? []).toString());
    }
    const shapes = answers.map((text) =>
      text
        .replaceAll(/nonce="[^"]+"/g, 'nonce')
        .replaceAll(/(branch|received|rport|tag)=[^;\r]+/g, '$1')
        .replaceAll(/Call-ID: .*/g, '')
        .replaceAll(/sip:\w+@/g, 'sip:USER@'),
    );
    expect(shapes[0]).toMatch(/^SIP\/2\.0 401 /);
    expect(new Set(shapes).size).toBe(1);
    expect(answers[0]?.length).toBe(answers[1]?.length);
  });

  test('of a locked user do not even work with the right password', async () => {
    expect((await askAs('locked', rawRequest({ from: '<sip:locked@pbx.test>;tag=a' }))).status).toBe(401);
  });

  test('work once: the same nonce count is challenged again', async () => {
    const raw = rawRequest({ uri: 'sip:pbx.test' });
    const challenge = await ask('TLS', raw);
    const first = again(raw);
    const authorization = new Signer('alice', site.passwords.alice).sign(first, challenge);
    expect((await ask('TLS', { ...first, callId: `${raw.callId}1` }, authorization)).status).toBe(200);
    expect((await ask('TLS', { ...again(first), callId: `${raw.callId}2` }, authorization)).status).toBe(401);
  });

  const bent: readonly (readonly [string, (good: string) => string, number])[] = [
    ['without qop', (good) => good.replace(/, qop=auth/, ''), 400],
    ['with qop and without nc', (good) => good.replace(/, nc=\w+/, ''), 400],
    ['with qop and without cnonce', (good) => good.replace(/, cnonce="[^"]+"/, ''), 400],
    ['about another URI', (good) => good.replace(/uri="[^"]+"/, 'uri="sip:601@pbx.test"'), 400],
    ['of a name in another case', (good) => good.replace('username="alice"', 'username="Alice"'), 401],
    ['under a nonce of their own', (good) => good.replace(/nonce="..../, 'nonce="AAAA'), 401],
    ['of another algorithm', (good) => good.replace(/algorithm=[^,]+/, 'algorithm=MD5-sess'), 401],
    ['twice in one field', (good) => good.replace(/response="[^"]+"/, '$&, $&'), 400],
    ['in two fields', (good) => `${good}\r\nAuthorization: ${good}`, 400],
    ['in two kinds of field', (good) => `${good}\r\nProxy-Authorization: ${good}`, 400],
  ];
  test.each(bent)('%s are refused', async (_, bend, status) => {
    const raw = rawRequest();
    const challenge = await ask('TLS', raw);
    const next = again(raw);
    const good = new Signer('alice', site.passwords.alice).sign(next, challenge);
    expect(bend(good)).not.toBe(good);
    expect((await ask('TLS', { ...next, callId: `${raw.callId}x` }, bend(good))).status).toBe(status);
    expect((await ask('TLS', { ...next, callId: `${raw.callId}y` }, good)).status).toBe(200);
  });

  test('of one user say nothing about another: neither From, nor To in a REGISTER', async () => {
    expect((await askAs('bob', rawRequest())).status).toBe(403);
    const register = { method: 'REGISTER', uri: 'sip:pbx.test', from: '<sip:bob@pbx.test>;tag=a' };
    expect((await askAs('bob', rawRequest({ ...register, to: '<sip:alice@pbx.test>' }))).status).toBe(403);
  });
});

/** Answers the challenge as `name`. */
async function askAs(name: 'alice' | 'bob' | 'locked', raw: RawRequest): Promise<SipResponse> {
  const challenge = await ask('TLS', raw);
  const next = again(raw);
  return ask('TLS', next, new Signer(name, site.passwords[name]).sign(next, challenge));
}

/** Call-ID, From and To of the last call that was answered. */
function lastAnswer(seen: readonly Seen[]): Pick<RawRequest, 'callId' | 'from' | 'to'> {
  const answer = seen.findLast(({ direction, message }) => {
    return direction === 'in' && message.kind === 'response' && message.status === 200 && message.body.length > 0;
  })?.message;
  return {
    callId: answer?.headers.get('Call-ID') ?? '',
    from: answer?.headers.get('From') ?? '',
    to: answer?.headers.get('To') ?? '',
  };
}
