// Users who are held to zones: every request that they authenticate is asked where it came from.
import { describe, expect, test } from 'vitest';
import { Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { callFromPbx, connect, hangUp, pbxSdp, transfer } from '../support/scenario-calls.ts';
import { type Field, PeerLeg } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

const office = '203.0.113.70';
const home = '198.51.100.1';

const zoned: ScenarioOptions = {
  alice: 'group = "staff"',
  tables: `
[messages]
relay = true
[numbers]
country = "GB"
[[zone]]
name = "office"
networks = ["203.0.113.0/24"]
[[zone]]
name = "vpn"
interfaces = ["wg0"]
[[group]]
name = "staff"
zones = ["office", "vpn"]
`,
};

const reason = 'SIP;cause=403;text="Not allowed"';

/** A request with digest outside a dialog; its final answer. */
async function ask(
  phone: ScenarioPhone,
  method: string,
  uri = 'sip:600@pbx.test',
): Promise<ReturnType<ScenarioPhone['takeResponse']>> {
  const { state } = phone.newCall({ uri, from: `<${phone.aor}>` });
  const leg = new PeerLeg(phone, method === 'REGISTER' ? { ...state, remote: `<${phone.aor}>` } : state);
  const contact: Field = ['Contact', phone.contact];
  const first = leg.request(method, { fields: [contact] });
  await phone.send(first);
  const answer = phone.credentials.answer(first, phone.takeResponse(401, method));
  if (!answer.ok) throw new Error(answer.error);
  const again = leg.request(method, { fields: [contact, [answer.value.header, answer.value.value]] });
  await phone.send(again);
  return phone.takeResponse(403, method);
}

describe('a user who is held to zones', () => {
  test('registers and calls from one of them, by network or by the interface that it reaches', async () => {
    const s = new Scenario(zoned);
    const alice = await s.registered('alice', office);
    await hangUp(await connect(s, alice, { uri: 'sip:600@pbx.test' }));
    await s.finish();
    const vpn = new Scenario({ ...zoned, interfaces: { wg0: ['192.0.2.1'] } });
    expect((await vpn.phone('alice', home).register()).status).toBe(200);
    await vpn.finish();
  });

  test.each(['REGISTER', 'MESSAGE', 'OPTIONS', 'SUBSCRIBE'])(
    'is answered 403 to a %s from elsewhere; why is in the log and not on the wire',
    async (method) => {
      const s = new Scenario(zoned);
      const alice = s.phone('alice', home);
      const response = method === 'REGISTER' ? await alice.register() : await ask(alice, method);
      expect(response.status).toBe(403);
      expect(response.headers.get('Reason')).toBe(reason);
      expect(Buffer.from(response.body).toString()).toBe('');
      const told = s.logged.filter(({ event }) => event === 'access-refused');
      expect(told.map(({ fields }) => fields)).toEqual([
        {
          aor: 'alice@pbx.test',
          method,
          code: 'zone-denied',
          reason: `alice@pbx.test may come from office, vpn only, and came from ${home} over phones, in no zone`,
          source: home,
        },
      ]);
      s.pbx.expectNothing();
      expect(await s.registrar.list()).toEqual([]);
      await s.finish();
    },
  );

  test('is refused a call from elsewhere, and the record says by which question', async () => {
    const s = new Scenario(zoned);
    const call = await s.phone('alice', home).invite('600');
    expect((await call.takeRefusal(403)).headers.get('Reason')).toBe(reason);
    s.pbx.expectNothing();
    await s.finish();
    expect(s.record).toMatchObject({ cause: 'refused', refusal: { code: 'zone-denied' } });
    expect(s.record.trace.at(-1)).toEqual({
      rule: 'zone',
      input: `${home} over phones, in no zone`,
      answer: 'deny: only from office, vpn',
    });
  });

  test('whose password is wrong is told nothing but to try again, wherever it comes from', async () => {
    const s = new Scenario(zoned);
    const alice = s.phone('alice', home);
    const { DigestClient } = await import('../../src/sip/auth/digest-client.ts');
    const { SeededRandom } = await import('../support/fake-time.ts');
    const wrong = new DigestClient({ username: 'alice', password: 'no' }, new SeededRandom(1));
    expect((await alice.register([['Expires', '60']], wrong)).status).toBe(401);
    expect(s.logged.some(({ event }) => event === 'access-refused')).toBe(false);
    await s.finish();
  });

  test('reaches emergency services from anywhere', async () => {
    const s = new Scenario(zoned);
    await hangUp(await connect(s, s.phone('alice', home), { uri: 'sip:112@pbx.test' }));
    await s.finish();
    expect(s.logged.some(({ event }) => event === 'access-refused')).toBe(false);
  });

  test('may change the emergency call that it placed, over another flow too, and refer nobody from it', async () => {
    const s = new Scenario(zoned);
    const alice = s.phone('alice', home);
    const call = await connect(s, alice, { uri: 'sip:112@pbx.test' });
    await alice.send(call.call.request('INVITE', { body: alice.offer({ version: 2 }) }));
    await call.leg.respond(s.pbx.takeRequest('INVITE'), 200, { body: pbxSdp({ version: 2 }) });
    expect(alice.takeResponse(200, 'INVITE').status).toBe(200);
    await alice.send(call.call.request('ACK', {}));
    s.pbx.takeRequest('ACK');
    await alice.send(call.call.request('REFER', { fields: [['Refer-To', '<sip:600@pbx.test>']] }));
    expect(alice.takeResponse(403, 'REFER').headers.get('Reason')).toBe(reason);
    alice.flow = { ...s.phone('alice', '198.51.100.99').flow };
    s.wire.connect(alice);
    const moved = call.call.request('OPTIONS', {});
    await alice.send(moved);
    const answer = alice.credentials.answer(moved, alice.takeResponse(401, 'OPTIONS'));
    if (!answer.ok) throw new Error(answer.error);
    await alice.send(call.call.request('OPTIONS', { fields: [[answer.value.header, answer.value.value]] }));
    expect(alice.takeResponse(200, 'OPTIONS').status).toBe(200);
    await hangUp(call);
    await s.finish();
  });

  test.each(['REGISTER', 'MESSAGE', 'OPTIONS', 'SUBSCRIBE'])(
    'gets no %s past its zones by addressing it to an emergency number',
    async (method) => {
      const s = new Scenario(zoned);
      expect((await ask(s.phone('alice', home), method, 'sip:112@pbx.test')).headers.get('Reason')).toBe(reason);
      s.pbx.expectNothing();
      expect(await s.registrar.list()).toEqual([]);
      await s.finish();
    },
  );

  test('leaves others alone', async () => {
    const s = new Scenario(zoned);
    const bob = await s.registered('bob', home);
    await hangUp(await connect(s, bob, { uri: 'sip:600@pbx.test' }));
    await s.finish();
  });

  test('cannot move a call out of its zones: a re-INVITE over another flow is refused, and a BYE still ends it', async () => {
    const s = new Scenario(zoned);
    const alice = s.phone('alice', office);
    const { call: caller, leg: callee } = await connect(s, alice, { uri: 'sip:600@pbx.test' });
    alice.flow = { ...s.phone('alice', home).flow };
    s.wire.connect(alice);
    const challenged = caller.request('INVITE', { body: alice.offer({ version: 2 }) });
    await alice.send(challenged);
    const answer = alice.credentials.answer(challenged, alice.takeResponse(401, 'INVITE'));
    if (!answer.ok) throw new Error(answer.error);
    const { header, value } = answer.value;
    await alice.send(caller.request('INVITE', { body: alice.offer({ version: 2 }), fields: [[header, value]] }));
    expect(alice.takeResponse(403, 'INVITE').headers.get('Reason')).toBe(reason);
    s.pbx.expectNothing();
    const bye = caller.request('BYE', {});
    await alice.send(bye);
    const second = alice.credentials.answer(bye, alice.takeResponse(401, 'BYE'));
    if (!second.ok) throw new Error(second.error);
    await alice.send(caller.request('BYE', { fields: [[second.value.header, second.value.value]] }));
    alice.takeResponse(200, 'BYE');
    await callee.respond(s.pbx.takeRequest('BYE'), 200);
    await s.finish();
  });

  test('transfers a call: where it is was asked with its REFER, and not where the other side is', async () => {
    const s = new Scenario({ ...zoned, tables: `${zoned.tables}[transfers]\nrefer = "handle"` });
    const first = await connect(s, s.phone('alice', office), { uri: 'sip:600@pbx.test' });
    const { leg: target } = await transfer(s, first);
    await target.hangUp();
    await first.leg.takeBye();
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual(['transferred', 'callee-hung-up']);
  });

  test('who is in a call when a reload moves the zones may end it, but neither change it nor be called', async () => {
    const s = new Scenario(zoned);
    const alice = await s.registered('alice', office);
    const { call: caller, leg: callee } = await connect(s, alice, { uri: 'sip:600@pbx.test' });
    s.reload({ ...zoned, tables: (zoned.tables ?? '').replace('203.0.113.0/24', '192.0.2.0/24') });
    await alice.send(caller.request('INVITE', { body: alice.offer({ version: 2 }) }));
    expect(alice.takeResponse(403, 'INVITE').headers.get('Reason')).toBe(reason);
    const call = await callFromPbx(s, 'alice');
    await call.takeRefusal(480);
    alice.expectNothing();
    await hangUp({ call: caller, leg: callee });
    await s.finish();
  });
});
