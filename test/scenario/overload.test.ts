// More than one node can serve: what is turned away, and what never is (RFC 3261 §21.5.4, RFC 5390).
import { expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';

test('new calls are taken for twice as long as registrations, and emergency calls for ever', async () => {
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
  expect(registering.takeResponse(503, 'REGISTER').headers.get('Retry-After')).toMatch(/^\d+$/);
  expect(s.gate.pending).toBe(3);
  await calls[2]?.call.takeRefusal(503);
  await s.advance(100);
  for (const leg of [0, 1, 2].map(() => CalleeLeg.take(s.pbx))) await leg.refuse(486);
  for (const index of [0, 1, 3]) await calls[index]?.call.takeRefusal(486);
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
    phone.takeResponse(503, 'REGISTER');
    await s.advance(20_000);
  }
  expect(s.bans.list()).toEqual([]);
  // Repeated each minute (§13.3.1.1).
  busy.take(180);
  await leg.refuse(486);
  await busy.takeRefusal(486);
  await s.finish();
});
