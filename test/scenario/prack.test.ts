// Provisionals that must arrive, on each leg by itself (RFC 3262): towards a caller that acknowledges them, from a callee that
// sends them, and both bridged to a leg that knows nothing of it.
import { describe, expect, test } from 'vitest';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type CallerLeg, type Field } from '../support/scenario-peer.ts';
import { audioOf } from '../support/scenario-sdp.ts';

const supported: readonly Field[] = [['Supported', '100rel']];
const required: readonly Field[] = [['Require', '100rel']];
const numbered = (sequence: number): readonly Field[] => [...required, ['RSeq', String(sequence)]];

async function prack(
  call: CallerLeg,
  provisional: SipResponse,
  parts: { readonly body?: string } = {},
): Promise<SipRequest> {
  const rack = `${provisional.headers.get('RSeq')} ${call.invite.headers.get('CSeq')}`;
  return call.send('PRACK', { ...parts, fields: [['RAck', rack]] });
}

describe('a caller that acknowledges provisionals', () => {
  test('gets a description once and reliably, and a 200 without it (§5)', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: supported });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp() });
    const early = call.take(183);
    expect(early.headers.get('Require')).toBe('100rel');
    expect(audioOf(early.body).address).toBe('203.0.113.10');
    await prack(call, early);
    phone.takeResponse(200, 'PRACK');
    await s.advance(5_000);
    phone.expectNothing();
    await leg.answer(pbxSdp());
    expect((await call.takeAnswer()).body.length).toBe(0);
    leg.takeAck();
    expect(s.media.open[0]?.partners.size).toBe(2);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('has a 180 without a description as before, unless it requires more', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: supported });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    expect(call.take(180).headers.get('RSeq')).toBeUndefined();
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });

  test('that requires it is served: nothing but 100 comes without a number', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: required });
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.headers.get('Require')).toBeUndefined();
    await leg.ring();
    const ringing = call.take(180);
    expect(ringing.headers.get('RSeq')).toMatch(/^\d+$/);
    await leg.ring(183, { body: pbxSdp() });
    phone.expectNothing();
    await prack(call, ringing);
    phone.takeResponse(200, 'PRACK');
    const early = call.take(183);
    expect(Number(early.headers.get('RSeq'))).toBe(Number(ringing.headers.get('RSeq')) + 1);
    await prack(call, early);
    phone.takeResponse(200, 'PRACK');
    await leg.answer(undefined);
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('gets the 200 only after its PRACK, since the description must come first (§3)', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: supported });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp() });
    const early = call.take(183);
    await leg.answer(pbxSdp());
    leg.takeAck();
    phone.expectNothing();
    await s.advance(600);
    expect(call.take(183).headers.get('RSeq')).toBe(early.headers.get('RSeq'));
    await prack(call, early);
    phone.takeResponse(200, 'PRACK');
    await call.takeAnswer();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that never sends the PRACK is refused with 500, and the callee is cancelled', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    await phone.invite('600', { fields: supported });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp() });
    await s.advance(33_000);
    expect(phone.inbox.slice(0, -1).every((one) => one.kind === 'response' && one.status === 183)).toBe(true);
    expect(phone.takeAll().at(-1)).toBe('500 INVITE');
    await leg.respond(s.pbx.takeRequest('CANCEL'), 200);
    s.pbx.takeAll();
    await leg.refuse(487);
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'signalling-timeout', status: 500 });
  });

  test('that never sends the PRACK of an answered call loses it, and the callee is hung up', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    await phone.invite('600', { fields: supported });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp() });
    await leg.answer(pbxSdp());
    leg.takeAck();
    await s.advance(33_000);
    expect(phone.takeAll().at(-1)).toBe('500 INVITE');
    await leg.takeBye();
    await s.finish();
    expect(s.record.cause).toBe('no-ack');
  });

  test('cancels or hangs up while the 200 is held: 487, and the callee is hung up', async () => {
    for (const how of ['CANCEL', 'BYE'] as const) {
      const s = new Scenario();
      const phone = s.phone('alice');
      const call = await phone.invite('600', { fields: supported });
      const leg = CalleeLeg.take(s.pbx);
      await leg.ring(183, { body: pbxSdp() });
      call.take(183);
      await leg.answer(pbxSdp());
      leg.takeAck();
      if (how === 'CANCEL') await call.cancel();
      else await call.hangUp();
      await call.takeRefusal(487);
      await leg.takeBye();
      await s.finish();
    }
  });

  test('is hung up while the 200 is held: its INVITE fails', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: supported });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp() });
    call.take(183);
    await leg.answer(pbxSdp());
    leg.takeAck();
    await leg.hangUp();
    await call.takeRefusal(480);
    await s.finish();
    expect(s.record.cause).toBe('callee-hung-up');
  });

  test('whose PRACK names nothing that is out hears 481, and 400 when it cannot be read', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: supported });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp() });
    const early = call.take(183);
    await call.send('PRACK', { fields: [['RAck', '1 1 INVITE']] });
    phone.takeResponse(481, 'PRACK');
    await call.send('PRACK');
    phone.takeResponse(400, 'PRACK');
    await prack(call, early);
    phone.takeResponse(200, 'PRACK');
    await prack(call, early);
    phone.takeResponse(481, 'PRACK');
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });
});

