// MESSAGE outside a dialog (RFC 3428), INFO and MESSAGE in a call (RFC 6086): off until they are asked for, bounded, proven, routed
// like calls, never logged.
import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp } from '../support/scenario-calls.ts';
import { type CallerLeg, type Peer, PeerLeg } from '../support/scenario-peer.ts';
import { ScenarioPhone } from '../support/scenario-phone.ts';

const on = { tables: '[messages]\nrelay = true\ninfo = ["application/dtmf-relay"]' };
const digits = 'Signal=7\r\nDuration=160\r\n';

function carrying(leg: PeerLeg, method: string, contentType: string, body: string): SipRequest {
  const request = leg.request(method, { body });
  return { ...request, headers: request.headers.with('Content-Type', contentType) };
}

/** Sends a MESSAGE outside a dialog; a phone answers its challenge. */
async function message(from: Peer, uri: string, body = 'hello', contentType = 'text/plain'): Promise<void> {
  const local = from instanceof ScenarioPhone ? `<${from.aor}>` : '<sip:100@pbx.test>';
  const leg: CallerLeg = from.newCall({ uri, from: local });
  const request = carrying(leg, 'MESSAGE', contentType, body);
  await from.send(request);
  if (!(from instanceof ScenarioPhone)) return;
  const answer = from.credentials.answer(request, from.takeResponse(401, 'MESSAGE'));
  if (!answer.ok) throw new Error(answer.error);
  const again = carrying(leg, 'MESSAGE', contentType, body);
  await from.send({ ...again, headers: again.headers.append(answer.value.header, answer.value.value) });
}

describe('a MESSAGE outside a dialog', () => {
  test('is refused with 405 and a Reason where nobody asked for it, also from one who proved who it is', async () => {
    const s = new Scenario();
    const alice = s.phone('alice');
    await message(alice, 'sip:600@pbx.test');
    expect(alice.takeResponse(405, 'MESSAGE').headers.get('Reason')).toContain('not relayed');
    s.pbx.expectNothing();
    await s.finish();
  });

  test('of a user reaches the PBX under the identity that was proven, and its answer comes back', async () => {
    const s = new Scenario(on);
    const alice = s.phone('alice');
    await message(alice, 'sip:600@pbx.test');
    const relayed = s.pbx.takeRequest('MESSAGE');
    expect(relayed.uri).toBe('sip:600@10.0.0.5:5060');
    expect(relayed.headers.get('P-Asserted-Identity')).toBe('<sip:alice@pbx.test>');
    expect(relayed.headers.has('Contact')).toBe(false);
    expect(Buffer.from(relayed.body).toString()).toBe('hello');
    await new PeerLeg(s.pbx, calleeState()).respond(relayed, 200);
    alice.takeResponse(200, 'MESSAGE');
    await s.finish();
    expect(s.records).toEqual([]);
  });

  test('of the PBX reaches every phone of a user; one that takes it answers for all', async () => {
    const s = new Scenario(on);
    const [first, second] = [await s.registered('bob'), await s.registered('bob', '198.51.100.2')];
    await message(s.pbx, 'sip:bob@10.0.0.10');
    const leg = new PeerLeg(first, calleeState());
    await leg.respond(first.takeRequest('MESSAGE'), 486);
    s.pbx.expectNothing();
    await new PeerLeg(second, calleeState()).respond(second.takeRequest('MESSAGE'), 200);
    s.pbx.takeResponse(200, 'MESSAGE');
    await s.finish();
  });

  test('that nobody answers is not answered either (RFC 4320 §4.2)', async () => {
    const s = new Scenario(on);
    const alice = s.phone('alice');
    await message(alice, 'sip:600@pbx.test');
    await s.advance(40_000);
    expect(alice.takeAll().filter((summary) => summary !== '100 MESSAGE')).toEqual([]);
    s.pbx.takeAll();
    await s.finish();
  });

  test.each([
    { title: 'without credentials', body: 'x', type: 'text/plain', uri: 'sip:600@pbx.test', status: 401 },
    { title: 'that is too large', body: 'x'.repeat(1_301), type: 'text/plain', uri: 'sip:600@pbx.test', status: 413 },
    { title: 'of another type', body: 'x', type: 'text/html', uri: 'sip:600@pbx.test', status: 415 },
    { title: 'to a number that is none', body: 'x', type: 'text/plain', uri: 'sip:++44@pbx.test', status: 484 },
  ])('$title is refused with $status', async ({ body, type, uri, status }) => {
    const s = new Scenario(on);
    const alice = s.phone('alice');
    if (status === 401) await alice.send(carrying(alice.dial('600'), 'MESSAGE', type, body));
    else await message(alice, uri, body, type);
    alice.takeResponse(status, 'MESSAGE');
    s.pbx.expectNothing();
    await s.finish();
  });

  test('to a user who is not there is refused with 480, and the challenge of a PBX stays inside', async () => {
    const s = new Scenario(on);
    await message(s.pbx, 'sip:bob@10.0.0.10');
    s.pbx.takeResponse(480, 'MESSAGE');
    const alice = s.phone('alice');
    await message(alice, 'sip:600@pbx.test');
    const challenge = [['WWW-Authenticate', 'Digest realm="inside", nonce="n"']] as const;
    await new PeerLeg(s.pbx, calleeState()).respond(s.pbx.takeRequest('MESSAGE'), 401, { fields: challenge });
    expect(alice.takeResponse(500, 'MESSAGE').headers.has('WWW-Authenticate')).toBe(false);
    await s.finish();
  });
});

