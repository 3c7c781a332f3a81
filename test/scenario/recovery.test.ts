// A process that ends without a word, and the one that comes after it: calls go on, and each has one record.
import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../../src/sip/message/message.ts';
import { returnPatience } from '../../src/sip/user-agent/peer-return.ts';
import { FakeMediaPlane } from '../support/fake-media-plane.ts';
import { Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { type Connected, callFromPbx, connect, connectFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type PeerLeg } from '../support/scenario-peer.ts';
import { ScenarioPhone } from '../support/scenario-phone.ts';
import { downtime, legAt, Restarts, returned } from '../support/scenario-restarts.ts';
import { cryptoLine, cryptoOf, sdp } from '../support/scenario-sdp.ts';
import { stateOf, temporaryDirectory } from '../unit/store/stores.ts';

/** A BYE of a phone that the SBC does not know by its connection: it is challenged. */
async function hangUpAnew(phone: ScenarioPhone, leg: PeerLeg): Promise<void> {
  const first: SipRequest = await leg.send('BYE');
  const challenge = phone.takeResponse(401, 'BYE');
  const answer = phone.credentials.answer(first, challenge);
  if (!answer.ok) throw new Error(answer.error);
  await leg.send('BYE', { fields: [[answer.value.header, answer.value.value]] });
  phone.takeResponse(200, 'BYE');
}

async function running(s: Scenario): Promise<Connected> {
  const connected = await connect(s);
  await s.advance(7_000);
  return connected;
}

describe('after the process was killed', () => {
  test('a call runs on at the same ports, and the phone ends it over a new connection', async () => {
    const restarts = new Restarts();
    const first = restarts.start();
    const { phone, call, leg } = await running(first);
    const ports = first.media.open.map(({ endpoints }) => [...endpoints.values()]);
    const second = restarts.start(first);
    await second.settle();
    expect(second.b2bua.calls()).toMatchObject([{ state: 'connected', caller: 'alice@pbx.test' }]);
    expect(second.media.open.map(({ endpoints }) => [...endpoints.values()])).toEqual(ports);
    await second.advance(1_000);
    const back = returned(second, phone);
    await hangUpAnew(back, legAt(back, call));
    await legAt(second.pbx, leg).takeBye();
    expect(second.record).toMatchObject({ cause: 'caller-hung-up', duration: 7_000 + downtime + 1_000 });
    await second.finish();
  });

  // It had ended, and was recorded, where the process was killed before it had kept that.
  test('the record of a call that was taken up is looked for before it is written, that of a new one is not', async () => {
    const restarts = new Restarts();
    const first = restarts.start();
    const { phone, call, leg } = await running(first);
    const second = restarts.start(first);
    await second.settle();
    const back = returned(second, phone);
    await hangUpAnew(back, legAt(back, call));
    await legAt(second.pbx, leg).takeBye();
    await hangUp(await connect(second));
    expect(second.records).toHaveLength(2);
    expect(second.recordsAgain).toEqual([second.records[0]]);
    await second.finish();
  });

  test('the PBX ends it at once, and the phone hears so when it registers over a new connection', async () => {
    const restarts = new Restarts();
    const first = restarts.start();
    const bob = await first.registered('bob');
    const { call, leg } = await connectFromPbx(first, bob);
    await first.advance(2_000);
    const second = restarts.start(first);
    await second.settle();
    await legAt(second.pbx, call).hangUp();
    expect(second.record).toMatchObject({ cause: 'caller-hung-up', callee: { name: 'bob@pbx.test' } });
    await second.advance(20_000);
    const back = returned(second, bob);
    await back.startRegister();
    const bye = await legAt(back, leg).takeBye();
    back.takeResponse(200, 'REGISTER');
    expect(Number.parseInt(bye.headers.get('CSeq') ?? '', 10)).toBeGreaterThan(1);
    await second.finish();
  });

  test('a phone that does not come back is given up', async () => {
    const restarts = new Restarts();
    const first = restarts.start();
    const { call } = await connectFromPbx(first, await first.registered('bob'));
    const second = restarts.start(first);
    await second.settle();
    await legAt(second.pbx, call).hangUp();
    await second.advance(returnPatience - 1_000);
    expect(second.userAgent.dialogs).toBe(1);
    await second.advance(1_500);
    expect(second.userAgent.dialogs).toBe(0);
    await second.finish();
  });

  test('it is counted against the caps of its user until it ends', async () => {
    const restarts = new Restarts({ limits: 'concurrent_calls = 1' });
    const first = restarts.start();
    const { phone, leg } = await running(first);
    const second = restarts.start(first);
    await second.settle();
    const back = returned(second, phone);
    const refused = await back.invite('601');
    await refused.takeRefusal(486);
    await legAt(second.pbx, leg).hangUp();
    back.takeAll();
    await second.advance(1_000);
    await hangUp(await connect(second, back));
    expect(second.records.map(({ cause }) => cause)).toEqual(['refused', 'callee-hung-up', 'caller-hung-up']);
    await second.finish();
  });

  test('what the PBX places for its user under its Session-ID is charged to this user still, once', async () => {
    const restarts = new Restarts({ limits: 'concurrent_calls = 1' });
    const first = restarts.start();
    const fields: readonly (readonly [string, string])[] = [
      ['Session-ID', `${'0123456789abcdef'.repeat(2)};remote=${'0'.repeat(32)}`],
    ];
    const { leg: dialled } = await connect(first, first.phone('alice'), { fields });
    await first.advance(1_000);
    const second = restarts.start(first);
    await second.settle();
    const carrier = second.carrier();
    const place = async () =>
      second.pbx.call({ uri: 'sip:+442071838750@10.0.0.10:5060', from: '<sip:100@pbx.test>', fields, body: pbxSdp() });
    const call = await place();
    const leg = CalleeLeg.take(carrier);
    await leg.answer(
      sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77, cryptoOf(leg.invite.body)?.tag) }),
    );
    await call.takeAnswer();
    leg.takeAck();
    await (await place()).takeRefusal(486);
    await hangUp({ call, leg });
    await legAt(second.pbx, dialled).hangUp();
    const charge = { rule: 'charge', input: 'Session-ID', answer: 'user alice@pbx.test' };
    expect(second.records[0]?.trace).toContainEqual(charge);
    expect(second.records[1]?.trace).toContainEqual(charge);
    await second.finish();
  });

  test('it ends when its longest duration is over, the time without a process included', async () => {
    const restarts = new Restarts({ limits: 'max_call_duration = "60s"' });
    const first = restarts.start();
    const { leg } = await running(first);
    const second = restarts.start(first);
    await second.advance(60_000 - 7_000 - downtime - 500);
    second.pbx.expectNothing();
    await second.advance(500);
    await legAt(second.pbx, leg).takeBye();
    expect(second.record).toMatchObject({ cause: 'duration-limit', duration: 60_000 });
    await second.finish();
  });

  test('a call whose media cannot go on ends on both sides, with a record that says so', async () => {
    const restarts = new Restarts();
    const first = restarts.start();
    const bob = await first.registered('bob');
    const { call, leg } = await connectFromPbx(first, bob);
    await first.advance(1_000);
    const media = new FakeMediaPlane();
    media.failures.set('resume-session', 'no-ports');
    const second = restarts.start(first, { media });
    await second.settle();
    const bye = await legAt(second.pbx, call).takeBye();
    expect(bye.headers.get('Reason')).toBe('Q.850;cause=41;text="Call lost in a restart"');
    const back = returned(second, bob);
    await back.startRegister();
    await legAt(back, leg).takeBye();
    back.takeResponse(200, 'REGISTER');
    expect(second.record).toMatchObject({ cause: 'lost', attempts: [{ outcome: 'answered' }] });
    await second.finish({ errors: ['call-lost'] });
  });

  test('a call that still rang has its record', async () => {
    const restarts = new Restarts();
    const first = restarts.start();
    await first.phone('alice').invite('600');
    const second = restarts.start(first);
    await second.settle();
    expect(second.record).toMatchObject({
      cause: 'lost',
      status: 500,
      answeredAt: undefined,
      duration: 0,
      dialled: '600',
    });
    await second.finish();
  });

  test('a call that had just ended has its record, and is not taken up', async () => {
    const restarts = new Restarts();
    const first = restarts.start();
    await hangUp(await running(first));
    const second = restarts.start(first);
    await second.settle();
    expect(second.record).toEqual(JSON.parse(JSON.stringify(first.record)));
    expect(second.b2bua.active).toBe(0);
    await second.finish();
    await restarts.start(second).finish();
  });

  test('a second crash, before the phone was back, changes nothing', async () => {
    const restarts = new Restarts();
    const first = restarts.start();
    const bob = await first.registered('bob');
    const { call, leg } = await connectFromPbx(first, bob);
    const second = restarts.start(first);
    await second.advance(5_000);
    const third = restarts.start(second);
    await third.settle();
    const back = returned(third, bob);
    await back.register();
    await legAt(third.pbx, call).hangUp();
    await legAt(back, leg).takeBye();
    expect(third.record).toMatchObject({ cause: 'caller-hung-up', duration: 5_000 + 2 * downtime });
    await third.finish();
  });

  test('two calls go on side by side, each with a record of its own', async () => {
    const restarts = new Restarts();
    const first = restarts.start();
    const one = await connect(first);
    const two = await connect(first, first.phone('carol', '198.51.100.3'));
    const second = restarts.start(first);
    await second.settle();
    expect(second.b2bua.active).toBe(2);
    await legAt(second.pbx, two.leg).hangUp();
    expect(second.record.caller.name).toBe('carol@pbx.test');
    await legAt(second.pbx, one.leg).hangUp();
    expect(second.records.map(({ caller }) => caller.name)).toEqual(['carol@pbx.test', 'alice@pbx.test']);
    await second.finish();
  });
});

