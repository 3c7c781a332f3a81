// What was dialled becomes one number before anything decides: seen on the wire towards the PBX and in the record.
import { expect, test } from 'vitest';
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
