// Several processes on one machine, run by one supervisor, with a real Redis: phones of both, requests that come to the wrong one, caps, and
// one of them that is killed.
import { Headers } from '../../src/sip/message/headers.ts';
import { CallRefused, type Phone } from '../support/phone.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import {
  isAt,
  type ProcessSite,
  processId,
  ready,
  registers,
  registersAt,
  withProcesses,
} from './support/process-site.ts';

export const cases: readonly NativeCase[] = [
  {
    name: 'two processes share a listener: a call crosses them, and its BYE ends it from whichever of them it comes to',
    limitMs: 120_000,
    run: () => withProcesses({ limits: 'concurrent_calls = 5' }, crossAndReturn),
  },
  {
    name: 'a cap of a user counts over both processes',
    limitMs: 120_000,
    run: () => withProcesses({ limits: 'concurrent_calls = 1' }, sharedCap),
  },
  {
    name: 'a process that is killed is started again alone: its calls go on, phones come back anywhere, the other one serves',
    limitMs: 120_000,
    run: () => withProcesses({ limits: 'concurrent_calls = 5' }, killOne),
  },
  {
    name: 'a datagram of a call is passed on when the kernel gives it to the other process',
    limitMs: 120_000,
    run: () => withProcesses({}, datagrams),
  },
  {
    name: 'each process is upgraded with its calls, and reaches the other one afterwards',
    limitMs: 120_000,
    run: () => withProcesses({ limits: 'concurrent_calls = 5' }, upgradeEach),
  },
  {
    name: 'a phone takes over a call of another process with Replaces',
    limitMs: 120_000,
    run: () => withProcesses({ limits: 'concurrent_calls = 5' }, takenOver),
  },
  {
    name: 'a phone puts the other sides of two calls of different processes through to each other',
    limitMs: 120_000,
    run: () => withProcesses({ limits: 'concurrent_calls = 5' }, putThrough),
  },
];

async function crossAndReturn({ nodes, node, ports }: ProcessSite): Promise<void> {
  const [alice, bob] = [await nodes.phone('alice', ports), await nodes.phone('bob', ports)];
  await registersAt(node, alice, 'alice', 1);
  await registersAt(node, bob, 'bob', 2);
  const calls = [await called(alice, bob), await called(alice, bob), await called(alice, bob)];
  for (const { caller, callee } of calls) {
    await Promise.all([caller.talk(25), callee.talk(25)]);
    check(caller.heard.packets > 5 && callee.heard.packets > 5, 'audio does not cross');
    checkEqual([caller.heard.unusable, callee.heard.unusable], [0, 0], 'packets that could not be read');
  }
  // Alice's calls are the first process's; she comes back at the second.
  alice.disconnect();
  await registersAt(node, alice, 'alice', 2);
  const [first, second, third] = calls;
  check(first !== undefined && second !== undefined && third !== undefined, 'three calls');
  checkEqual(await first.caller.hold(), 200, 'a re-INVITE that comes to the other process');
  await first.caller.hangUp();
  checkEqual((await first.callee.ended).cause, 'bye', 'end at the callee');
  // And a request to her goes over the connection of the other process.
  await second.callee.hangUp();
  checkEqual((await second.caller.ended).cause, 'bye', 'end at the caller');
  // One that comes over a connection that nothing was proven on is challenged by the process that has the call.
  alice.disconnect();
  await third.caller.hangUp();
  checkEqual((await third.callee.ended).cause, 'bye', 'end at the callee');
  checkEqual(await node.stop(), 0, 'exit code');
  const causes = [1, 2].flatMap((process) => node.records(`var/process-${process}`).map(({ cause }) => String(cause)));
  check(causes.length >= 6 && causes.every((cause) => cause.endsWith('-hung-up')), `causes: ${causes.join(', ')}`);
  checkEqual(node.errors(), [], 'errors');
}