describe('after the process was killed, too,', () => {
  const trunk = 'username = "acme"\npassword_env = "CARRIER_PASSWORD"\nrealm = "carrier.example"';
  const datagrams = `
[[network]]
name = "open"
media = [{ address = "192.0.2.2" }]
encryption = "off"
[[listener]]
name = "datagrams"
network = "open"
transport = "udp"
address = "192.0.2.1:5060"
`;
  const challenge = 'Digest realm="carrier.example", nonce="n-1", qop="auth", algorithm=SHA-256';

  test('a trunk that challenges the BYE gets our credentials', async () => {
    const restarts = new Restarts({ trunk, routes: '[[route]]\nfrom = "user"\nvia = "trunk:carrier"\n' });
    const first = restarts.start();
    const carrier = first.carrier();
    const call = await first.phone('alice').invite('+442071838750');
    const leg = CalleeLeg.take(carrier);
    await leg.answer(
      sdp({ address: '198.51.100.70', port: 40_000, crypto: cryptoLine(77, cryptoOf(leg.invite.body)?.tag) }),
    );
    await call.takeAnswer();
    leg.takeAck();
    const second = restarts.start(first);
    const at = second.carrier();
    await second.settle();
    const back = returned(second, first.phone('alice'));
    await hangUpAnew(back, legAt(back, call));
    const there = legAt(at, leg);
    await there.respond(at.takeRequest('BYE'), 401, { fields: [['WWW-Authenticate', challenge]] });
    const bye = await there.takeBye();
    expect(bye.headers.get('Authorization')).toContain('username="acme"');
    expect(second.record).toMatchObject({ cause: 'caller-hung-up' });
    await second.finish();
  });

  test('a phone that registered by datagrams is reached where it is', async () => {
    const restarts = new Restarts({ more: datagrams });
    const first = restarts.start();
    const remote = { address: '198.51.100.7', port: 5060 };
    const at = (s: Scenario): ScenarioPhone => {
      const phone = new ScenarioPhone({
        name: 'bob',
        wire: s.wire,
        flow: s.wire.flow('datagrams', remote, 1),
        settle: s.settle,
      });
      s.wire.connect(phone);
      return phone;
    };
    await at(first).register();
    const second = restarts.start(first);
    await second.registrar.takeUp();
    expect(second.registrar.flows).toBe(1);
    const phone = at(second);
    const call = await callFromPbx(second, 'bob');
    const leg = CalleeLeg.take(phone);
    await leg.answer(sdp({ address: remote.address, port: 40_000 }));
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await second.advance(3_600_000);
    expect(await second.registrar.reachable('bob@pbx.test')).toEqual([]);
    await second.finish();
  });

  test('minutes that a call talks go to its budget, before and after', async () => {
    const tables = '[[limit]]\nname = "day"\nper = "user"\nminutes_per_day = 10\n';
    const restarts = new Restarts({ tables });
    const first = restarts.start();
    const { leg } = await running(first);
    const second = restarts.start(first);
    await second.settle();
    expect(second.reservations.held()).toBeGreaterThan(0);
    await second.advance(60_000);
    await legAt(second.pbx, leg).hangUp();
    await second.advance(3_000);
    const third = restarts.start(second);
    await third.settle();
    const { call } = await connect(third, third.phone('alice'));
    await third.advance(600_000 - 7_000 - downtime - 60_000 - 1_000);
    third.pbx.expectNothing();
    await third.advance(2_000);
    expect(third.record).toMatchObject({ cause: 'duration-limit' });
    expect(call.state.callId).not.toBe('');
  });
});

describe('what is kept', () => {
  test('is written when something has changed, and gone soon after the end', async () => {
    const { calls, locations } = stateOf(temporaryDirectory());
    const writes: string[] = [];
    const watched: ScenarioOptions['state'] = {
      locations,
      calls: {
        run: calls.run,
        load: () => calls.load(),
        write: (put, remove) => {
          writes.push(`${put.length} put, ${remove.length} removed`);
          calls.write(put, remove);
        },
      },
    };
    const s = new Scenario({ state: watched });
    const connected = await connect(s);
    await s.advance(1_000);
    writes.splice(0);
    await s.advance(10_000);
    expect(writes).toEqual([]);
    await connected.call.send('OPTIONS');
    connected.phone.takeAll();
    await s.advance(1_000);
    expect(writes).toEqual(['1 put, 0 removed']);
    await hangUp(connected);
    expect(writes.at(-1)).toBe('1 put, 0 removed');
    await s.advance(3_000);
    expect(writes.at(-1)).toBe('0 put, 1 removed');
    expect(calls.load()).toEqual({ calls: [], unreadable: [] });
    await s.finish();
  });
});
