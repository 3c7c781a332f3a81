// Every phone of a user in parallel, forks below a next hop, and early media (RFC 3261 §13.2.2.4, §16.7; RFC 3960).
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';
import { audioOf, sdp } from '../support/scenario-sdp.ts';

describe('a user with two phones', () => {
  test('has both ring, and the one that answers first wins', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    const call = await callFromPbx(s, 'bob');
    const one = CalleeLeg.take(desk, 'desk');
    const two = CalleeLeg.take(mobile, 'mobile');
    await one.ring();
    await two.ring();
    call.take(180);
    s.pbx.expectNothing();
    await two.answer(mobile.answer(two.invite.body));
    await call.takeAnswer();
    two.takeAck();
    const cancel = await one.takeCancel();
    expect(cancel.headers.get('Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"');
    await hangUp({ call, leg: two });
    desk.expectNothing();
    await s.finish();
    expect(s.record.attempts).toEqual([
      { target: 'user:bob@pbx.test', status: 200, outcome: 'answered' },
      { target: 'user:bob@pbx.test', status: 487, outcome: 'cancelled' },
    ]);
  });

  test('both answer in the same moment: the second is acknowledged and hung up', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    const call = await callFromPbx(s, 'bob');
    const one = CalleeLeg.take(desk, 'desk');
    const two = CalleeLeg.take(mobile, 'mobile');
    await one.answer(desk.answer(one.invite.body));
    await two.answer(mobile.answer(two.invite.body));
    await call.takeAnswer();
    one.takeAck();
    two.takeAck();
    await two.takeBye();
    expect(s.media.open.map(({ endpoints }) => endpoints.size)).toEqual([2]);
    await hangUp({ call, leg: one });
    await s.finish();
  });

  test('one refuses and the other still rings; both refuse and the better answer is given', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    const call = await callFromPbx(s, 'bob');
    const one = CalleeLeg.take(desk, 'desk');
    const two = CalleeLeg.take(mobile, 'mobile');
    await one.refuse(486);
    s.pbx.expectNothing();
    await two.refuse(404);
    await call.takeRefusal(486);
    await s.finish();
    expect(s.record).toMatchObject({ status: 486, cause: 'failed' });
  });

  test('a 603 of one ends the other (6xx is for all)', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    const call = await callFromPbx(s, 'bob');
    const one = CalleeLeg.take(desk, 'desk');
    const two = CalleeLeg.take(mobile, 'mobile');
    await two.ring();
    call.take(180);
    await one.refuse(603);
    await call.takeRefusal(603);
    await two.takeCancel();
    await s.finish();
  });

  test('one whose connection is gone does not keep the other from ringing', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    s.wire.cut(desk.flow);
    const call = await callFromPbx(s, 'bob');
    const leg = CalleeLeg.take(mobile);
    await leg.answer(mobile.answer(leg.invite.body));
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('the ports of a phone that lost are given back at once', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    const call = await callFromPbx(s, 'bob');
    expect(s.media.portsInUse).toBe(6);
    const one = CalleeLeg.take(desk, 'desk');
    await one.refuse(486);
    expect(s.media.portsInUse).toBe(4);
    const two = CalleeLeg.take(mobile, 'mobile');
    await two.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });
});

