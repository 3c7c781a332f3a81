// A first INVITE without an offer: leg B is invited without one too, its 2xx makes the offer, and the caller's ACK brings the
// answer (RFC 3261 §13.2.1, RFC 3264 §5).
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';
import { audioOf, cryptoOf } from '../support/scenario-sdp.ts';

describe('an INVITE without an offer', () => {
  test('takes the offer of the PBX to the phone, with keys, and the answer back in the ACK', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { body: undefined });
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.body.length).toBe(0);
    await leg.answer(pbxSdp());
    const offer = call.take(200);
    expect(audioOf(offer.body).address).toBe('203.0.113.10');
    expect(cryptoOf(offer.body)).toBeDefined();
    s.pbx.expectNothing();
    await call.ack(call.state.sequence, { body: phone.answer(offer.body) });
    const ack = leg.takeAck();
    expect(audioOf(ack.body).address).toBe('10.0.0.10');
    expect(s.media.open[0]?.partners.size).toBe(2);
    expect(s.media.open[0]?.remotes.size).toBe(2);
    await hangUp({ call, leg });
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'caller-hung-up', status: 200 });
  });

  test('of the PBX takes the offer of the phone that answers first', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    const call = await s.pbx.call({ uri: 'sip:bob@10.0.0.10:5060', from: '<sip:100@pbx.test>' });
    const one = CalleeLeg.take(desk, 'desk');
    const two = CalleeLeg.take(mobile, 'mobile');
    await one.ring();
    call.take(180);
    await two.answer(mobile.offer());
    await one.takeCancel();
    const offer = call.take(200);
    expect(cryptoOf(offer.body)).toBeUndefined();
    await call.ack(call.state.sequence, { body: pbxSdp() });
    expect(cryptoOf(two.takeAck().body)).toBeDefined();
    await hangUp({ call, leg: two });
    await s.finish();
  });

  test('answered without a session description ends with 488 and a BYE', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600', { body: undefined });
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(undefined);
    leg.takeAck();
    await leg.takeBye();
    await call.takeRefusal(488);
    await s.finish();
  });

  test('whose ACK brings no answer ends the call on both sides', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { body: undefined });
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await leg.takeBye();
    await call.takeBye();
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'failed', status: 488 });
  });

  test('whose ACK never comes ends with the BYE of both legs', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { body: undefined });
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(pbxSdp());
    call.take(200);
    await s.advance(33_000);
    expect(phone.takeAll().at(-1)).toBe('BYE');
    leg.takeAck();
    await leg.takeBye();
    await s.finish();
    expect(s.record.cause).toBe('no-ack');
  });

  test('given up while ports are being opened ends what the 2xx began', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { body: undefined });
    const leg = CalleeLeg.take(s.pbx);
    s.media.isSlow = true;
    await leg.answer(pbxSdp());
    phone.expectNothing();
    await call.cancel();
    leg.takeAck();
    await leg.takeBye();
    await call.takeRefusal(487);
    s.media.release();
    await s.finish();
    expect(s.record.cause).toBe('caller-cancelled');
  });

  test('for which there are no ports is refused, and the 2xx is ended', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600', { body: undefined });
    const leg = CalleeLeg.take(s.pbx);
    s.media.failures.set('open-endpoints', 'no-ports');
    await leg.answer(pbxSdp());
    leg.takeAck();
    await leg.takeBye();
    await call.takeRefusal(503);
    s.media.failures.clear();
    await s.finish();
  });

  test('has SDP before the 2xx left out: nothing makes sure that it arrived', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { body: undefined });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp({ port: 30_100 }) });
    expect(call.take(183).body.length).toBe(0);
    await leg.answer(pbxSdp());
    const offer = call.take(200);
    await call.ack(call.state.sequence, { body: phone.answer(offer.body) });
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('is refused with 486 where the callee is busy', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600', { body: undefined });
    await CalleeLeg.take(s.pbx).refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });
});
