// Caps, deadlines and durations: what policy promises, seen from both ends of a call.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, connect, connectFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';
import { cryptoLine, cryptoOf, sdp } from '../support/scenario-sdp.ts';

describe('concurrent calls', () => {
  test('of a user beyond the cap are refused with 486 and a Reason, and those before go on', async () => {
    const s = new Scenario({ limits: 'concurrent_calls = 2' });
    const alice = s.phone('alice');
    const first = await connect(s, alice);
    const second = await connect(s, alice);
    const third = await alice.invite('600');
    const refusal = await third.takeRefusal(486);
    expect(refusal.headers.get('Reason')).toBe('SIP;cause=486;text="Concurrent call limit reached"');
    s.pbx.expectNothing();
    expect(s.b2bua.active).toBe(2);
    await hangUp(first);
    const fourth = await connect(s, alice);
    await hangUp(second);
    await hangUp(fourth);
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual([
      'refused',
      'caller-hung-up',
      'caller-hung-up',
      'caller-hung-up',
    ]);
    expect(s.records[0]?.refusal?.code).toBe('user-cap');
  });

  test('count for whoever is called as well, until they are told to count outgoing calls only', async () => {
    const s = new Scenario({ limits: 'concurrent_calls = 1' });
    const bob = await s.registered('bob');
    const first = await connectFromPbx(s, bob);
    await (await callFromPbx(s, 'bob')).takeRefusal(486);
    await hangUp(first);
    await s.finish();

    const out = new Scenario({ limits: 'concurrent_calls = 1\ndirection = "out"' });
    const phone = await out.registered('bob');
    const one = await connectFromPbx(out, phone);
    const two = await connectFromPbx(out, phone);
    await hangUp(one);
    await hangUp(two);
    await out.finish();
  });

  test('of a trunk that is called beyond its cap are refused with 480', async () => {
    const s = new Scenario({ trunk: 'concurrent_calls = 1' });
    const carrier = s.carrier();
    const first = await callFromPbx(s, '+442071838750');
    const leg = CalleeLeg.take(carrier);
    const answer = sdp({
      address: '198.51.100.71',
      port: 30_002,
      crypto: cryptoLine(77, cryptoOf(leg.invite.body)?.tag),
    });
    await leg.answer(answer);
    await first.takeAnswer();
    leg.takeAck();
    const refused = await callFromPbx(s, '+442071838751');
    await refused.takeRefusal(480);
    carrier.expectNothing();
    await hangUp({ call: first, leg });
    await s.finish();
    expect(s.records[0]).toMatchObject({ status: 480, attempts: [{ target: 'trunk:carrier', status: 480 }] });
  });

  test('of a trunk that calls in beyond its cap are refused with 480', async () => {
    const s = new Scenario({ trunk: 'concurrent_calls = 1' });
    const carrier = s.carrier();
    const options = {
      uri: 'sip:600@sbc.example.com',
      body: sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77) }),
    };
    const call = await carrier.call(options);
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    const refusal = await (await carrier.call(options)).takeRefusal(480);
    expect(refusal.headers.get('Reason')).toContain('Trunk capacity reached');
    await hangUp({ call, leg });
    await s.finish();
  });

  test('of the whole node beyond its cap are refused with 503 and Retry-After', async () => {
    const s = new Scenario({ limits: 'total_calls = 1' });
    const first = await connect(s);
    const refusal = await (await s.phone('bob').invite('600')).takeRefusal(503);
    expect(refusal.headers.get('Retry-After')).toBe('10');
    await hangUp(first);
    await s.finish();
  });
});

describe('a reservation store', () => {
  test('that fails has the call refused with 503, and the reason in the record', async () => {
    const s = new Scenario();
    s.reservations.mode = 'broken';
    const refusal = await (await s.phone('alice').invite('600')).takeRefusal(503);
    expect(refusal.headers.get('Retry-After')).toBe('10');
    s.pbx.expectNothing();
    await s.finish();
    expect(s.record.refusal).toEqual({ code: 'store-not-available', detail: 'the store is on fire' });
  });

  test('that never answers has the call refused at its deadline, and what it took is given back', async () => {
    const s = new Scenario();
    s.reservations.mode = 'silent';
    const call = await s.phone('alice').invite('600');
    await s.advance(1_900);
    expect(s.b2bua.active).toBe(1);
    call.take(100);
    await s.advance(200);
    await call.takeRefusal(503);
    await s.finish();
    expect(s.record.refusal?.code).toBe('store-not-available');
  });

  test('that answers after its deadline is given back what it granted', async () => {
    const s = new Scenario();
    s.reservations.mode = 'late';
    const call = await s.phone('alice').invite('600');
    await s.advance(2_100);
    call.take(100);
    await call.takeRefusal(503);
    s.reservations.answer();
    await s.settle();
    expect(s.reservations.held()).toBe(0);
    await s.finish();
  });
});

