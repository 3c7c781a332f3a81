// re-INVITE through a call: hold, refusals that change nothing, glare, late offers, and BYE in the middle (RFC 3261 §14).
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { connect, connectFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { sameHop } from '../support/scenario-headers.ts';
import { audioOf, cryptoOf } from '../support/scenario-sdp.ts';

function keyOf(s: Scenario, endpoint: number): string {
  return Buffer.from(s.media.open[0]?.remotes.get(endpoint)?.receive?.masterKey ?? []).toString('hex');
}

describe('hold', () => {
  test('by the caller reaches the callee, pauses the media timeout, and is taken back', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ direction: 'sendonly', version: 2 }) });
    const hold = leg.peer.takeRequest('INVITE');
    expect(audioOf(hold.body).direction).toBe('sendonly');
    await leg.respond(hold, 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
    expect(audioOf((await call.takeAnswer()).body).direction).toBe('recvonly');
    leg.takeAck();
    expect(s.media.open[0]?.isPaused).toBe(true);
    expect(s.media.open[0]?.remotes.get(1)).toMatchObject({ sending: false, receiving: true });
    await call.send('INVITE', { body: phone.offer({ version: 3 }) });
    const resume = leg.peer.takeRequest('INVITE');
    await leg.respond(resume, 200, { body: pbxSdp({ version: 3 }) });
    await call.takeAnswer();
    leg.takeAck();
    expect(s.media.open[0]?.isPaused).toBe(false);
    expect(s.media.open[0]?.remotes.get(1)).toMatchObject({ sending: true, receiving: true });
    await hangUp({ call, leg });
    await s.finish();
  });

  test('by the callee reaches the caller with the keys that it has', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    const key = keyOf(s, 1);
    await leg.send('INVITE', { body: pbxSdp({ direction: 'sendonly', version: 2 }) });
    const hold = phone.takeRequest('INVITE');
    expect(audioOf(hold.body).direction).toBe('sendonly');
    await call.respond(hold, 200, { body: phone.answer(hold.body, { direction: 'recvonly', version: 2 }) });
    phone.takeRequest('ACK');
    leg.peer.takeResponse(200, 'INVITE');
    await leg.ack();
    expect(keyOf(s, 1)).toBe(key);
    expect(s.media.open[0]?.isPaused).toBe(true);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('of a phone that was called reaches the PBX', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connectFromPbx(s, await s.registered('bob'));
    await leg.send('INVITE', { body: phone.offer({ direction: 'inactive', version: 2 }) });
    const hold = s.pbx.takeRequest('INVITE');
    expect(audioOf(hold.body).direction).toBe('inactive');
    await call.respond(hold, 200, { body: pbxSdp({ direction: 'inactive', version: 2 }) });
    s.pbx.takeRequest('ACK');
    phone.takeResponse(200, 'INVITE');
    await leg.ack();
    await hangUp({ call, leg });
    await s.finish();
  });
});

