// Messages that cross on the wire: whatever is over for one side, each INVITE is still answered and each answer acknowledged
// (RFC 3261 §9, §13.2.2.4, §14, §15.1.2).
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';

describe('CANCEL', () => {
  test('that crosses a challenge: it is not answered, and nobody rings', async () => {
    const s = new Scenario({ pbx: 'username = "edge"\npassword_env = "PBX_PASSWORD"\nrealm = "inside.test"' });
    const call = await s.phone('alice').invite('600');
    const leg = CalleeLeg.take(s.pbx);
    await leg.ring(100);
    await call.cancel();
    await call.takeRefusal(487);
    await leg.respond(s.pbx.takeRequest('CANCEL'), 200);
    await leg.refuse(401, [
      ['WWW-Authenticate', 'Digest realm="inside.test", nonce="n1", algorithm=SHA-256, qop="auth"'],
    ]);
    s.pbx.expectNothing();
    await s.finish();
    expect(s.record.cause).toBe('caller-cancelled');
  });

  test('takes its Reason along: a phone shows no missed call when another one answered (RFC 3326 §3.3)', async () => {
    const s = new Scenario();
    const bob = await s.registered('bob');
    const call = await callFromPbx(s, 'bob');
    const leg = CalleeLeg.take(bob);
    await leg.ring();
    call.take(180);
    await call.cancel([['Reason', 'SIP;cause=200;text="Call completed elsewhere"']]);
    await call.takeRefusal(487);
    const cancel = await leg.takeCancel();
    expect(cancel.headers.get('Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"');
    await s.finish();
  });

  test('of a re-INVITE is passed on, and so is the 487', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    call.invite = await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    const relayed = leg.peer.takeRequest('INVITE');
    await leg.respond(relayed, 100);
    await call.cancel();
    await leg.respond(leg.peer.takeRequest('CANCEL'), 200);
    await leg.respond(relayed, 487);
    leg.takeAck();
    await call.takeReinviteRefusal(call.invite, 487);
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected' }]);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('of a re-INVITE that crosses its 200 leaves both sides with the new session', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    call.invite = await call.send('INVITE', { body: phone.offer({ direction: 'sendonly', version: 2 }) });
    const relayed = leg.peer.takeRequest('INVITE');
    await leg.respond(relayed, 100);
    await call.cancel();
    leg.peer.takeRequest('CANCEL');
    await leg.respond(relayed, 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
    leg.takeAck();
    await call.takeAnswer();
    expect(s.media.open[0]?.isPaused).toBe(true);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('of a re-INVITE whose ports are still being opened ends it here', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    s.media.isSlow = true;
    const another = phone.offer({ key: 201, port: 50_100 });
    const body = phone.offer({ version: 2 }) + another.slice(another.indexOf('m='));
    call.invite = await call.send('INVITE', { body });
    leg.peer.expectNothing();
    await call.cancel();
    await call.takeReinviteRefusal(call.invite, 487);
    s.media.release();
    s.media.isSlow = false;
    await s.settle();
    leg.peer.expectNothing();
    await hangUp({ call, leg });
    await s.finish();
  });
});

describe('a re-INVITE that is out when the call ends', () => {
  test('has its 487 acknowledged', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    const relayed = leg.peer.takeRequest('INVITE');
    await call.send('BYE');
    expect(phone.takeAll()).toEqual(['200 BYE', '487 INVITE']);
    await leg.takeBye();
    await leg.respond(relayed, 487);
    leg.takeAck();
    await s.finish();
  });

  test('has its 200 acknowledged', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    const relayed = leg.peer.takeRequest('INVITE');
    await call.send('BYE');
    const bye = leg.peer.takeRequest('BYE');
    await leg.respond(relayed, 200, { body: pbxSdp({ version: 2 }) });
    expect(leg.takeAck().headers.get('CSeq')).toBe(relayed.headers.get('CSeq')?.replace('INVITE', 'ACK'));
    await leg.respond(bye, 200);
    await s.finish();
  });

  test('has a late offer acknowledged before the BYE', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('INVITE');
    await leg.respond(leg.peer.takeRequest('INVITE'), 200, { body: pbxSdp({ version: 2 }) });
    call.take(200);
    await call.send('BYE');
    phone.takeResponse(200, 'BYE');
    leg.takeAck();
    await leg.takeBye();
    await s.finish();
  });
});

test('a re-INVITE that the other side only says it tries is cancelled after three minutes', async () => {
  const s = new Scenario();
  const { phone, call, leg } = await connect(s);
  const reinvite = await call.send('INVITE', { body: phone.offer({ version: 2 }) });
  const relayed = leg.peer.takeRequest('INVITE');
  await leg.respond(relayed, 100);
  await s.advance(180_000);
  phone.takeResponse(100, 'INVITE');
  await leg.respond(leg.peer.takeRequest('CANCEL'), 200);
  await leg.respond(relayed, 487);
  leg.takeAck();
  await call.takeReinviteRefusal(reinvite, 487);
  expect(s.b2bua.calls()).toMatchObject([{ state: 'connected' }]);
  await hangUp({ call, leg });
  await s.finish();
});

describe('in a dialog', () => {
  test('OPTIONS is answered as outside (§11.2): a peer asks whether the call is still there', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await call.send('OPTIONS');
    expect(phone.takeResponse(200, 'OPTIONS').headers.get('Allow')).toContain('OPTIONS');
    await leg.send('OPTIONS');
    leg.peer.takeResponse(200, 'OPTIONS');
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that is early, a second INVITE is refused with 500 and Retry-After (§14.2), and OPTIONS is answered', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await ringing(s);
    const first = call.invite;
    const second = await call.send('INVITE', { body: phone.offer({ version: 2 }) });
    expect((await call.takeReinviteRefusal(second, 500)).headers.get('Retry-After')).toMatch(/^\d+$/);
    await call.send('OPTIONS');
    phone.takeResponse(200, 'OPTIONS');
    await leg.answer(pbxSdp());
    leg.takeAck();
    call.take(200);
    await call.ack(Number.parseInt(first.headers.get('CSeq') ?? '', 10));
    await hangUp({ call, leg });
    await s.finish();
  });
});

test('a provisional is sent again every minute, until the answer (§13.3.1.1)', async () => {
  const s = new Scenario();
  const { phone, call, leg } = await ringing(s);
  await s.advance(59_500);
  phone.expectNothing();
  await s.advance(61_000);
  expect(phone.takeAll()).toEqual(['180 INVITE', '180 INVITE']);
  await leg.answer(pbxSdp());
  leg.takeAck();
  await call.takeAnswer();
  await s.advance(61_000);
  phone.expectNothing();
  await hangUp({ call, leg });
  await s.finish();
});

async function ringing(s: Scenario): Promise<Awaited<ReturnType<typeof connect>>> {
  const phone = s.phone('alice');
  const call = await phone.invite('600');
  const leg = CalleeLeg.take(s.pbx);
  await leg.ring();
  call.take(180);
  return { phone, call, leg };
}