describe('a MESSAGE to an emergency number', () => {
  const numbers = '[numbers]\ncountry = "GB"\nextensions = ["6xx"]';

  test('meets the rules for its number, and alerts nobody: only calls are exempt (RFC 5031)', async () => {
    const deny = '[[rule]]\nname = "calls-only"\naction = "deny"\nclasses = ["emergency"]';
    for (const uri of ['sip:999@pbx.test', 'urn:service:sos', 'tel:112']) {
      const s = new Scenario({ tables: `${numbers}\n${deny}\n${on.tables}` });
      const alice = s.phone('alice');
      await message(alice, uri);
      alice.takeResponse(403, 'MESSAGE');
      s.pbx.expectNothing();
      expect(s.alerts).toEqual([]);
      await s.finish();
    }
  });

  test('takes the way of its number, where no rule speaks of it', async () => {
    const s = new Scenario({ tables: `${numbers}\n${on.tables}` });
    const alice = s.phone('alice');
    await message(alice, 'sip:999@pbx.test');
    const relayed = s.pbx.takeRequest('MESSAGE');
    expect(relayed.uri).toBe('sip:999@10.0.0.5:5060');
    await new PeerLeg(s.pbx, calleeState()).respond(relayed, 200);
    alice.takeResponse(200, 'MESSAGE');
    await s.finish();
  });
});

describe('a MESSAGE to a number that a rule denies', () => {
  test('is refused as a call would be', async () => {
    const deny = '[[rule]]\nname = "no-premium"\naction = "deny"\nclasses = ["premium-rate"]';
    const s = new Scenario({ tables: `[numbers]\ncountry = "GB"\n${deny}\n${on.tables}` });
    const alice = s.phone('alice');
    await message(alice, 'sip:+449012345678@pbx.test');
    expect(alice.takeResponse(403, 'MESSAGE').headers.get('Reason')).toContain('Not allowed');
    s.pbx.expectNothing();
    await s.finish();
  });
});

describe('in a call', () => {
  test('an INFO with a digit crosses to the other leg, its answer comes back, and no log holds the digit', async () => {
    const s = new Scenario(on);
    const { phone, call, leg } = await connect(s);
    await phone.send(carrying(call, 'INFO', 'application/dtmf-relay', digits));
    const relayed = s.pbx.takeRequest('INFO');
    expect(relayed.headers.get('Content-Type')).toBe('application/dtmf-relay');
    expect(Buffer.from(relayed.body).toString()).toBe(digits);
    await leg.respond(relayed, 200);
    phone.takeResponse(200, 'INFO');
    await s.pbx.send(carrying(leg, 'MESSAGE', 'text/plain', 'hello'));
    await call.respond(phone.takeRequest('MESSAGE'), 200);
    s.pbx.takeResponse(200, 'MESSAGE');
    await hangUp({ call, leg });
    await s.finish();
    expect(JSON.stringify(s.logged)).not.toContain('Signal');
    expect(JSON.stringify(s.records)).not.toContain('Signal');
  });

  test('is told to phones in Allow', async () => {
    const s = new Scenario(on);
    const call = await s.phone('alice').invite('600');
    await s.settle();
    const invite = s.pbx.takeRequest('INVITE');
    expect(invite.headers.all('Allow').join(', ')).toContain('INFO, MESSAGE');
    await new PeerLeg(s.pbx, calleeState()).respond(invite, 486);
    s.pbx.takeRequest('ACK');
    await call.takeRefusal(486);
    await s.finish();
  });

  test.each([
    { title: 'of a type that is not listed', type: 'application/dtmf', fields: [], status: 415 },
    {
      title: 'with a package, none of which was agreed (RFC 6086 §4.2.2)',
      type: 'application/dtmf-relay',
      fields: [['Info-Package', 'x']],
      status: 469,
    },
  ] as const)('an INFO $title is refused with $status and does not harm the call', async ({ type, fields, status }) => {
    const s = new Scenario(on);
    const { phone, call, leg } = await connect(s);
    const request = carrying(call, 'INFO', type, digits);
    const [field] = fields;
    await phone.send(field === undefined ? request : { ...request, headers: request.headers.append(...field) });
    phone.takeResponse(status, 'INFO');
    await call.send('INFO');
    phone.takeResponse(200, 'INFO');
    s.pbx.expectNothing();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('an INFO that the other leg does not know is answered as it answers', async () => {
    const s = new Scenario(on);
    const { phone, call, leg } = await connect(s);
    await phone.send(carrying(call, 'INFO', 'application/dtmf-relay', digits));
    await leg.respond(s.pbx.takeRequest('INFO'), 405);
    phone.takeResponse(405, 'INFO');
    await hangUp({ call, leg });
    await s.finish();
  });
});

function calleeState(): ConstructorParameters<typeof PeerLeg>[1] {
  return { callId: '', local: '', remote: '', localTag: 'callee', remoteTag: '', target: '', sequence: 0 };
}