describe('a re-INVITE', () => {
  test('that is refused keeps the session, the keys and the call', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    const key = keyOf(s, 1);
    const commands = s.media.open[0]?.remoteCommands;
    const reinvite = await call.send('INVITE', { body: phone.offer({ version: 2, key: 200 }) });
    await leg.respond(leg.peer.takeRequest('INVITE'), 488);
    leg.takeAck();
    const refusal = await call.takeReinviteRefusal(reinvite, 488);
    expect(refusal.headers.get('To')).toContain(call.state.remoteTag);
    expect(keyOf(s, 1)).toBe(key);
    expect(s.media.open[0]?.remoteCommands).toBe(commands);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('with a new key takes it, and the other leg notices nothing of it', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ version: 2, key: 200 }) });
    const reinvite = leg.peer.takeRequest('INVITE');
    expect(cryptoOf(reinvite.body)).toBeUndefined();
    await leg.respond(reinvite, 200, { body: pbxSdp() });
    await call.takeAnswer();
    leg.takeAck();
    expect(keyOf(s, 1)).toBe(Buffer.alloc(16, 200).toString('hex'));
    await hangUp({ call, leg });
    await s.finish();
  });

  test('without an offer is passed on without one, and the answer travels in the ACK', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE');
    const reinvite = leg.peer.takeRequest('INVITE');
    expect(reinvite.body.length).toBe(0);
    await leg.respond(reinvite, 200, { body: pbxSdp({ version: 2 }) });
    const offer = call.take(200);
    expect(cryptoOf(offer.body)).toBeDefined();
    await call.ack(call.state.sequence, { body: phone.answer(offer.body, { version: 2 }) });
    expect(audioOf(leg.takeAck().body).address).toBe('10.0.0.10');
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that crosses one of the other side is refused with 491 (glare), and works when it is sent again', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    const ours = call.request('INVITE', { body: phone.offer({ direction: 'sendonly', version: 2 }) });
    await phone.send(ours);
    const relayed = leg.peer.takeRequest('INVITE');
    const theirs = await leg.send('INVITE', { body: pbxSdp({ direction: 'sendonly', version: 2 }) });
    await leg.takeReinviteRefusal(theirs, 491);
    await leg.respond(relayed, 491);
    leg.takeAck();
    // The SBC tries again on its own, and the other side takes it now.
    await s.advance(4_100);
    const again = leg.peer.takeRequest('INVITE');
    leg.peer.takeAll();
    await leg.respond(again, 200, { body: pbxSdp({ direction: 'recvonly', version: 3 }) });
    phone.takeResponse(100, 'INVITE');
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('while another one is open is refused with 500 and Retry-After (§14.2)', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    const relayed = leg.peer.takeRequest('INVITE');
    const second = await call.send('INVITE', { body: phone.offer({ version: 3 }) });
    expect((await call.takeReinviteRefusal(second, 500)).headers.get('Retry-After')).toMatch(/^\d+$/);
    await leg.respond(relayed, 200, { body: pbxSdp({ version: 2 }) });
    call.take(200);
    await call.ack(call.state.sequence - 1);
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that the other side does not answer ends with 408 as the call does', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    leg.peer.takeRequest('INVITE');
    await s.advance(33_000);
    expect(phone.takeAll()).toEqual(['100 INVITE', '488 INVITE', 'BYE']);
    await s.finish();
    expect(s.record.cause).toBe('signalling-timeout');
  });

  test('that the other side does not know the dialog of ends the call (481)', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    const reinvite = await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    await leg.respond(leg.peer.takeRequest('INVITE'), 481);
    leg.takeAck();
    await call.takeReinviteRefusal(reinvite, 488);
    await call.takeBye();
    await s.finish();
  });

  test('crossed by a BYE of the same side ends with the call', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    leg.peer.takeRequest('INVITE');
    await call.send('BYE');
    expect(phone.takeAll()).toEqual(['200 BYE', '487 INVITE']);
    await leg.takeBye();
    await s.finish();
    expect(s.record.cause).toBe('caller-hung-up');
  });

  test('crossed by a BYE of the other side ends with the call', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    const relayed = leg.peer.takeRequest('INVITE');
    await leg.hangUp();
    expect(phone.takeAll().toSorted()).toEqual(['487 INVITE', 'BYE']);
    await leg.respond(relayed, 487);
    await s.finish();
    expect(s.record.cause).toBe('callee-hung-up');
  });

  test.each([
    { title: 'the same side', hangsUp: 'callee', cause: 'callee-hung-up' },
    { title: 'the other side', hangsUp: 'caller', cause: 'caller-hung-up' },
  ] as const)('of the callee, crossed by a BYE of $title, ends with the call', async ({ hangsUp, cause }) => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    const reinvite = await leg.send('INVITE', { body: pbxSdp({ version: 2 }) });
    const relayed = phone.takeRequest('INVITE');
    await (hangsUp === 'callee' ? leg : call).send('BYE');
    const [byePeer, other] = hangsUp === 'callee' ? [s.pbx, phone] : [phone, s.pbx];
    expect(s.pbx.inbox.some((message) => message.kind === 'response' && message.status === 487)).toBe(true);
    await s.pbx.send(sameHop(reinvite, 'ACK', `${leg.state.remote};tag=${leg.state.remoteTag}`));
    expect(byePeer.takeAll()).toContain('200 BYE');
    const bye = other.inbox.find((message) => message.kind === 'request' && message.method === 'BYE');
    if (bye?.kind !== 'request') throw new Error('expected a BYE');
    await (hangsUp === 'callee' ? call : leg).respond(bye, 200);
    // The phone has answered the re-INVITE before it heard of the end.
    await call.respond(relayed, 200, { body: phone.answer(relayed.body, { version: 2 }) });
    expect(phone.takeAll()).toContain('ACK');
    s.pbx.takeAll();
    await s.finish();
    expect(s.record.cause).toBe(cause);
  });

  test('that passes our BYE on the wire is refused, and does not reach the other side', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.hangUp();
    const reinvite = await leg.send('INVITE', { body: pbxSdp({ version: 2 }) });
    const bye = s.pbx.takeRequest('BYE');
    await leg.takeReinviteRefusal(reinvite, 491);
    phone.expectNothing();
    await leg.respond(bye, 200);
    const late = await leg.send('INVITE', { body: pbxSdp({ version: 3 }) });
    await leg.takeReinviteRefusal(late, 481);
    await s.finish();
    expect(s.record.cause).toBe('caller-hung-up');
  });

  test('with an offer that cannot be used is refused here, and the other side never sees it', async () => {
    const s = new Scenario();
    const { call, leg } = await connect(s);
    const reinvite = await call.send('INVITE', { body: 'v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\n' });
    await call.takeReinviteRefusal(reinvite, 488);
    leg.peer.expectNothing();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('whose 2xx is never acknowledged ends the call', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    const relayed = leg.peer.takeRequest('INVITE');
    await leg.respond(relayed, 200, { body: pbxSdp({ version: 2 }) });
    leg.takeAck();
    await s.advance(33_000);
    expect(phone.takeAll().at(-1)).toBe('BYE');
    await leg.takeBye();
    await s.finish();
    expect(s.record.cause).toBe('no-ack');
  });
});

test('the route set is frozen with the 2xx: a Record-Route in a re-INVITE or its 2xx changes nothing (§12.2.1.1, §12.2.2)', async () => {
  const s = new Scenario();
  const { phone, call, leg } = await connect(s);
  const detour = [['Record-Route', '<sip:detour.inside.test;lr>']] as const;
  const reinvite = await leg.send('INVITE', { body: pbxSdp(), fields: detour });
  const onward = phone.takeRequest('INVITE');
  expect(onward.headers.has('Route')).toBe(false);
  await call.respond(onward, 200, {
    body: phone.answer(onward.body),
    fields: [['Record-Route', '<sip:detour.phone.test;lr>']],
  });
  phone.takeRequest('ACK');
  s.pbx.takeResponse(200, 'INVITE');
  await leg.ack(Number.parseInt(reinvite.headers.get('CSeq') ?? '', 10));
  await call.hangUp();
  const bye = await leg.takeBye();
  expect(bye.headers.has('Route')).toBe(false);
  expect(bye.uri).not.toContain('detour');
  expect(s.wire.log.filter(({ direction, message }) => direction === 'to' && message.headers.has('Route'))).toEqual([]);
  await s.finish();
});
