// Attended transfer (RFC 3891, RFC 5589 §7): Replaces names a dialog of its sender, and the other half of that call goes on in a new
// one, which is admitted, counted and recorded like any other. A forged or foreign dialog is no dialog.
import { describe, expect, test } from 'vitest';
import { Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { type Connected, callFromPbx, connect, connectFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type Field, type PeerLeg } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

const on: ScenarioOptions = { tables: '[transfers]\nrefer = "handle"' };

/** Replaces for whoever receives it: our tag is the To-tag. */
function replaces({ state }: PeerLeg, more = ''): string {
  return `${state.callId};to-tag=${state.remoteTag};from-tag=${state.localTag}${more}`;
}

function referTo(value: string, uri = 'sip:601@pbx.test'): { readonly fields: readonly Field[] } {
  return { fields: [['Refer-To', `<${uri}?Replaces=${encodeURIComponent(value)}>`]] };
}

async function takeProgress({ phone, call }: Pick<Connected, 'phone' | 'call'>): Promise<string> {
  const notify = phone.takeRequest('NOTIFY');
  await call.respond(notify, 200);
  return Buffer.from(notify.body).toString().trim();
}

/** Alice holds two calls through the PBX. */
async function twoCalls(s: Scenario, phone: ScenarioPhone = s.phone('alice')): Promise<[Connected, Connected]> {
  const first = await connect(s, phone);
  const call = await phone.invite('601');
  const leg = CalleeLeg.take(s.pbx, 'second-tag');
  await leg.answer(pbxSdp({ port: 31_000 }));
  await call.takeAnswer();
  leg.takeAck();
  return [first, { phone, call, leg }];
}

/** The half of the second call is asked for its media, then that of the first one. */
async function join(s: Scenario, first: PeerLeg, second: PeerLeg): Promise<void> {
  const asked = s.pbx.takeRequest('INVITE');
  expect(asked.headers.get('Call-ID')).toBe(second.state.callId);
  expect(asked.body).toHaveLength(0);
  await second.respond(asked, 200, { body: pbxSdp({ port: 31_000, version: 2 }) });
  const reinvite = s.pbx.takeRequest('INVITE');
  expect(reinvite.headers.get('Call-ID')).toBe(first.state.callId);
  await first.respond(reinvite, 200, { body: pbxSdp({ version: 2 }) });
  expect(first.takeAck().headers.get('Call-ID')).toBe(first.state.callId);
  const ack = second.takeAck();
  expect(ack.headers.get('Call-ID')).toBe(second.state.callId);
  expect(ack.body.length).toBeGreaterThan(0);
}

describe('a REFER with Replaces', () => {
  test('joins the far halves of two calls into a third', async () => {
    const s = new Scenario(on);
    const [first, second] = await twoCalls(s);
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    expect(await takeProgress(first)).toBe('SIP/2.0 100 Trying');
    await join(s, first.leg, second.leg);
    // The call that lost its half ends as soon as that one has answered, the first one when both have.
    await second.call.takeBye();
    expect(await takeProgress(first)).toBe('SIP/2.0 200 OK');
    await first.call.takeBye();
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected', caller: 'alice@pbx.test', callee: 'main' }]);
    await first.leg.hangUp();
    await second.leg.takeBye();
    await s.finish();
    const [replaced, before, after] = s.records;
    expect([replaced?.cause, before?.cause]).toEqual(['transferred', 'transferred']);
    expect(after).toMatchObject({
      cause: 'caller-hung-up',
      transferOf: before?.callId,
      caller: { kind: 'user', name: 'alice@pbx.test' },
      canonical: '601',
    });
  });

  test('joins a caller from outside to whom the PBX reaches, with keys for the one and none for the other', async () => {
    const s = new Scenario(on);
    const bob = await s.registered('bob');
    const alice = await s.registered('alice');
    // Bob calls alice through the PBX's users; alice asks 600, and puts bob through.
    const incoming = await connectFromPbx(s, alice);
    const call = await alice.invite('600');
    const leg = CalleeLeg.take(s.pbx, 'second-tag');
    await leg.answer(pbxSdp({ port: 31_000 }));
    await call.takeAnswer();
    leg.takeAck();
    await incoming.leg.send('REFER', referTo(replaces(call), 'sip:600@sbc.example.com:5061'));
    alice.takeResponse(202, 'REFER');
    await incoming.leg.respond(alice.takeRequest('NOTIFY'), 200);
    await join(s, incoming.call, leg);
    await call.takeBye();
    await incoming.leg.respond(alice.takeRequest('NOTIFY'), 200);
    await incoming.leg.takeBye();
    bob.expectNothing();
    await leg.hangUp();
    await incoming.call.takeBye();
    await s.finish();
  });

  test('leaves both calls as they were when the half of the other call takes no part', async () => {
    const s = new Scenario(on);
    const [first, second] = await twoCalls(s);
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    await second.leg.respond(s.pbx.takeRequest('INVITE'), 488);
    second.leg.takeAck();
    expect(await takeProgress(first)).toBe('SIP/2.0 488 Not Acceptable Here');
    expect(s.b2bua.calls().map(({ state }) => state)).toEqual(['connected', 'connected']);
    await hangUp(second);
    await hangUp(first);
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual(['failed', 'caller-hung-up', 'caller-hung-up']);
  });

  test('goes on when the referrer hangs both calls up at once', async () => {
    const s = new Scenario(on);
    const [first, second] = await twoCalls(s);
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    await second.call.hangUp();
    await first.call.hangUp();
    await join(s, first.leg, second.leg);
    expect(await takeProgress(first)).toBe('SIP/2.0 200 OK');
    first.phone.expectNothing();
    await second.leg.hangUp();
    await first.leg.takeBye();
    await s.finish();
  });

  test('whose referrer has hung up releases both halves when they do not come together', async () => {
    const s = new Scenario(on);
    const [first, second] = await twoCalls(s);
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    const asked = s.pbx.takeRequest('INVITE');
    await second.call.hangUp();
    await first.call.hangUp();
    await second.leg.respond(asked, 488);
    second.leg.takeAck();
    const byes = [s.pbx.takeRequest('BYE'), s.pbx.takeRequest('BYE')];
    for (const bye of byes) await first.leg.respond(bye, 200);
    await takeProgress(first);
    await s.finish();
  });

  test('is given up when the half of the other call hangs up meanwhile', async () => {
    const s = new Scenario(on);
    const [first, second] = await twoCalls(s);
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    s.pbx.takeRequest('INVITE');
    await second.leg.hangUp();
    expect(await takeProgress(first)).toBe('SIP/2.0 480 Temporarily Unavailable');
    await second.call.takeBye();
    await hangUp(first);
    s.pbx.inbox = [];
    await s.finish();
  });

  test('names the call that it comes in, or a host of the inside, and nothing is joined', async () => {
    const s = new Scenario(on);
    const first = await connect(s);
    await first.call.send('REFER', referTo(replaces(first.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    expect(await takeProgress(first)).toBe('SIP/2.0 481 Call/Transaction Does Not Exist');
    await first.call.send('REFER', referTo(replaces(first.call), 'sip:601@10.0.0.5'));
    first.phone.takeResponse(403, 'REFER');
    await first.call.send('REFER', referTo('no-tags'));
    first.phone.takeResponse(400, 'REFER');
    await hangUp(first);
    await s.finish();
  });

  test('of a PBX to a dialog of its own goes to that PBX with it, and nowhere else', async () => {
    const routes = '[[route]]\nfrom = "pbx"\nto = "6*"\nvia = "pbx:main"\n[[route]]\nfrom = "pbx"\nvia = "users"';
    const s = new Scenario({ ...on, routes });
    const bob = await s.registered('bob');
    await s.registered('carol');
    const { call, leg } = await connectFromPbx(s, bob);
    const own = 'pbx-call;to-tag=x;from-tag=y';
    await call.send('REFER', referTo(own, 'sip:carol@10.0.0.10'));
    s.pbx.takeResponse(202, 'REFER');
    await call.respond(s.pbx.takeRequest('NOTIFY'), 200);
    const refused = s.pbx.takeRequest('NOTIFY');
    expect(Buffer.from(refused.body).toString()).toContain('481');
    await call.respond(refused, 200);
    await call.send('REFER', referTo(own, 'sip:601@10.0.0.10'));
    s.pbx.takeResponse(202, 'REFER');
    await call.respond(s.pbx.takeRequest('NOTIFY'), 200);
    const target = CalleeLeg.take(s.pbx, 'target-tag');
    expect(target.invite.headers.get('Replaces')).toBe(own);
    await target.refuse(486);
    await call.respond(s.pbx.takeRequest('NOTIFY'), 200);
    await call.hangUp();
    await leg.takeBye();
    await s.finish();
  });
});

describe('an INVITE with Replaces', () => {
  test('from another phone of the same user takes the call over', async () => {
    const s = new Scenario(on);
    const desk = await connect(s);
    const mobile = s.phone('alice', '198.51.100.2');
    const call = await mobile.invite('600', {
      fields: [
        ['Replaces', replaces(desk.call)],
        ['Require', 'replaces'],
      ],
    });
    const reinvite = s.pbx.takeRequest('INVITE');
    expect(reinvite.headers.get('Call-ID')).toBe(desk.leg.state.callId);
    expect(reinvite.body.length).toBeGreaterThan(0);
    await desk.leg.respond(reinvite, 200, { body: pbxSdp({ version: 2 }) });
    desk.leg.takeAck();
    await desk.call.takeBye();
    await call.takeAnswer();
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected', caller: 'alice@pbx.test' }]);
    await call.hangUp();
    await desk.leg.takeBye();
    await s.finish();
    const [before, after] = s.records;
    expect(before?.cause).toBe('transferred');
    expect(after).toMatchObject({ cause: 'caller-hung-up', transferOf: before?.callId });
  });

  test('from the PBX puts one of its calls in the place of another', async () => {
    const s = new Scenario(on);
    const alice = await s.registered('alice');
    const first = await connect(s, alice);
    const call = await s.pbx.call({
      uri: 'sip:alice@10.0.0.10:5060',
      from: '<sip:100@pbx.test>',
      body: pbxSdp({ port: 32_000 }),
      fields: [['Replaces', replaces(first.leg)]],
    });
    const reinvite = alice.takeRequest('INVITE');
    expect(reinvite.headers.get('Call-ID')).toBe(first.call.state.callId);
    await first.call.respond(reinvite, 200, { body: alice.answer(reinvite.body) });
    first.call.takeAck();
    await first.leg.takeBye();
    await call.takeAnswer();
    await call.hangUp();
    await first.call.takeBye();
    await s.finish();
  });

  test('may hold one slot more than the cap until the call before ends, and no two', async () => {
    const s = new Scenario({ ...on, limits: 'concurrent_calls = 2' });
    const [first, second] = await twoCalls(s);
    const mobile = s.phone('alice', '198.51.100.2');
    const call = await mobile.invite('600', { fields: [['Replaces', replaces(first.call)]] });
    const reinvite = s.pbx.takeRequest('INVITE');
    const other = await mobile.invite('600', { fields: [['Replaces', replaces(second.call)]] });
    await other.takeRefusal(486);
    await first.leg.respond(reinvite, 200, { body: pbxSdp({ version: 2 }) });
    first.leg.takeAck();
    await first.call.takeBye();
    await call.takeAnswer();
    await call.hangUp();
    await first.leg.takeBye();
    await hangUp(second);
    await s.finish();
    expect(s.records[0]?.refusal?.code).toBe('user-cap');
  });

  test('that is cancelled while the leg is asked releases what has its media already', async () => {
    const s = new Scenario(on);
    const desk = await connect(s);
    const mobile = s.phone('alice', '198.51.100.2');
    const call = await mobile.invite('600', { fields: [['Replaces', replaces(desk.call)]] });
    const reinvite = s.pbx.takeRequest('INVITE');
    await call.cancel();
    await call.takeRefusal(487);
    await desk.leg.respond(reinvite, 200, { body: pbxSdp({ version: 2 }) });
    s.pbx.inbox = s.pbx.inbox.filter((message) => message.kind === 'request' && message.method === 'BYE');
    await desk.leg.takeBye();
    await desk.call.takeBye();
    await s.finish();
  });

  test.each([
    ['forged tags', (call: PeerLeg) => `${call.state.callId};to-tag=forged;from-tag=${call.state.localTag}`, 481],
    [
      'its tags exchanged',
      (c: PeerLeg) => `${c.state.callId};to-tag=${c.state.localTag};from-tag=${c.state.remoteTag}`,
      481,
    ],
    ['an answered dialog, and only a ringing one may be', (call: PeerLeg) => replaces(call, ';early-only'), 486],
    ['no tags', (call: PeerLeg) => call.state.callId, 400],
    ['a flag with a value', (call: PeerLeg) => replaces(call, ';early-only=1'), 400],
  ])('names %s and is refused; the call goes on', async (_title, value, status) => {
    const s = new Scenario(on);
    const desk = await connect(s);
    const mobile = s.phone('alice', '198.51.100.2');
    const call = await mobile.invite('600', { fields: [['Replaces', value(desk.call)]] });
    await call.takeRefusal(status);
    s.pbx.expectNothing();
    desk.phone.expectNothing();
    await hangUp(desk);
    await s.finish();
    expect(s.records[0]?.refusal?.code).toBe('not-replaceable');
  });

  test("of another user names somebody else's dialog, and learns no more than of one that is not there", async () => {
    const s = new Scenario(on);
    const { call, leg, phone } = await connect(s);
    const mallory = s.phone('bob', '198.51.100.66');
    const stolen = await mallory.invite('600', { fields: [['Replaces', replaces(call)]] });
    const answer = await stolen.takeRefusal(481);
    const guessed = await mallory.invite('600', { fields: [['Replaces', 'guess;to-tag=a;from-tag=b']] });
    expect((await guessed.takeRefusal(481)).headers.get('Reason')).toBe(answer.headers.get('Reason'));
    // Nor does the PBX's side of the same call help a phone.
    const inside = await mallory.invite('600', { fields: [['Replaces', replaces(leg)]] });
    await inside.takeRefusal(481);
    s.pbx.expectNothing();
    phone.expectNothing();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('names a call that rings, or one that is ending (RFC 3891 §3)', async () => {
    const s = new Scenario(on);
    const alice = s.phone('alice');
    const ringing = await alice.invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    ringing.take(180);
    const mobile = s.phone('alice', '198.51.100.2');
    // §3: an early dialog that we did not begin.
    await (await mobile.invite('600', { fields: [['Replaces', replaces(ringing)]] })).takeRefusal(481);
    await leg.answer(pbxSdp());
    await ringing.takeAnswer();
    leg.takeAck();
    await leg.hangUp();
    const bye = alice.takeRequest('BYE');
    await (await mobile.invite('600', { fields: [['Replaces', replaces(ringing)]] })).takeRefusal(603);
    await ringing.respond(bye, 200);
    await s.finish();
  });

  test('is an ordinary call where transfers are refused, and required it is not understood', async () => {
    const s = new Scenario();
    const desk = await connect(s);
    const mobile = s.phone('alice', '198.51.100.2');
    const field: Field = ['Replaces', replaces(desk.call)];
    const call = await mobile.invite('600', { fields: [field] });
    const leg = CalleeLeg.take(s.pbx, 'other-tag');
    expect(leg.invite.headers.has('Replaces')).toBe(false);
    await leg.refuse(486);
    await call.takeRefusal(486);
    const required = mobile.dial('600', { fields: [field, ['Require', 'replaces']] });
    await mobile.send(required.invite);
    await mobile.authenticate(required, [field, ['Require', 'replaces']]);
    expect((await required.takeRefusal(420)).headers.get('Unsupported')).toBe('replaces');
    await hangUp(desk);
    await s.finish();
  });
});

test('phones are told that they may try', async () => {
  const s = new Scenario(on);
  const alice = await s.registered('alice');
  const call = await callFromPbx(s, 'alice');
  const leg = CalleeLeg.take(alice);
  expect(leg.invite.headers.all('Supported')).toContain('replaces');
  await leg.refuse(486);
  await call.takeRefusal(486);
  await s.finish();
});
