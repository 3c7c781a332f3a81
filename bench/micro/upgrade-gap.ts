// For how long calls hear nothing at upgrades, of several versions in turn: in each round every version is upgraded to itself once with
// each driver. `silent` is what the process before says of it, `noise` the longest gap of as long a time in which nothing happened.
//   node bench/micro/upgrade-gap.ts [--rounds N] [--calls N] [--drivers epoll,io_uring] [--what upgrade|crash] [FOLDER …]
// FOLDER: a checkout of a version, with its node_modules; without one it is this one.
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RunningCalls } from '../../test/native/support/running-calls.ts';
import { ServedSite } from '../../test/native/support/served-site.ts';
import { formatSummary, summarise } from '../lib/statistics.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    calls: { type: 'string', default: '10' },
    drivers: { type: 'string', default: 'io_uring,epoll,dgram' },
    what: { type: 'string', default: 'upgrade' },
  },
});
const folders =
  positionals.length === 0 ? [join(import.meta.dirname, '../..')] : positionals.map((one) => resolve(one));
const users = ['alice', 'bob'] as const;
const calls = Number(options.calls);
/** What is kept of a call is a second old at most. */
const keptWithin = 1_100;

interface Site {
  readonly label: string;
  readonly site: ServedSite;
  readonly running: RunningCalls;
  readonly gaps: number[];
  readonly silences: number[];
  readonly noises: number[];
}

async function started(folder: string, driver: string): Promise<Site> {
  const site = await ServedSite.start({
    users,
    program: join(folder, 'src/main.ts'),
    limits: `concurrent_calls = ${calls}`,
    media: `driver = "${driver}"`,
    sbc: `spare = ${options.what === 'crash'}`,
    mediaPorts: 200 + 4 * calls,
  });
  const running = new RunningCalls();
  for (const [index, user] of users.entries()) {
    const phone = await site.phone(user);
    const status = await phone.register();
    if (status !== 200) throw new Error(`the registration of ${user} was answered ${status}`);
    const share = Math.floor((calls + index) / users.length);
    for (let call = 0; call < share; call += 1) running.add(await phone.call('600').answered);
  }
  return { label: `${driver} ${folder}`, site, running, gaps: [], silences: [], noises: [] };
}

async function round({ site, running, gaps, silences, noises, label }: Site): Promise<void> {
  await pause(keptWithin);
  const start = performance.now();
  if (options.what === 'upgrade') {
    const from = site.log.length;
    gaps.push(await running.gapWhile(upgrade(site)));
    silences.push(Number((await site.until('handed-over', from))['silentFor']));
  } else {
    await site.until('spare-ready', site.log.findLastIndex(({ event }) => event === 'process-lost') + 1);
    gaps.push(await running.gapWhile(crash(site)));
  }
  noises.push(await running.gapWhile(pause(performance.now() - start)));
  console.log(`${label}: ${[gaps, silences, noises].map((of) => Math.round(of.at(-1) ?? 0)).join(' / ')}`);
}

async function upgrade(site: ServedSite): Promise<void> {
  const from = site.log.length;
  site.process.kill('SIGUSR2');
  await site.until('upgraded', from);
}

async function crash(site: ServedSite): Promise<void> {
  const from = site.log.length;
  process.kill((await site.status()).process, 'SIGKILL');
  await site.until('process-ready', from);
}

for (const driver of options.drivers.split(',')) {
  const sites: Site[] = [];
  for (const folder of folders) sites.push(await started(folder, driver));
  for (let number = 0; number < Number(options.rounds); number += 1) {
    const order = number % 2 === 0 ? sites : sites.toReversed();
    for (const one of order) await round(one);
  }
  for (const { label, gaps, silences, noises, running } of sites) {
    const [gap, silent, noise] = [gaps, silences, noises].map((of) => formatSummary(summarise(of), 0));
    console.log(`${label}: gap ${gap}, silent ${silent}, noise ${noise} ms, ${running.lost} calls lost`);
  }
  for (const { site, running } of sites) {
    running.stop();
    running.hangUp();
    await site.close();
  }
}
