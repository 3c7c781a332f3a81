// Attended transfer where the two calls of the referrer are calls of different nodes of a site, which may be processes of one machine: the one asks
// the other to replace its half.
import { describe, expect, test } from 'vitest';
import { type Connected, connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { type Nodes, twoNodes } from '../support/scenario-nodes.ts';
import { CalleeLeg, type Field, type PeerLeg } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

const tables = '[transfers]\nrefer = "handle"';

/** Replaces for whoever receives it: our tag is the To-tag. */
function replaces({ state }: PeerLeg): string {
  return `${state.callId};to-tag=${state.remoteTag};from-tag=${state.localTag}`;
}

function referTo(value: string, number = '601'): { readonly fields: readonly Field[] } {
  return { fields: [['Refer-To', `<sip:${number}@pbx.test?Replaces=${encodeURIComponent(value)}>`]] };
}

async function takeProgress({ phone, call }: Pick<Connected, 'phone' | 'call'>): Promise<string> {
  const notify = phone.takeRequest('NOTIFY');
  await call.respond(notify, 200);
  return Buffer.from(notify.body).toString().trim();
}

/** Alice has a call at each. */
async function aCallAtEach({ one, two }: Nodes): Promise<readonly [Connected, Connected]> {
  return [await connect(one), await elsewhere({ two })];
}

async function elsewhere(
  { two }: Pick<Nodes, 'two'>,
  phone: ScenarioPhone = two.phone('alice', '198.51.100.9'),
): Promise<Connected> {
  const call = await phone.invite('601');
  const leg = CalleeLeg.take(two.pbx, 'second-tag');
  await leg.answer(pbxSdp({ port: 31_000 }));
  await call.takeAnswer();
  leg.takeAck();
  return { phone, call, leg };
}

/** The half at the other process is asked for its media, then that of the first call. */
async function join({ one, two }: Nodes, first: PeerLeg, second: PeerLeg): Promise<void> {
  const asked = two.pbx.takeRequest('INVITE');
  expect(asked.headers.get('Call-ID')).toBe(second.state.callId);
  expect(asked.body).toHaveLength(0);
  await second.respond(asked, 200, { body: pbxSdp({ port: 31_000, version: 2 }) });
  await one.settle();
  const reinvite = one.pbx.takeRequest('INVITE');
  expect(reinvite.headers.get('Call-ID')).toBe(first.state.callId);
  await first.respond(reinvite, 200, { body: pbxSdp({ version: 2 }) });
  first.takeAck();
  await two.settle();
  expect(second.takeAck().body.length).toBeGreaterThan(0);
}

describe.each([
  ['process', true],
  ['machine', false],
])('a REFER with Replaces that names a call of another %s', (_name, areProcesses) => {
  const processes = { tables, areProcesses };

  test('joins the far halves, and ends the calls that they were in', async () => {
    const nodes = twoNodes(processes);
    const { one, two, finish } = nodes;
    const [first, second] = await aCallAtEach(nodes);
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    expect(await takeProgress(first)).toBe('SIP/2.0 100 Trying');
    await join(nodes, first.leg, second.leg);
    await second.call.takeBye();
    expect(await takeProgress(first)).toBe('SIP/2.0 200 OK');
    await first.call.takeBye();
    expect([one.b2bua.active, two.b2bua.active]).toEqual([1, 1]);
    await first.leg.hangUp();
    await second.leg.takeBye();
    await finish();
    expect(one.records.map(({ cause }) => cause)).toEqual(['transferred', 'caller-hung-up']);
    expect(two.records.map(({ cause }) => cause)).toEqual(['transferred', 'caller-hung-up']);
    expect(one.records[1]).toMatchObject({ caller: { kind: 'user', name: 'alice@pbx.test' } });
    // What was called there is what it is there, whatever the Refer-To says.
    expect(two.records[1]).toMatchObject({ caller: { kind: 'pbx', name: 'node:one' }, canonical: '601' });
  });

  test('is counted for the referrer, who may have all slots in use, and gives them back', async () => {
    const nodes = twoNodes({ ...processes, limits: 'concurrent_calls = 2' });
    const { one, two, finish } = nodes;
    const [first, second] = await aCallAtEach(nodes);
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    await join(nodes, first.leg, second.leg);
    await second.call.takeBye();
    await takeProgress(first);
    await first.call.takeBye();
    // What was joined is one call of hers.
    const another = await connect(one);
    const refused = await two.phone('alice', '198.51.100.10').invite('600');
    await refused.takeRefusal(486);
    await hangUp(another);
    await second.leg.hangUp();
    await first.leg.takeBye();
    await finish();
  });

  test('is no matter of where the other process is: that was asked of the referrer with its REFER', async () => {
    const office = '203.0.113.70';
    const zone = '[[zone]]\nname = "office"\nnetworks = ["203.0.113.0/24"]\n';
    const nodes = twoNodes({ areProcesses: true, alice: 'zones = ["office"]', tables: `${tables}\n${zone}` });
    const { one, two, finish } = nodes;
    const first = await connect(one, one.phone('alice', office));
    const second = await elsewhere(nodes, two.phone('alice', office));
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    await join(nodes, first.leg, second.leg);
    await second.call.takeBye();
    expect(await takeProgress(first)).toBe('SIP/2.0 200 OK');
    await first.call.takeBye();
    await first.leg.hangUp();
    await second.leg.takeBye();
    await finish();
  });

  test('is for the detection of fraud a call to what was called there, and no call to what the Refer-To says', async () => {
    const fraud = `
[numbers]
country = "GB"
extensions = ["6xx"]
[fraud]
mode = "active"
[[fraud.rule]]
name = "watch"
kind = "foreign-calls"
act = 1
actions = ["refuse-all"]
`;
    const nodes = twoNodes({ ...processes, tables: `${processes.tables}${fraud}` });
    const { one, two, finish } = nodes;
    const [first, second] = await aCallAtEach(nodes);
    await first.call.send('REFER', referTo(replaces(second.call), '+33142685300'));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    await join(nodes, first.leg, second.leg);
    await second.call.takeBye();
    await takeProgress(first);
    await first.call.takeBye();
    await first.leg.hangUp();
    await second.leg.takeBye();
    await finish();
    expect([...one.alerts, ...two.alerts]).toEqual([]);
    expect(two.records[1]).toMatchObject({ canonical: '601' });
  });

  test('fails where it is not the referrer who has that call, and nothing is asked of anybody', async () => {
    const nodes = twoNodes(processes);
    const { one, two, finish } = nodes;
    const first = await connect(one);
    const ofBob = await elsewhere(nodes, two.phone('bob', '198.51.100.9'));
    await first.call.send('REFER', referTo(replaces(ofBob.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    await one.settle();
    expect(await takeProgress(first)).toBe('SIP/2.0 500 Server Internal Error');
    two.pbx.expectNothing();
    await hangUp(ofBob);
    await hangUp(first);
    await finish();
  });

  test('leaves both calls as they were where the half there takes no part', async () => {
    const nodes = twoNodes(processes);
    const { one, two, finish } = nodes;
    const [first, second] = await aCallAtEach(nodes);
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    await second.leg.respond(two.pbx.takeRequest('INVITE'), 488);
    second.leg.takeAck();
    await one.settle();
    expect(await takeProgress(first)).toBe('SIP/2.0 488 Not Acceptable Here');
    expect([one, two].map(({ b2bua }) => b2bua.calls().map(({ state }) => state))).toEqual([
      ['connected'],
      ['connected'],
    ]);
    await hangUp(second);
    await hangUp(first);
    await finish();
  });

  test('fails when the other process says nothing, and the call that it came in goes on', async () => {
    const nodes = twoNodes(processes);
    const { one, finish } = nodes;
    const [first, second] = await aCallAtEach(nodes);
    one.wire.loses = (direction, message) =>
      direction === 'to' && message.kind === 'request' && message.headers.has('Replaces');
    await first.call.send('REFER', referTo(replaces(second.call)));
    first.phone.takeResponse(202, 'REFER');
    await takeProgress(first);
    await one.advance(3_000);
    expect(await takeProgress(first)).toMatch(/^SIP\/2.0 (408|480|503)/);
    await hangUp(second);
    await hangUp(first);
    await finish();
    // One record each, of the attempt and of the call that it came out of.
    const [attempt, call] = one.records;
    expect(one.records.map(({ cause }) => cause)).toEqual(['failed', 'caller-hung-up']);
    expect(attempt?.transferOf).toBe(call?.callId);
  });
});

test('an emergency number is no way past the zones of a user to its call at another process', async () => {
  const zone = '[numbers]\ncountry = "GB"\n[[zone]]\nname = "office"\nnetworks = ["203.0.113.0/24"]\n';
  const nodes = twoNodes({ areProcesses: true, alice: 'zones = ["office"]', tables: `${tables}\n${zone}` });
  const { one, two, finish } = nodes;
  const ofAlice = await elsewhere(nodes, two.phone('alice', '203.0.113.70'));
  const fields: Field[] = [['Replaces', replaces(ofAlice.call)]];
  const call = await one.phone('alice', '198.51.100.7').invite('112', { fields });
  await call.takeRefusal(403);
  two.pbx.expectNothing();
  await hangUp(ofAlice);
  await finish();
  expect(one.records).toMatchObject([{ refusal: { code: 'zone-denied' } }]);
});

test('an INVITE with Replaces of a phone that names a call of its user at another machine takes its place there', async () => {
  const nodes = twoNodes({ tables });
  const { one, two, finish } = nodes;
  const second = await elsewhere(nodes);
  const fields: Field[] = [['Replaces', replaces(second.call)]];
  const call = await one.phone('alice', '198.51.100.7').invite('601', { fields });
  await two.settle();
  const asked = two.pbx.takeRequest('INVITE');
  expect(asked.headers.get('Call-ID')).toBe(second.leg.state.callId);
  await second.leg.respond(asked, 200, { body: pbxSdp({ port: 31_000, version: 2 }) });
  second.leg.takeAck();
  await one.settle();
  await call.takeAnswer();
  await second.call.takeBye();
  one.pbx.expectNothing();
  expect([one.b2bua.active, two.b2bua.active]).toEqual([1, 1]);
  await call.hangUp();
  await second.leg.takeBye();
  await finish();
});

test('a phone that says on whose behalf it asks is asked who it is, like any other', async () => {
  const nodes = twoNodes({ tables, areProcesses: true });
  const { two, finish } = nodes;
  const ofAlice = await elsewhere(nodes);
  const fields: Field[] = [
    ['Replaces', replaces(ofAlice.call)],
    ['X-Sbc-On-Behalf', 'alice@pbx.test'],
  ];
  const call = await two.phone('bob', '198.51.100.7').invite('601', { fields });
  await call.takeRefusal(481);
  two.pbx.expectNothing();
  await hangUp(ofAlice);
  await finish();
});
