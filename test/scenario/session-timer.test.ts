// Session timers on each leg by itself (RFC 4028): who refreshes and how, 422 both ways, and the end of a session that nobody
// refreshes.
import { expect, test } from 'vitest';
import type { SipResponse } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { type Connected, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type Field } from '../support/scenario-peer.ts';

const allow: Field = ['Allow', 'INVITE, ACK, CANCEL, BYE, UPDATE'];

async function connect(
  s: Scenario,
  caller: readonly Field[],
  callee: readonly Field[],
): Promise<Connected & { readonly answer: SipResponse }> {
  const phone = s.phone('alice');
  const call = await phone.invite('600', { fields: caller });
  const leg = CalleeLeg.take(s.pbx);
  await leg.answer(pbxSdp(), callee);
  const answer = await call.takeAnswer();
  leg.takeAck();
  return { phone, call, leg, answer };
}

test('a callee is asked for one, and refreshed by UPDATE at half of the interval', async () => {
  const s = new Scenario();
  const { phone, call, leg } = await connect(s, [], [allow, ['Session-Expires', '200;refresher=uac']]);
  expect(leg.invite.headers.get('Session-Expires')).toBe('1800');
  expect(leg.invite.headers.get('Min-SE')).toBe('90');
  for (let round = 0; round < 3; round += 1) {
    await s.advance(100_000);
    const update = s.pbx.takeRequest('UPDATE');
    expect(update.headers.get('Session-Expires')).toBe('200;refresher=uac');
    expect(update.body.length).toBe(0);
    await leg.respond(update, 200, { fields: [['Session-Expires', '200;refresher=uac']] });
  }
  phone.expectNothing();
  await hangUp({ call, leg });
  await s.finish();
});

test('where the peer takes no UPDATE the session is described again as it is, and the other leg hears nothing', async () => {
  const s = new Scenario();
  const timer: Field = ['Session-Expires', '200;refresher=uac'];
  const { phone, call, leg } = await connect(s, [], [['Allow', 'INVITE, ACK, BYE'], timer]);
  await s.advance(100_000);
  const reinvite = s.pbx.takeRequest('INVITE');
  expect(Buffer.from(reinvite.body).toString()).toBe(Buffer.from(leg.invite.body).toString());
  await leg.respond(reinvite, 200, { body: pbxSdp(), fields: [timer] });
  leg.takeAck();
  phone.expectNothing();
  await hangUp({ call, leg });
  await s.finish();
});

test('a caller that refreshes keeps the session; when it stops, the call ends with a BYE before the interval is over', async () => {
  const s = new Scenario();
  const phone = s.phone('alice');
  const fields: readonly Field[] = [allow, ['Supported', 'timer'], ['Session-Expires', '120;refresher=uac']];
  const call = await phone.invite('600', { fields });
  const leg = CalleeLeg.take(s.pbx);
  await leg.answer(pbxSdp());
  const answer = await call.takeAnswer();
  leg.takeAck();
  expect(answer.headers.get('Session-Expires')).toBe('120;refresher=uac');
  expect(answer.headers.get('Require')).toBe('timer');
  await s.advance(60_000);
  await call.send('UPDATE', { fields: fields.slice(1) });
  expect(phone.takeResponse(200, 'UPDATE').headers.get('Session-Expires')).toBe('120;refresher=uac');
  await s.advance(87_000);
  phone.expectNothing();
  await s.advance(1_500);
  const bye = await call.takeBye();
  expect(bye.headers.get('Reason')).toContain('Session expired');
  await leg.takeBye();
  await s.finish();
  expect(s.record.cause).toBe('signalling-timeout');
});

test('an interval that is too short is refused with 422 and what we stand, in a first INVITE and in a dialog', async () => {
  const s = new Scenario();
  const phone = s.phone('alice');
  const short: Field = ['Session-Expires', '30'];
  const refused = await phone.invite('600', { fields: [short] });
  expect((await refused.takeRefusal(422)).headers.get('Min-SE')).toBe('90');
  const { call, leg } = await connect(s, [], []);
  await leg.send('UPDATE', { fields: [short] });
  expect(s.pbx.takeResponse(422, 'UPDATE').headers.get('Min-SE')).toBe('90');
  await hangUp({ call, leg });
  await s.finish();
});