async function sharedCap({ nodes, node, ports }: ProcessSite): Promise<void> {
  const [here, there] = [await nodes.phone('alice', ports), await nodes.phone('alice', ports)];
  await registersAt(node, here, 'alice', 1);
  await registersAt(node, there, 'alice', 2);
  const running = await here.call('600').answered;
  checkEqual(await statusOf(there.call('600')), 486, 'a call at the other process');
  await running.hangUp();
  // Its slot is given back to Redis a moment after the caller hears that the call is over.
  let after = await statusOf(there.call('600'));
  for (let turn = 0; turn < 20 && after === 486; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    after = await statusOf(there.call('600'));
  }
  checkEqual(after, 200, 'a call when the first one is over');
  checkEqual(await node.stop(), 0, 'exit code');
}

async function killOne({ nodes, node, ports }: ProcessSite): Promise<void> {
  const [alice, bob, carol] = [
    await nodes.phone('alice', ports),
    await nodes.phone('bob', ports),
    await nodes.phone('carol', ports),
  ];
  await registersAt(node, alice, 'alice', 1);
  await registersAt(node, bob, 'bob', 2);
  await registersAt(node, carol, 'carol', 1);
  const crossing = await called(alice, bob);
  const [ofOther, ofKilled] = [await carol.call('600').answered, await bob.call('600').answered];
  await Promise.all([crossing.caller, crossing.callee, ofOther, ofKilled].map((end) => end.talk(25)));
  const from = node.log.length;
  const [first, second] = [await processId(node, 1), await processId(node, 2)];
  process.kill(second, 'SIGKILL');
  // Whoever is at the other one hears no difference.
  const before = ofOther.heard.packets;
  await ofOther.talk(25);
  check(ofOther.heard.packets > before + 10, 'a call of the other process is not heard');
  checkEqual(await statusOf(alice.call('600')), 200, 'a new call at the other process');
  await heardAgain([ofKilled, crossing.caller, crossing.callee]);
  await ready(node, 2, from, [ofOther, ofKilled, crossing.caller, crossing.callee]);
  check((await processId(node, 2)) !== second, 'the killed process was not started again');
  checkEqual(await processId(node, 1), first, 'the other process');
  // Bob comes back where his calls are not, and they end there all the same.
  await registersAt(node, bob, 'bob', 1);
  await ofKilled.hangUp();
  await crossing.caller.hangUp();
  checkEqual((await crossing.callee.ended).cause, 'bye', 'end at the callee');
  await ofOther.hangUp();
  checkEqual(await node.stop(), 0, 'exit code');
  const causes = [1, 2].flatMap((process) => node.records(`var/process-${process}`).map(({ cause }) => String(cause)));
  check(
    causes.every((cause) => cause.endsWith('-hung-up')),
    `causes: ${causes.join(', ')}`,
  );
}

async function upgradeEach({ nodes, node, ports }: ProcessSite): Promise<void> {
  const [alice, bob] = [await nodes.phone('alice', ports), await nodes.phone('bob', ports)];
  await registersAt(node, alice, 'alice', 1);
  await registersAt(node, bob, 'bob', 2);
  const { caller, callee } = await called(alice, bob);
  await Promise.all([caller.talk(25), callee.talk(25)]);
  for (const number of [1, 2]) {
    const before = await processId(node, number);
    const from = node.log.length;
    check((await node.adminOf(number).upgrade()).ok, 'an upgrade was not begun');
    await ready(node, number, from, [caller, callee]);
    check((await processId(node, number)) !== before, `process ${number} is the same`);
    await heardAgain([caller, callee]);
  }
  // Whose connections they had is gone; they come back, and to the wrong processes.
  await registersAt(node, alice, 'alice', 2);
  await registersAt(node, bob, 'bob', 1);
  await caller.hangUp();
  checkEqual((await callee.ended).cause, 'bye', 'end at the callee');
  checkEqual(await node.stop(), 0, 'exit code');
}

async function takenOver({ nodes, node, ports }: ProcessSite): Promise<void> {
  const [desk, mobile] = [await nodes.phone('alice', ports), await nodes.phone('alice', ports)];
  await registersAt(node, desk, 'alice', 1);
  await registersAt(node, mobile, 'alice', 2);
  const call = await desk.call('600').answered;
  await call.talk(25);
  const taken = await mobile.call('600', Headers.of(['Replaces', call.replaces])).answered;
  checkEqual((await call.ended).cause, 'bye', 'end of the call before');
  await taken.talk(25);
  check(taken.heard.packets > 5, 'audio does not come');
  checkEqual(taken.heard.unusable, 0, 'packets that could not be read');
  await taken.hangUp();
  checkEqual(await node.stop(), 0, 'exit code');
  const begun = node.log.filter(({ event }) => event === 'call-started').map(({ node: name }) => name);
  checkEqual(begun, ['edge-1', 'edge-1'], 'where calls began');
  checkEqual(node.records('var/process-1').length, 2, 'records');
  checkEqual(node.errors(), [], 'errors');
}

