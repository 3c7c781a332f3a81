// Portcullis and the reference SBC (Kamailio with rtpengine) under the same SIPp callers, one after the other in each run and in
// alternating order: the SBC with all of its processes on one core, callers and answering side on the other. Every call is
// challenged, gets media ports and keys, is answered inside and ended. Main figure: CPU milliseconds of the SBC for each call.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/core/errors.ts';
import { type Certificate, CertificateAuthority } from '../../test/interop/peers/certificates.ts';
import { SBC_TLS_PORT } from '../../test/interop/peers/kamailio-sbc.ts';
import type { Host, Lab } from '../../test/interop/peers/lab.ts';
import { PORTCULLIS_TLS_PORT, Portcullis } from '../../test/interop/peers/portcullis.ts';
import { startReferenceSbc } from '../../test/interop/peers/reference.ts';
import { SippCaller, type SippScenario, startSippAnswerer } from '../../test/interop/peers/sipp.ts';
import { cpuNanoseconds, processTree, residentBytes } from '../lib/cpu.ts';
import { quantile, type Summary, summarise } from '../lib/statistics.ts';

export interface SignallingSuiteOptions {
  readonly runs: number;
  readonly seconds: number;
  readonly callsPerSecond: number;
  readonly registersPerSecond: number;
  readonly progress: (line: string) => void;
}

export interface SignallingFigures {
  readonly reference: string;
  readonly callsPerSecond: number;
  readonly registersPerSecond: number;
  readonly call: LoadComparison;
  readonly register: LoadComparison;
  /** As many calls as 40 at a time give. */
  readonly saturated: LoadComparison;
  readonly invalid: Readonly<Record<string, number>>;
}

export interface LoadComparison {
  readonly portcullis: LoadSummary;
  readonly reference: LoadSummary;
  readonly cpuRatio: Summary;
  readonly rateRatio: Summary;
}

export interface LoadSummary {
  readonly cpuMillisEach: Summary;
  readonly perSecond: Summary;
  readonly failed: number;
  readonly latencyP50: Summary;
  readonly latencyP95: Summary;
  readonly latencyP99: Summary;
  readonly residentBytes: Summary;
}

interface Load {
  readonly cpuMillisEach: number;
  readonly perSecond: number;
  readonly failed: number;
  readonly latencies: readonly number[];
  readonly residentBytes: number;
  readonly callerBusy: number;
}

type SubjectName = 'portcullis' | 'reference';
const loadNames = ['call', 'register', 'saturated'] as const;
type LoadName = (typeof loadNames)[number];

interface Subject {
  readonly port: number;
  readonly pids: () => readonly number[];
  stop(): Promise<void>;
}

interface Ground {
  readonly lab: Lab;
  readonly authority: CertificateAuthority;
  readonly client: Certificate;
  readonly sbc: Host;
  readonly caller: Host;
  readonly answerer: Host;
}

const subjectCpu = '1';
const generatorCpu = '0';
const answererPort = 5_070;
const domain = 'pbx.test';
const callee = '9000';
const users = Array.from({ length: 100 }, (_, index) => ({ name: `user${index}`, password: `Secret-${index}-word` }));
const passwords = Object.fromEntries(users.map(({ name, password }) => [name, password]));
const busiestCaller = 0.8;

