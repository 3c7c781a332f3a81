// Users who need more than a password: a device that was not seen before waits for approval, whatever it asks for.
import { describe, expect, test } from 'vitest';
import { DigestClient } from '../../src/sip/auth/digest-client.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { callFromPbx, connect, connectFromPbx, hangUp, transfer } from '../support/scenario-calls.ts';
import type { Field } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

const held: ScenarioOptions = {
  alice: 'group = "staff"',
  tables: '[numbers]\ncountry = "GB"\n[[group]]\nname = "staff"\nsecond_factor = "device"',
};
const reason = 'SIP;cause=403;text="Device not approved"';
const agent = (name: string): Field => ['User-Agent', name];
const known: readonly Field[] = [['Expires', '3600'], agent('Phone/1')];

async function approved(s: Scenario, phone: ScenarioPhone): Promise<void> {
  expect((await phone.register(known)).status).toBe(403);
  const [device] = s.devices.list();
  expect(s.devices.decide(device?.id ?? '', 'approved', 'admin')?.state).toBe('approved');
  expect((await phone.register(known)).status).toBe(200);
}

describe('a device that was not seen before', () => {
  test('is refused with 403, listed and told of once, and registers as soon as it is approved', async () => {
    const s = new Scenario(held);
    const alice = s.phone('alice');
    const refused = await alice.register(known);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('Reason')).toBe(reason);
    expect((await alice.register(known)).status).toBe(403);
    const [device, ...more] = s.devices.list();
    expect(more).toEqual([]);
    expect(device).toMatchObject({
      aor: 'alice@pbx.test',
      state: 'pending',
      source: '198.51.100.1',
      description: 'Phone/1, 198.51.100.0/24',
    });
    expect(s.alerts).toEqual([
      {
        kind: 'device-pending',
        user: 'alice@pbx.test',
        device: device?.id,
        description: device?.description,
        source: '198.51.100.1',
      },
    ]);
    expect(s.logged.find(({ event }) => event === 'access-refused')?.fields).toMatchObject({
      aor: 'alice@pbx.test',
      code: 'device-denied',
    });
    expect(await s.registrar.list()).toEqual([]);
    s.devices.decide(device?.id ?? '', 'approved', 'admin');
    expect((await alice.register(known)).status).toBe(200);
    expect(s.alerts.length).toBe(1);
    await s.finish();
  });

  test('may not call without a registration either; the record says why, and approval lets it through', async () => {
    const s = new Scenario(held);
    const alice = s.phone('alice');
    const call = await alice.invite('600', { fields: [agent('Phone/1')] });
    expect((await call.takeRefusal(403)).headers.get('Reason')).toBe(reason);
    s.pbx.expectNothing();
    expect(s.record).toMatchObject({ cause: 'refused', refusal: { code: 'device-denied' } });
    const [device] = s.devices.list();
    expect(s.record.trace.at(-1)).toEqual({
      rule: 'device',
      input: `${device?.id}: ${device?.description}`,
      answer: 'deny: pending',
    });
    s.devices.decide(device?.id ?? '', 'approved', 'admin');
    await hangUp(await connect(s, alice, { uri: 'sip:600@pbx.test', fields: [agent('Phone/1')] }));
    await s.finish();
  });

  test('calls over the connection that it registered on though its INVITE does not say which phone it is', async () => {
    const s = new Scenario(held);
    const alice = s.phone('alice');
    const contact = alice.contact;
    Object.defineProperty(alice, 'contact', { value: `${contact};+sip.instance="<urn:uuid:1>"`, configurable: true });
    await approved(s, alice);
    Object.defineProperty(alice, 'contact', { value: contact });
    await hangUp(await connect(s, alice, { uri: 'sip:600@pbx.test' }));
    await s.finish();
  });

  test.each([
    ['its User-Agent', '', [agent('Phone/1')]],
    ['its instance, over a connection that it did not register on', ';+sip.instance="<urn:uuid:1>"', []],
  ])('known by %s is asked for once in a call: what follows need not say who it is', async (_by, instance, fields) => {
    const s = new Scenario(held);
    const alice = s.phone('alice');
    const { contact } = alice;
    Object.defineProperty(alice, 'contact', { value: `${contact}${instance}`, configurable: true });
    expect((await alice.register([['Expires', '3600'], ...fields])).status).toBe(403);
    const id = s.devices.list()[0]?.id ?? '';
    s.devices.decide(id, 'approved', 'admin');
    const { call, leg } = await connect(s, alice, { uri: 'sip:600@pbx.test', fields });
    Object.defineProperty(alice, 'contact', { value: contact });
    await alice.send(call.request('OPTIONS', {}));
    expect(alice.takeResponse(200, 'OPTIONS').status).toBe(200);
    s.devices.decide(id, 'denied', 'admin');
    await alice.send(call.request('OPTIONS', {}));
    expect(alice.takeResponse(403, 'OPTIONS').headers.get('Reason')).toBe(reason);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that is called is known in that call by its registration', async () => {
    const s = new Scenario(held);
    const alice = s.phone('alice');
    await approved(s, alice);
    const { call, leg } = await connectFromPbx(s, alice);
    await alice.send(leg.request('OPTIONS', {}));
    expect(alice.takeResponse(200, 'OPTIONS').status).toBe(200);
    s.devices.decide(s.devices.list()[0]?.id ?? '', 'denied', 'admin');
    await alice.send(leg.request('OPTIONS', {}));
    expect(alice.takeResponse(403, 'OPTIONS').headers.get('Reason')).toBe(reason);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that is denied or forgotten is not called any more, and its calls go on', async () => {
    const s = new Scenario(held);
    const alice = s.phone('alice');
    await approved(s, alice);
    const [device] = s.devices.list();
    const running = await connect(s, alice, { uri: 'sip:600@pbx.test', fields: [agent('Phone/1')] });
    s.devices.decide(device?.id ?? '', 'denied', 'admin');
    await (await callFromPbx(s, 'alice')).takeRefusal(480);
    expect((await alice.register(known)).status).toBe(403);
    await hangUp(running);
    s.devices.forget(device?.id ?? '');
    expect((await alice.register(known)).status).toBe(403);
    expect(s.devices.list()).toMatchObject([{ state: 'pending' }]);
    await s.finish();
  });

  test('is approved by a right code of its own user, and by no wrong one', async () => {
    const asked: string[] = [];
    const s = new Scenario({
      ...held,
      judgeCode: (aor, code) => {
        asked.push(`${aor} ${code}`);
        return code === '123456' ? 'right' : 'wrong';
      },
    });
    const alice = s.phone('alice');
    expect((await alice.register(known)).status).toBe(403);
    const id = s.devices.list()[0]?.id ?? '';
    expect(s.devices.approveByCode(id, '000000')).toBe('wrong');
    expect((await alice.register(known)).status).toBe(403);
    expect(s.devices.approveByCode(id, '123456')).toMatchObject({ state: 'approved', decidedBy: 'alice@pbx.test' });
    expect((await alice.register(known)).status).toBe(200);
    expect(s.devices.approveByCode('none', '123456')).toBeUndefined();
    expect(asked).toEqual(['alice@pbx.test 000000', 'alice@pbx.test 123456']);
    await s.finish();
  });

  test('stays denied, whatever code its user has, and although it is registered when devices are learned', async () => {
    const s = new Scenario({ ...held, judgeCode: () => 'right' });
    const alice = s.phone('alice');
    await approved(s, alice);
    const id = s.devices.list()[0]?.id ?? '';
    s.devices.decide(id, 'denied', 'admin');
    expect(s.devices.approveByCode(id, '123456')).toBe('denied');
    const [live] = await s.registrar.live();
    if (live === undefined) throw new Error('expected a registration');
    expect(s.devices.admit(live.record, live.flow, 'device', 'admin')).toBeUndefined();
    expect(s.devices.list()).toMatchObject([{ id, state: 'denied', decidedBy: 'admin' }]);
    await s.finish();
  });

  test('reaches emergency services', async () => {
    const s = new Scenario(held);
    await hangUp(await connect(s, s.phone('alice'), { uri: 'sip:112@pbx.test' }));
    await s.finish();
    expect(s.devices.list()).toEqual([]);
  });

  test('of a user without second factor is nobody’s business', async () => {
    const s = new Scenario(held);
    await s.registered('bob');
    await s.finish();
    expect(s.devices.list()).toEqual([]);
  });

  test('with a client certificate of its user needs no approval; one of another user, or of a host, does', async () => {
    for (const [names, status] of [
      [['sip:alice@pbx.test'], 200],
      [['sip:bob@pbx.test'], 403],
      [['alice.pbx.test'], 403],
    ] as const) {
      const s = new Scenario(held);
      const alice = s.phone('alice');
      alice.flow = { ...alice.flow, peerNames: names };
      s.wire.connect(alice);
      expect((await alice.register(known)).status, names[0]).toBe(status);
      await s.finish();
    }
  });

  test('that comes from a forbidden zone is not even listed', async () => {
    const s = new Scenario({
      ...held,
      tables: `${held.tables ?? ''}\nzones = ["office"]\n[[zone]]\nname = "office"\nnetworks = ["192.0.2.0/24"]`,
    });
    expect((await s.phone('alice').register(known)).status).toBe(403);
    expect(s.devices.list()).toEqual([]);
    await s.finish();
  });

  test('transfers a call once it is approved, as its REFER came from it', async () => {
    const s = new Scenario({ ...held, tables: `${held.tables}\n[transfers]\nrefer = "handle"` });
    const alice = s.phone('alice');
    await approved(s, alice);
    const first = await connect(s, alice, { fields: [agent('Phone/1')] });
    const { leg: target } = await transfer(s, first);
    await target.hangUp();
    await first.leg.takeBye();
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual(['transferred', 'callee-hung-up']);
  });
});

describe('an attacker', () => {
  test('without the password makes nothing wait for approval', async () => {
    const s = new Scenario(held);
    const alice = s.phone('alice');
    const wrong = new DigestClient({ username: 'alice', password: 'guess' }, new SeededRandom(3));
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect((await alice.register([['Expires', '3600'], agent(`Phone/${attempt}`)], wrong)).status).toBe(401);
    }
    expect(s.devices.list()).toEqual([]);
    expect(s.alerts).toEqual([]);
    await s.finish();
  });

  test('with the password and a new device each time makes five wait, and the rest is refused without a trace', async () => {
    const s = new Scenario(held);
    const alice = s.phone('alice');
    for (let attempt = 0; attempt < 40; attempt += 1) {
      expect((await alice.register([['Expires', '3600'], agent(`Phone/${attempt}`)])).status).toBe(403);
    }
    expect(s.devices.list().length).toBe(5);
    expect(s.alerts.length).toBe(5);
    expect(s.bans.list()).toEqual([]);
    await s.finish();
  });
});
