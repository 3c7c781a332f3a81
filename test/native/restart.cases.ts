// The supervisor and restarts in place, on real processes: what a call notices of them, and what the records say.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dialling } from '../support/phone.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { diesAtVariable, mortality, stepsOfSuccessor } from './support/mortal-successor.ts';
import { type ServedOptions, ServedSite } from './support/served-site.ts';
import { StreamRecord } from './support/stream-record.ts';

/**
 * Media may stand still for so long while one process takes the place of another, on a machine with more work than cores; what it is
 * on one without other load is measured by `npm run bench -- survive`.
 */
const longestGap = 2_000;
/** After a crash, beside a process that stands by. */
const longestSilence = 2_000;

export const cases: readonly NativeCase[] = [
  ...(['io_uring', 'epoll', 'dgram'] as const).map(
    (driver): NativeCase => ({
      name: `${driver}: an upgrade keeps calls: one stream, no index twice (RFC 3711 §9.1), BYE from both sides, a record each`,
      limitMs: 90_000,
      run: () => withSite({ users: ['alice', 'bob'], media: `driver = "${driver}"` }, upgradeTwice),
    }),
  ),
  {
    name: 'the process that serves goes on when its successor dies, at whichever step that is',
    limitMs: 300_000,
    run: failingUpgrades,
  },
  {
    name: 'a process that is killed is followed by one that stood by, and its calls go on',
    limitMs: 90_000,
    run: () => withSite({ users: ['alice', 'bob'] }, killedBesideSpare),
  },
  {
    name: 'a process that is killed is started again, and its calls go on',
    limitMs: 90_000,
    run: () => withSite({ users: ['alice', 'bob'], sbc: 'spare = false' }, killed),
  },
  {
    name: 'a process whose supervisor is killed ends, and the next one takes up its calls',
    limitMs: 90_000,
    run: () => withSite({ users: ['alice', 'bob'] }, orphaned),
  },
];

async function withSite(options: ServedOptions, run: (site: ServedSite) => Promise<void>): Promise<void> {
  const site = await ServedSite.start(options);
  try {
    await run(site);
  } catch (thrown) {
    console.log(site.said());
    throw thrown;
  } finally {
    await site.close();
  }
}

interface Running {
  readonly alicesEnd: PhoneCall;
  readonly bobsEnd: PhoneCall;
  readonly records: readonly StreamRecord[];
  readonly bob: Awaited<ReturnType<ServedSite['phone']>>;
  readonly alice: Awaited<ReturnType<ServedSite['phone']>>;
}

/** Alice and Bob talk, through the PBX: two calls of the SBC. */
async function running(site: ServedSite): Promise<Running> {
  const [alice, bob] = [await site.phone('alice'), await site.phone('bob')];
  checkEqual([await alice.register(), await bob.register()], [200, 200], 'registrations');
  const dialling: Dialling = alice.call('bob');
  const bobsEnd = await (await bob.nextCall()).answer();
  const alicesEnd = await dialling.answered;
  const records = [alicesEnd, bobsEnd].map(({ media }) => new StreamRecord(media));
  await Promise.all([alicesEnd.talk(25), bobsEnd.talk(25)]);
  check(alicesEnd.heard.packets > 0 && bobsEnd.heard.packets > 0, 'nothing was heard at first');
  return { alice, bob, alicesEnd, bobsEnd, records };
}

/** Both talk as long as `work` takes, and a little longer; resolves with the longest gap at either end. */
async function talkingWhile({ alicesEnd, bobsEnd, records }: Running, work: Promise<unknown>): Promise<number> {
  for (const record of records) record.takeLongestGap();
  let isOver = false;
  const done = work.then(() => {
    isOver = true;
  });
  const talk = async (end: PhoneCall): Promise<void> => {
    while (!isOver) await end.talk(5);
    await end.talk(25);
  };
  await Promise.all([done, talk(alicesEnd), talk(bobsEnd)]);
  return Math.max(...records.map((record) => record.takeLongestGap()));
}

function checkStreams({ alicesEnd, bobsEnd, records }: Running, ssrcs: readonly number[]): void {
  checkEqual(
    [alicesEnd, bobsEnd].map(({ heard }) => heard.unusable),
    [0, 0],
    'packets that could not be used',
  );
  checkEqual(
    records.map(({ reused }) => reused),
    [0, 0],
    'indices that were used twice',
  );
  checkEqual(
    records.map((one) => one.ssrcs),
    ssrcs,
    'sources that were heard',
  );
}

/** Alice hangs up; Bob hears of it when he is back; both calls have their record, once. */
async function hangUpAndCount(
  site: ServedSite,
  { alicesEnd, bob, bobsEnd }: Running,
  others: readonly string[] = [],
): Promise<void> {
  checkEqual(await bob.register(), 200, 'registration afterwards');
  await alicesEnd.hangUp();
  checkEqual((await bobsEnd.ended).cause, 'bye', 'end at the callee');
  checkEqual(await site.stop(), 0, 'exit code');
  const records = site.records();
  const expected = ['caller-hung-up', 'caller-hung-up', ...others];
  checkEqual(records.map(({ cause }) => String(cause)).toSorted(), expected.toSorted(), 'records');
  checkEqual(new Set(records.map(({ call }) => call)).size, expected.length, 'calls');
}