export async function signallingSuite(lab: Lab, options: SignallingSuiteOptions): Promise<SignallingFigures> {
  const authority = await CertificateAuthority.create(lab);
  const ground: Ground = {
    lab,
    authority,
    client: await authority.issue({ name: 'caller', key: 'ec' }),
    sbc: await lab.addHost('sbc', 1, ['outside', 'inside']),
    caller: await lab.addHost('caller', 21, ['outside']),
    answerer: await lab.addHost('answerer', 31, ['inside']),
  };
  const answering = await startSippAnswerer(lab, {
    name: 'answerer',
    host: ground.answerer,
    network: 'inside',
    port: answererPort,
    cpus: generatorCpu,
  });
  const broken: string[] = [];
  const loads: Record<SubjectName, Record<LoadName, Load[]>> = {
    portcullis: { call: [], register: [], saturated: [] },
    reference: { call: [], register: [], saturated: [] },
  };
  for (let run = 0; run < options.runs; run += 1) {
    const order: readonly SubjectName[] = run % 2 === 0 ? ['portcullis', 'reference'] : ['reference', 'portcullis'];
    const measured = new Map<SubjectName, Record<LoadName, Load>>();
    try {
      for (const name of order) measured.set(name, await measure(ground, name, options, run));
    } catch (thrown) {
      // A subject that let no call through cannot be compared: the pair is left out, and the table says so.
      broken.push(messageOf(thrown).split('\n', 1)[0] ?? '');
      options.progress(`signalling run ${run + 1}/${options.runs} is left out: ${broken.at(-1)}`);
      continue;
    }
    for (const [name, load] of measured) for (const kind of loadNames) loads[name][kind].push(load[kind]);
  }
  await answering.stop();
  return {
    reference: ['kamailio', 'rtpengine-daemon'].map((name) => `${name} ${lab.peers.versions[name] ?? ''}`).join(', '),
    callsPerSecond: options.callsPerSecond,
    registersPerSecond: options.registersPerSecond,
    call: compare(loads, 'call'),
    register: compare(loads, 'register'),
    saturated: compare(loads, 'saturated'),
    invalid: invalidRuns(loads, broken),
  };
}

async function measure(
  ground: Ground,
  name: SubjectName,
  options: SignallingSuiteOptions,
  run: number,
): Promise<Record<LoadName, Load>> {
  const subject = name === 'portcullis' ? await startPortcullis(ground) : await startReference(ground, run);
  const { callsPerSecond, registersPerSecond, seconds, runs, progress } = options;
  const tag = `${name}-${run}`;
  try {
    await generate(ground, subject, { tag: `${tag}-warm`, scenario: 'call', rate: 5_000, total: 1_500, limit: 40 });
    const call = await generate(ground, subject, {
      tag: `${tag}-call`,
      scenario: 'call',
      rate: callsPerSecond,
      total: callsPerSecond * seconds,
    });
    const register = await generate(ground, subject, {
      tag: `${tag}-register`,
      scenario: 'register',
      rate: registersPerSecond,
      total: registersPerSecond * seconds,
    });
    const saturated = await generate(ground, subject, {
      tag: `${tag}-saturated`,
      scenario: 'call',
      rate: 5_000,
      total: 400 * seconds,
      limit: 40,
    });
    progress(
      `signalling run ${run + 1}/${runs} ${name}: ${call.cpuMillisEach.toFixed(2)} ms/call at ${callsPerSecond}/s (${call.failed} failed, caller ${Math.round(call.callerBusy * 100)} %), ` +
        `${register.cpuMillisEach.toFixed(2)} ms/REGISTER, ${Math.round(saturated.perSecond)} calls/s at 40 at a time (${saturated.failed} failed)`,
    );
    return { call, register, saturated };
  } finally {
    await subject.stop();
  }
}

interface Traffic {
  readonly tag: string;
  readonly scenario: SippScenario;
  readonly rate: number;
  readonly total: number;
  readonly limit?: number;
}

async function generate(ground: Ground, subject: Subject, traffic: Traffic): Promise<Load> {
  const { lab, caller: host, sbc, client, authority } = ground;
  const { tag, scenario, rate, total, limit = 5_000 } = traffic;
  const before = cpuNanoseconds(...subject.pids());
  const started = performance.now();
  const caller = SippCaller.start(lab, {
    name: tag,
    host,
    network: 'outside',
    scenario,
    target: { address: sbc.outside, port: subject.port },
    transport: 'tls',
    tls: { certificate: client, authority: authority.certificate },
    users: users.map((user) => ({ ...user, callee })),
    domain,
    calls: total,
    rate,
    limit,
    timeoutMs: 120_000,
    cpus: generatorCpu,
    // SIPp would say its target's address where digest wants the Request-URI (RFC 7616 §3.4).
    extra: ['-auth_uri', scenario === 'register' ? domain : `${callee}@${domain}`],
  });
  let callerCpu = 0;
  const watching = setInterval(() => {
    callerCpu = Math.max(callerCpu, cpuNanoseconds(caller.process.pid));
  }, 100);
  const result = await caller.result();
  clearInterval(watching);
  const seconds = (performance.now() - started) / 1_000;
  await sleep(300);
  const cpu = cpuNanoseconds(...subject.pids()) - before;
  if (result.successful === 0) throw new Error(`${tag}: no call got through: ${result.errors}`);
  const latencies = (scenario === 'register' ? result.responseTimes['register'] : result.responseTimes['setup']) ?? [];
  return {
    cpuMillisEach: cpu / 1e6 / result.successful,
    perSecond: result.successful / seconds,
    failed: result.failed,
    latencies: latencies.toSorted((a, b) => a - b),
    residentBytes: residentBytes(...subject.pids()),
    callerBusy: callerCpu / 1e9 / seconds,
  };
}

