// Portcullis's relay and rtpengine in user space, one after the other in each run and in alternating order, on the same core;
// the load comes from the other core. Main figure: CPU microseconds of the whole process for each relayed packet.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Host, Lab } from '../../test/interop/peers/lab.ts';
import { eventually, PeerProcess } from '../../test/interop/peers/peer-process.ts';
import { RTPENGINE_CONTROL_PORT, startRtpengine } from '../../test/interop/peers/rtpengine.ts';
import { cpuNanoseconds, residentBytes } from '../lib/cpu.ts';
import { parseJson } from '../lib/parse-json.ts';
import { type Summary, summarise } from '../lib/statistics.ts';
import type { LoadOptions, LoadResult } from './load.ts';
import { NgClient } from './ng-client.ts';
import { type CallAddresses, mediaPort, pbxAnswer, phoneOffer } from './offers.ts';

export interface RelaySuiteOptions {
  readonly calls: number;
  readonly runs: number;
  readonly seconds: number;
  readonly progress: (line: string) => void;
}

/** One measured phase of one subject. */
export interface Phase {
  readonly cpuMicrosPerPacket: number;
  readonly packetsPerSecond: number;
  readonly lossShare: number;
  readonly generatorBusy: number;
  readonly latency: LoadResult['latency'];
  readonly residentBytes: number;
}

export interface RelayFigures {
  readonly calls: number;
  readonly reference: string;
  readonly driver: string;
  /** Why runs were left out, by reason. */
  readonly invalid: Readonly<Record<string, number>>;
  readonly flood: Comparison;
  readonly paced: Comparison;
  /** Packets that came out for 3,000 forged ones that went in: must be 0. */
  readonly forgedRelayed: number;
}

export interface Comparison {
  readonly portcullis: PhaseSummary;
  readonly rtpengine: PhaseSummary;
  /** CPU for a packet, run by run. */
  readonly cpuRatio: Summary;
  readonly p99Ratio: Summary;
}

export interface PhaseSummary {
  readonly cpuMicrosPerPacket: Summary;
  readonly packetsPerSecond: Summary;
  readonly lossShare: Summary;
  readonly latencyP50: Summary;
  readonly latencyP99: Summary;
  readonly residentBytes: Summary;
}

type SubjectName = 'portcullis' | 'rtpengine';

interface Subject {
  readonly pid: number;
  readonly ports: LoadOptions['calls'];
  readonly detail: string;
  stop(): Promise<void>;
}

interface Measured {
  readonly flood: Phase;
  readonly paced: Phase;
  readonly forged: number;
  readonly detail: string;
}

const subjectCpu = '1';
const generatorCpu = '0';
/** A run counts only when the generator had time to spare, and nothing was lost. */
const busiestGenerator = 0.8;
const highestLoss = 0.001;

export async function relaySuite(lab: Lab, options: RelaySuiteOptions): Promise<RelayFigures> {
  const reference = lab.peers.versions['rtpengine-daemon'] ?? 'of unknown version';
  const host = await lab.addLocalHost('relay', 10);
  const measured: Record<SubjectName, Measured[]> = { portcullis: [], rtpengine: [] };
  for (let run = 0; run < options.runs; run += 1) {
    const order: readonly SubjectName[] = run % 2 === 0 ? ['portcullis', 'rtpengine'] : ['rtpengine', 'portcullis'];
    for (const name of order) {
      const one = await measure(lab, host, name, options, run);
      measured[name].push(one);
      options.progress(
        `relay N=${options.calls} run ${run + 1}/${options.runs} ${name}: flood ${one.flood.cpuMicrosPerPacket.toFixed(2)} µs/packet, ` +
          `${Math.round(one.flood.packetsPerSecond)} packets/s, generator ${Math.round(one.flood.generatorBusy * 100)} %, loss ${(one.flood.lossShare * 100).toFixed(3)} %; ` +
          `paced ${one.paced.cpuMicrosPerPacket.toFixed(2)} µs/packet, p99 ${Math.round(one.paced.latency.p99)} µs`,
      );
    }
  }
  return {
    calls: options.calls,
    reference: `rtpengine ${reference}, user space, one thread`,
    driver: measured.portcullis[0]?.detail ?? '',
    invalid: invalidRuns(measured),
    flood: compare(measured, 'flood'),
    paced: compare(measured, 'paced'),
    forgedRelayed: measured.portcullis.reduce((sum, one) => sum + one.forged, 0),
  };
}

