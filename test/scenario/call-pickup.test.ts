// Call pickup: an INVITE with Replaces for a dialog that rings (RFC 3891 §3, §7.3). Whoever is being called may put another dialog of its
// own in its place; a user may ask the PBX that the dialog is one of, under the name that the PBX has for it. Nobody else finds it.
import { describe, expect, test } from 'vitest';
import { Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { callFromPbx, connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { tagOf } from '../support/scenario-headers.ts';
import { CalleeLeg, type CallerLeg, type Field, type Peer, type PeerLeg } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';
import { audioOf, cryptoLine, cryptoOf, sdp } from '../support/scenario-sdp.ts';
import { subscribe, subscribing, unsubscribe } from '../support/scenario-subscriptions.ts';

const on: ScenarioOptions = { tables: '[transfers]\nrefer = "handle"' };

/** Of a dialog in which we have sent the INVITE: our tag is the To-tag of whoever replaces it. */
function replacing({ state }: PeerLeg, more = ';early-only'): readonly Field[] {
  return [['Replaces', `${state.callId};to-tag=${state.remoteTag};from-tag=${state.localTag}${more}`]];
}

function pickUpFromPbx(
  s: Scenario,
  fields: readonly Field[],
  body: string | undefined = pbxSdp({ port: 31_000 }),
): Promise<CallerLeg> {
  return s.pbx.call({ uri: 'sip:alice@10.0.0.10:5060', from: '<sip:101@pbx.test>', body, fields });
}

/** Alice's call rings at the PBX. */
async function ringing(
  s: Scenario,
  options: Parameters<ScenarioPhone['invite']>[1] = {},
): Promise<{ readonly phone: ScenarioPhone; readonly call: CallerLeg; readonly leg: CalleeLeg }> {
  const phone = s.phone('alice');
  const call = await phone.invite('600', options);
  const leg = CalleeLeg.take(s.pbx);
  await leg.ring();
  call.take(180);
  return { phone, call, leg };
}

describe('a call that rings', () => {
  test('is picked up by another dialog of whoever is called: both are answered, and what rang is cancelled', async () => {
    const s = new Scenario(on);
    const { call, leg } = await ringing(s);
    const picker = await pickUpFromPbx(s, replacing(leg));
    const cancel = s.pbx.takeRequest('CANCEL');
    expect(cancel.headers.get('Call-ID')).toBe(leg.state.callId);
    const answer = picker.take(200);
    await leg.respond(cancel, 200);
    await leg.refuse(487);
    await picker.ack();
    expect(audioOf(answer.body).address).toBe('10.0.0.10');
    expect(cryptoOf(answer.body)).toBeUndefined();
    const told = await call.takeAnswer();
    expect(audioOf(told.body).address).toBe('203.0.113.10');
    expect(cryptoOf(told.body)).toBeDefined();
    expect([...(s.media.open[0]?.remotes.values() ?? [])].map(({ rtp }) => rtp.port)).toContain(31_000);
    expect(s.media.open[0]?.partners.size).toBe(2);
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected', caller: 'alice@pbx.test', callee: 'main' }]);
    await picker.hangUp();
    await call.takeBye();
    await s.finish();
    const [picked, ended] = s.records;
    expect(picked).toMatchObject({ cause: 'transferred', status: 200, transferOf: ended?.callId });
    expect(ended).toMatchObject({ cause: 'callee-hung-up', status: 200, canonical: '600' });
    expect(ended?.attempts.map(({ outcome }) => outcome)).toEqual(['answered', 'cancelled']);
  });

  test('is answered on both sides with the codecs that both offered, and no others', async () => {
    const s = new Scenario(on);
    const { call, leg } = await ringing(s);
    const picker = await pickUpFromPbx(s, replacing(leg), pbxSdp().replace('RTP/AVP 8 0', 'RTP/AVP 18 8'));
    await leg.respond(s.pbx.takeRequest('CANCEL'), 200);
    expect(Buffer.from((await picker.takeAnswer()).body).toString()).toMatch(/m=audio \d+ RTP\/AVP 8\r\n/);
    await leg.refuse(487);
    expect(Buffer.from((await call.takeAnswer()).body).toString()).toMatch(/m=audio \d+ RTP\/SAVP 8\r\n/);
    await call.hangUp();
    await picker.takeBye();
    await s.finish();
  });

  test('is picked up by another phone of the user who is called, with keys of its own', async () => {
    const s = new Scenario(on);
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = s.phone('bob', '198.51.100.2');
    const call = await callFromPbx(s, 'bob');
    const leg = CalleeLeg.take(desk, 'desk');
    await leg.ring();
    call.take(180);
    const picker = await mobile.invite('*8', { fields: replacing(leg, '') });
    await leg.takeCancel();
    expect(cryptoOf((await picker.takeAnswer()).body)).toBeDefined();
    expect(cryptoOf((await call.takeAnswer()).body)).toBeUndefined();
    await call.hangUp();
    await picker.takeBye();
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual(['transferred', 'caller-hung-up']);
  });

  test('rings no phone any more: those beside the one that is replaced are cancelled too', async () => {
    const s = new Scenario(on);
    const desk = await s.registered('bob', '198.51.100.1');
    const other = await s.registered('bob', '198.51.100.3');
    const mobile = s.phone('bob', '198.51.100.2');
    const call = await callFromPbx(s, 'bob');
    const one = CalleeLeg.take(desk, 'desk');
    const two = CalleeLeg.take(other, 'other');
    await one.ring();
    await two.ring();
    call.take(180);
    const picker = await mobile.invite('*8', { fields: replacing(one) });
    await one.takeCancel();
    await two.takeCancel();
    await picker.takeAnswer();
    await call.takeAnswer();
    await call.hangUp();
    await picker.takeBye();
    await s.finish();
  });

  test('goes on ringing where the two have no codec in common, and is answered after all', async () => {
    const s = new Scenario(on);
    const { phone, call, leg } = await ringing(s);
    const other = pbxSdp()
      .replace('RTP/AVP 8 0', 'RTP/AVP 18')
      .replaceAll(/a=rtpmap:.*\r\n/g, '');
    await (await pickUpFromPbx(s, replacing(leg), other)).takeRefusal(488);
    phone.expectNothing();
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
    expect(s.records.map(({ cause, status }) => [cause, status])).toEqual([
      ['failed', 488],
      ['caller-hung-up', 200],
    ]);
  });

  test('is not picked up where the caller would have to be asked again: no offer, or early media agreed', async () => {
    const s = new Scenario(on);
    const { call, leg } = await ringing(s, { body: undefined });
    await (await pickUpFromPbx(s, replacing(leg))).takeRefusal(488);
    await leg.refuse(486);
    await call.takeRefusal(486);
    const reliable = await ringing(s, { fields: [['Supported', '100rel']] });
    await reliable.leg.ring(183, { body: pbxSdp() });
    reliable.call.take(183);
    await (await pickUpFromPbx(s, replacing(reliable.leg))).takeRefusal(488);
    await reliable.call.cancel();
    await reliable.call.takeRefusal(487);
    await reliable.leg.takeCancel();
    await s.finish();
  });

  test('rings on when whoever picks it up gives up meanwhile, or there are no ports', async () => {
    const s = new Scenario(on);
    const { call, leg } = await ringing(s);
    s.media.isSlow = true;
    const picker = await pickUpFromPbx(s, replacing(leg));
    await (await pickUpFromPbx(s, replacing(leg))).takeRefusal(491);
    await picker.cancel();
    await picker.takeRefusal(487);
    s.media.isSlow = false;
    s.media.release();
    await s.settle();
    s.media.failures.set('open-endpoints', 'no-ports');
    await (await pickUpFromPbx(s, replacing(leg))).takeRefusal(503);
    s.media.failures.clear();
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual(['failed', 'caller-cancelled', 'failed', 'caller-hung-up']);
  });

  test('that is given up or answered meanwhile leaves nothing to pick up: 481', async () => {
    for (const end of ['cancel', 'answer'] as const) {
      const s = new Scenario(on);
      const { call, leg } = await ringing(s);
      s.media.isSlow = true;
      const picker = await pickUpFromPbx(s, replacing(leg));
      if (end === 'cancel') {
        await call.cancel();
        await call.takeRefusal(487);
        const cancel = s.pbx.inbox.find((one) => one.kind === 'request' && one.method === 'CANCEL');
        s.pbx.inbox = s.pbx.inbox.filter((one) => one !== cancel);
        await picker.takeRefusal(481);
        if (cancel?.kind === 'request') await leg.respond(cancel, 200);
        await leg.refuse(487);
      } else {
        await leg.answer(pbxSdp());
        leg.takeAck();
        await picker.takeRefusal(481);
        await call.takeAnswer();
        await hangUp({ call, leg });
      }
      s.media.isSlow = false;
      s.media.release();
      await s.finish();
    }
  });
});

describe('a call that rings at a trunk', () => {
  const offer = sdp({ address: '198.51.100.71', port: 31_002, crypto: cryptoLine(78) });

  async function ringingAtTrunk(s: Scenario): Promise<{ call: CallerLeg; leg: CalleeLeg; carrier: Peer }> {
    const carrier = s.carrier();
    const call = await s.pbx.call({
      uri: 'sip:+4912345@10.0.0.10:5060',
      from: '<sip:100@pbx.test>',
      body: pbxSdp(),
    });
    const leg = CalleeLeg.take(carrier);
    await leg.ring();
    call.take(180);
    return { call, leg, carrier };
  }

  function pickUpFromTrunk(carrier: Peer, leg: CalleeLeg): Promise<CallerLeg> {
    const uri = 'sip:100@sbc.example.com:5062';
    return carrier.call({ uri, from: '<sip:+4999@carrier.example>', body: offer, fields: replacing(leg) });
  }

  test('is picked up by another INVITE of the trunk where that is allowed, and counts once', async () => {
    const s = new Scenario({ ...on, trunk: 'picks_up = true\nconcurrent_calls = 1' });
    const { call, leg, carrier } = await ringingAtTrunk(s);
    const picker = await pickUpFromTrunk(carrier, leg);
    const cancel = carrier.takeRequest('CANCEL');
    expect(cryptoOf((await picker.takeAnswer()).body)).toBeDefined();
    await leg.respond(cancel, 200);
    await leg.refuse(487);
    const told = await call.takeAnswer();
    expect(cryptoOf(told.body)).toBeUndefined();
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected', caller: 'main', callee: 'carrier' }]);
    await call.hangUp();
    await picker.takeBye();
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual(['transferred', 'caller-hung-up']);
  });

  test('is not picked up by the trunk where nobody allowed it: 403, and it rings on', async () => {
    const s = new Scenario(on);
    const { call, leg, carrier } = await ringingAtTrunk(s);
    await (await pickUpFromTrunk(carrier, leg)).takeRefusal(403);
    expect(s.record).toMatchObject({ cause: 'refused', status: 403, refusal: { code: 'not-replaceable' } });
    s.pbx.expectNothing();
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });

  test('is not for another trunk to find, whatever that one is allowed', async () => {
    const s = new Scenario({ ...on, trunk: 'picks_up = true' });
    const { call, leg } = await ringingAtTrunk(s);
    const stranger = s.peer('certified', 'carriers', '198.51.100.9', 40_000, undefined, ['sip.certified.example']);
    await (await pickUpFromTrunk(stranger, leg)).takeRefusal(481);
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });
});

describe('a Replaces that names', () => {
  test('an early dialog that the sender began itself finds nothing (§3: 481)', async () => {
    const s = new Scenario(on);
    const { phone, call, leg } = await ringing(s);
    const again = await phone.invite('601', { fields: replacing(call) });
    await again.takeRefusal(481);
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });

  test('what rings at somebody else finds nothing, whoever asks, nor one that is over', async () => {
    const s = new Scenario(on);
    const { call, leg } = await ringing(s);
    const fields = replacing(leg);
    await (await s.phone('carol').invite('*8', { fields })).takeRefusal(481);
    const carrier = s.carrier();
    const stranger = await carrier.call({
      uri: 'sip:600@sbc.example.com:5062',
      from: '<sip:+491@x.test>',
      body: pbxSdp(),
      fields,
    });
    await stranger.takeRefusal(481);
    await leg.refuse(486);
    await call.takeRefusal(486);
    await (await pickUpFromPbx(s, fields)).takeRefusal(481);
    await s.finish();
  });

  test('another tag, or a dialog that has not rung yet, finds nothing', async () => {
    const s = new Scenario(on);
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await (await pickUpFromPbx(s, replacing(leg))).takeRefusal(481);
    await leg.ring();
    call.take(180);
    await (
      await pickUpFromPbx(s, [['Replaces', `${leg.state.callId};to-tag=x;from-tag=${leg.state.localTag}`]])
    ).takeRefusal(481);
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });

  test('an answered call only while it rings is 486 (early-only)', async () => {
    const s = new Scenario(on);
    const { call, leg } = await connect(s);
    await (await pickUpFromPbx(s, replacing(leg))).takeRefusal(486);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('is not looked at where transfers are not handled', async () => {
    const s = new Scenario();
    const { call, leg } = await ringing(s);
    await (await pickUpFromPbx(s, replacing(leg))).takeRefusal(480);
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });
});

describe('a user who picks up what rings at another one', () => {
  test('asks the PBX that the call came from, under the name of its own dialog; the PBX decides', async () => {
    const s = new Scenario(on);
    const bob = await s.registered('bob');
    const call = await callFromPbx(s, 'bob');
    const rings = CalleeLeg.take(bob);
    await rings.ring();
    const told = call.take(180);
    const carol = s.phone('carol');
    const picker = await carol.invite('*8', { fields: replacing(rings) });
    const asked = CalleeLeg.take(s.pbx, 'picked-tag');
    expect(asked.invite.headers.get('Replaces')).toBe(
      `${call.state.callId};to-tag=${call.state.localTag};from-tag=${tagOf(told.headers.get('To'))};early-only`,
    );
    expect(asked.invite.headers.get('P-Asserted-Identity')).toBe('<sip:carol@pbx.test>');
    await asked.answer(pbxSdp());
    await picker.takeAnswer();
    asked.takeAck();
    await call.cancel();
    await call.takeRefusal(487);
    await rings.takeCancel();
    await hangUp({ call: picker, leg: asked });
    await s.finish();
  });

  test('knows it by the name that a notification has for it, and the PBX is told its own', async () => {
    const s = new Scenario({ tables: `${on.tables}\n${subscribing}` });
    const alice = s.phone('alice');
    const { own, pbx } = await subscribe(s, alice, { event: 'dialog', uri: 'sip:601@pbx.test' });
    const body =
      '<dialog id="1" call-id="a&amp;b@10.0.0.5" local-tag="as1" remote-tag="as2"><state>early</state></dialog>';
    await pbx.notify('active', { event: 'dialog', type: 'application/dialog-info+xml', body });
    const told = Buffer.from((await own.told()).body).toString();
    s.pbx.takeResponse(200, 'NOTIFY');
    const [, name = ''] = /call-id="([0-9a-f]{32})" local-tag="as1" remote-tag="as2"/.exec(told) ?? [];
    const fields: readonly Field[] = [['Replaces', `${name};to-tag=as1;from-tag=as2;early-only`]];
    const picker = await alice.invite('601', { fields });
    const asked = CalleeLeg.take(s.pbx, 'picked-tag');
    expect(asked.invite.headers.get('Replaces')).toBe('a&b@10.0.0.5;to-tag=as1;from-tag=as2;early-only');
    await asked.refuse(481);
    await picker.takeRefusal(500);
    // To nobody else it is a name.
    await (await s.phone('carol').invite('601', { fields })).takeRefusal(481);
    await unsubscribe(s, own, pbx, 'dialog');
    await s.finish();
  });
});
