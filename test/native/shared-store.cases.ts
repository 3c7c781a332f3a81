// Nodes that share a real Redis, in processes of their own: one takes over from one that is killed, caps hold over all of them, and
// a Redis that goes away and comes back costs no call.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Phone } from '../support/phone.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { statusOf, withNodes } from './support/node-case.ts';
import { SharedNodes } from './support/shared-nodes.ts';

/** From the kill until audio is heard through the process that stood by. On a machine with more work than cores; see docs/operations.md. */
const longestSilence = 5_000;

export const cases: readonly NativeCase[] = [
  {
    name: 'a process that stands by takes over from one that is killed: audio, one call slot, BYE from both sides, a record each',
    limitMs: 90_000,
    run: () => withNodes(takeOver),
  },
  {
    name: 'a process that is told takes over from one that lives, which ends without a word',
    limitMs: 90_000,
    run: () => withNodes(takeOverFromTheLiving),
  },
  {
    name: 'the process of a pair that crashes is started again by its supervisor, and is the node again at once',
    limitMs: 90_000,
    run: () => withNodes(againHere),
  },
  {
    name: 'an upgrade passes the node on, and where the successor dies as the node the one before is it again: calls, one slot, records',
    limitMs: 120_000,
    run: () => withNodes(upgraded),
  },
  {
    name: 'while Redis is away calls go on and new ones are refused, and all is as before when it is back, empty',
    limitMs: 90_000,
    run: () => withNodes(lossAndReturn),
  },
  {
    name: 'caps hold over two nodes, and what a dead one held is free when its lease is over',
    limitMs: 90_000,
    run: () => withNodes(sharedCaps),
  },
];

async function takeOver(nodes: SharedNodes): Promise<void> {
  const ports = await SharedNodes.ports();
  const pair = { node: 'edge', limits: 'concurrent_calls = 1' };
  const active = await nodes.start(pair, ports);
  const standby = await nodes.start(pair, ports, { standsBy: true });
  const [alice, bob] = [await nodes.phone('alice', ports), await nodes.phone('bob', ports)];
  checkEqual([await alice.register(), await bob.register()], [200, 200], 'registrations');
  const dialling = alice.call('bob');
  const bobsEnd = await (await bob.nextCall()).answer();
  const alicesEnd = await dialling.answered;
  await Promise.all([alicesEnd.talk(25), bobsEnd.talk(25)]);
  check(alicesEnd.heard.packets > 0 && bobsEnd.heard.packets > 0, 'nothing was heard before the kill');

  const began = performance.now();
  await active.kill();
  const silence = await heardAgain([alicesEnd, bobsEnd], began);
  await standby.until('ready');
  console.log(`heard after ${Math.round(silence)} ms`);
  checkEqual(
    [alicesEnd, bobsEnd].map(({ heard }) => heard.unusable),
    [0, 0],
    'packets that could not be read',
  );
  check(silence < longestSilence, `heard after ${silence} ms`);

  // The slot of the call is still Alice's only one.
  checkEqual([await alice.register(), await bob.register()], [200, 200], 'registrations afterwards');
  checkEqual(await statusOf(alice.call('carol')), 486, 'a second call');
  await alicesEnd.hangUp();
  checkEqual((await bobsEnd.ended).cause, 'bye', 'end at the callee');
  checkEqual(await standby.stop(), 0, 'exit code');
  const causes = standby.records().map(({ cause }) => String(cause));
  checkEqual(causes.toSorted(), ['caller-hung-up', 'caller-hung-up', 'refused'], 'records');
}

async function takeOverFromTheLiving(nodes: SharedNodes): Promise<void> {
  const ports = await SharedNodes.ports();
  const active = await nodes.start({ node: 'edge' }, ports);
  // It cannot bind what the other one still has: the program of a real pair has moved the address by then.
  const elsewhere = { ...(await SharedNodes.ports()), media: ports.media };
  const standby = await nodes.start({ node: 'edge', more: '[cluster]\ntakeover = "told"' }, elsewhere, {
    standsBy: true,
  });
  const told = await standby.admin.takeover();
  checkEqual(told.ok && told.value, 'taking-over', 'what a process that stands by says');
  await standby.until('ready');
  await active.until('node-replaced');
  check((await active.ended()) !== null, 'the other one did not end by itself');
  const again = await standby.admin.takeover();
  checkEqual(again.ok && again.value, 'active', 'what the node says');
}

