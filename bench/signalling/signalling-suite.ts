// Portcullis and the reference SBC (Kamailio with rtpengine) under the same SIPp phones, one after the other in each run and in
// alternating order: the SBC with all of its processes on one core, phones and answering side on the other. Every call is
// challenged, gets media ports and keys, is answered inside and ended. Main figure: CPU milliseconds of the SBC for each call.
import { messageOf } from '../../src/core/errors.ts';
import type { Lab } from '../../test/interop/peers/lab.ts';
import type { SignallingPlan } from '../lib/plan.ts';
import { quantile, type Summary, summarise } from '../lib/statistics.ts';
import { type IdlePhones, idlePhones } from './idle-phones.ts';
import type { Load } from './load.ts';
import { type LoadName, type Loads, loadNames, measureLoads, type PhaseSettings } from './phases.ts';
import { type Ground, prepareGround, type Subject, type SubjectName, startSubject, subjectNames } from './subjects.ts';

export interface SignallingSuiteOptions extends SignallingPlan {
  /** Whether there is time for another pair of runs. */
  readonly another: (done: number) => boolean;
  readonly progress: (line: string) => void;
}

export interface SignallingFigures {
  readonly reference: string;
  readonly settings: PhaseSettings;
  readonly loads: Readonly<Record<LoadName, LoadComparison>>;
  readonly idle: IdleComparison;
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
  readonly attempts: number;
  readonly latencyP50: Summary;
  readonly latencyP95: Summary;
  readonly latencyP99: Summary;
  readonly generatorBusy: Summary;
}

export interface IdleComparison {
  readonly portcullis: IdleSummary;
  readonly reference: IdleSummary;
  readonly bytesRatio: Summary;
}

export interface IdleSummary {
  readonly bytesEach: Summary;
  readonly stormFailed: Summary;
  readonly stormMillis: Summary;
}

interface Measured {
  readonly loads: Loads;
  readonly idle: IdlePhones;
}

type Runs = Record<SubjectName, Measured[]>;

const busiestGenerator = 0.9;

export async function signallingSuite(lab: Lab, options: SignallingSuiteOptions): Promise<SignallingFigures> {
  const { runs, another, progress, ...settings } = options;
  const ground = await prepareGround(lab, settings.idlePhones);
  const measured: Runs = { portcullis: [], reference: [] };
  const broken: string[] = [];
  for (let run = 0; run < runs && another(run); run += 1) {
    try {
      const pair = await measurePair(ground, run, options);
      for (const name of subjectNames) measured[name].push(pair[name]);
    } catch (thrown) {
      // A subject that let no call through cannot be compared: the pair is left out, and the table says so.
      broken.push(messageOf(thrown).split('\n', 1)[0] ?? '');
      progress(`signalling run ${run + 1}/${runs} is left out: ${broken.at(-1)}`);
    }
  }
  await ground.answering.stop();
  return {
    reference: ['kamailio', 'rtpengine-daemon'].map((name) => `${name} ${lab.peers.versions[name] ?? ''}`).join(', '),
    settings,
    loads: {
      call: compareLoads(measured, 'call'),
      manyConnections: compareLoads(measured, 'manyConnections'),
      register: compareLoads(measured, 'register'),
      saturated: compareLoads(measured, 'saturated'),
      handshake: compareLoads(measured, 'handshake'),
    },
    idle: compareIdle(measured),
    invalid: invalidRuns(measured, broken),
  };
}

async function measurePair(
  ground: Ground,
  run: number,
  options: SignallingSuiteOptions,
): Promise<Record<SubjectName, Measured>> {
  const one = async (name: SubjectName): Promise<Measured> => {
    const tag = `${name}-${run}`;
    const loads = await withSubject(ground, name, tag, (subject) => measureLoads(ground, subject, tag, options));
    // Memory that calls have left is used again by phones: only a new process tells what these take.
    const idle = await withSubject(ground, name, `${tag}-idle`, (subject) =>
      idlePhones(ground, subject, `${tag}-phones`, options.idlePhones),
    );
    options.progress(`signalling run ${run + 1}/${options.runs} ${name}: ${inWords({ loads, idle })}`);
    return { loads, idle };
  };
  if (run % 2 === 0) {
    const portcullis = await one('portcullis');
    return { portcullis, reference: await one('reference') };
  }
  const reference = await one('reference');
  return { portcullis: await one('portcullis'), reference };
}

