// A first INVITE without an offer whose callee makes it in a provisional that must arrive (RFC 3262 §5): ours goes on in a reliable
// provisional too, the caller's PRACK brings the answer, and only then has the callee its PRACK. Bridged to a leg without 100rel the 2xx
// makes the offer, as nothing else may (RFC 3261 §13.2.1).
import { describe, expect, test } from 'vitest';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type CallerLeg, type Field } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';
import { audioOf, cryptoOf } from '../support/scenario-sdp.ts';

const supported: readonly Field[] = [['Supported', '100rel']];
const required: readonly Field[] = [['Require', '100rel']];
const numbered = (sequence: number): readonly Field[] => [...required, ['RSeq', String(sequence)]];

function prack(call: CallerLeg, provisional: SipResponse, body?: string): Promise<SipRequest> {
  const rack = `${provisional.headers.get('RSeq')} ${call.invite.headers.get('CSeq')}`;
  return call.send('PRACK', { body, fields: [['RAck', rack]] });
}

/** The phone calls without an offer. */
async function dialled(
  s: Scenario,
  fields = supported,
): Promise<{ readonly phone: ScenarioPhone; readonly call: CallerLeg; readonly leg: CalleeLeg }> {
  const phone = s.phone('alice');
  const call = await phone.invite('600', { body: undefined, fields });
  return { phone, call, leg: CalleeLeg.take(s.pbx) };
}

async function cancelledWith(s: Scenario, leg: CalleeLeg): Promise<void> {
  await leg.respond(s.pbx.takeRequest('CANCEL'), 200);
  await leg.refuse(487);
}