async function upgradeTwice(site: ServedSite): Promise<void> {
  const call = await running(site);
  const first = await site.status();
  for (const round of [1, 2]) {
    const from = site.log.length;
    // By command, then by signal.
    if (round === 1) check((await site.admin.upgrade()).ok, 'the upgrade was refused');
    else site.process.kill('SIGUSR2');
    const gap = await talkingWhile(call, site.until('upgraded', from));
    const { stoodFor, silentFor } = await site.until('handed-over', from);
    console.log(
      `gap ${Math.round(gap)} ms (no media for ${String(silentFor)}, no signalling for ${String(stoodFor)} ms)`,
    );
    const status = await site.status();
    check(status.process !== first.process, 'the same process serves');
    checkEqual(status.supervisor, first.supervisor, 'supervisor');
    checkEqual(status.activeCalls, 2, 'calls');
    check(gap < longestGap, `media stood still for ${Math.round(gap)} ms`);
  }
  checkStreams(call, [1, 1]);
  checkEqual(site.errors(), [], 'errors');
  // A new call needs a free place, sockets and keys of the process as it is now.
  const dialling = call.alice.call('600');
  const echo = await dialling.answered;
  await echo.talk(10);
  await echo.hangUp();
  await hangUpAndCount(site, call, ['caller-hung-up']);
}

async function failingUpgrades(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-dies-'));
  const diesAt = join(folder, 'step');
  const environment = { [diesAtVariable]: diesAt };
  try {
    await withSite({ users: ['alice', 'bob'], nodeArgs: mortality, environment }, (site) =>
      failingAtEachStep(site, diesAt),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function failingAtEachStep(site: ServedSite, diesAt: string): Promise<void> {
  const call = await running(site);
  const { process: serving } = await site.status();
  for (const step of stepsOfSuccessor) {
    const from = site.log.length;
    writeFileSync(diesAt, step);
    site.process.kill('SIGUSR2');
    const gap = await talkingWhile(call, site.until('upgrade-failed', from));
    console.log(`died at "${step}": gap ${Math.round(gap)} ms`);
    const { process: now, activeCalls } = await statusAgain(site);
    checkEqual([now, activeCalls], [serving, 2], `the process that serves, and its calls, after ${step}`);
    await talkingWhile(call, Promise.resolve());
    checkStreams(call, [1, 1]);
  }
  // And an upgrade that nothing is in the way of still works.
  rmSync(diesAt);
  const from = site.log.length;
  site.process.kill('SIGUSR2');
  await talkingWhile(call, site.until('upgraded', from));
  checkStreams(call, [1, 1]);
  await hangUpAndCount(site, call);
}

/** While a process stands still nobody answers. */
async function statusAgain(site: ServedSite): ReturnType<ServedSite['status']> {
  for (const end = performance.now() + 10_000; performance.now() < end; ) {
    const answer = await site.admin.status();
    if (answer.ok) return answer.value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return site.status();
}

async function killed(site: ServedSite): Promise<void> {
  const call = await running(site);
  for (const round of [1, 2]) {
    const { process: serving, supervisor } = await site.status();
    const from = site.log.length;
    await untilKept(call);
    process.kill(serving, 'SIGKILL');
    const gap = await talkingWhile(call, site.until('process-ready', from));
    const { took } = await site.until('process-ready', from);
    console.log(`kill ${round}: silent for ${Math.round(gap)} ms, ready after ${String(took)} ms`);
    const status = await site.status();
    check(status.process !== serving, 'it was not started again');
    checkEqual(status.supervisor, supervisor, 'supervisor');
    checkEqual(status.activeCalls, 2, 'calls');
  }
  checkStreams(call, [1, 1]);
  await hangUpAndCount(site, call);
}

async function killedBesideSpare(site: ServedSite): Promise<void> {
  const call = await running(site);
  for (const round of [1, 2]) {
    const from = site.log.length;
    await talkingWhile(call, site.until('spare-ready', round === 1 ? 0 : from));
    const { process: serving } = await site.status();
    await untilKept(call);
    process.kill(serving, 'SIGKILL');
    const gap = await talkingWhile(call, site.until('process-ready', from));
    const { took } = await site.until('process-ready', from);
    console.log(`kill ${round}: silent for ${Math.round(gap)} ms, ready after ${String(took)} ms`);
    checkEqual((await site.status()).activeCalls, 2, 'calls');
    check(gap < longestSilence, `silent for ${Math.round(gap)} ms`);
  }
  checkStreams(call, [1, 1]);
  await hangUpAndCount(site, call);
}

async function orphaned(site: ServedSite): Promise<void> {
  const call = await running(site);
  const { process: serving } = await site.status();
  await untilKept(call);
  const ended = once(site.process, 'exit');
  site.process.kill('SIGKILL');
  await ended;
  const gone = (async () => {
    while (isThere(serving)) await new Promise((resolve) => setTimeout(resolve, 20));
    await site.run();
  })();
  await talkingWhile(call, gone);
  checkEqual(await site.activeCalls(), 2, 'calls');
  checkStreams(call, [1, 1]);
  await hangUpAndCount(site, call);
}

/** What is kept of a call is a second old at most: by then it knows under which names sources leave. */
async function untilKept({ alicesEnd, bobsEnd }: Running): Promise<void> {
  await Promise.all([alicesEnd.talk(75), bobsEnd.talk(75)]);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