describe('phones of a user with different q (RFC 3261 §16.6 step 7)', () => {
  async function withQ(s: Scenario, q: string, address: string): Promise<ScenarioPhone> {
    const phone = s.phone('bob', address);
    phone.q = q;
    await phone.register();
    return phone;
  }

  async function ringing(options: ConstructorParameters<typeof Scenario>[0] = {}) {
    const s = new Scenario(options);
    const mobile = await withQ(s, '0.3', '198.51.100.2');
    const desk = await withQ(s, '0.9', '198.51.100.1');
    const soft = await withQ(s, '0.9', '198.51.100.3');
    const call = await callFromPbx(s, 'bob');
    const first = [CalleeLeg.take(desk, 'desk'), CalleeLeg.take(soft, 'soft')] as const;
    mobile.expectNothing();
    return { s, mobile, call, first };
  }

  test('the higher ring first, all at once; after stage_timeout they are cancelled and the lower rings', async () => {
    const { s, mobile, call, first } = await ringing({ limits: 'stage_timeout = "10s"' });
    for (const leg of first) await leg.ring();
    call.take(180);
    await s.advance(9_900);
    mobile.expectNothing();
    await s.advance(100);
    for (const leg of first) {
      expect((await leg.takeCancel()).headers.get('Reason')).toBe('Q.850;cause=19;text="No answer"');
    }
    const last = CalleeLeg.take(mobile);
    await last.answer(mobile.answer(last.invite.body));
    await call.takeAnswer();
    last.takeAck();
    await s.advance(60_000);
    await hangUp({ call, leg: last });
    await s.finish();
    expect(s.record.attempts.map(({ status }) => status)).toEqual([487, 487, 200]);
  });

  test('the lower rings at once when the higher refuse, even as busy, and not after a 6xx', async () => {
    const { s, mobile, call, first } = await ringing();
    for (const leg of first) await leg.refuse(486);
    const last = CalleeLeg.take(mobile);
    await last.ring();
    call.take(180);
    await s.advance(30_000);
    await last.refuse(480);
    await call.takeRefusal(486);
    await s.finish();
    const global = await ringing();
    await global.first[1].ring();
    global.call.take(180);
    await global.first[0].refuse(603);
    await global.first[1].takeCancel();
    await global.call.takeRefusal(603);
    global.mobile.expectNothing();
    await global.s.finish();
  });

  test('early media of the higher ends with it, and that of the lower is heard', async () => {
    const { s, mobile, call, first } = await ringing();
    await first[0].ring(183, { body: mobile.answer(first[0].invite.body) });
    call.take(183);
    const partner = s.media.open[0]?.partners.get(1);
    await s.advance(20_000);
    await first[0].takeCancel();
    first[1].peer.takeAll();
    const last = CalleeLeg.take(mobile);
    await last.ring(183, { body: mobile.answer(last.invite.body) });
    call.take(183);
    expect(s.media.open[0]?.partners.get(1)).not.toBe(partner);
    await s.advance(50_000);
    expect(s.b2bua.active).toBe(1);
    await call.cancel();
    await call.takeRefusal(487);
    await last.takeCancel();
    await s.finish();
  });
});

describe('forks below the PBX', () => {
  test('two 2xx to one INVITE: the first is the call, the second is acknowledged and hung up', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const invite = s.pbx.takeRequest('INVITE');
    const one = CalleeLeg.of(s.pbx, invite, 'fork-1');
    const two = CalleeLeg.of(s.pbx, invite, 'fork-2');
    await one.answer(pbxSdp());
    await call.takeAnswer();
    one.takeAck();
    await two.answer(pbxSdp({ port: 30_100 }));
    two.takeAck();
    const bye = await two.takeBye();
    expect(bye.headers.get('To')).toContain('fork-2');
    expect(s.media.open[0]?.remotes.get(2)?.rtp.port).toBe(30_000);
    await hangUp({ call, leg: one });
    await s.finish();
  });

  test('the second 2xx comes again: it is acknowledged again, and no second BYE is sent', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const invite = s.pbx.takeRequest('INVITE');
    const one = CalleeLeg.of(s.pbx, invite, 'fork-1');
    const two = CalleeLeg.of(s.pbx, invite, 'fork-2');
    await one.answer(pbxSdp());
    await call.takeAnswer();
    one.takeAck();
    await two.answer(pbxSdp());
    two.takeAck();
    await two.takeBye();
    await two.answer(pbxSdp());
    two.takeAck();
    s.pbx.expectNothing();
    await hangUp({ call, leg: one });
    await s.finish();
  });

  test('early media of one fork, the answer of another: media follow the answer', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const invite = s.pbx.takeRequest('INVITE');
    const one = CalleeLeg.of(s.pbx, invite, 'fork-1');
    const two = CalleeLeg.of(s.pbx, invite, 'fork-2');
    await one.ring(183, { body: pbxSdp() });
    call.take(183);
    expect(s.media.open[0]?.remotes.get(2)?.rtp.port).toBe(30_000);
    await two.answer(pbxSdp({ port: 30_100 }));
    await call.takeAnswer();
    two.takeAck();
    expect(s.media.open[0]?.remotes.get(2)?.rtp.port).toBe(30_100);
    await hangUp({ call, leg: two });
    await s.finish();
  });
});

