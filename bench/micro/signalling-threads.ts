// CPU of each thread for a call and for a handshake with REGISTER, of several builds or sets of V8's flags that run at the same time on one
// core and are called in turn, so that what else the machine does meets all of them. A build is the path of its main.js, with flags after it;
// `reference` is Kamailio with rtpengine. On a busy machine under `chrt -r 5`.
//   node bench/micro/signalling-threads.ts 'before=/tmp/before/dist/main.js' 'after=dist/main.js --always-sparkplug' 'kamailio=reference' \
//     [--warm-up CALLS] [--rounds N] [--calls N] [--rate CALLS] [--handshakes N] [--certificates ec|rsa]
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensurePeers } from '../../test/interop/peers/install.ts';
import { enterLab, isInLab, Lab } from '../../test/interop/peers/lab.ts';
import { quantile } from '../lib/statistics.ts';
import { generate, type Traffic } from '../signalling/load.ts';
import { type Ground, prepareGround, type Subject, startPortcullis, startSubject } from '../signalling/subjects.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'warm-up': { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '8' },
    calls: { type: 'string', default: '300' },
    rate: { type: 'string', default: '150' },
    handshakes: { type: 'string', default: '0' },
    certificates: { type: 'string', default: 'ec' },
  },
});
const rounds = Number(options.rounds);
/** What Node names threads that have no name of their own. */
const isWorker = /^WorkerThread/;
const limitMillis = 1_800_000;
const saturating = { rate: 5_000, limit: 40 };
const calling = { scenario: 'call', registers: false, timed: 'setup' } as const;
const paced = { ...calling, rate: Number(options.rate), total: Number(options.calls) };
const registering = { scenario: 'register', registers: true, timed: 'register', connectionPerPhone: true } as const;

/** What is measured in each round, by the name of its table; none of a load that has no total. */
const loads: Readonly<Record<string, Omit<Traffic, 'tag'>>> = {
  [`call, ${options.rate}/s`]: paced,
  'call, 40 at a time': { ...calling, ...saturating, total: Number(options.calls) },
  'handshake and REGISTER, 40 at a time': { ...registering, ...saturating, total: Number(options.handshakes) },
};

/** Milliseconds of CPU by thread. */
type Threads = ReadonlyMap<string, number>;

interface Build {
  readonly name: string;
  readonly ground: Ground;
  readonly subject: Subject;
  /** By load, a row for each round. */
  readonly rows: Map<string, Threads[]>;
}

if (!isInLab()) {
  const argv = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const exit = await enterLab(argv, { workDir: mkdtempSync(join(tmpdir(), 'threads-')), timeoutMs: limitMillis });
  process.exit(exit.code ?? 1);
}
const peers = await ensurePeers((line) => process.stderr.write(`${line}\n`));
if (!peers.available) throw new Error(`no peers: ${peers.reason}`);
const lab = await Lab.open(peers);
const common = await prepareGround(lab, 200, options.certificates === 'rsa' ? 'rsa' : 'ec');
const builds: Build[] = [];
for (const [index, spoken] of positionals.entries()) builds.push(await start(spoken, index));
for (const build of builds) {
  await generate(build.ground, build.subject, {
    ...calling,
    ...saturating,
    tag: `${build.name}-warm`,
    total: Number(options['warm-up']),
  });
}
for (let round = 0; round < rounds; round += 1) {
  for (const [name, load] of Object.entries(loads).filter(([, { total }]) => total > 0)) {
    for (const build of round % 2 === 0 ? builds : builds.toReversed()) await measure(build, name, load, round);
  }
}
for (const name of Object.keys(loads)) {
  for (const build of builds) process.stdout.write(`${name}: ${build.name} ${told(build.rows.get(name) ?? [])}\n`);
}
for (const { subject } of builds) await subject.stop();
process.exit(0);

async function start(spoken: string, index: number): Promise<Build> {
  const [name = '', rest = ''] = spoken.split(/=(.*)/s);
  const [program = '', ...nodeFlags] = rest.split(' ').filter((word) => word !== '');
  const ground = { ...common, sbc: await lab.addHost(`sbc${index}`, 1 + index, ['outside', 'inside']) };
  const subject =
    program === 'reference'
      ? await startSubject(ground, 'reference', name)
      : await startPortcullis(ground, { name, program: resolve(program), nodeFlags });
  process.stderr.write(`${name}: process ${subject.pids().join(' ')}\n`);
  return { name, ground, subject, rows: new Map() };
}

async function measure(build: Build, name: string, load: Omit<Traffic, 'tag'>, round: number): Promise<void> {
  const { ground, subject, rows } = build;
  const before = threadsOf(subject);
  const { failed } = await generate(ground, subject, {
    ...load,
    tag: `${build.name}-${name.replaceAll(/\W/g, '')}-${round}`,
  });
  // What was turned away costs less than a call.
  if (failed > 0) {
    process.stderr.write(`${build.name}, ${name}: round ${round} is left out, ${failed} failed\n`);
    return;
  }
  const after = threadsOf(subject);
  const each = [...after].map(
    ([thread, millis]) => [thread, (millis - (before.get(thread) ?? 0)) / load.total] as const,
  );
  rows.set(name, [...(rows.get(name) ?? []), new Map(each)]);
}

/** Threads of V8 together, workers by the order of their start. */
function threadsOf({ pids }: Subject): Threads {
  const threads = new Map<string, number>();
  for (const pid of pids()) {
    let workers = 0;
    for (const task of readdirSync(`/proc/${pid}/task`).toSorted((a, b) => Number(a) - Number(b))) {
      const folder = `/proc/${pid}/task/${task}`;
      const comm = readFileSync(`${folder}/comm`, 'utf8').trim();
      if (isWorker.test(comm)) workers += 1;
      const thread = Number(task) === pid ? 'main' : isWorker.test(comm) ? `${comm} ${workers}` : comm;
      const millis = Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
      threads.set(thread, (threads.get(thread) ?? 0) + millis);
    }
  }
  return threads;
}

/** Medians of the rounds, with the lower and the upper quartile for all of it and for the main thread. */
function told(rows: readonly Threads[]): string {
  const spread = (values: readonly number[]): string => {
    const sorted = values.toSorted((a, b) => a - b);
    return [0.5, 0.25, 0.75]
      .map((share) => quantile(sorted, share).toFixed(2))
      .join(' ')
      .replace(/ (.*) (.*)/, ' ($1–$2)');
  };
  const all = spread(rows.map((row) => [...row.values()].reduce((sum, millis) => sum + millis, 0)));
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const each = names
    .map((name) => [name, spread(rows.map((row) => row.get(name) ?? 0))] as const)
    .filter(([, text]) => Number.parseFloat(text) >= 0.02)
    .map(([name, text]) => `${name} ${name === 'main' ? text : text.replace(/ .*/, '')}`);
  return `${all} ms: ${each.join(', ')}`;
}