describe('a callee that sends provisionals reliably', () => {
  test('has each acknowledged once, and a caller without 100rel hears them as ever', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.headers.get('Supported')).toContain('100rel');
    await leg.ring(183, { body: pbxSdp(), fields: numbered(71) });
    const ack = s.pbx.takeRequest('PRACK');
    expect(ack.headers.get('RAck')).toBe(`71 ${leg.invite.headers.get('CSeq')}`);
    await leg.respond(ack, 200);
    expect(call.take(183).headers.get('RSeq')).toBeUndefined();
    // A copy, and one that comes before its time.
    await leg.ring(183, { body: pbxSdp(), fields: numbered(71) });
    await leg.ring(180, { fields: numbered(73) });
    s.pbx.expectNothing();
    call.peer.expectNothing();
    await leg.ring(180, { fields: numbered(72) });
    await leg.respond(s.pbx.takeRequest('PRACK'), 200);
    call.take(180);
    await leg.answer(undefined);
    expect(audioOf((await call.takeAnswer()).body).address).toBe('203.0.113.10');
    const acked = leg.takeAck();
    expect(acked.headers.get('CSeq')).toBe(leg.invite.headers.get('CSeq')?.replace('INVITE', 'ACK'));
    // The dialog counts on from its PRACKs (RFC 3261 §12.2.1.1).
    await call.hangUp();
    const bye = await leg.takeBye();
    expect(Number.parseInt(bye.headers.get('CSeq') ?? '', 10)).toBe(4);
    await s.finish();
  });

  test('and a caller that acknowledges them: each leg by itself', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: supported });
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp(), fields: numbered(9) });
    await leg.respond(s.pbx.takeRequest('PRACK'), 200);
    const early = call.take(183);
    expect(early.headers.get('RSeq')).not.toBe('9');
    await prack(call, early);
    phone.takeResponse(200, 'PRACK');
    s.pbx.expectNothing();
    await leg.answer(undefined);
    expect((await call.takeAnswer()).body.length).toBe(0);
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('whose PRACK is not answered, or refused, goes on with its INVITE', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(180, { fields: numbered(1) });
    await leg.respond(s.pbx.takeRequest('PRACK'), 481);
    call.take(180);
    await leg.ring(183, { fields: numbered(2) });
    s.pbx.takeRequest('PRACK');
    call.take(183);
    await s.advance(33_000);
    s.pbx.takeAll();
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('and whose 2xx crosses the CANCEL is acknowledged and hung up', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp(), fields: numbered(1) });
    await leg.respond(s.pbx.takeRequest('PRACK'), 200);
    call.take(183);
    await call.cancel();
    await call.takeRefusal(487);
    await leg.respond(s.pbx.takeRequest('CANCEL'), 200);
    await leg.answer(pbxSdp());
    leg.takeAck();
    await leg.takeBye();
    await s.finish();
  });
});

describe('forks that describe media', () => {
  test('are early dialogs of the caller too: the answer of the second comes under its own tag', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { fields: supported });
    const invite = s.pbx.takeRequest('INVITE');
    const one = CalleeLeg.of(s.pbx, invite, 'fork-1');
    const two = CalleeLeg.of(s.pbx, invite, 'fork-2');
    await one.ring(183, { body: pbxSdp() });
    const first = call.take(183);
    await prack(call, first);
    phone.takeResponse(200, 'PRACK');
    await two.ring(183, { body: pbxSdp({ port: 30_100 }) });
    const second = call.take(183);
    expect(second.headers.get('To')).not.toBe(first.headers.get('To'));
    await prack(call, second);
    phone.takeResponse(200, 'PRACK');
    await two.answer(undefined);
    expect((await call.takeAnswer()).headers.get('To')).toBe(second.headers.get('To'));
    two.takeAck();
    expect(s.media.open[0]?.remotes.get(2)?.rtp.port).toBe(30_100);
    await hangUp({ call, leg: two });
    await s.finish();
  });
});
