// More than one node can serve: what waits, what is turned away, and what never is (RFC 3261 §21.5.4, RFC 5390).
import { expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';

test('registrations wait, new calls are taken for twice as long, and emergency calls for ever', async () => {
  const s = new Scenario({ tables: '[overload]\nlook_ups = 1' });
  const callers = ['alice', 'bob', 'carol', 'carol'].map((user) => s.phone(user));
  const calls = callers.map((phone, index) => ({ phone, call: phone.dial(index === 3 ? '112' : '600') }));
  for (const { phone, call } of calls) {
    await phone.send(call.invite);
    phone.signed(call, await call.takeRefusal(401));
  }
  s.lookUpTime = 100;
  for (const { phone, call } of calls) await phone.send(call.invite);
  const registering = s.phone('alice');
  await registering.send(registering.dial('600').compose('REGISTER', 1));
  expect([s.waitingRoom.waiting, s.gate.pending]).toEqual([1, 3]);
  await calls[2]?.call.takeRefusal(503);
  await s.advance(100);
  for (const leg of [0, 1, 2].map(() => CalleeLeg.take(s.pbx))) await leg.refuse(486);
  for (const index of [0, 1, 3]) await calls[index]?.call.takeRefusal(486);
  registering.takeResponse(401, 'REGISTER');
  await s.finish();
});

test('a registration that waited for too long is told when to come back', async () => {
  const s = new Scenario({ tables: '[overload]\nlook_ups = 1\nwaiting_time = "2s"' });
  s.lookUpTime = 2_500;
  const caller = s.phone('alice');
  const call = caller.dial('600');
  await caller.send(call.invite);
  caller.signed(call, await call.takeRefusal(401));
  await caller.send(call.invite);
  const phone = s.phone('bob');
  await phone.send(phone.dial('600').compose('REGISTER', 1));
  await s.advance(2_000);
  expect(s.waitingRoom.waiting).toBe(1);
  await s.advance(100);
  expect(phone.takeResponse(503, 'REGISTER').headers.get('Retry-After')).toMatch(/^\d+$/);
  await s.advance(400);
  await CalleeLeg.take(s.pbx).refuse(486);
  await call.takeRefusal(486);
  await s.finish();
});

test('a To-tag of no dialog overtakes nobody, and a re-INVITE of a call does, over whatever connection', async () => {
  const s = new Scenario({ tables: '[overload]\nlook_ups = 1' });
  const running = await connect(s);
  s.lookUpTime = 1_000;
  const callers = ['bob', 'carol'].map((user) => s.phone(user));
  const calls = callers.map((caller) => ({ caller, call: caller.dial('600') }));
  for (const { caller, call } of calls) {
    await caller.send(call.invite);
    caller.signed(call, await call.takeRefusal(401));
    await caller.send(call.invite);
  }
  expect(s.gate.pending).toBe(2);
  const stranger = s.phone('alice');
  const dial = stranger.dial('600');
  for (const method of ['REGISTER', 'OPTIONS', 'INVITE', 'BYE']) {
    const forged = dial.compose(method, 1);
    await stranger.send({ ...forged, headers: forged.headers.with('To', '<sip:600@pbx.test>;tag=forged') });
  }
  expect(s.waitingRoom.waiting).toBe(2);
  stranger.takeResponse(503, 'INVITE');
  stranger.takeResponse(401, 'BYE');
  const { invite } = running.call;
  const elsewhere = s.phone('alice');
  await elsewhere.send(running.call.request('INVITE', { body: Buffer.from(invite.body).toString('latin1') }));
  elsewhere.takeResponse(401, 'INVITE');
  s.lookUpTime = 0;
  await s.advance(1_100);
  for (const leg of calls.map(() => CalleeLeg.take(s.pbx))) await leg.refuse(486);
  for (const { call } of calls) await call.takeRefusal(486);
  await hangUp(running);
  await s.finish();
});

test('a phone that hangs up the connection while it waits leaves nothing behind', async () => {
  const s = new Scenario({ tables: '[overload]\nlook_ups = 1' });
  s.lookUpTime = 500;
  const caller = s.phone('alice');
  const call = caller.dial('600');
  await caller.send(call.invite);
  caller.signed(call, await call.takeRefusal(401));
  await caller.send(call.invite);
  const phones = [s.phone('bob'), s.phone('carol')];
  for (const phone of phones) await phone.send(phone.dial('600').compose('REGISTER', 1));
  expect(s.waitingRoom.waiting).toBe(2);
  if (phones[0] !== undefined) s.wire.cut(phones[0].flow);
  expect(s.waitingRoom.waiting).toBe(1);
  await s.advance(600);
  expect(s.waitingRoom.waiting).toBe(0);
  phones[1]?.takeResponse(401, 'REGISTER');
  await CalleeLeg.take(s.pbx).refuse(486);
  await call.takeRefusal(486);
  await s.finish();
});

test('a phone that is turned away when it answers its challenge is not one that answers none', async () => {
  const s = new Scenario({ tables: '[overload]\ntransactions = 1' });
  const busy = await s.phone('bob').invite('600');
  const leg = CalleeLeg.take(s.pbx);
  await leg.respond(leg.invite, 180);
  busy.take(180);
  for (let round = 0; round < 5; round += 1) {
    for (let phone = 0; phone < 100; phone += 1) s.bans.challenged(s.phone('alice').flow);
    const phone = s.phone('alice');
    await phone.send(phone.dial('600').compose('REGISTER', 1));
    await s.advance(20_100);
    phone.takeResponse(503, 'REGISTER');
  }
  expect(s.bans.list()).toEqual([]);
  // Repeated each minute (§13.3.1.1).
  busy.take(180);
  await leg.refuse(486);
  await busy.takeRefusal(486);
  await s.finish();
});