async function withSubject<T>(
  ground: Ground,
  name: SubjectName,
  tag: string,
  work: (subject: Subject) => Promise<T>,
): Promise<T> {
  const subject = await startSubject(ground, name, tag);
  try {
    return await work(subject);
  } finally {
    await subject.stop();
  }
}

function inWords({ loads, idle }: Measured): string {
  const each = loadNames.map((name) => {
    const { cpuMillisEach, perSecond, failed, generatorBusy } = loads[name];
    return `${name} ${cpuMillisEach.toFixed(2)} ms, ${Math.round(perSecond)}/s, ${failed} failed, generator ${Math.round(generatorBusy * 100)} %`;
  });
  const phones = `idle ${(idle.bytesEach / 1_024).toFixed(1)} kB, storm ${idle.stormFailed} failed in ${Math.round(idle.stormMillis)} ms`;
  return [...each, phones].join('; ');
}

function compareLoads(measured: Runs, name: LoadName): LoadComparison {
  const ours = measured.portcullis.map(({ loads }) => loads[name]);
  const theirs = measured.reference.map(({ loads }) => loads[name]);
  return {
    portcullis: summaryOf(ours),
    reference: summaryOf(theirs),
    cpuRatio: ratio(ours, theirs, (load) => load.cpuMillisEach),
    rateRatio: ratio(ours, theirs, (load) => load.perSecond),
  };
}

function summaryOf(loads: readonly Load[]): LoadSummary {
  const of = (read: (load: Load) => number): Summary => summarise(loads.map(read));
  const sum = (read: (load: Load) => number): number => loads.reduce((total, load) => total + read(load), 0);
  return {
    cpuMillisEach: of((load) => load.cpuMillisEach),
    perSecond: of((load) => load.perSecond),
    failed: sum((load) => load.failed),
    attempts: sum((load) => load.attempts),
    latencyP50: of((load) => quantile(load.latencies, 0.5)),
    latencyP95: of((load) => quantile(load.latencies, 0.95)),
    latencyP99: of((load) => quantile(load.latencies, 0.99)),
    generatorBusy: of((load) => load.generatorBusy),
  };
}

function compareIdle(measured: Runs): IdleComparison {
  const of = (name: SubjectName): IdleSummary => {
    const runs = measured[name].map(({ idle }) => idle);
    return {
      bytesEach: summarise(runs.map(({ bytesEach }) => bytesEach)),
      stormFailed: summarise(runs.map(({ stormFailed }) => stormFailed)),
      stormMillis: summarise(runs.map(({ stormMillis }) => stormMillis)),
    };
  };
  const bytesRatio = ratio(measured.portcullis, measured.reference, ({ idle }) => idle.bytesEach);
  return { portcullis: of('portcullis'), reference: of('reference'), bytesRatio };
}

/** Of each pair by itself, since what else the machine does changes from run to run. */
function ratio<T>(ours: readonly T[], theirs: readonly T[], read: (one: T) => number): Summary {
  return summarise(ours.map((one, run) => read(one) / read(theirs[run] ?? one)));
}

function invalidRuns(measured: Runs, broken: readonly string[]): Record<string, number> {
  const invalid: Record<string, number> = {};
  for (const reason of broken) invalid[reason] = (invalid[reason] ?? 0) + 1;
  for (const name of subjectNames) {
    for (const kind of loadNames) {
      const busy = measured[name].filter(({ loads }) => loads[kind].generatorBusy > busiestGenerator).length;
      if (busy > 0) invalid[`${name} ${kind}: generator above ${busiestGenerator * 100} % busy`] = busy;
    }
  }
  return invalid;
}
