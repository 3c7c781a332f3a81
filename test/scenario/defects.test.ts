// A defect of our own, in the middle of a call: that call ends on both sides, nothing of it stays, and the others go on.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';

const broken = (): never => {
  throw new Error('a defect');
};

describe('a defect', () => {
  test('while the answer is passed on ends the call on both sides', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    const contactFor = s.wire.contactFor.bind(s.wire);
    s.wire.contactFor = (to, user) => (to.kind === 'flow' ? broken() : contactFor(to, user));
    await leg.answer(pbxSdp());
    s.wire.contactFor = contactFor;
    leg.takeAck();
    await leg.takeBye();
    await call.takeRefusal(500);
    await s.finish({ errors: ['call-defect'] });
    expect(s.record.cause).toBe('internal');
  });

  test('while the call ends does not keep it from ending', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    const push = s.logged.push.bind(s.logged);
    s.logged.push = (...entries) => (entries[0]?.event === 'call-ending' ? broken() : push(...entries));
    await hangUp({ call, leg });
    phone.expectNothing();
    expect(s.reservations.held()).toBe(0);
    await s.finish({ errors: ['call-defect'] });
  });

  test('of whoever keeps the records does not keep the call', async () => {
    const s = new Scenario();
    const connected = await connect(s);
    const push = s.records.push.bind(s.records);
    s.records.push = (...records) => {
      push(...records);
      return broken();
    };
    await hangUp(connected);
    expect(s.b2bua.active).toBe(0);
    await s.finish({ errors: ['call-defect'] });
  });

  test('before there is a call refuses the INVITE, and nothing is kept of it', async () => {
    const s = new Scenario();
    s.b2bua.onInvite = broken;
    const call = await s.phone('alice').invite('600');
    await call.takeRefusal(500);
    await s.advance(70_000);
    expect([s.userAgent.dialogs, s.userAgent.layer.active, s.scheduler.pending]).toEqual([0, 0, 0]);
  });
});