test('early media of forks come from one port after another; our own ports stay, and the answer has the last word', async () => {
  const s = new Scenario();
  const call = await s.phone('alice').invite('600');
  const invite = s.pbx.takeRequest('INVITE');
  const forks = ['fork-1', 'fork-2', 'fork-3'].map((tag) => CalleeLeg.of(s.pbx, invite, tag));
  const ours = audioOf(invite.body).port;
  const told: number[] = [];
  for (const [index, fork] of forks.entries()) {
    await fork.ring(183, { body: pbxSdp({ port: 30_000 + 100 * index }) });
    told.push(audioOf(call.take(183).body).port);
    expect(s.media.open[0]?.remotes.get(2)?.rtp.port).toBe(30_000 + 100 * index);
  }
  expect(new Set(told).size).toBe(1);
  const [first] = forks;
  if (first === undefined) throw new Error('expected a fork');
  await first.answer(pbxSdp({ port: 30_000 }));
  expect(audioOf((await call.takeAnswer()).body).port).toBe(told[0]);
  first.takeAck();
  expect(s.media.open[0]?.remotes.get(2)?.rtp.port).toBe(30_000);
  expect(s.media.open[0]?.endpoints.size).toBe(2);
  expect(ours).toBeGreaterThan(0);
  await hangUp({ call, leg: first });
  await s.finish();
});

describe('early media', () => {
  test('183 with SDP is heard; a 180 without SDP after it changes nothing; a 200 without SDP keeps it', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp() });
    const early = call.take(183);
    expect(audioOf(early.body).address).toBe('203.0.113.10');
    expect(s.media.open[0]?.partners.get(1)).toBe(2);
    await leg.ring(180);
    expect(call.take(180).body.length).toBe(0);
    await leg.answer(undefined);
    const answer = await call.takeAnswer();
    expect(Buffer.from(answer.body).toString()).toBe(Buffer.from(early.body).toString());
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('the answer is the same description as the 183 when the callee says the same', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: pbxSdp() });
    const early = call.take(183);
    await leg.answer(pbxSdp());
    const answer = await call.takeAnswer();
    expect(Buffer.from(answer.body).toString()).toBe(Buffer.from(early.body).toString());
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('of the second phone is not mixed into that of the first', async () => {
    const s = new Scenario();
    const desk = await s.registered('bob', '198.51.100.1');
    const mobile = await s.registered('bob', '198.51.100.2');
    const call = await callFromPbx(s, 'bob');
    const one = CalleeLeg.take(desk, 'desk');
    const two = CalleeLeg.take(mobile, 'mobile');
    await one.ring(183, { body: desk.answer(one.invite.body) });
    call.take(183);
    const partner = s.media.open[0]?.partners.get(1);
    await two.ring(183, { body: mobile.answer(two.invite.body) });
    s.pbx.expectNothing();
    expect(s.media.open[0]?.partners.get(1)).toBe(partner);
    await two.answer(mobile.answer(two.invite.body));
    await call.takeAnswer();
    two.takeAck();
    expect(s.media.open[0]?.partners.get(1)).not.toBe(partner);
    await one.takeCancel();
    await hangUp({ call, leg: two });
    await s.finish();
  });

  test('that cannot be used does not end the call', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(183, { body: 'v=0\r\n' });
    call.take(183);
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });
});

describe('an answer', () => {
  test('that cannot be used is acknowledged and hung up, and the caller hears 488', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(sdp({ address: '127.0.0.1', port: 30_000 }));
    leg.takeAck();
    const bye = await leg.takeBye();
    expect(bye.headers.get('Reason')).toContain('SIP;cause=488');
    await call.takeRefusal(488);
    await s.finish();
  });

  test('without any SDP is treated the same', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(undefined);
    leg.takeAck();
    await leg.takeBye();
    await call.takeRefusal(488);
    await s.finish();
  });
});
