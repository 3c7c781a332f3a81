// What breaks around a call: connections, media workers, ports, silence. Each end is told, and nothing is kept.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, connect, connectFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';

describe('the connection of the caller', () => {
  test('lost while the callee rings ends the call: the callee is cancelled', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    s.wire.cut(call.peer.flow);
    await s.settle();
    const cancel = await leg.takeCancel();
    expect(cancel.headers.get('Reason')).toBe('Q.850;cause=27;text="Connection lost"');
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'caller-flow-lost', status: 480 });
  });

  test('lost while the store is asked ends the call: what it grants later goes back', async () => {
    const s = new Scenario();
    s.reservations.mode = 'slow';
    const call = await s.phone('alice').invite('600');
    s.wire.cut(call.peer.flow);
    s.reservations.answer();
    await s.settle();
    expect(s.reservations.held()).toBe(0);
    s.pbx.expectNothing();
    await s.finish();
  });

  test('lost after the answer keeps the call: the phone comes back, proves itself, and goes on', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    s.wire.cut(phone.flow);
    await s.settle();
    expect(s.b2bua.active).toBe(1);
    s.reconnect(phone);
    await phone.register();
    const reinvite = await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    const challenge = await call.takeReinviteRefusal(reinvite, 401);
    const answer = phone.credentials.answer(reinvite, challenge);
    if (!answer.ok) throw new Error(answer.error);
    await call.send('INVITE', {
      body: phone.offer({ version: 2 }),
      fields: [[answer.value.header, answer.value.value]],
    });
    const relayed = leg.peer.takeRequest('INVITE');
    await leg.respond(relayed, 200, { body: pbxSdp() });
    await call.takeAnswer();
    leg.takeAck();
    // From now on the SBC speaks to it over the new connection.
    await leg.hangUp();
    await call.takeBye();
    await s.finish();
    expect(s.record.cause).toBe('callee-hung-up');
  });

  test('lost between the 200 and its ACK ends the call when the 200 was repeated in vain', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(pbxSdp());
    leg.takeAck();
    s.wire.cut(call.peer.flow);
    await s.advance(33_000);
    await leg.takeBye();
    await s.finish();
  });
});

describe('the connection of the callee', () => {
  test('lost before the INVITE can be sent: the caller hears 480', async () => {
    const s = new Scenario();
    const bob = await s.registered('bob');
    s.media.isSlow = true;
    const call = await callFromPbx(s, 'bob');
    s.wire.cut(bob.flow);
    s.media.release();
    await s.advance(100);
    const refusal = s.pbx.takeResponse(480, 'INVITE');
    await call.ackRefusal(refusal);
    await s.finish();
  });

  test('lost after the answer, and the caller hangs up: the call ends all the same', async () => {
    const s = new Scenario();
    const { call, leg } = await connectFromPbx(s, await s.registered('bob'));
    s.wire.cut(leg.peer.flow);
    await call.hangUp();
    await s.finish();
    expect(s.record.cause).toBe('caller-hung-up');
  });
});

describe('media', () => {
  test('whose worker is lost ends the call on both sides', async () => {
    const s = new Scenario();
    const { call, leg } = await connect(s);
    s.media.loseAll();
    await s.settle();
    const reason = 'Q.850;cause=41;text="Media lost"';
    expect((await call.takeBye()).headers.get('Reason')).toBe(reason);
    expect((await leg.takeBye()).headers.get('Reason')).toBe(reason);
    await s.finish();
    expect(s.record.cause).toBe('media-lost');
  });

  test('whose worker is lost while it rings has the call refused and the callee cancelled', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring();
    call.take(180);
    s.media.loseAll();
    await s.settle();
    await call.takeRefusal(500);
    await leg.takeCancel();
    await s.finish();
  });

  test('that is silent for too long ends the call on both sides', async () => {
    const s = new Scenario();
    const { call, leg } = await connect(s);
    s.media.open[0]?.timeOut();
    await s.settle();
    const reason = 'Q.850;cause=102;text="Media timeout"';
    expect((await call.takeBye()).headers.get('Reason')).toBe(reason);
    expect((await leg.takeBye()).headers.get('Reason')).toBe(reason);
    await s.finish();
    expect(s.record.cause).toBe('media-timeout');
  });

  test('without a free port has the call refused with 503 and Retry-After', async () => {
    const s = new Scenario();
    s.media.failures.set('open-endpoints', 'no-ports');
    const refusal = await (await s.phone('alice').invite('600')).takeRefusal(503);
    expect(refusal.headers.get('Retry-After')).toBe('5');
    s.pbx.expectNothing();
    await s.finish();
    expect(s.record.refusal?.code).toBe('media-not-available');
  });

  test('without a free port for the callee has the call refused, and what the caller had is returned', async () => {
    const s = new Scenario();
    s.media.failures.set('open-endpoints', 'no-ports');
    s.media.passes.set('open-endpoints', 1);
    const refusal = await (await s.phone('alice').invite('600')).takeRefusal(503);
    expect(refusal.headers.get('Retry-After')).toBe('5');
    s.pbx.expectNothing();
    await s.finish();
    expect(s.record.refusal?.code).toBe('media-not-available');
    expect(s.record.attempts).toEqual([{ target: 'pbx:main', status: 503, outcome: 'not-sent' }]);
  });

  test('without any worker has the call refused with 503', async () => {
    const s = new Scenario();
    s.media.failures.set('open-session', 'worker-lost');
    await (await s.phone('alice').invite('600')).takeRefusal(503);
    await s.finish();
  });

  test.each(['set-remote', 'join'] as const)(
    'whose worker fails at %s ends the call on both sides',
    async (command) => {
      const s = new Scenario();
      const call = await s.phone('alice').invite('600');
      const leg = CalleeLeg.take(s.pbx);
      s.media.failures.set(command, 'internal');
      await leg.answer(pbxSdp());
      await call.takeAnswer();
      leg.takeAck();
      await call.takeBye();
      await leg.takeBye();
      await s.finish({ errors: ['media-failed'] });
      expect(s.record.cause).toBe('media-lost');
    },
  );
});