async function measure(
  lab: Lab,
  host: Host,
  name: SubjectName,
  options: RelaySuiteOptions,
  run: number,
): Promise<Measured> {
  const addresses: CallAddresses = {
    phone: { address: host.outside, port: 19_000 },
    pbx: { address: host.inside, port: 19_002 },
    masterKey: randomBytes(30).toString('base64'),
  };
  const start = name === 'portcullis' ? startPortcullis : startReference;
  const subject = await start(lab, host, addresses, options.calls, run);
  try {
    const load = {
      phone: addresses.phone,
      pbx: addresses.pbx,
      outsideAddress: host.outside,
      insideAddress: host.inside,
      calls: subject.ports,
      masterKey: addresses.masterKey,
      window: 512,
    };
    const warm = await generate({ ...load, mode: 'paced', seconds: 1, firstSequence: 1 });
    const flood = await phase(subject, {
      ...load,
      mode: 'flood',
      seconds: options.seconds,
      firstSequence: warm.nextSequence,
    });
    const paced = await phase(subject, {
      ...load,
      mode: 'paced',
      seconds: options.seconds,
      firstSequence: flood.result.nextSequence,
    });
    const forged = await generate({
      ...load,
      calls: load.calls.slice(0, 50),
      mode: 'forged',
      seconds: 1.2,
      firstSequence: paced.result.nextSequence,
    });
    return { flood: flood.figures, paced: paced.figures, forged: forged.received, detail: subject.detail };
  } finally {
    await subject.stop();
  }
}

async function phase(
  subject: Subject,
  load: LoadOptions,
): Promise<{ readonly figures: Phase; readonly result: LoadResult }> {
  const before = cpuNanoseconds(subject.pid);
  const result = await generate(load);
  const cpu = cpuNanoseconds(subject.pid) - before;
  const figures = {
    cpuMicrosPerPacket: cpu / 1_000 / Math.max(1, result.received),
    packetsPerSecond: result.received / result.seconds,
    lossShare: (result.sent - result.received) / Math.max(1, result.sent),
    generatorBusy: result.generatorBusy,
    latency: result.latency,
    residentBytes: residentBytes(subject.pid),
  };
  return { figures, result };
}