test('a 422 of the callee is answered once with the interval that it wants', async () => {
  const s = new Scenario();
  const call = await s.phone('alice').invite('600');
  await CalleeLeg.take(s.pbx).refuse(422, [['Min-SE', '3600']]);
  const leg = CalleeLeg.take(s.pbx);
  expect(leg.invite.headers.get('Session-Expires')).toBe('3600');
  expect(leg.invite.headers.get('Min-SE')).toBe('3600');
  await leg.refuse(422, [['Min-SE', '7200']]);
  await call.takeRefusal(500);
  await s.finish();
});

test('a refresh that is never answered ends the call', async () => {
  const s = new Scenario();
  const { phone } = await connect(s, [], [allow, ['Session-Expires', '200;refresher=uac']]);
  await s.advance(133_000);
  expect(s.pbx.takeAll()).toContain('UPDATE');
  expect(phone.takeAll()).toEqual(['BYE']);
  await s.finish();
  expect(s.record.cause).toBe('signalling-timeout');
});

test('peers that know nothing of timers have none', async () => {
  const s = new Scenario({ limits: 'max_call_duration = "3h"' });
  const { phone, call, leg } = await connect(s, [], []);
  await s.advance(2_000_000);
  phone.expectNothing();
  s.pbx.expectNothing();
  await hangUp({ call, leg });
  await s.finish();
});

test('the site says what is asked for and what is stood', async () => {
  const s = new Scenario({ tables: '[session_timers]\nexpires = "10m"\nmin_se = "5m"' });
  const refused = await s.phone('bob').invite('600', { fields: [['Session-Expires', '299']] });
  expect((await refused.takeRefusal(422)).headers.get('Min-SE')).toBe('300');
  const { call, leg, answer } = await connect(s, [['Supported', 'timer']], []);
  expect(leg.invite.headers.get('Session-Expires')).toBe('600');
  expect(leg.invite.headers.get('Min-SE')).toBe('300');
  expect(answer.headers.get('Session-Expires')).toBe('600;refresher=uas');
  await hangUp({ call, leg });
  await s.finish();
});

test('where the site has none, none is asked for or kept, and one that is required is 420', async () => {
  const s = new Scenario({ tables: '[session_timers]\nenabled = false' });
  const required = await s.phone('bob').invite('600', { fields: [['Require', 'timer']] });
  expect((await required.takeRefusal(420)).headers.get('Unsupported')).toBe('timer');
  const asking: readonly Field[] = [allow, ['Supported', 'timer'], ['Session-Expires', '30;refresher=uas']];
  const { phone, call, leg, answer } = await connect(s, asking, [allow, ['Session-Expires', '200;refresher=uac']]);
  expect(leg.invite.headers.get('Session-Expires')).toBeUndefined();
  expect(answer.headers.get('Session-Expires')).toBeUndefined();
  await s.advance(200_000);
  phone.expectNothing();
  s.pbx.expectNothing();
  await hangUp({ call, leg });
  await s.finish();
});

test('a reload changes what is asked of the next call, and a session that has a timer keeps it', async () => {
  const s = new Scenario();
  const timer: Field = ['Session-Expires', '200;refresher=uac'];
  const { call, leg } = await connect(s, [], [allow, timer]);
  s.sessionTimers = () => undefined;
  await s.advance(100_000);
  const update = s.pbx.takeRequest('UPDATE');
  expect(update.headers.get('Session-Expires')).toBe('200;refresher=uac');
  await leg.respond(update, 200, { fields: [timer] });
  await s.advance(100_000);
  await leg.respond(s.pbx.takeRequest('UPDATE'), 200, { fields: [timer] });
  await hangUp({ call, leg });
  const next = await connect(s, [], []);
  expect(next.leg.invite.headers.get('Session-Expires')).toBeUndefined();
  await hangUp(next);
  await s.finish();
});
