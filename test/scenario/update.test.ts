// UPDATE in early and in running dialogs, both ways (RFC 3311), and offers in a PRACK (RFC 3262 §5).
import { describe, expect, test } from 'vitest';
import type { SipResponse } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { type Connected, connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type CallerLeg, type Field } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';
import { audioOf } from '../support/scenario-sdp.ts';

const allow: Field = ['Allow', 'INVITE, ACK, CANCEL, BYE, PRACK, UPDATE'];
const knowing: readonly Field[] = [['Supported', '100rel'], allow];

/** Connected; the PBX takes UPDATE. */
async function connectUpdating(s: Scenario, callerFields: readonly Field[] = knowing): Promise<Connected> {
  const phone = s.phone('alice');
  const call = await phone.invite('600', { fields: callerFields });
  const leg = CalleeLeg.take(s.pbx);
  await leg.answer(pbxSdp(), [allow]);
  await call.takeAnswer();
  leg.takeAck();
  return { phone, call, leg };
}

async function acknowledge(call: CallerLeg, provisional: SipResponse, body?: string): Promise<void> {
  const rack = `${provisional.headers.get('RSeq')} ${call.invite.headers.get('CSeq')}`;
  await call.send('PRACK', { body, fields: [['RAck', rack]] });
}

/** Ringing: both sides have settled offer and answer in an early dialog. */
async function ringing(s: Scenario, calleeFields: readonly Field[] = [allow]): Promise<Connected> {
  const phone = s.phone('alice');
  const call = await phone.invite('600', { fields: knowing });
  const leg = CalleeLeg.take(s.pbx);
  await leg.ring(183, { body: pbxSdp(), fields: [['Require', '100rel'], ['RSeq', '1'], ...calleeFields] });
  await leg.respond(s.pbx.takeRequest('PRACK'), 200);
  await acknowledge(call, call.take(183));
  phone.takeResponse(200, 'PRACK');
  return { phone, call, leg };
}

async function answered(s: Scenario, { call, leg }: Connected): Promise<void> {
  await leg.answer(undefined);
  await call.takeAnswer();
  leg.takeAck();
  await hangUp({ call, leg });
  await s.finish();
}

function hold(phone: ScenarioPhone, version = 2): string {
  return phone.offer({ direction: 'sendonly', version });
}

