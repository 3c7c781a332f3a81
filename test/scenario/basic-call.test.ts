// Calls between users, the PBX and trunks, from digest to the last BYE (RFC 3261 §13, §15).
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, connect, connectFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';
import { audioOf, cryptoLine, cryptoOf, sdp } from '../support/scenario-sdp.ts';

describe('a call from a user to the PBX', () => {
  test('is challenged, rings, is answered with media of both sides, and ends when the caller hangs up', async () => {
    const s = new Scenario();
    const alice = s.phone('alice');
    const call = await alice.invite('600');
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.uri).toBe('sip:600@10.0.0.5:5060');
    expect(leg.invite.headers.get('P-Asserted-Identity')).toBe('<sip:alice@pbx.test>');
    expect(cryptoOf(leg.invite.body)).toBeUndefined();
    await leg.ring();
    call.take(180);
    expect(s.b2bua.calls()).toMatchObject([{ state: 'ringing', caller: 'alice@pbx.test', callee: 'main' }]);
    await leg.answer(pbxSdp());
    const answer = await call.takeAnswer();
    expect(audioOf(answer.body).address).toBe('203.0.113.10');
    expect(cryptoOf(answer.body)).toBeDefined();
    leg.takeAck();
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected' }]);
    const shown = await s.b2bua.detail(s.b2bua.calls()[0]?.id ?? '');
    expect(shown?.call).toMatchObject({ state: 'connected', callee: 'main' });
    expect(shown?.media.map(({ leg: name, report }) => [name, report.received.packets])).toEqual([
      ['a', 100],
      ['b', 100],
    ]);
    expect(await s.b2bua.detail('no-such-call')).toBeUndefined();
    const [session] = s.media.open;
    expect(session?.remotes.get(2)?.limit).toEqual({ packetsPerSecond: 175, bytesPerSecond: 18_400 });
    expect(session?.remotes.get(2)?.rtp).toEqual({ address: '10.0.0.5', port: 30_000 });
    expect(session?.partners.get(1)).toBe(2);
    await s.advance(5_000);
    await call.hangUp();
    const bye = await leg.takeBye();
    expect(bye.headers.get('Reason')).toBe('Q.850;cause=16;text="Normal call clearing"');
    await s.finish();
    expect(s.record).toMatchObject({
      caller: { kind: 'user', name: 'alice@pbx.test' },
      callee: { kind: 'pbx', name: 'main' },
      cause: 'caller-hung-up',
      status: 200,
      duration: 5_000,
      attempts: [{ target: 'pbx:main', status: 200, outcome: 'answered' }],
    });
    expect(s.record.media.map(({ leg: name, encryption }) => [name, encryption])).toEqual([
      ['a', 'AES_CM_128_HMAC_SHA1_80'],
      ['b', 'none'],
    ]);
  });

  test('ends when the callee hangs up', async () => {
    const s = new Scenario();
    const { call, leg } = await connect(s);
    await leg.hangUp();
    const bye = await call.takeBye();
    expect(bye.headers.get('Reason')).toBe('Q.850;cause=16;text="Normal call clearing"');
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'callee-hung-up', status: 200 });
  });

  test('is refused by the PBX with the status of the PBX', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    await CalleeLeg.take(s.pbx).refuse(486);
    await call.takeRefusal(486);
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'failed', status: 486, attempts: [{ status: 486, outcome: 'failed' }] });
  });

  test('ends unanswered when the PBX says nothing at all, with 504 (timer B)', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    await s.advance(33_000);
    expect(s.pbx.takeAll().every((summary) => summary === 'INVITE')).toBe(true);
    call.take(100);
    await call.takeRefusal(504);
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'failed', status: 504 });
  });
});

describe('a call from the PBX to a registered phone', () => {
  test('reaches it over the flow that it registered on, with keys of its own', async () => {
    const s = new Scenario();
    const bob = await s.registered('bob');
    const call = await callFromPbx(s, 'bob');
    const leg = CalleeLeg.take(bob);
    expect(leg.invite.uri).toBe(
      'sip:bob@198.51.100.1:40001;transport=tls'.replace('40001', String(bob.flow.remote.port)),
    );
    expect(leg.invite.headers.get('From')).toMatch(/^"Reception" <sip:100@pbx\.test>;tag=/);
    expect(leg.invite.headers.get('P-Asserted-Identity')).toBeUndefined();
    expect(cryptoOf(leg.invite.body)).toBeDefined();
    await leg.ring();
    call.take(180);
    await leg.answer(bob.answer(leg.invite.body));
    const answer = await call.takeAnswer();
    expect(audioOf(answer.body).address).toBe('10.0.0.10');
    expect(cryptoOf(answer.body)).toBeUndefined();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
    expect(s.record).toMatchObject({ caller: { kind: 'pbx', name: 'main' }, callee: { name: 'bob@pbx.test' } });
  });

  test('is refused with 480 when the user has no live registration', async () => {
    const s = new Scenario();
    const call = await callFromPbx(s, 'bob');
    const refusal = await call.takeRefusal(480);
    expect(refusal.headers.get('Reason')).toBe('SIP;cause=480;text="Not registered"');
    const bob = await s.registered('bob');
    s.wire.cut(bob.flow);
    await s.settle();
    await (await callFromPbx(s, 'bob')).takeRefusal(480);
    await s.finish();
    expect(s.records.map(({ refusal: reason }) => reason?.code)).toEqual(['not-registered', 'not-registered']);
  });

  test('is refused with 404 when there is no such user', async () => {
    const s = new Scenario();
    await (await callFromPbx(s, 'nobody')).takeRefusal(404);
    await s.finish();
    expect(s.record.refusal?.code).toBe('unknown-user');
  });

  test('is refused with 480 after the phone left', async () => {
    const s = new Scenario();
    const bob = await s.registered('bob');
    expect((await bob.register([['Expires', '0']])).status).toBe(200);
    await (await callFromPbx(s, 'bob')).takeRefusal(480);
    await s.finish();
  });
});

