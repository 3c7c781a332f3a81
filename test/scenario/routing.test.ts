// Routes that try several peers, and numbers as each of them wants them.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';
import { sdp } from '../support/scenario-sdp.ts';

const toCarrier = `
[[route]]
name = "international"
from = "pbx"
to = "+*"
via = "trunk:carrier"
[[route]]
from = "pbx"
via = "users"
[[route]]
from = "user"
via = "pbx:main"
`;

describe('a route with several peers', () => {
  test('tries the next one when the first is out of order, with its own numbers', async () => {
    const s = new Scenario({
      routes: '[[route]]\nfrom = "user"\nto = "+44*"\nvia = ["trunk:carrier", "pbx:main"]\n',
      trunk: 'called = [{ match = "+44*", form = "plain" }]',
    });
    const carrier = s.carrier();
    const phone = s.phone('alice');
    const call = await phone.invite('+442071838750');
    const first = CalleeLeg.take(carrier);
    expect(first.invite.uri).toContain(':442071838750@');
    await first.refuse(503);
    const second = CalleeLeg.take(s.pbx);
    expect(second.invite.uri).toContain(':+442071838750@');
    await second.answer(pbxSdp());
    await call.takeAnswer();
    second.takeAck();
    await hangUp({ call, leg: second });
    await s.finish();
    expect(s.record.attempts.map(({ target }) => target)).toEqual(['trunk:carrier', 'pbx:main']);
  });
});

describe('a trunk with rules for numbers', () => {
  const rules = `
trust_identity = true
called = [{ match = "+44*", strip = 3, prefix = "0" }, { match = "+*", form = "international" }]
caller = [{ form = "plain" }]
caller_id = { allowed = ["+441632960*"], default = "+441632960000" }
`;

  test.each([
    ['+441632960123', '441632960123'],
    ['100', '441632960000'],
  ])('is told of a caller %s as %s, in From and asserted identity alike', async (caller, shown) => {
    const s = new Scenario({ routes: toCarrier, trunk: rules });
    const carrier = s.carrier();
    const call = await s.pbx.call({
      uri: 'sip:+442071838750@10.0.0.10:5060',
      from: `"Reception" <sip:${caller}@pbx.test>`,
      body: pbxSdp(),
    });
    const leg = CalleeLeg.take(carrier);
    expect(leg.invite.uri).toContain(':02071838750@');
    expect(leg.invite.headers.get('From')).toContain(`<sip:${shown}@`);
    expect(leg.invite.headers.get('P-Asserted-Identity')).toContain(`<sip:${shown}@`);
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });

  test('refuses a caller that it may not show where there is no default', async () => {
    const s = new Scenario({ routes: toCarrier, trunk: 'caller_id = { allowed = ["+441632960*"] }' });
    const carrier = s.carrier();
    const call = await s.pbx.call({
      uri: 'sip:+442071838750@10.0.0.10:5060',
      from: '<sip:100@pbx.test>',
      body: sdp({ address: '10.0.0.5', port: 30_000 }),
    });
    await call.takeRefusal(403);
    carrier.expectNothing();
    await s.finish();
    expect(s.record.refusal?.code).toBe('caller-not-allowed');
    expect(s.record.trace.map(({ rule }) => rule)).toContain('route international');
  });

  test('shows nobody where it shall not', async () => {
    const s = new Scenario({ routes: toCarrier, trunk: 'trust_identity = true\ncaller_id = { anonymous = true }' });
    const carrier = s.carrier();
    const call = await s.pbx.call({
      uri: 'sip:+442071838750@10.0.0.10:5060',
      from: '"Reception" <sip:100@pbx.test>',
      body: pbxSdp(),
    });
    const leg = CalleeLeg.take(carrier);
    expect(leg.invite.headers.get('From')).toContain('<sip:anonymous@anonymous.invalid>');
    expect(leg.invite.headers.get('From')).not.toContain('Reception');
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });
});