describe('an offer in a provisional that must arrive', () => {
  test('goes to the caller in one of ours, and the answer of its PRACK back in ours', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await dialled(s);
    expect(leg.invite.headers.get('Supported')).toContain('100rel');
    await leg.ring(183, { body: pbxSdp(), fields: numbered(5) });
    s.pbx.expectNothing();
    const offer = call.take(183);
    expect(offer.headers.get('Require')).toBe('100rel');
    expect(audioOf(offer.body).address).toBe('203.0.113.10');
    expect(cryptoOf(offer.body)).toBeDefined();
    await prack(call, offer, phone.answer(offer.body));
    phone.takeResponse(200, 'PRACK');
    const answer = s.pbx.takeRequest('PRACK');
    expect(answer.headers.get('RAck')).toBe(`5 ${leg.invite.headers.get('CSeq')}`);
    expect(audioOf(answer.body).address).toBe('10.0.0.10');
    expect(cryptoOf(answer.body)).toBeUndefined();
    await leg.respond(answer, 200);
    expect(s.media.open[0]?.partners.size).toBe(2);
    expect(s.media.open[0]?.remotes.size).toBe(2);
    await leg.ring(180, { fields: numbered(6) });
    await leg.respond(s.pbx.takeRequest('PRACK'), 200);
    call.take(180);
    await leg.answer(undefined);
    expect((await call.takeAnswer()).body).toHaveLength(0);
    expect(leg.takeAck().body).toHaveLength(0);
    await hangUp({ call, leg });
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'caller-hung-up', status: 200 });
  });

  test('is sent again until it is acknowledged, and is acknowledged to the callee once', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await dialled(s);
    await leg.ring(183, { body: pbxSdp(), fields: numbered(5) });
    const offer = call.take(183);
    await leg.ring(183, { body: pbxSdp(), fields: numbered(5) });
    await s.advance(600);
    expect(call.take(183).headers.get('RSeq')).toBe(offer.headers.get('RSeq'));
    s.pbx.expectNothing();
    await prack(call, offer, phone.answer(offer.body));
    phone.takeResponse(200, 'PRACK');
    await leg.respond(s.pbx.takeRequest('PRACK'), 200);
    await prack(call, offer, phone.answer(offer.body));
    phone.takeResponse(481, 'PRACK');
    await leg.answer(undefined);
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('may be followed by another one, in an UPDATE, before the answer (RFC 3311 §5.1)', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await dialled(s, [...supported, ['Allow', 'INVITE, ACK, BYE, UPDATE']]);
    await leg.ring(183, { body: pbxSdp(), fields: numbered(5) });
    const offer = call.take(183);
    await prack(call, offer, phone.answer(offer.body));
    phone.takeResponse(200, 'PRACK');
    await leg.respond(s.pbx.takeRequest('PRACK'), 200);
    const update = await leg.send('UPDATE', { body: pbxSdp({ port: 30_200, version: 2 }) });
    expect(update.method).toBe('UPDATE');
    const asked = phone.takeRequest('UPDATE');
    await call.respond(asked, 200, { body: phone.answer(asked.body, { version: 2 }) });
    s.pbx.takeResponse(200, 'UPDATE');
    await leg.answer(undefined);
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('is all that a caller hears first that requires reliability; what follows is reliable too', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await dialled(s, required);
    await leg.ring(180);
    phone.expectNothing();
    await leg.ring(183, { body: pbxSdp(), fields: numbered(1) });
    const offer = call.take(183);
    await prack(call, offer, phone.answer(offer.body));
    phone.takeResponse(200, 'PRACK');
    await leg.respond(s.pbx.takeRequest('PRACK'), 200);
    await leg.ring(182);
    const queued = call.take(182);
    expect(Number(queued.headers.get('RSeq'))).toBe(Number(offer.headers.get('RSeq')) + 1);
    await prack(call, queued);
    phone.takeResponse(200, 'PRACK');
    await leg.answer(undefined);
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('of two phones makes two early dialogs of the caller; the call is that of the one that answers', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    const call = await s.pbx.call({ uri: 'sip:bob@10.0.0.10:5060', from: '<sip:100@pbx.test>', fields: supported });
    const one = CalleeLeg.take(desk, 'desk');
    const two = CalleeLeg.take(mobile, 'mobile');
    s.media.isSlow = true;
    await one.ring(183, { body: desk.offer(), fields: numbered(1) });
    await two.ring(183, { body: mobile.offer(), fields: numbered(1) });
    s.pbx.expectNothing();
    s.media.isSlow = false;
    s.media.release();
    await s.settle();
    const first = call.take(183);
    const second = call.take(183);
    expect(first.headers.get('To')).not.toBe(second.headers.get('To'));
    await prack(call, second, pbxSdp({ port: 30_100 }));
    s.pbx.takeResponse(200, 'PRACK');
    const answered = mobile.takeRequest('PRACK');
    await two.respond(answered, 200);
    desk.expectNothing();
    await two.answer(undefined);
    expect((await call.takeAnswer()).headers.get('To')).toBe(second.headers.get('To'));
    two.takeAck();
    await one.takeCancel();
    expect(s.media.open[0]?.partners.size).toBe(2);
    await hangUp({ call, leg: two });
    await s.finish();
  });

  test('of one phone, while another one answers with its offer in the 2xx', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    const call = await s.pbx.call({ uri: 'sip:bob@10.0.0.10:5060', from: '<sip:100@pbx.test>', fields: supported });
    const one = CalleeLeg.take(desk, 'desk');
    const two = CalleeLeg.take(mobile, 'mobile');
    await one.ring(183, { body: desk.offer(), fields: numbered(1) });
    const early = call.take(183);
    await two.answer(mobile.offer());
    await one.takeCancel();
    const answer = call.take(200);
    expect(answer.headers.get('To')).not.toBe(early.headers.get('To'));
    await call.ack(call.state.sequence, { body: pbxSdp() });
    expect(cryptoOf(two.takeAck().body)).toBeDefined();
    await hangUp({ call, leg: two });
    await s.finish();
  });
});