async function againHere(nodes: SharedNodes): Promise<void> {
  const ports = await SharedNodes.ports();
  // Told by nobody: it may not wait for that.
  const options = { node: 'edge', more: '[cluster]\ntakeover = "told"' };
  const node = await nodes.start(options, ports, { standsBy: true, isSupervised: true });
  checkEqual((await node.admin.takeover()).ok, true, 'a takeover');
  const { pid } = await node.until('process-ready');
  const alice = await nodes.phone('alice', ports);
  await registers(alice);
  const call = await alice.call('600').answered;
  await call.talk(25);
  const from = node.log.length;
  process.kill(Number(pid), 'SIGKILL');
  await heardAgain([call], performance.now());
  checkEqual((await node.until('taking-over', from))['by'], 'again', 'how it became the node');
  await registers(alice);
  await call.hangUp();
  checkEqual(await node.stop(), 0, 'exit code');
  checkEqual(
    node.records().map(({ cause }) => String(cause)),
    ['caller-hung-up'],
    'records',
  );
}

async function upgraded(nodes: SharedNodes): Promise<void> {
  const ports = await SharedNodes.ports();
  const options = { node: 'edge', limits: 'concurrent_calls = 1' };
  const node = await nodes.start(options, ports, { isSupervised: true, isMortal: true });
  const { pid: first } = await node.until('process-ready');
  const [alice, bob] = [await nodes.phone('alice', ports), await nodes.phone('bob', ports)];
  checkEqual([await alice.register(), await bob.register()], [200, 200], 'registrations');
  const dialling = alice.call('bob');
  const bobsEnd = await (await bob.nextCall()).answer();
  const alicesEnd = await dialling.answered;
  const ends = [alicesEnd, bobsEnd];
  await Promise.all(ends.map((end) => end.talk(25)));
  // The store is told that the successor is the node, and that one ends before it has the calls, or when it has their media.
  for (const step of ['loaded', 'ready'] as const) {
    const from = node.log.length;
    node.diesAt = step;
    node.upgrade();
    await node.until('upgrade-failed', from);
    await heardAgain(ends, performance.now());
    await node.until('handover-failed', from);
    await registers(alice);
    checkEqual(await statusOf(alice.call('carol')), 486, `a second call after a successor died at ${step}`);
  }
  node.diesAt = undefined;
  const from = node.log.length;
  node.upgrade();
  const { to } = await node.until('upgraded', from);
  check(to !== first, 'the same process serves');
  await heardAgain(ends, performance.now());
  await registers(alice);
  await registers(bob);
  checkEqual(await statusOf(alice.call('carol')), 486, 'a second call after the upgrade');
  checkEqual(
    ends.map(({ heard }) => heard.unusable),
    [0, 0],
    'packets that could not be read',
  );
  await alicesEnd.hangUp();
  checkEqual((await bobsEnd.ended).cause, 'bye', 'end at the callee');
  checkEqual(await statusOf(alice.call('600')), 200, 'a call when the first one is over');
  checkEqual(await node.stop(), 0, 'exit code');
  checkEqual(
    node.log.filter(({ event }) => event === 'node-replaced').length,
    0,
    'nodes that found themselves replaced',
  );
  const causes = node.records().map(({ cause }) => String(cause));
  const expected = [
    ...Array.from({ length: 3 }, () => 'caller-hung-up'),
    ...Array.from({ length: 3 }, () => 'refused'),
  ];
  checkEqual(causes.toSorted(), expected, 'records');
}