describe('a call over a trunk', () => {
  const carrierSdp = sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77) });

  test('comes in from an address of the trunk and reaches the PBX', async () => {
    const s = new Scenario();
    const carrier = s.carrier();
    const call = await carrier.call({
      uri: 'sip:+442071838750@sbc.example.com',
      from: '<sip:+441632960000@carrier.example>',
      body: carrierSdp,
    });
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.uri).toBe('sip:+442071838750@10.0.0.5:5060');
    expect(leg.invite.headers.get('From')).toMatch(/^<sip:\+441632960000@pbx\.test>/);
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
    expect(s.record.caller).toEqual({ kind: 'trunk', name: 'carrier' });
  });

  test('comes in from whoever holds the certificate of the trunk, from any address', async () => {
    const s = new Scenario();
    const names = ['sip.certified.example'];
    const certified = s.peer('certified', 'carriers', '198.51.100.9', 40_000, undefined, names);
    const call = await certified.call({ uri: 'sip:600@sbc.example.com', body: carrierSdp });
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
    expect(s.record.caller).toEqual({ kind: 'trunk', name: 'certified' });
  });

  test('from anybody else is challenged, and nothing is kept of it', async () => {
    const s = new Scenario();
    const names = ['sip.other.example'];
    const stranger = s.peer('stranger', 'carriers', '198.51.100.9', 40_000, undefined, names);
    const call = await stranger.call({ uri: 'sip:600@sbc.example.com', body: carrierSdp });
    expect(s.userAgent.layer.active).toBe(0);
    await call.takeRefusal(401);
    s.pbx.expectNothing();
    await s.finish();
    expect(s.records).toEqual([]);
  });

  test('goes out to the host of the trunk, with keys, and its certificate name is asked for', async () => {
    const s = new Scenario();
    const carrier = s.carrier();
    const call = await callFromPbx(s, '+442071838750');
    const leg = CalleeLeg.take(carrier);
    expect(leg.invite.uri).toBe('sips:+442071838750@sip.carrier.example:5061');
    expect(leg.invite.headers.get('From')).toMatch(/@sip\.carrier\.example>/);
    expect(leg.invite.headers.get('P-Asserted-Identity')).toBeUndefined();
    const crypto = cryptoOf(leg.invite.body);
    await leg.answer(sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77, crypto?.tag) }));
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
    expect(s.record.callee).toEqual({ kind: 'trunk', name: 'carrier' });
  });
});

test('a stranger on the inside listener is refused with 403', async () => {
  const s = new Scenario();
  const stranger = s.peer('stranger', 'to-pbx', '10.0.0.99', 5060);
  const call = await stranger.call({ uri: 'sip:bob@10.0.0.10', body: pbxSdp() });
  await call.takeRefusal(403);
  await s.finish();
  expect(s.records).toEqual([]);
});

test('a phone that answers ends the call from its own side', async () => {
  const s = new Scenario();
  const { call, leg } = await connectFromPbx(s, await s.registered('bob'));
  await leg.hangUp();
  await call.takeBye();
  await s.finish();
  expect(s.record.cause).toBe('callee-hung-up');
});

test('OPTIONS from the PBX is answered', async () => {
  const s = new Scenario();
  const leg = s.pbx.newCall({ uri: 'sip:10.0.0.10' });
  await leg.send('OPTIONS');
  expect(s.pbx.takeResponse(200, 'OPTIONS').headers.get('Allow')).toContain('INVITE');
  await s.finish();
});

test('OPTIONS about a URI whose scheme we do not serve is answered 416 (RFC 3261 §8.2.2.1); tel is served', async () => {
  const s = new Scenario();
  await s.pbx.newCall({ uri: 'pager:12345' }).send('OPTIONS');
  s.pbx.takeResponse(416, 'OPTIONS');
  await s.pbx.newCall({ uri: 'tel:+441632960000' }).send('OPTIONS');
  s.pbx.takeResponse(200, 'OPTIONS');
  await s.finish();
});