async function startPortcullis({ lab, authority, sbc, answerer }: Ground): Promise<Subject> {
  const portcullis = await Portcullis.start(lab, {
    host: sbc,
    authority,
    domain,
    pbx: { address: answerer.inside, port: answererPort },
    users: passwords,
    algorithms: ['MD5'],
    key: 'rsa',
    limits: { concurrent_calls: 1_000, total_calls: 10_000, source_requests_per_second: 100_000 },
    workers: 1,
    cpus: subjectCpu,
  });
  const { process } = portcullis;
  return {
    port: PORTCULLIS_TLS_PORT,
    pids: () => processTree(process.pid),
    stop: async () => void (await process.stop()),
  };
}

async function startReference({ lab, authority, sbc, answerer }: Ground, run: number): Promise<Subject> {
  const reference = await startReferenceSbc(lab, {
    name: `reference-${run}`,
    host: sbc,
    authority,
    pbx: `${answerer.inside}:${answererPort}`,
    domain,
    users: passwords,
    algorithm: 'MD5',
    callsPerUser: 1_000,
    // With its default of 64 MB it runs out of memory for TLS after some thousand calls, and refuses connections.
    sharedMemoryMb: 512,
    cpus: subjectCpu,
    rtpengine: { name: `reference-media-${run}`, threads: 1, logLevel: 1 },
  });
  const pids = (): readonly number[] => [
    ...processTree(reference.kamailio.pid),
    ...processTree(reference.rtpengine.pid),
  ];
  return { port: SBC_TLS_PORT, pids, stop: () => reference.stop() };
}

function compare(loads: Readonly<Record<SubjectName, Record<LoadName, Load[]>>>, name: LoadName): LoadComparison {
  const ours = loads.portcullis[name];
  const theirs = loads.reference[name];
  const ratio = (read: (load: Load) => number): Summary =>
    summarise(ours.map((load, run) => read(load) / read(theirs[run] ?? load)));
  return {
    portcullis: summary(ours),
    reference: summary(theirs),
    cpuRatio: ratio((load) => load.cpuMillisEach),
    rateRatio: ratio((load) => load.perSecond),
  };
}

function summary(loads: readonly Load[]): LoadSummary {
  const of = (read: (load: Load) => number): Summary => summarise(loads.map(read));
  return {
    cpuMillisEach: of((load) => load.cpuMillisEach),
    perSecond: of((load) => load.perSecond),
    failed: loads.reduce((sum, load) => sum + load.failed, 0),
    latencyP50: of((load) => quantile(load.latencies, 0.5)),
    latencyP95: of((load) => quantile(load.latencies, 0.95)),
    latencyP99: of((load) => quantile(load.latencies, 0.99)),
    residentBytes: of((load) => load.residentBytes),
  };
}

function invalidRuns(
  loads: Readonly<Record<SubjectName, Record<LoadName, Load[]>>>,
  broken: readonly string[],
): Record<string, number> {
  const invalid: Record<string, number> = {};
  for (const reason of broken) invalid[reason] = (invalid[reason] ?? 0) + 1;
  for (const [name, kinds] of Object.entries(loads)) {
    for (const [kind, runs] of Object.entries(kinds)) {
      const busy = runs.filter((load) => load.callerBusy > busiestCaller).length;
      if (busy > 0) invalid[`${name} ${kind}: caller above 80 % busy`] = busy;
    }
  }
  return invalid;
}