describe('time', () => {
  test('a call is ended on both sides with a Reason when its longest duration is over', async () => {
    const s = new Scenario({ limits: 'max_call_duration = "3s"' });
    const { call, leg } = await connect(s);
    await s.advance(2_900);
    expect(s.b2bua.active).toBe(1);
    await s.advance(200);
    const reason = 'Q.850;cause=102;text="Call duration limit reached"';
    expect((await call.takeBye()).headers.get('Reason')).toBe(reason);
    expect((await leg.takeBye()).headers.get('Reason')).toBe(reason);
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'duration-limit', duration: 3_000 });
  });

  test('an INVITE that nobody answers is cancelled when it rang for long enough', async () => {
    const s = new Scenario({ limits: 'ring_timeout = "30s"' });
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    await s.advance(30_000);
    const refusal = await call.takeRefusal(480);
    expect(refusal.headers.get('Reason')).toBe('Q.850;cause=19;text="No answer"');
    await leg.takeCancel();
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'no-answer', status: 480 });
  });

  test('a phone that says again that it rings, rings on; one that falls silent is given up after three minutes (Timer C)', async () => {
    const s = new Scenario({ limits: 'ring_timeout = "20m"' });
    const [desk, mobile] = [await s.registered('bob', '198.51.100.1'), await s.registered('bob', '198.51.100.2')];
    const call = await callFromPbx(s, 'bob');
    const [one, two] = [CalleeLeg.take(desk, 'desk'), CalleeLeg.take(mobile, 'mobile')];
    await one.ring();
    await two.ring();
    await s.advance(120_000);
    await one.ring();
    await s.advance(60_000);
    const cancel = await two.takeCancel();
    expect(cancel.headers.get('Reason')).toBe('SIP;cause=408;text="Request Timeout"');
    desk.expectNothing();
    await s.advance(119_000);
    desk.expectNothing();
    expect(s.b2bua.active).toBe(1);
    await s.advance(1_000);
    await one.takeCancel();
    expect(call.peer.takeAll().at(-1)).toMatch(/^4\d\d INVITE$/);
    await s.finish();
    expect(s.record.attempts.map(({ status, outcome }) => [status, outcome])).toEqual([
      [408, 'failed'],
      [408, 'failed'],
    ]);
  });

  test('Timer C is progress_timeout; an answer that crosses its CANCEL is acknowledged and hung up', async () => {
    const s = new Scenario({ limits: 'progress_timeout = "20s"' });
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    await s.advance(20_000);
    s.pbx.takeRequest('CANCEL');
    await leg.answer(pbxSdp());
    leg.takeAck();
    await leg.takeBye();
    expect(call.peer.takeAll().at(-1)).toBe('504 INVITE');
    await s.finish();
    expect(s.record.cause).toBe('failed');
  });

  test('early media lasts for its own limit, which begins with the first of it', async () => {
    const s = new Scenario({ limits: 'early_media_timeout = "10s"' });
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    await s.advance(20_000);
    await leg.ring(183, { body: pbxSdp() });
    expect(call.take(183).body.length).toBeGreaterThan(0);
    await s.advance(9_900);
    expect(s.b2bua.active).toBe(1);
    await s.advance(200);
    const refusal = await call.takeRefusal(480);
    expect(refusal.headers.get('Reason')).toBe('Q.850;cause=102;text="Early media limit reached"');
    await leg.takeCancel();
    await s.finish();
    expect(s.record.cause).toBe('early-media-limit');
  });

  test('a phone that never acknowledges its 200 has it repeated for 64 · T1, then both sides are ended', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(pbxSdp());
    leg.takeAck();
    await s.advance(33_000);
    const seen = call.peer.takeAll();
    expect(seen.filter((summary) => summary === '200 INVITE').length).toBe(11);
    expect(seen.at(-1)).toBe('BYE');
    await leg.takeBye();
    await s.finish();
    expect(s.record.cause).toBe('no-ack');
  });
});
