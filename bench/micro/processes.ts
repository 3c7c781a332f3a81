// What it costs that several processes share a machine: the same calls, and the same registrations, over TLS connections of their own, against
// one process that keeps everything in its own file, one that has a Redis, and two of them. All of the SBC has one core, and SIPp with Redis another
// one, so what tells is the CPU for each call and registration at the same rate (all threads of all processes, the supervisor too), not how many there are.
//   node bench/micro/processes.ts [--rounds N] [--seconds N] [--rate CALLS] [--registrations N] [--warm-up CALLS] [--program dist/main.js]
// It needs root, the peers of test/interop and a redis-server. `--warm-up` is of each process.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensurePeers } from '../../test/interop/peers/install.ts';
import { enterLab, isInLab, Lab } from '../../test/interop/peers/lab.ts';
import { REDIS_PORT, startRedis } from '../../test/interop/peers/redis.ts';
import { cpuNanoseconds } from '../lib/cpu.ts';
import { formatSummary, summarise } from '../lib/statistics.ts';
import { generate, type Load } from '../signalling/load.ts';
import { callsOverMany } from '../signalling/phases.ts';
import { type Ground, generatorCpu, prepareGround, type Subject, startPortcullis } from '../signalling/subjects.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    rate: { type: 'string', default: '100' },
    registrations: { type: 'string', default: '100' },
    'warm-up': { type: 'string', default: '3000' },
    program: { type: 'string', default: 'dist/main.js' },
  },
});
const seconds = Number(options.seconds);
const warmUp = Number(options['warm-up']);
const phones = 200;
const limitMillis = 3_600_000;
const registering = { scenario: 'register', registers: true, timed: 'register', connectionPerPhone: true } as const;
const calling = { scenario: 'call', registers: false, timed: 'setup', connectionPerPhone: true } as const;
const saturating = { rate: 400, limit: 40 };

interface Kind {
  readonly name: string;
  readonly processes: number;
  readonly isShared: boolean;
  readonly figures: { readonly call: Figures; readonly registration: Figures };
}

/** Of each round: milliseconds of CPU. */
interface Figures {
  readonly each: number[];
  readonly redis: number[];
  failed: number;
}

process.exit(await main());

async function main(): Promise<number> {
  if (!isInLab()) {
    const argv = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
    const workDir = mkdtempSync(join(tmpdir(), 'processes-'));
    return (await enterLab(argv, { workDir, timeoutMs: limitMillis })).code ?? 1;
  }
  const peers = await ensurePeers((line) => console.log(line));
  if (!peers.available) throw new Error(peers.reason);
  const lab = await Lab.open(peers);
  const ground = await prepareGround(lab, phones);
  const shop = await lab.addHost('redis', 41, ['inside']);
  const redis = await startRedis(lab, shop, generatorCpu);
  const kinds = [
    kind('one process', 1, false),
    kind('one process, Redis', 1, true),
    kind('two processes, Redis', 2, true),
  ];
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const [place, one] of kinds.entries()) {
      const tag = `processes-${place}-${round}`;
      const store = `[store]\nurl = "redis://${shop.inside}:${REDIS_PORT}"\nkey_env = "SITE_KEY"\nprefix = "${tag}"\n`;
      const how = { program: resolve(options.program), processes: one.processes, ...(one.isShared ? { store } : {}) };
      const subject = await startPortcullis(ground, how);
      try {
        await measure(ground, subject, { tag, redis: redis.pid }, one);
      } finally {
        await subject.stop();
      }
    }
  }
  console.log(
    '\n| CPU ms | a call | of Redis | a registration | of Redis | failed |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const { name, figures } of kinds) {
    const { call, registration } = figures;
    const cells = [call.each, call.redis, registration.each, registration.redis].map((all) =>
      formatSummary(summarise(all)),
    );
    console.log(`| ${name} | ${cells.join(' | ')} | ${call.failed + registration.failed} |`);
  }
  return 0;
}

function kind(name: string, processes: number, isShared: boolean): Kind {
  const none = (): Figures => ({ each: [], redis: [], failed: 0 });
  return { name, processes, isShared, figures: { call: none(), registration: none() } };
}

async function measure(
  ground: Ground,
  subject: Subject,
  { tag, redis }: { readonly tag: string; readonly redis: number },
  { name, processes, figures }: Kind,
): Promise<void> {
  const counted = async (figure: Figures, what: string, load: () => Promise<Load>): Promise<void> => {
    const before = cpuNanoseconds(redis);
    const { cpuMillisEach, attempts, failed, perSecond } = await load();
    const ofRedis = (cpuNanoseconds(redis) - before) / 1e6 / (attempts - failed);
    figure.each.push(cpuMillisEach);
    figure.redis.push(ofRedis);
    figure.failed += failed;
    const figuresOf = `${cpuMillisEach.toFixed(2)} ms, Redis ${ofRedis.toFixed(2)}; ${Math.round(perSecond)}/s, ${failed} failed`;
    console.log(`${tag}: ${name}, ${what}: ${figuresOf}`);
  };
  // Over a connection each, so that every process gets its part.
  const total = warmUp * processes;
  await generate(ground, subject, { ...calling, ...saturating, tag: `${tag}-warm`, total });
  await counted(figures.call, 'call', () =>
    callsOverMany(ground, subject, tag, { connections: phones, callsPerSecond: Number(options.rate), seconds }),
  );
  await generate(ground, subject, { ...registering, ...saturating, tag: `${tag}-warm-register`, total });
  const rate = Number(options.registrations);
  await counted(figures.registration, 'registration', () =>
    generate(ground, subject, { ...registering, rate, tag: `${tag}-register`, total: rate * seconds }),
  );
}