test('before the answer it waits for the PRACK to be answered, which it could overtake (RFC 3311 §5.1)', async () => {
  const s = new Scenario();
  const phone = s.phone('alice');
  const call = await phone.invite('600', { fields: knowing });
  const leg = CalleeLeg.take(s.pbx);
  await leg.ring(183, { body: pbxSdp(), fields: [['Require', '100rel'], ['RSeq', '1'], allow] });
  const prack = s.pbx.takeRequest('PRACK');
  await acknowledge(call, call.take(183));
  phone.takeResponse(200, 'PRACK');
  await call.send('UPDATE', { body: hold(phone) });
  s.pbx.expectNothing();
  await leg.respond(prack, 200);
  await leg.respond(s.pbx.takeRequest('UPDATE'), 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
  phone.takeResponse(200, 'UPDATE');
  await answered(s, { phone, call, leg });
});

test('before the answer it has one hop less on the other leg, and at 0 it is refused with 483 (RFC 3261 §16.3)', async () => {
  const s = new Scenario();
  const { phone, call, leg } = await ringing(s);
  const update = async (hops: string): Promise<void> => {
    const request = call.request('UPDATE', { body: hold(phone) });
    await phone.send({ ...request, headers: request.headers.with('Max-Forwards', hops) });
  };
  await update('0');
  phone.takeResponse(483, 'UPDATE');
  s.pbx.expectNothing();
  await update('5');
  const relayed = s.pbx.takeRequest('UPDATE');
  expect(relayed.headers.all('Max-Forwards')).toEqual(['4']);
  await leg.respond(relayed, 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
  phone.takeResponse(200, 'UPDATE');
  await answered(s, { phone, call, leg });
});

describe('in a running dialog', () => {
  test('an offer of the caller crosses as UPDATE, and its answer comes back', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connectUpdating(s);
    await call.send('UPDATE', { body: hold(phone) });
    const update = s.pbx.takeRequest('UPDATE');
    expect(audioOf(update.body).direction).toBe('sendonly');
    expect(update.headers.get('Contact')).toBeDefined();
    await leg.respond(update, 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
    expect(audioOf(phone.takeResponse(200, 'UPDATE').body).direction).toBe('recvonly');
    expect(s.media.open[0]?.isPaused).toBe(true);
    await s.advance(5_000);
    s.pbx.expectNothing();
    phone.expectNothing();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('an offer of the callee crosses to the caller', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connectUpdating(s);
    await leg.send('UPDATE', { body: pbxSdp({ direction: 'sendonly', version: 2 }) });
    const update = phone.takeRequest('UPDATE');
    await call.respond(update, 200, { body: phone.answer(update.body, { direction: 'recvonly', version: 2 }) });
    s.pbx.takeResponse(200, 'UPDATE');
    await hangUp({ call, leg });
    await s.finish();
  });

  test('it crosses as a re-INVITE where the other side does not take UPDATE', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('UPDATE', { body: hold(phone) });
    const reinvite = s.pbx.takeRequest('INVITE');
    await leg.respond(reinvite, 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
    phone.takeResponse(200, 'UPDATE');
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that the other side thinks about for long is refused with 504, and nothing has changed', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('UPDATE', { body: hold(phone) });
    const reinvite = s.pbx.takeRequest('INVITE');
    await leg.respond(reinvite, 180);
    await s.advance(20_500);
    await leg.respond(s.pbx.takeRequest('CANCEL'), 200);
    s.pbx.takeAll();
    await leg.respond(reinvite, 487);
    leg.takeAck();
    phone.takeResponse(100, 'UPDATE');
    phone.takeResponse(504, 'UPDATE');
    expect(s.media.open[0]?.isPaused).toBe(false);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that is refused keeps the session and the keys', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connectUpdating(s);
    const commands = s.media.open[0]?.remoteCommands;
    await call.send('UPDATE', { body: phone.offer({ version: 2, key: 99 }) });
    await leg.respond(s.pbx.takeRequest('UPDATE'), 488);
    phone.takeResponse(488, 'UPDATE');
    expect(s.media.open[0]?.remoteCommands).toBe(commands);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('without an offer is answered here, and refreshes the target (§5.2)', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connectUpdating(s);
    const moved = leg.request('UPDATE');
    await s.pbx.send({ ...moved, headers: moved.headers.with('Contact', '<sip:moved@10.0.0.5:5060>') });
    expect(s.pbx.takeResponse(200, 'UPDATE').headers.get('Contact')).toBeDefined();
    phone.expectNothing();
    await call.hangUp();
    expect((await leg.takeBye()).uri).toBe('sip:moved@10.0.0.5:5060');
    await s.finish();
  });

  test('other requests do not refresh the target', async () => {
    const s = new Scenario();
    const { call, leg } = await connectUpdating(s);
    const options = leg.request('OPTIONS', { fields: [['Contact', '<sip:moved@10.0.0.5:5060>']] });
    await s.pbx.send(options);
    s.pbx.takeResponse(200, 'OPTIONS');
    await call.hangUp();
    expect((await leg.takeBye()).uri).not.toContain('moved');
    await s.finish();
  });

  test('that crosses ours hears 491, and ours is sent again (§5.2)', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connectUpdating(s);
    await call.send('UPDATE', { body: hold(phone) });
    const ours = s.pbx.takeRequest('UPDATE');
    await leg.send('UPDATE', { body: pbxSdp({ direction: 'sendonly', version: 2 }) });
    s.pbx.takeResponse(491, 'UPDATE');
    await leg.respond(ours, 491);
    await s.advance(4_100);
    const again = s.pbx.takeRequest('UPDATE');
    s.pbx.takeAll();
    await leg.respond(again, 200, { body: pbxSdp({ direction: 'recvonly', version: 3 }) });
    phone.takeResponse(100, 'UPDATE');
    phone.takeResponse(200, 'UPDATE');
    await hangUp({ call, leg });
    await s.finish();
  });

  test('while another one of the same side is open hears 500 with Retry-After', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connectUpdating(s);
    await call.send('UPDATE', { body: hold(phone) });
    const relayed = s.pbx.takeRequest('UPDATE');
    await call.send('UPDATE', { body: hold(phone, 3) });
    expect(phone.takeResponse(500, 'UPDATE').headers.get('Retry-After')).toMatch(/^\d+$/);
    await call.send('UPDATE');
    phone.takeResponse(500, 'UPDATE');
    await leg.respond(relayed, 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
    phone.takeResponse(200, 'UPDATE');
    await hangUp({ call, leg });
    await s.finish();
  });

  test('on both legs at once: the second is told to come again', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connectUpdating(s);
    phone.sendNow(call.request('UPDATE', { body: hold(phone) }));
    s.pbx.sendNow(leg.request('UPDATE', { body: pbxSdp({ direction: 'sendonly', version: 2 }) }));
    await s.settle();
    s.pbx.takeRequest('UPDATE');
    s.pbx.takeResponse(491, 'UPDATE');
    await hangUp({ call, leg });
    phone.takeResponse(487, 'UPDATE');
    await s.finish();
  });

  test('that is never answered ends the call, as the dialog is gone', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connectUpdating(s);
    await call.send('UPDATE', { body: hold(phone) });
    await s.advance(33_000);
    expect(leg.peer.takeAll()).toContain('UPDATE');
    expect(phone.takeAll()).toEqual(['100 UPDATE', '488 UPDATE', 'BYE']);
    await s.finish();
    expect(s.record.cause).toBe('signalling-timeout');
  });
});

describe('in an early dialog', () => {
  test('an offer of the caller crosses to the callee', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await ringing(s);
    await call.send('UPDATE', { body: hold(phone) });
    const update = s.pbx.takeRequest('UPDATE');
    expect(audioOf(update.body).direction).toBe('sendonly');
    await leg.respond(update, 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
    expect(audioOf(phone.takeResponse(200, 'UPDATE').body).direction).toBe('recvonly');
    await answered(s, { phone, call, leg });
  });

  test('an offer of the callee crosses to the caller, and media follow it', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await ringing(s);
    await leg.send('UPDATE', { body: pbxSdp({ port: 30_200, version: 2 }) });
    const update = phone.takeRequest('UPDATE');
    await call.respond(update, 200, { body: phone.answer(update.body, { version: 2 }) });
    s.pbx.takeResponse(200, 'UPDATE');
    expect(s.media.open[0]?.remotes.get(2)?.rtp.port).toBe(30_200);
    await answered(s, { phone, call, leg });
    expect(s.records).toHaveLength(1);
  });

  test('an offer in the PRACK crosses as UPDATE, and its answer is in the 200 of the PRACK', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: knowing });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp(), fields: [['Require', '100rel'], ['RSeq', '1'], allow] });
    await leg.respond(s.pbx.takeRequest('PRACK'), 200);
    await acknowledge(call, call.take(183), hold(phone));
    const update = s.pbx.takeRequest('UPDATE');
    await leg.respond(update, 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
    expect(audioOf(phone.takeResponse(200, 'PRACK').body).direction).toBe('recvonly');
    await answered(s, { phone, call, leg });
  });

  test('is refused with 488 where the callee does not take one', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await ringing(s, []);
    await call.send('UPDATE', { body: hold(phone) });
    phone.takeResponse(488, 'UPDATE');
    await answered(s, { phone, call, leg });
  });

  test('before the first answer has arrived is told to come again: 500 before the PRACK, 491 where nothing is settled', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: knowing });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    await call.send('UPDATE', { body: hold(phone) });
    phone.takeResponse(491, 'UPDATE');
    await leg.ring(183, { body: pbxSdp() });
    const early = call.take(183);
    await call.send('UPDATE', { body: hold(phone) });
    expect(phone.takeResponse(500, 'UPDATE').headers.get('Retry-After')).toBeDefined();
    await acknowledge(call, early);
    phone.takeResponse(200, 'PRACK');
    await answered(s, { phone, call, leg });
  });

  test('that the answer of the call overtakes hears 491, and the call goes on with what was agreed', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await ringing(s);
    await call.send('UPDATE', { body: hold(phone) });
    const update = s.pbx.takeRequest('UPDATE');
    await leg.answer(undefined);
    phone.takeResponse(491, 'UPDATE');
    await call.takeAnswer();
    leg.takeAck();
    await leg.respond(update, 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that is open when the call is refused, or cancelled, gets an answer too', async () => {
    for (const how of ['refused', 'cancelled'] as const) {
      const s = new Scenario();
      const { phone, call, leg } = await ringing(s);
      await call.send('UPDATE', { body: hold(phone) });
      s.pbx.takeRequest('UPDATE');
      if (how === 'refused') {
        await leg.refuse(486);
        expect(phone.takeAll().toSorted()).toEqual(['486 INVITE', '491 UPDATE']);
      } else {
        await phone.send(call.cancelRequest());
        expect(phone.takeAll().toSorted()).toEqual(['200 CANCEL', '487 INVITE', '487 UPDATE']);
        await leg.takeCancel();
      }
      await s.finish();
    }
  });

  test('without an offer is answered here', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await ringing(s);
    await call.send('UPDATE');
    phone.takeResponse(200, 'UPDATE');
    await leg.send('UPDATE');
    s.pbx.takeResponse(200, 'UPDATE');
    await answered(s, { phone, call, leg });
  });
});