describe('the next hop', () => {
  test('that is out of service: its 503 is a 500 for the caller, and its Retry-After stays here', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    await CalleeLeg.take(s.pbx).refuse(503, [['Retry-After', '3600']]);
    const refusal = await call.takeRefusal(500);
    expect(refusal.headers.get('Retry-After')).toBeUndefined();
    await s.finish();
    expect(s.record.attempts[0]?.status).toBe(503);
  });

  test.each([401, 407, 420, 421])(
    'that answers %i: what was between it and us is not the caller’s affair',
    async (status) => {
      const s = new Scenario();
      const call = await s.phone('alice').invite('600');
      await CalleeLeg.take(s.pbx).refuse(status, [
        ['WWW-Authenticate', 'Digest realm="inside.test", nonce="n", algorithm=MD5, qop="auth"'],
        ['Proxy-Authenticate', 'Digest realm="inside.test", nonce="n", algorithm=MD5, qop="auth"'],
      ]);
      const refusal = await call.takeRefusal(500);
      expect(refusal.headers.has('WWW-Authenticate') || refusal.headers.has('Proxy-Authenticate')).toBe(false);
      await s.finish();
    },
  );

  test('that redirects is not followed: the caller hears 480', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    await CalleeLeg.take(s.pbx).refuse(302, [['Contact', '<sip:evil@inside.test>']]);
    await call.takeRefusal(480);
    await s.finish();
  });

  test('that challenges us for our own account is answered once, with our credentials', async () => {
    const s = new Scenario({ pbx: 'username = "edge"\npassword_env = "PBX_PASSWORD"\nrealm = "inside.test"' });
    const call = await s.phone('alice').invite('600');
    const challenged = CalleeLeg.take(s.pbx);
    await challenged.refuse(401, [
      ['WWW-Authenticate', 'Digest realm="inside.test", nonce="n1", algorithm=SHA-256, qop="auth"'],
    ]);
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.headers.get('CSeq')).toBe('2 INVITE');
    expect(leg.invite.headers.get('Call-ID')).toBe(challenged.invite.headers.get('Call-ID'));
    expect(leg.invite.headers.get('Authorization')).toContain('username="edge"');
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    expect(leg.takeAck().headers.get('CSeq')).toBe('2 ACK');
    await hangUp({ call, leg });
    await s.finish();
  });
});

describe('a PBX that challenges us within a call', () => {
  const account = { pbx: 'username = "edge"\npassword_env = "PBX_PASSWORD"\nrealm = "inside.test"' };
  const challenge = (realm: string) =>
    [['Proxy-Authenticate', `Digest realm="${realm}", nonce="n2", algorithm=SHA-256, qop="auth"`]] as const;

  test('has our credentials for its re-INVITE and its BYE, and the phone hears of neither challenge', async () => {
    const s = new Scenario(account);
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    await leg.respond(s.pbx.takeRequest('INVITE'), 407, { fields: challenge('inside.test') });
    leg.takeAck();
    const again = s.pbx.takeRequest('INVITE');
    expect(again.headers.get('Proxy-Authorization')).toContain('username="edge"');
    phone.expectNothing();
    await leg.respond(again, 200, { body: pbxSdp({ version: 2 }) });
    await call.takeAnswer();
    leg.takeAck();
    await call.hangUp();
    await leg.respond(s.pbx.takeRequest('BYE'), 407, { fields: challenge('inside.test') });
    expect((await leg.takeBye()).headers.get('Proxy-Authorization')).toContain('username="edge"');
    phone.expectNothing();
    await s.finish();
  });

  test.each([
    { title: 'for another realm, gets none', realm: 'evil.test', tries: 1 },
    { title: 'again, although it has them, gets no more', realm: 'inside.test', tries: 2 },
  ])('$title, and the phone hears 488 without a challenge', async ({ realm, tries }) => {
    const s = new Scenario(account);
    const { phone, call, leg } = await connect(s);
    const reinvite = await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    for (let index = 0; index < tries; index += 1) {
      await leg.respond(s.pbx.takeRequest('INVITE'), 407, { fields: challenge(realm) });
      leg.takeAck();
    }
    s.pbx.expectNothing();
    const refusal = await call.takeReinviteRefusal(reinvite, 488);
    expect([...refusal.headers.names()].filter((name) => name.includes('Authenticate'))).toEqual([]);
    await hangUp({ call, leg });
    await s.finish();
  });
});

test('a phone that answered BYE with nothing is forgotten after 64 · T1', async () => {
  const s = new Scenario();
  const { phone, leg } = await connect(s);
  await leg.hangUp();
  phone.takeRequest('BYE');
  await s.finish();
});
