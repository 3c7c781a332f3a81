// registrations = "forward": phones register here, the PBX knows one registration for each user (RFC 3261 §10, RFC 3327).
import { describe, expect, test } from 'vitest';
import { Headers } from '../../src/sip/message/headers.ts';
import { responseTo, type SipRequest } from '../../src/sip/message/message.ts';
import { Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { uriOf } from '../support/scenario-headers.ts';
import { CalleeLeg, type Field } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

const forward = 'registrations = "forward"';

function scenario(pbx = '', options: ScenarioOptions = {}): Scenario {
  return new Scenario({ pbx: `${forward}\n${pbx}`, ...options });
}

/** The PBX answers a REGISTER; a 200 lists what was registered. */
async function answer(s: Scenario, request: SipRequest, status = 200, fields: readonly Field[] = []): Promise<void> {
  const contact = request.headers.all('Contact').map((value): Field => ['Contact', value]);
  const headers = Headers.of(...(status === 200 && fields.length === 0 ? contact : fields));
  await s.pbx.send(responseTo(request, status, { toTag: 'registrar', headers }));
}

/** The phone registers, and the PBX says yes to what it is told. */
async function register(s: Scenario, phone: ScenarioPhone): Promise<SipRequest> {
  await phone.startRegister();
  const request = s.pbx.takeRequest('REGISTER');
  await answer(s, request);
  phone.takeResponse(200, 'REGISTER');
  return request;
}

/** The phone's connection goes; the PBX is told, and says yes. */
async function leave(s: Scenario, phone: ScenarioPhone): Promise<void> {
  s.wire.cut(phone.flow);
  await s.settle();
  const request = s.pbx.takeRequest('REGISTER');
  expect(request.headers.get('Expires')).toBe('0');
  await answer(s, request);
}

/** Time passes, and the PBX answers everything in time: what it was sent. `listed` stands in its answers. */
async function serve(s: Scenario, millis: number, listed: string | undefined): Promise<readonly SipRequest[]> {
  const requests: SipRequest[] = [];
  for (let left = millis; left > 0; left -= 400) {
    await s.advance(Math.min(left, 400));
    for (const message of s.pbx.inbox.splice(0)) {
      if (message.kind !== 'request') continue;
      requests.push(message);
      await answer(s, message, 200, listed === undefined ? [['Date', 'now']] : [['Contact', listed]]);
    }
  }
  return requests;
}

describe('a phone that registers', () => {
  test('is told so when the PBX has said yes to a Contact of ours that shows neither phone nor name', async () => {
    const s = scenario();
    const phone = s.phone('alice');
    await phone.startRegister();
    phone.expectNothing();
    const { uri, headers } = s.pbx.takeRequest('REGISTER');
    expect(uri).toBe('sip:pbx.test');
    expect(headers.get('To')).toBe('<sip:alice@pbx.test>');
    expect(headers.get('Expires')).toBe('3600');
    expect(headers.get('Contact')).toMatch(/^<sip:pc-[0-9a-f]{24}@10\.0\.0\.10:5060>;expires=3600$/);
    expect(headers.has('Path')).toBe(false);
    expect(headers.has('Authorization')).toBe(false);
    await answer(s, { kind: 'request', method: 'REGISTER', uri, headers, body: new Uint8Array() });
    const { headers: granted } = phone.takeResponse(200, 'REGISTER');
    expect(granted.get('Contact')).toContain(phone.address.address);
    await leave(s, phone);
    await s.finish();
  });

  test('hears the refusal of the PBX, and is not registered', async () => {
    const s = scenario();
    const phone = s.phone('alice');
    await phone.startRegister();
    await answer(s, s.pbx.takeRequest('REGISTER'), 403);
    phone.takeResponse(403, 'REGISTER');
    expect(await s.registrar.reachable('alice@pbx.test')).toEqual([]);
    await s.finish();
  });

  test('is told 504 when the PBX says nothing, and the PBX is relieved of what it may have heard', async () => {
    const s = scenario();
    const phone = s.phone('alice');
    await phone.startRegister();
    await s.advance(8_000);
    phone.takeResponse(100, 'REGISTER');
    phone.takeResponse(504, 'REGISTER');
    await s.advance(24_500);
    const removal = s.pbx.inbox.find((message) => message.headers.get('Expires') === '0');
    if (removal?.kind !== 'request') throw new Error('expected a REGISTER that removes');
    await answer(s, removal);
    s.pbx.inbox = [];
    await s.finish();
  });

  test.each([401, 407])('never sees a %i of the PBX: its password is ours to know', async (status) => {
    const s = scenario();
    const phone = s.phone('alice');
    await phone.startRegister();
    const challenge: Field = [
      status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate',
      'Digest realm="inside.test", nonce="n", algorithm=MD5, qop="auth"',
    ];
    await answer(s, s.pbx.takeRequest('REGISTER'), status, [challenge]);
    const refusal = phone.takeResponse(500, 'REGISTER');
    expect(refusal.headers.has(challenge[0])).toBe(false);
    await s.finish({ errors: ['pbx-challenge-unanswered'] });
  });

  test('is registered with our credentials where the PBX asks for some', async () => {
    const s = scenario('username = "sbc"\npassword_env = "PBX_PASSWORD"');
    const phone = s.phone('alice');
    await phone.startRegister();
    const first = s.pbx.takeRequest('REGISTER');
    await answer(s, first, 401, [
      ['WWW-Authenticate', 'Digest realm="inside.test", nonce="n", algorithm=MD5, qop="auth"'],
    ]);
    const second = s.pbx.takeRequest('REGISTER');
    expect(second.headers.get('Authorization')).toContain('username="sbc"');
    expect(second.headers.get('Call-ID')).toBe(first.headers.get('Call-ID'));
    await answer(s, second);
    phone.takeResponse(200, 'REGISTER');
    await leave(s, phone);
    await s.finish();
  });
});

describe('one registration for each user', () => {
  test('two phones and their refreshes are one registration, which ends with the last of them', async () => {
    const s = scenario();
    const desk = s.phone('alice', '198.51.100.1');
    const mobile = s.phone('alice', '198.51.100.2');
    await register(s, desk);
    expect((await mobile.register()).status).toBe(200);
    expect((await desk.register()).status).toBe(200);
    s.pbx.expectNothing();
    s.wire.cut(desk.flow);
    await s.settle();
    s.pbx.expectNothing();
    await leave(s, mobile);
    await s.finish();
  });

  test('the PBX is refreshed at our own interval, whatever phones do', async () => {
    const s = scenario('forward_expires = "10m"');
    const phone = s.phone('alice');
    const first = await register(s, phone);
    expect(first.headers.get('Expires')).toBe('600');
    const listed = first.headers.get('Contact');
    const requests = await serve(s, 1_200_000, listed);
    const refreshes = requests.filter(({ headers }) => headers.has('Expires'));
    expect(refreshes.length).toBeGreaterThanOrEqual(2);
    expect(refreshes.length).toBeLessThanOrEqual(3);
    expect(new Set(refreshes.map(({ headers }) => headers.get('Contact')))).toEqual(new Set([listed]));
    expect(requests.length - refreshes.length, 'probes').toBeGreaterThan(35);
    await leave(s, phone);
    await s.finish();
  });

  test('ends when the last binding lapses, though its connection stands', async () => {
    const s = scenario();
    const phone = s.phone('alice');
    await phone.startRegister([['Expires', '60']]);
    await answer(s, s.pbx.takeRequest('REGISTER'));
    phone.takeResponse(200, 'REGISTER');
    await s.advance(29_000);
    s.pbx.expectNothing();
    s.wire.loses = (_direction, message) => message.kind === 'request' && !message.headers.has('Expires');
    await s.advance(31_500);
    const removal = s.pbx.takeRequest('REGISTER');
    expect(removal.headers.get('Expires')).toBe('0');
    await answer(s, removal);
    await s.finish();
  });

  test('a phone that signs off is signed off at the PBX', async () => {
    const s = scenario();
    const phone = s.phone('alice');
    await register(s, phone);
    expect((await phone.register([['Expires', '0']])).status).toBe(200);
    const removal = s.pbx.takeRequest('REGISTER');
    expect(removal.headers.get('Expires')).toBe('0');
    await answer(s, removal);
    await s.finish();
  });

  test('a PBX that forgot it is told again', async () => {
    const s = scenario();
    const phone = s.phone('alice');
    const first = await register(s, phone);
    const [probe, again, ...more] = await serve(s, 31_000, undefined);
    expect(probe?.headers.has('Contact')).toBe(false);
    expect(again?.headers.get('Contact')).toBe(first.headers.get('Contact'));
    expect(more).toEqual([]);
    phone.expectNothing();
    await leave(s, phone);
    await s.finish();
  });
});

describe('a call of the PBX to what we registered', () => {
  test('by Contact reaches every phone of the user', async () => {
    const s = scenario();
    const phone = s.phone('alice');
    const other = s.phone('bob');
    const contact = uriOf((await register(s, phone)).headers.get('Contact')) ?? '';
    await register(s, other);
    const call = await s.pbx.call({ uri: contact, from: '<sip:100@pbx.test>', body: pbxSdp() });
    const leg = CalleeLeg.take(phone);
    expect(uriOf(`${phone.contact}`)).toBe(leg.invite.uri);
    expect(leg.invite.headers.get('To')).toBe('<sip:alice@pbx.test>');
    other.expectNothing();
    await leg.answer(phone.answer(leg.invite.body));
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await leave(s, phone);
    await leave(s, other);
    await s.finish();
  });

  test('by Path reaches the user that the Route names (RFC 3327 §5.3)', async () => {
    const s = scenario('forward_by = "path"');
    const phone = s.phone('alice');
    const { headers } = await register(s, phone);
    expect(headers.get('Contact')).toBe('<sip:alice@10.0.0.10:5060>;expires=3600');
    expect(headers.get('Supported')).toBe('path');
    const path = headers.get('Path') ?? '';
    expect(path).toMatch(/^<sip:pc-[0-9a-f]{24}@10\.0\.0\.10:5060;lr>$/);
    const call = await s.pbx.call({
      uri: 'sip:anybody@10.0.0.10:5060',
      from: '<sip:100@pbx.test>',
      body: pbxSdp(),
      fields: [['Route', path]],
    });
    const leg = CalleeLeg.take(phone);
    await leg.answer(phone.answer(leg.invite.body));
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await leave(s, phone);
    await s.finish();
  });

  test('is 480 when nobody is registered under it any more', async () => {
    const s = scenario();
    const phone = s.phone('alice');
    const contact = uriOf((await register(s, phone)).headers.get('Contact')) ?? '';
    await leave(s, phone);
    const call = await s.pbx.call({ uri: contact, from: '<sip:100@pbx.test>', body: pbxSdp() });
    await call.takeRefusal(480);
    await s.finish();
  });

  test('by Path is 430 when no flow is left of it, so that a proxy tries what else it knows (RFC 5626 §5.3.1)', async () => {
    const s = scenario('forward_by = "path"');
    const phone = s.phone('alice');
    const desk = s.phone('alice', '198.51.100.2');
    const path = (await register(s, phone)).headers.get('Path') ?? '';
    expect((await desk.register()).status).toBe(200);
    /** `more`: the Via of who called the proxy. */
    const place = (...more: Field[]) =>
      s.pbx.call({
        uri: 'sip:alice@10.0.0.10:5060',
        from: '<sip:100@pbx.test>',
        body: pbxSdp(),
        fields: [['Route', path], ...more],
      });
    const through: Field = ['Via', 'SIP/2.0/UDP 10.0.0.77:5060;branch=z9hG4bKcaller'];
    // Another phone of ours is tried first.
    s.wire.cut(phone.flow);
    await s.settle();
    s.pbx.expectNothing();
    const call = await place(through);
    await CalleeLeg.take(desk).refuse(486);
    await call.takeRefusal(486);
    await leave(s, desk);
    const { headers } = await (await place(through)).takeRefusal(430);
    expect(headers.get('Reason')).toContain('Not registered');
    expect(s.records.at(-1)).toMatchObject({ status: 430, refusal: { code: 'not-registered' } });
    // Who places the call itself is no proxy, and takes a 430 for a 400.
    await (await place()).takeRefusal(480);
    await (await s.pbx.call({ uri: 'sip:alice@10.0.0.10:5060', body: pbxSdp(), fields: [through] })).takeRefusal(480);
    await s.finish();
  });

  test('means nothing when a trunk says it', async () => {
    const s = scenario();
    const phone = s.phone('alice');
    const contact = uriOf((await register(s, phone)).headers.get('Contact')) ?? '';
    const carrier = s.carrier();
    await carrier.call({ uri: contact.replace('10.0.0.10:5060', 'sbc.example.com'), body: pbxSdp() });
    phone.expectNothing();
    carrier.inbox = [];
    await leave(s, phone);
    const [record] = s.records;
    expect(record?.canonical ?? '').not.toBe('alice');
  });
});

describe('a phone that comes back over another connection (RFC 5626 §5.3)', () => {
  test.each(['that was lost', 'that is still there'])('takes its call along from one %s', async (what) => {
    const s = new Scenario();
    const phone = await s.registered('alice');
    const { call, leg } = await connect(s, phone);
    const { contact } = phone;
    const old = phone.flow;
    if (what === 'that was lost') {
      s.wire.cut(old);
      await s.settle();
    }
    s.reconnect(phone);
    // Behind its NAT the phone has the same address as before.
    Object.defineProperty(phone, 'contact', { value: contact });
    expect((await phone.register()).status).toBe(200);
    await leg.hangUp();
    await call.takeBye();
    await s.finish();
  });
});

test('a user whose name begins as our tokens do is called by it', async () => {
  const s = scenario('', { more: '[[user]]\nname = "pc-reception"\npassword = "desk"\n' });
  const call = await s.pbx.call({ uri: 'sip:pc-reception@10.0.0.10', body: pbxSdp() });
  const { headers } = await call.takeRefusal(480);
  expect(headers.get('Reason')).toContain('Not registered');
  expect(s.record.refusal?.detail).toBe('pc-reception@pbx.test has no live registration');
  const forgotten = await s.pbx.call({ uri: `sip:pc-${'0'.repeat(24)}@10.0.0.10`, body: pbxSdp() });
  await forgotten.takeRefusal(480);
  await s.finish();
});
