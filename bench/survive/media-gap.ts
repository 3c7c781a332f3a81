// For how long a call hears nothing when its SBC is upgraded, killed or followed by another machine, or its media worker ends, and how many calls are lost by that. The
// SBC is real processes under a supervisor; phones and PBX are in this one, so that what they take of the machine is measured too.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RunningCalls } from '../../test/native/support/running-calls.ts';
import { ServedSite } from '../../test/native/support/served-site.ts';
import { type Summary, summarise } from '../lib/statistics.ts';

export interface MediaGap {
  /** Of the day when it was measured. */
  readonly date: string;
  readonly what: 'upgrade' | 'crash-with-spare' | 'crash' | 'worker-throws' | 'worker-stands-still' | 'fail-over';
  /** Of an upgrade. */
  readonly driver?: string;
  readonly calls: number;
  /** Of the call that was silent for longest, milliseconds between two packets; they are 20 apart. */
  readonly gap: Summary;
  /** Of all calls of all runs. */
  readonly lost: number;
}

export interface MediaGapOptions {
  /** Of upgrades and crashes, each. */
  readonly runs: number;
  readonly failOvers: number;
  readonly progress: (line: string) => void;
}

/** As it is installed: the sources take twice as long to start. */
const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const users = ['alice', 'bob'] as const;
const callsEach = 5;
const calls = callsEach * users.length;
/** What is kept of a call is a second old at most. */
const keptWithin = 1_100;

export async function mediaGaps({ runs, failOvers, progress }: MediaGapOptions): Promise<readonly MediaGap[]> {
  const gaps: MediaGap[] = [];
  const take = (measured: MediaGap): void => {
    const { what, driver = '', gap, lost } = measured;
    gaps.push(measured);
    progress(`survive: ${what} ${driver}: silent for ${Math.round(gap.median)} ms, ${lost} calls lost`);
  };
  for (const driver of ['io_uring', 'epoll', 'dgram']) {
    const measured = await onSite(runs, { media: `driver = "${driver}"` }, upgrade);
    take({ what: 'upgrade', driver, ...measured });
  }
  take({ what: 'crash-with-spare', ...(await onSite(runs, {}, crash(true))) });
  take({ what: 'crash', ...(await onSite(runs, { sbc: 'spare = false' }, crash(false))) });
  for (const what of ['worker-throws', 'worker-stands-still'] as const) take(await endOfWorker(what));
  if (failOvers === 0) return gaps;
  const failedOver = process.getuid?.() === 0 ? await failOver(failOvers) : undefined;
  if (failedOver === undefined) progress('survive: fail-over is left out: it needs root, Redis and network namespaces');
  else take(failedOver);
  return gaps;
}

/** Has something happen, and resolves when the SBC serves again. */
type Mishap = (site: ServedSite) => Promise<unknown>;

async function onSite(
  runs: number,
  options: { readonly media?: string; readonly sbc?: string },
  mishap: Mishap,
): Promise<Omit<MediaGap, 'what' | 'driver'>> {
  const site = await ServedSite.start({ users, limits: `concurrent_calls = ${callsEach}`, program, ...options });
  const running = new RunningCalls();
  try {
    for (const user of users) {
      const phone = await site.phone(user);
      const status = await phone.register();
      if (status !== 200) throw new Error(`the registration of ${user} was answered ${status}`);
      for (let call = 0; call < callsEach; call += 1) running.add(await phone.call('600').answered);
    }
    const gaps: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      await pause(keptWithin);
      gaps.push(await running.gapWhile(mishap(site)));
    }
    return { date: today(), calls, gap: summarise(gaps), lost: running.lost };
  } finally {
    running.stop();
    running.hangUp();
    await site.close();
  }
}

async function upgrade(site: ServedSite): Promise<void> {
  const from = site.log.length;
  site.process.kill('SIGUSR2');
  await site.until('upgraded', from);
}

function crash(hasSpare: boolean): Mishap {
  let from = 0;
  return async (site) => {
    // Each of these is told of once.
    if (hasSpare) await site.until('spare-ready', from);
    from = site.log.length;
    process.kill((await site.status()).process, 'SIGKILL');
    await site.until('process-ready', from);
  };
}

/** As the cases of `test/native/media-successor.cases.ts` name them. */
const endsOfWorkers = { 'worker-throws': 'told to throwError', 'worker-stands-still': 'told to standStill' } as const;

/** A call of each driver. The case fails where an index comes twice, a session is lost or the stream does not go on. */
async function endOfWorker(what: keyof typeof endsOfWorkers): Promise<MediaGap> {
  const told = endsOfWorkers[what];
  const said = await test('native', told, '--jobs', '1');
  const gaps = [...said.matchAll(/"gap":([\d.]+)/g)].map(([, gap]) => Number(gap));
  if (gaps.length === 0) throw new Error(`no call went on: node test/native/run.ts --only '${told}'`);
  return { date: today(), what, calls: 1, gap: summarise(gaps), lost: 0 };
}

/** Undefined where it cannot be run. */
async function failOver(runs: number): Promise<MediaGap | undefined> {
  const gaps: number[] = [];
  let heard = 0;
  for (let run = 0; run < runs; run += 1) {
    const said = await test('interop', 'pair-failover');
    const [, count, gap] = /(\d+) calls were heard (\d+) ms after the kill/.exec(said) ?? [];
    if (count === undefined || gap === undefined) return undefined;
    heard = Number(count);
    gaps.push(Number(gap));
  }
  // The case fails when one of them is not heard, or not ended by its BYE.
  return { date: today(), what: 'fail-over', calls: heard, gap: summarise(gaps), lost: 0 };
}

/** What cases of another suite say; nothing where one of them fails. */
function test(suite: 'interop' | 'native', name: string, ...options: readonly string[]): Promise<string> {
  const program = fileURLToPath(new URL(`../../test/${suite}/run.ts`, import.meta.url));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, '--only', name, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: unknown) => {
      said += String(chunk);
    });
    child.on('close', (code) => resolve(code === 0 ? said : ''));
  });
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function pause(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}
