// What was dialled becomes one number before anything decides: seen on the wire towards the PBX and in the record.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';

const numbers = '[numbers]\ncountry = "GB"\noutside_prefix = "9"\nextensions = ["6xx"]';

test.each([
  'sip:+442071838750@pbx.test',
  'sip:00442071838750@pbx.test;user=phone',
  'sip:02071838750@pbx.test',
  'sip:9020-7183-8750@pbx.test',
  'sip:+44(0)2071838750@pbx.test',
  'sip:%2B442071838%3750@pbx.test',
  'tel:7183-8750;phone-context=+4420',
])('%s reaches the PBX as one number', async (uri) => {
  const s = new Scenario({ tables: numbers });
  const call = await s.phone('alice').invite('600', { uri });
  const leg = CalleeLeg.take(s.pbx);
  expect(leg.invite.uri).toBe('sip:+442071838750@10.0.0.5:5060');
  await leg.answer(pbxSdp());
  await call.takeAnswer();
  leg.takeAck();
  await hangUp({ call, leg });
  await s.finish();
  expect(s.record.canonical).toBe('+442071838750');
  expect(s.record.trace[0]).toEqual({ rule: 'number-plan', answer: 'number +442071838750 (GB, national)' });
});

test('urn:service:sos is dialled as the emergency number of the site (RFC 5031)', async () => {
  const s = new Scenario({ tables: numbers });
  const call = await s.phone('alice').invite('600', { uri: 'urn:service:sos.fire' });
  const leg = CalleeLeg.take(s.pbx);
  expect(leg.invite.uri).toBe('sip:999@10.0.0.5:5060');
  await leg.answer(pbxSdp());
  await call.takeAnswer();
  leg.takeAck();
  await hangUp({ call, leg });
  await s.finish();
});

describe('a number that a rule of the trunk rewrites', () => {
  const routes = '[[route]]\nfrom = "user"\nvia = "trunk:carrier"';
  /** Everything dialled becomes a premium-rate number. */
  const trunk = '[[trunk.called]]\nmatch = "+44207*"\nreplace = "+449012345678"';

  test('is decided on as it is sent: no rule for numbers makes an allowed one of a denied one', async () => {
    const deny = '[[rule]]\nname = "no-premium"\naction = "deny"\nclasses = ["premium-rate"]';
    const s = new Scenario({ tables: `${numbers}\n${deny}`, routes, trunk });
    const carrier = s.carrier();
    const call = await s.phone('alice').invite('600', { uri: 'sip:02071838750@pbx.test' });
    await call.takeRefusal(403);
    carrier.expectNothing();
    await s.finish();
    expect(s.record.refusal?.code).toBe('rule-denied');
    expect(s.record.trace.at(-1)?.input).toContain('+449012345678');
  });

  test('keeps the limits of the number that was dialled, which nobody evades by it', async () => {
    const limit = '[[limit]]\nname = "london"\nto = ["+4420*"]\ncalls_per_minute = 1';
    const s = new Scenario({ tables: `${numbers}\n${limit}`, routes, trunk });
    const carrier = s.carrier();
    const alice = s.phone('alice');
    const first = await alice.invite('600', { uri: 'sip:02071838750@pbx.test' });
    await CalleeLeg.take(carrier).refuse(486);
    await first.takeRefusal(486);
    await (await alice.invite('600', { uri: 'sip:02071838750@pbx.test' })).takeRefusal(486);
    carrier.expectNothing();
    await s.finish();
    expect(s.records[1]?.refusal?.code).toBe('call-rate');
  });

  test('keeps the limits of the number that was dialled on that trunk too', async () => {
    const limit = '[[limit]]\nname = "london"\nper = "trunk"\nto = ["+4420*"]\ncalls_per_minute = 1';
    const s = new Scenario({ tables: `${numbers}\n${limit}`, routes, trunk });
    const carrier = s.carrier();
    const alice = s.phone('alice');
    const first = await alice.invite('600', { uri: 'sip:02071838750@pbx.test' });
    await CalleeLeg.take(carrier).refuse(486);
    await first.takeRefusal(486);
    await (await alice.invite('600', { uri: 'sip:02071838750@pbx.test' })).takeRefusal(480);
    carrier.expectNothing();
    await s.finish();
  });

  test.each([
    ['to what is denied', '[[trunk.called]]\nprefix = "0"'],
    ['to what is no number', '[[trunk.called]]\nstrip = 3'],
    ['while it shows no such caller', 'caller_id = { allowed = ["+1*"] }'],
  ])('%s, is sent all the same in an emergency (RFC 5031)', async (_how, rules) => {
    const deny = '[[rule]]\nname = "none"\naction = "deny"';
    const s = new Scenario({ tables: `${numbers}\n${deny}`, routes, trunk: rules });
    const carrier = s.carrier();
    const call = await s.phone('alice').invite('999');
    const leg = CalleeLeg.take(carrier);
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
    expect(s.record.trace.map(({ rule }) => rule)).toContain('emergency');
  });
});
