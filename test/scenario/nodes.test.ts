// Several active nodes of one site: a phone is called through the node that holds its flow, and what caps count they count together.
import { describe, expect, test } from 'vitest';
import { callFromPbx, connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { twoNodes } from '../support/scenario-nodes.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';

describe('a call to a phone that is registered at another node', () => {
  test('goes there, is answered, and ends from either side with a record at each node', async () => {
    const { one, two, finish } = twoNodes();
    const bob = await two.registered('bob');
    for (const ends of ['caller', 'callee'] as const) {
      const call = await callFromPbx(one, 'bob');
      const leg = CalleeLeg.take(bob);
      await leg.answer(bob.answer(leg.invite.body));
      await call.takeAnswer();
      leg.takeAck();
      expect([one.b2bua.active, two.b2bua.active]).toEqual([1, 1]);
      if (ends === 'caller') await hangUp({ call, leg });
      else {
        await leg.hangUp();
        await call.takeBye();
      }
    }
    const causes = ['caller-hung-up', 'callee-hung-up'];
    expect(one.records.map(({ cause }) => cause)).toEqual(causes);
    expect(two.records.map(({ cause }) => cause)).toEqual(causes);
    expect(one.records[0]).toMatchObject({ caller: { kind: 'pbx', name: 'main' }, callee: { name: 'bob@pbx.test' } });
    expect(two.records[0]).toMatchObject({
      caller: { kind: 'pbx', name: 'node:one' },
      callee: { name: 'bob@pbx.test' },
    });
    await finish();
  });

  test('is counted and listed by the node where it came in, and known by that name at the other one', async () => {
    const { one, two, finish } = twoNodes();
    const bob = await two.registered('bob');
    const call = await callFromPbx(one, 'bob');
    const leg = CalleeLeg.take(bob);
    expect(leg.invite.headers.get('X-Sbc-Call')).toBeUndefined();
    await leg.answer(bob.answer(leg.invite.body));
    await call.takeAnswer();
    leg.takeAck();
    const [[whole], [half]] = [one.b2bua.calls(), two.b2bua.calls()];
    expect(whole?.halfOf).toBeUndefined();
    expect(half?.halfOf).toEqual({ node: 'one', call: whole?.id });
    expect([one.b2bua.relayed, two.b2bua.relayed]).toEqual([0, 1]);
    expect((await two.b2bua.detail(whole?.id ?? ''))?.call.id).toBe(half?.id);
    expect(await two.metrics.text()).toMatch(/^sbc_calls_active 0$.*^sbc_calls_relayed_active 1$/ms);
    await hangUp({ call, leg });
    expect([one.record.halfOf, two.record.halfOf?.call]).toEqual([undefined, whole?.id]);
    await finish();
  });

  test('is no half where a peer of ours alone says so', async () => {
    const { two, finish } = twoNodes();
    const bob = await two.registered('bob');
    const call = await two.pbx.call({
      uri: 'sip:bob@10.0.0.10:5060',
      from: '<sip:100@pbx.test>',
      body: pbxSdp(),
      fields: [['X-Sbc-Call', '0011223344556677']],
    });
    expect(two.b2bua.calls()[0]?.halfOf).toBeUndefined();
    const leg = CalleeLeg.take(bob);
    await leg.answer(bob.answer(leg.invite.body));
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await finish();
  });

  test('shows who calls, and is decided and counted once: by the node where it came in', async () => {
    const { one, two, finish } = twoNodes({ limits: 'concurrent_calls = 1' });
    const bob = await two.registered('bob');
    const call = await callFromPbx(one, 'bob');
    const leg = CalleeLeg.take(bob);
    expect(leg.invite.headers.get('From')).toContain('"Reception" <sip:100@pbx.test>');
    await leg.answer(bob.answer(leg.invite.body));
    await call.takeAnswer();
    leg.takeAck();
    const second = await callFromPbx(two, 'bob', two.pbx);
    await second.takeRefusal(486);
    await hangUp({ call, leg });
    await two.settle();
    expect(two.records.map(({ refusal }) => refusal?.code)).toEqual(['user-cap', undefined]);
    await finish();
  });

  test('rings phones of both nodes, and the first that answers has it', async () => {
    const { one, two, finish } = twoNodes();
    const [here, there] = [await one.registered('bob'), await two.registered('bob', '198.51.100.9')];
    const call = await callFromPbx(one, 'bob');
    const [near, far] = [CalleeLeg.take(here), CalleeLeg.take(there)];
    await near.ring();
    await far.ring();
    one.pbx.takeResponse(180);
    await far.answer(there.answer(far.invite.body));
    await call.takeAnswer();
    far.takeAck();
    await near.takeCancel();
    await hangUp({ call, leg: far });
    await finish();
  });

  test('is not passed on by a node that does not hold the phone any more', async () => {
    const { one, two, state, finish } = twoNodes();
    const bob = await two.registered('bob');
    const [binding] = state.bindings.get('bob@pbx.test')?.values() ?? [];
    if (binding === undefined) throw new Error('no binding');
    two.wire.cut(bob.flow);
    await two.settle();
    // Nobody told the first node, as when the store did not answer.
    state.bindings.set('bob@pbx.test', new Map([[binding.record.key, binding]]));
    const call = await callFromPbx(one, 'bob');
    await call.takeRefusal(480);
    expect(two.record.refusal?.code).toBe('not-registered');
    await finish();
  });

  test('fails soon when the other node says nothing, and another phone has it', async () => {
    const { one, two, finish } = twoNodes();
    const here = await one.registered('bob');
    await two.registered('bob', '198.51.100.9');
    one.wire.loses = (direction, message) =>
      direction === 'to' && message.kind === 'request' && message.uri === 'sip:bob@pbx.test';
    const call = await callFromPbx(one, 'bob');
    const near = CalleeLeg.take(here);
    await near.ring();
    await one.advance(3_000);
    one.pbx.takeResponse(180);
    await near.answer(here.answer(near.invite.body));
    await call.takeAnswer();
    near.takeAck();
    expect(one.b2bua.calls()).toHaveLength(1);
    await hangUp({ call, leg: near });
    expect(one.record.attempts.map(({ outcome }) => outcome).toSorted()).toEqual(['answered', 'failed'].toSorted());
    await finish();
  });
});

describe('phones of two nodes', () => {
  test('call each other through the PBX', async () => {
    const { one, two, finish } = twoNodes();
    const bob = await two.registered('bob');
    // Alice's node calls the PBX, which calls Bob at Alice's node.
    const outer = await connect(one);
    const call = await callFromPbx(one, 'bob');
    const leg = CalleeLeg.take(bob);
    await leg.answer(bob.answer(leg.invite.body));
    await call.takeAnswer();
    leg.takeAck();
    expect([one.b2bua.active, two.b2bua.active]).toEqual([2, 1]);
    await hangUp({ call, leg });
    await hangUp(outer);
    await finish();
  });

  test('a user registered at both is one user: what a call at one node holds, the other does not give', async () => {
    const { one, two, finish } = twoNodes({ limits: 'concurrent_calls = 1' });
    const running = await connect(one);
    const refused = await two.phone('alice', '198.51.100.9').invite('600');
    await refused.takeRefusal(486);
    await hangUp(running);
    await hangUp(await connect(two, two.phone('alice', '198.51.100.9')));
    await finish();
  });

  test('a phone that moves from one node to the other is called at the new one only', async () => {
    const { one, two, finish } = twoNodes();
    const before = await one.registered('bob');
    const after = await two.registered('bob', before.flow.remote.address);
    // The phone goes on counting; this one began anew.
    await after.register();
    one.wire.cut(before.flow);
    await one.settle();
    const call = await callFromPbx(one, 'bob');
    const leg = CalleeLeg.take(after);
    await leg.answer(after.answer(leg.invite.body));
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await finish();
  });
});

test('a node that drains loses no call: those that run end in their time, new ones ring elsewhere', async () => {
  const { one, two, finish } = twoNodes();
  const there = await two.registered('bob', '198.51.100.9');
  const call = await callFromPbx(one, 'bob');
  const leg = CalleeLeg.take(there);
  await leg.answer(there.answer(leg.invite.body));
  await call.takeAnswer();
  leg.takeAck();
  const drained = two.b2bua.drain();
  const here = await one.registered('bob');
  const next = await callFromPbx(one, 'bob');
  const near = CalleeLeg.take(here);
  await near.answer(here.answer(near.invite.body));
  await next.takeAnswer();
  near.takeAck();
  await hangUp({ call, leg });
  await drained;
  await hangUp({ call: next, leg: near });
  expect(two.records.map(({ refusal, cause }) => refusal?.code ?? cause)).toEqual(['draining', 'caller-hung-up']);
  await finish();
});