async function generate(load: LoadOptions): Promise<LoadResult> {
  const script = fileURLToPath(new URL('./load.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    'taskset',
    ['-c', generatorCpu, process.execPath, script, JSON.stringify(load)],
    { timeout: 120_000, maxBuffer: 1 << 20 },
  );
  return parseJson<LoadResult>(stdout);
}

async function startPortcullis(
  lab: Lab,
  host: Host,
  addresses: CallAddresses,
  calls: number,
  run: number,
): Promise<Subject> {
  const script = fileURLToPath(new URL('./portcullis-relay.ts', import.meta.url));
  const options = { ...addresses, calls, outsideAddress: host.outside, insideAddress: host.inside, driver: 'auto' };
  const child = PeerProcess.start(lab, {
    name: `portcullis-relay-${calls}-${run}`,
    host,
    argv: [process.execPath, script, JSON.stringify(options)],
    cpus: subjectCpu,
  });
  const line = await eventually('the relay to be ready', 60_000, () => {
    if (!child.isRunning) throw new Error(`the relay ended: ${child.log().slice(-2_000)}`);
    return /^\{"driver".*\}$/m.exec(child.log())?.[0];
  });
  const ready = parseJson<{ readonly driver: string; readonly ports: readonly [number, number][] }>(line);
  const ports = ready.ports.map(([outsidePort, insidePort]) => ({ outsidePort, insidePort }));
  return { pid: child.pid, ports, detail: ready.driver, stop: async () => void (await child.stop()) };
}

async function startReference(
  lab: Lab,
  host: Host,
  addresses: CallAddresses,
  calls: number,
  run: number,
): Promise<Subject> {
  const name = `rtpengine-relay-${calls}-${run}`;
  const child = await startRtpengine(lab, {
    host,
    threads: 1,
    cpus: subjectCpu,
    logLevel: 1,
    ports: [20_000, 39_999],
    name,
  });
  const client = await NgClient.connect(host.inside, RTPENGINE_CONTROL_PORT);
  const ports: { outsidePort: number; insidePort: number }[] = [];
  for (let call = 0; call < calls; call += 1) {
    const ids = { 'call-id': `bench-${call}`, 'from-tag': 'phone' };
    const offer = await client.describe('offer', {
      ...ids,
      sdp: phoneOffer(addresses),
      'transport-protocol': 'RTP/AVP',
      direction: ['outside', 'inside'],
      replace: ['origin'],
      ICE: 'remove',
    });
    const answer = await client.describe('answer', {
      ...ids,
      'to-tag': 'pbx',
      sdp: pbxAnswer(addresses),
      ICE: 'remove',
    });
    ports.push({ outsidePort: mediaPort(answer), insidePort: mediaPort(offer) });
  }
  client.close();
  return { pid: child.pid, ports, detail: 'rtpengine', stop: async () => void (await child.stop()) };
}

function invalidRuns(measured: Readonly<Record<SubjectName, readonly Measured[]>>): Record<string, number> {
  const invalid: Record<string, number> = {};
  for (const [name, runs] of Object.entries(measured)) {
    for (const [kind, reason] of runs.flatMap((run) => [
      ['flood', whyInvalid(run.flood)] as const,
      ['paced', whyInvalid(run.paced)] as const,
    ])) {
      if (reason !== undefined)
        invalid[`${name} ${kind}: ${reason}`] = (invalid[`${name} ${kind}: ${reason}`] ?? 0) + 1;
    }
  }
  return invalid;
}

function whyInvalid(phase: Phase): string | undefined {
  if (phase.generatorBusy > busiestGenerator) return 'generator above 80 % busy';
  return phase.lossShare > highestLoss ? 'loss above 0.1 %' : undefined;
}

function compare(measured: Readonly<Record<SubjectName, readonly Measured[]>>, kind: 'flood' | 'paced'): Comparison {
  const of = (name: SubjectName): readonly Phase[] => measured[name].map((run) => run[kind]);
  const ratios = (read: (phase: Phase) => number): Summary =>
    summarise(of('portcullis').map((phase, run) => read(phase) / read(of('rtpengine')[run] ?? phase)));
  return {
    portcullis: summary(of('portcullis')),
    rtpengine: summary(of('rtpengine')),
    cpuRatio: ratios((phase) => phase.cpuMicrosPerPacket),
    p99Ratio: ratios((phase) => phase.latency.p99),
  };
}

function summary(phases: readonly Phase[]): PhaseSummary {
  const of = (read: (phase: Phase) => number): Summary => summarise(phases.map(read));
  return {
    cpuMicrosPerPacket: of((phase) => phase.cpuMicrosPerPacket),
    packetsPerSecond: of((phase) => phase.packetsPerSecond),
    lossShare: of((phase) => phase.lossShare),
    latencyP50: of((phase) => phase.latency.p50),
    latencyP99: of((phase) => phase.latency.p99),
    residentBytes: of((phase) => phase.residentBytes),
  };
}