async function lossAndReturn(nodes: SharedNodes): Promise<void> {
  const ports = await SharedNodes.ports();
  const node = await nodes.start({ node: 'one', limits: 'concurrent_calls = 2' }, ports);
  const [alice, bob] = [await nodes.phone('alice', ports), await nodes.phone('bob', ports)];
  checkEqual([await alice.register(), await bob.register()], [200, 200], 'registrations');
  const dialling = alice.call('bob');
  const bobsEnd = await (await bob.nextCall()).answer();
  const alicesEnd = await dialling.answered;
  await nodes.redis.end();
  await node.until('shared-store-lost');
  checkEqual(await statusOf(alice.call('carol')), 503, 'a new call without Redis');
  await Promise.all([alicesEnd.talk(25), bobsEnd.talk(25)]);
  check(alicesEnd.heard.packets > 0, 'nothing is heard without Redis');
  checkEqual(await bob.register(), 200, 'a registration without Redis');
  const from = node.log.length;
  await nodes.redis.begin();
  await node.until('shared-store-up', from);
  // Bob is found again, and Alice's first call counts.
  const second = alice.call('bob');
  const bobsSecond = await (await bob.nextCall()).answer();
  const alicesSecond = await second.answered;
  checkEqual(await statusOf(alice.call('bob')), 486, 'a third call');
  await Promise.all([alicesEnd.hangUp(), alicesSecond.hangUp(), bobsEnd.ended, bobsSecond.ended]);
  checkEqual(await node.stop(), 0, 'exit code');
  const refusals = node
    .records()
    .flatMap(({ refusal }) => z.object({ code: z.string() }).nullable().parse(refusal)?.code ?? []);
  checkEqual(refusals.toSorted(), ['store-lost', 'user-cap'], 'refusals');
  const kinds = node.log.filter(({ event }) => event === 'alert').map(({ kind }) => String(kind));
  const alerts = kinds.filter((kind) => kind.startsWith('store-'));
  checkEqual(alerts, ['store-lost', 'store-back'], 'alerts');
}

async function sharedCaps(nodes: SharedNodes): Promise<void> {
  const [first, second] = [await SharedNodes.ports(), await SharedNodes.ports()];
  const options = { limits: 'concurrent_calls = 1', more: '[cluster]\nlease = "2s"' };
  const one = await nodes.start({ ...options, node: 'one' }, first);
  const two = await nodes.start({ ...options, node: 'two' }, { ...second, media: first.media + 200 });
  const [here, there] = [await nodes.phone('alice', first), await nodes.phone('alice', second)];
  checkEqual([await here.register(), await there.register()], [200, 200], 'registrations');
  const running = await here.call('600').answered;
  checkEqual(await statusOf(there.call('600')), 486, 'a call at the other node');
  await running.hangUp();
  const next = await there.call('600').answered;
  checkEqual(await statusOf(here.call('600')), 486, 'a call at the first node');
  await two.kill();
  const began = performance.now();
  let status = 486;
  while (status === 486 && performance.now() - began < 20_000) {
    await sleep(200);
    status = await statusOf(here.call('600'));
  }
  checkEqual(status, 200, 'a call once the other node has been dead for its lease');
  next.over({ cause: 'bye', reason: undefined });
  checkEqual(await one.stop(), 0, 'exit code');
}

/** Comes back as a phone does when it is told that the node is busy: right after a start it may be. */
async function registers(phone: Phone): Promise<void> {
  let status = 503;
  for (let tries = 0; status === 503 && tries < 5; tries += 1) {
    if (tries > 0) await sleep(1_000);
    status = await phone.register();
  }
  checkEqual(status, 200, 'registration');
}

/** Both talk until both have heard something that was said after `began`; resolves with how long that took. */
async function heardAgain(ends: readonly PhoneCall[], began: number): Promise<number> {
  const before = ends.map(({ heard }) => heard.packets);
  while (ends.some(({ heard }, at) => heard.packets <= (before[at] ?? 0) + 1)) {
    check(performance.now() - began < 20_000, 'nothing was heard again');
    await Promise.all(ends.map((end) => end.talk(2)));
  }
  return performance.now() - began;
}
