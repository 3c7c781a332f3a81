// The caller gives up: CANCEL in every state that a call can be in before its answer (RFC 3261 §9, §13.3.1.4).
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';

describe('CANCEL', () => {
  test('while the callee rings is passed on with its reason', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    await call.cancel();
    await call.takeRefusal(487);
    const cancel = await leg.takeCancel();
    expect(cancel.headers.get('Reason')).toBe('SIP;cause=487;text="Request cancelled"');
    await s.finish();
    expect(s.record).toMatchObject({
      cause: 'caller-cancelled',
      status: 487,
      attempts: [{ status: 487, outcome: 'cancelled' }],
    });
  });

  test('before the callee said anything waits for its first provisional (§9.1)', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await call.cancel();
    await call.takeRefusal(487);
    s.pbx.expectNothing();
    await leg.ring(100);
    await leg.takeCancel();
    await s.finish();
    expect(s.record.cause).toBe('caller-cancelled');
  });

  test('in the same packet as the INVITE leaves nothing behind', async () => {
    const s = new Scenario();
    const alice = s.phone('alice');
    const call = alice.dial('600');
    await alice.send(call.invite);
    const challenge = await call.takeRefusal(401);
    alice.sendNow(alice.signed(call, challenge));
    alice.sendNow(call.cancelRequest());
    await s.settle();
    alice.takeResponse(200, 'CANCEL');
    await call.takeRefusal(487);
    expect(s.pbx.takeAll()).toEqual([]);
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'caller-cancelled', attempts: [] });
  });

  test('overtakes a slow store: what it grants later goes back', async () => {
    const s = new Scenario();
    s.reservations.mode = 'late';
    const call = await s.phone('alice').invite('600');
    await call.cancel();
    await call.takeRefusal(487);
    s.reservations.answer();
    await s.settle();
    expect(s.reservations.held()).toBe(0);
    s.pbx.expectNothing();
    await s.finish();
    expect(s.record.cause).toBe('caller-cancelled');
  });

  test('overtakes a slow media worker: what it opens later is closed', async () => {
    const s = new Scenario();
    s.media.isSlow = true;
    const call = await s.phone('alice').invite('600');
    await call.cancel();
    await call.takeRefusal(487);
    s.media.release();
    await s.settle();
    expect(s.media.portsInUse).toBe(0);
    s.pbx.expectNothing();
    await s.finish();
  });

  test('while the ports of the second leg are opened sends no INVITE', async () => {
    const s = new Scenario();
    s.reservations.mode = 'slow';
    const call = await s.phone('alice').invite('600');
    s.media.isSlow = true;
    s.reservations.answer();
    await s.settle();
    await call.cancel();
    await call.takeRefusal(487);
    s.media.release();
    await s.settle();
    s.pbx.expectNothing();
    await s.finish();
  });

  test('that crosses the 200 of the callee: the callee is acknowledged and hung up', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    await call.cancel();
    await call.takeRefusal(487);
    s.pbx.takeRequest('CANCEL');
    await leg.answer(pbxSdp());
    leg.takeAck();
    await leg.takeBye();
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'caller-cancelled', status: 487 });
  });

  test('after the answer changes nothing (§9.2)', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(pbxSdp());
    leg.takeAck();
    call.take(200);
    await call.cancel();
    await call.ack();
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected' }]);
    await call.hangUp();
    await leg.takeBye();
    await s.finish();
    expect(s.record.cause).toBe('caller-hung-up');
  });

  test('that the callee never answers is given up after 64 · T1 (§9.1)', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    await call.cancel();
    await call.takeRefusal(487);
    await s.finish();
    expect(s.record.cause).toBe('caller-cancelled');
  });

  test('from another connection does not cancel', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    const stranger = s.phone('mallory', '198.51.100.200');
    await stranger.send(call.cancelRequest());
    stranger.takeResponse(481, 'CANCEL');
    expect(s.b2bua.calls()).toMatchObject([{ state: 'ringing' }]);
    await call.cancel();
    await call.takeRefusal(487);
    await leg.takeCancel();
    await s.finish();
  });

  test('a BYE in the early dialog ends it too (§15)', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    await call.hangUp();
    await call.takeRefusal(487);
    await leg.takeCancel();
    await s.finish();
    expect(s.record.cause).toBe('caller-cancelled');
  });
});