async function putThrough({ nodes, node, ports }: ProcessSite): Promise<void> {
  const [desk, mobile] = [await nodes.phone('alice', ports), await nodes.phone('alice', ports)];
  const [bob, carol] = [await nodes.phone('bob', ports), await nodes.phone('carol', ports)];
  await registersAt(node, desk, 'alice', 1);
  await registersAt(node, mobile, 'alice', 2);
  await registersAt(node, bob, 'bob', 1);
  await registersAt(node, carol, 'carol', 2);
  const first = await called(desk, bob);
  const second = await called(mobile, carol, 'carol');
  const replaces = encodeURIComponent(second.caller.replaces);
  checkEqual(await first.caller.refer(`<sip:carol@pbx.test?Replaces=${replaces}>`), 202, 'the answer to REFER');
  const ends = await Promise.all([first.caller.ended, second.caller.ended]);
  checkEqual(
    ends.map(({ cause }) => cause),
    ['bye', 'bye'],
    'ends of the calls before',
  );
  const [atBob, atCarol] = [first.callee.heard.packets, second.callee.heard.packets];
  await Promise.all([first.callee.talk(50), second.callee.talk(50)]);
  check(first.callee.heard.packets > atBob + 5, 'Bob does not hear Carol');
  check(second.callee.heard.packets > atCarol + 5, 'Carol does not hear Bob');
  checkEqual([first.callee.heard.unusable, second.callee.heard.unusable], [0, 0], 'packets that could not be read');
  await first.callee.hangUp();
  checkEqual((await second.callee.ended).cause, 'bye', 'end at the other side');
  checkEqual(await node.stop(), 0, 'exit code');
  checkEqual(node.errors(), [], 'errors');
}

async function datagrams({ nodes, node, open }: ProcessSite): Promise<void> {
  const carol = await nodes.phone('carol', { edge: open }, 'udp');
  await registers(carol);
  const at = (await isAt(node, 'carol', 1)) ? 1 : 2;
  const call = await carol.call('600').answered;
  await call.talk(25);
  // Sockets of a shared port have an order, and the one that is bound again is the last. So when the first is bound again what the kernel
  // chooses changes for all.
  const from = node.log.length;
  process.kill(await processId(node, 1), 'SIGKILL');
  await ready(node, 1, from, [call]);
  await heardAgain([call]);
  checkEqual([await call.hold(), await call.resume()], [200, 200], 're-INVITEs');
  await call.hangUp();
  checkEqual(await node.stop(), 0, 'exit code');
  checkEqual(
    node.records(`var/process-${at}`).map(({ cause }) => String(cause)),
    ['caller-hung-up'],
    'records',
  );
}

async function called(
  caller: Phone,
  callee: Phone,
  name = 'bob',
): Promise<{ readonly caller: PhoneCall; readonly callee: PhoneCall }> {
  const dialling = caller.call(name);
  const answered = await (await callee.nextCall()).answer();
  return { caller: await dialling.answered, callee: answered };
}

/** 200 when it is answered: then it is ended at once. */
async function statusOf({ answered }: { readonly answered: Promise<PhoneCall> }): Promise<number> {
  try {
    const call = await answered;
    await call.hangUp();
    return 200;
  } catch (thrown) {
    if (thrown instanceof CallRefused) return thrown.status;
    throw thrown;
  }
}

async function heardAgain(ends: readonly PhoneCall[]): Promise<void> {
  const began = performance.now();
  const before = ends.map(({ heard }) => heard.packets);
  while (ends.some(({ heard }, at) => heard.packets <= (before[at] ?? 0) + 1)) {
    check(performance.now() - began < 30_000, 'nothing was heard again');
    await Promise.all(ends.map((end) => end.talk(2)));
  }
}
