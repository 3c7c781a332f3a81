// Redirects (RFC 3261 §8.1.3.4): a 3xx is a new call of whoever gives it, under its routes and limits. A loop, a foreign host and a
// number that it may not call lead nowhere, and the caller hears 480.
import { expect, test } from 'vitest';
import { Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { callFromPbx, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type CallerLeg, type Field } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

const on: ScenarioOptions = { tables: '[redirects]\nlimit = 2' };

function to(...contacts: string[]): readonly Field[] {
  return contacts.map((contact) => ['Contact', contact] as const);
}

/** The PBX calls bob, whose phone sends it elsewhere. */
async function redirected(
  s: Scenario,
  ...contacts: string[]
): Promise<{ readonly bob: ScenarioPhone; readonly call: CallerLeg }> {
  const bob = await s.registered('bob');
  const call = await callFromPbx(s, 'bob');
  await CalleeLeg.take(bob).refuse(302, to(...contacts));
  return { bob, call };
}

test('a redirect is followed as a call of whoever redirects, whose slot it has already', async () => {
  const s = new Scenario({ ...on, limits: 'concurrent_calls = 1' });
  const carol = await s.registered('carol');
  const { call } = await redirected(s, '<sip:601@pbx.test>;q=0.5', '<sip:602@sbc.example.com:5061>');
  // Users reach the PBX; the contact without q is preferred.
  const target = CalleeLeg.take(s.pbx, 'target-tag');
  expect(target.invite.uri).toBe('sip:602@10.0.0.5:5060');
  expect(s.reservations.held()).toBeGreaterThan(0);
  await target.answer(pbxSdp({ port: 31_000 }));
  target.takeAck();
  await call.takeAnswer();
  carol.expectNothing();
  await call.hangUp();
  await target.takeBye();
  await s.finish();
  expect(s.record).toMatchObject({ cause: 'caller-hung-up', callee: { kind: 'pbx', name: 'main' } });
  expect(s.record.attempts.map(({ status }) => status)).toEqual([302, 200]);
});

test('the next contact is tried when the first is out of service', async () => {
  const s = new Scenario(on);
  const { call } = await redirected(s, '<sip:601@pbx.test>;q=0.9', '<sip:602@pbx.test>;q=0.1');
  await CalleeLeg.take(s.pbx, 'first-tag').refuse(503);
  const second = CalleeLeg.take(s.pbx, 'second-tag');
  expect(second.invite.uri).toBe('sip:602@10.0.0.5:5060');
  await second.refuse(486);
  await call.takeRefusal(486);
  await s.finish();
});

test.each([
  ['a host of the inside', '<sip:601@10.0.0.5>'],
  ['a foreign host', '<sip:601@evil.test>'],
  ['another scheme', '<mailto:a@b.test>'],
  ['where the call came to', '<sip:bob@pbx.test>'],
  ['nowhere', '<sip:pbx.test>'],
])('a redirect to %s leads nowhere', async (_title, contact) => {
  const s = new Scenario(on);
  const { bob, call } = await redirected(s, contact);
  await call.takeRefusal(480);
  s.pbx.expectNothing();
  bob.expectNothing();
  await s.finish();
  expect(s.record).toMatchObject({ cause: 'failed', status: 480 });
});

test('a redirect to a number that the user may not call is refused for it, whoever calls', async () => {
  const tables = `${on.tables}\n[[rule]]\nname = "no-premium"\nto = ["+44909*"]\naction = "deny"\n`;
  const routes = '[[route]]\nfrom = "user"\nvia = "trunk:carrier"\n[[route]]\nfrom = "pbx"\nvia = "users"';
  const s = new Scenario({ tables, routes });
  const carrier = s.carrier();
  const { call } = await redirected(s, '<tel:+449098790000>');
  await call.takeRefusal(480);
  carrier.expectNothing();
  await s.finish();
  expect(s.record.trace).toContainEqual({ rule: 'redirect', answer: 'refused: rule-denied' });
});

test('two phones that send calls to each other end with the count', async () => {
  const s = new Scenario({ tables: '[redirects]\nlimit = 1' });
  const { call } = await redirected(s, '<sip:601@pbx.test>');
  await CalleeLeg.take(s.pbx, 'one-tag').refuse(302, to('<sip:602@10.0.0.10>'));
  await call.takeRefusal(480);
  s.pbx.expectNothing();
  await s.finish();
});

test('a caller who gives up while the way is looked for leaves nothing behind', async () => {
  const s = new Scenario(on);
  const { call } = await redirected(s, '<sip:601@pbx.test>');
  const target = CalleeLeg.take(s.pbx, 'target-tag');
  await call.cancel();
  await call.takeRefusal(487);
  await target.ring();
  await target.takeCancel();
  await s.finish();
});

test('by default no redirect is followed', async () => {
  const s = new Scenario();
  const { call } = await redirected(s, '<sip:601@pbx.test>');
  await call.takeRefusal(480);
  s.pbx.expectNothing();
  await s.finish();
});