describe('what goes wrong with it', () => {
  test('a PRACK without an answer ends the attempt with 488', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await dialled(s);
    await leg.ring(183, { body: pbxSdp(), fields: numbered(5) });
    await prack(call, call.take(183));
    phone.takeResponse(200, 'PRACK');
    await cancelledWith(s, leg);
    await call.takeRefusal(488);
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'failed', status: 488 });
  });

  test('a caller that never acknowledges is refused with 500, and the callee is cancelled', async () => {
    const s = new Scenario();
    const { phone, leg } = await dialled(s);
    await leg.ring(183, { body: pbxSdp(), fields: numbered(5) });
    await s.advance(33_000);
    expect(phone.takeAll().at(-1)).toBe('500 INVITE');
    await leg.respond(s.pbx.takeRequest('CANCEL'), 200);
    s.pbx.takeAll();
    await leg.refuse(487);
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'signalling-timeout', status: 500 });
  });

  test('a description that is no offer which could be used ends the attempt with 488', async () => {
    const s = new Scenario();
    const { call, leg } = await dialled(s);
    await leg.ring(183, { body: pbxSdp({ port: 0 }), fields: numbered(5) });
    await cancelledWith(s, leg);
    await call.takeRefusal(488);
    await s.finish();
  });

  test('a 2xx that does not wait for its PRACK is acknowledged and hung up (RFC 3262 §3)', async () => {
    const s = new Scenario();
    const { call, leg } = await dialled(s);
    await leg.ring(183, { body: pbxSdp(), fields: numbered(5) });
    call.take(183);
    await leg.answer(pbxSdp());
    leg.takeAck();
    await leg.takeBye();
    await call.takeRefusal(488);
    await s.finish();
  });

  test('no ports: the callee is cancelled, and the caller refused', async () => {
    const s = new Scenario();
    const { call, leg } = await dialled(s);
    s.media.failures.set('open-endpoints', 'no-ports');
    await leg.ring(183, { body: pbxSdp(), fields: numbered(5) });
    await cancelledWith(s, leg);
    await call.takeRefusal(503);
    s.media.failures.clear();
    await s.finish();
  });

  test('whoever gives up meanwhile leaves nothing behind, whichever side and however slow the ports are', async () => {
    for (const who of ['caller', 'callee'] as const) {
      const s = new Scenario();
      const { call, leg } = await dialled(s);
      s.media.isSlow = true;
      await leg.ring(183, { body: pbxSdp(), fields: numbered(5) });
      if (who === 'caller') {
        await call.cancel();
        await call.takeRefusal(487);
        await cancelledWith(s, leg);
      } else {
        await leg.refuse(486);
        await call.takeRefusal(486);
      }
      s.media.isSlow = false;
      s.media.release();
      await s.finish();
    }
  });
});

describe('a leg without 100rel', () => {
  test('that calls: the callee is not offered it, and its 2xx makes the offer', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await dialled(s, []);
    expect(leg.invite.headers.get('Supported') ?? '').not.toContain('100rel');
    await leg.ring(183, { body: pbxSdp() });
    expect(call.take(183).body).toHaveLength(0);
    await leg.answer(pbxSdp());
    const offer = call.take(200);
    await call.ack(call.state.sequence, { body: phone.answer(offer.body) });
    expect(audioOf(leg.takeAck().body).address).toBe('10.0.0.10');
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that is called: what it says before its 2xx is no offer, whatever the caller acknowledges', async () => {
    for (const fields of [supported, required]) {
      const s = new Scenario();
      const { phone, call, leg } = await dialled(s, fields);
      await leg.ring(183, { body: pbxSdp() });
      if (fields === required) phone.expectNothing();
      else expect(call.take(183).headers.get('RSeq')).toBeUndefined();
      await leg.answer(pbxSdp());
      const offer = call.take(200);
      await call.ack(call.state.sequence, { body: phone.answer(offer.body) });
      leg.takeAck();
      await hangUp({ call, leg });
      await s.finish();
    }
  });
});
