// Portcullis's relay, rtpengine in user space and a plain C relay, one after the other in each run and in alternating order, on the
// same core; the load comes from the other core. Main figure: CPU microseconds of the whole process for each relayed packet.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Tree } from '../../test/interop/peers/install.ts';
import type { Host, Lab } from '../../test/interop/peers/lab.ts';
import { cpuNanoseconds, residentBytes } from '../lib/cpu.ts';
import { parseJson } from '../lib/parse-json.ts';
import type { RelayGroup, RelayPlan } from '../lib/plan.ts';
import { summarise } from '../lib/statistics.ts';
import { type Cell, cellOf, type Mode, type Phase, type RelayFigures, whyInvalid } from './figures.ts';
import { compileFloor } from './floor/compile.ts';
import type { LoadMode, LoadOptions, LoadResult } from './load.ts';
import type { CallAddresses } from './offers.ts';
import { masterKeyFor, type Protection } from './packets.ts';
import { type Subject, type SubjectName, startSubject, subjectNames } from './subjects.ts';

export interface RelaySuiteOptions extends RelayPlan {
  /** Whether there is time for another round: a run of each group that has that many. */
  readonly another: (done: number) => boolean;
  /** Another rtpengine than Debian 12's to compare with. */
  readonly rtpengine: Tree | undefined;
  readonly progress: (line: string) => void;
}

/** What was measured of a group so far. */
type Measured = ReadonlyMap<Mode, Partial<Record<SubjectName, Phase[]>>>;

interface Ground extends RelaySuiteOptions {
  readonly lab: Lab;
  readonly host: Host;
  readonly names: readonly SubjectName[];
  readonly floor: string | undefined;
  readonly invalid: Record<string, number>;
  driver: string;
  refused: number;
}

const generatorCpu = '0';

export async function relaySuite(lab: Lab, options: RelaySuiteOptions): Promise<RelayFigures> {
  const floor = compileFloor();
  if (!floor.ok) options.progress(`floor not measured: ${floor.error}`);
  const ground: Ground = {
    ...options,
    lab,
    host: await lab.addLocalHost('relay', 10),
    names: subjectNames.filter((name) => name !== 'floor' || floor.ok),
    floor: floor.ok ? floor.value : undefined,
    invalid: {},
    driver: '',
    refused: 0,
  };
  const { groups, sessionRuns, another } = options;
  const measured = groups.map((group): [RelayGroup, Measured] => [
    group,
    new Map(group.modes.map((mode) => [mode, {}])),
  ]);
  const sessions: SessionCosts = { portcullis: [], rtpengine: [] };
  const rounds = Math.max(sessionRuns, ...groups.map(({ runs }) => runs));
  for (let run = 0; run < rounds && another(run); run += 1) {
    for (const [group, phases] of measured) if (run < group.runs) await measureRun(ground, group, run, phases);
    if (run < sessionRuns) await sessionRun(ground, run, sessions);
  }
  const cells = measured.flatMap(([group, phases]) =>
    Array.from(phases, ([mode, of]): Cell => cellOf({ ...group, mode }, of)),
  );
  return {
    reference: `${referenceOf(lab, options.rtpengine)}, user space, one thread, logging off`,
    floor: floor.ok ? 'a C program on epoll with libcrypto' : `not measured (${floor.error})`,
    driver: ground.driver,
    cells,
    session: summariesOf(sessions),
    refused: ground.refused,
    invalid: ground.invalid,
  };
}

function referenceOf(lab: Lab, other: Tree | undefined): string {
  const { versions } = other ?? lab.peers;
  const whose = other === undefined ? "Debian 12's" : 'the newest that Debian has';
  return `rtpengine ${versions['rtpengine-daemon'] ?? 'of unknown version'} (${whose})`;
}

async function measureRun(ground: Ground, group: RelayGroup, run: number, phases: Measured): Promise<void> {
  for (const name of run % 2 === 0 ? ground.names : ground.names.toReversed()) {
    for (const [mode, phase] of await measure(ground, group, name, run)) {
      const runs = phases.get(mode);
      if (runs !== undefined) runs[name] = [...(runs[name] ?? []), phase];
      const reason = whyInvalid(phase);
      const key = `${name}, ${group.calls} calls, ${group.protection}, ${mode}: ${reason}`;
      if (reason !== undefined) ground.invalid[key] = (ground.invalid[key] ?? 0) + 1;
      const which = `${group.calls} calls ${group.protection} run ${run + 1}/${group.runs} ${name}`;
      ground.progress(`${which} ${said(mode, phase)}`);
    }
  }
}

function said(mode: Mode, phase: Phase): string {
  const latency = mode === 'paced' ? `, p99 ${Math.round(phase.latency.p99)} µs` : '';
  return (
    `${mode}: ${phase.cpuMicrosPerPacket.toFixed(2)} µs/packet, ${Math.round(phase.packetsPerSecond)} packets/s, ` +
    `loss ${(phase.lossShare * 100).toFixed(3)} %, generator ${Math.round(phase.generatorBusy * 100)} %${latency}`
  );
}

async function measure(ground: Ground, group: RelayGroup, name: SubjectName, run: number): Promise<Map<Mode, Phase>> {
  const { host, seconds } = ground;
  const { calls, protection, modes } = group;
  const addresses = addressesOf(host, protection);
  const place = `${calls}-${protection}-${run}`;
  const subject = await startSubject[name]({ ...ground, addresses, calls, sessions: 0, place });
  try {
    if (name === 'portcullis') ground.driver = subject.detail;
    const load = {
      ...addresses,
      outsideAddress: host.outside,
      insideAddress: host.inside,
      calls: subject.ports,
      window: 512,
      seconds,
    };
    const warm = await generate({ ...load, mode: 'paced', seconds: 0.5, firstSequence: 1 });
    let firstSequence = warm.nextSequence;
    const phases = new Map<Mode, Phase>();
    for (const mode of modes) {
      const { figures, result } = await phase(subject, { ...load, mode, firstSequence });
      phases.set(mode, figures);
      firstSequence = result.nextSequence;
    }
    if (name === 'portcullis' && run === 0) await refuses(ground, { ...load, mode: 'forged', firstSequence });
    return phases;
  } finally {
    await subject.stop();
  }
}

function addressesOf(host: Host, protection: Protection): CallAddresses {
  const phone = { address: host.outside, port: 19_000 };
  const pbx = { address: host.inside, port: 19_002 };
  return { phone, pbx, protection, masterKey: masterKeyFor(protection) };
}

/** With all checks on: whatever a stranger without the keys, or one with a recording, sends in must not come out. */
async function refuses(ground: Ground, load: LoadOptions): Promise<void> {
  const modes: readonly LoadMode[] = load.protection === 'plain' ? ['malformed'] : ['forged', 'replayed', 'malformed'];
  for (const mode of modes) {
    // Those that were received last, some within the replay window and some behind it.
    const firstSequence = mode === 'replayed' ? Math.max(1, load.firstSequence - 100) : load.firstSequence;
    const { sent, received } = await generate({
      ...load,
      mode,
      firstSequence,
      calls: load.calls.slice(0, 50),
      seconds: 0.5,
    });
    if (sent === 0) throw new Error(`no ${mode} packet was sent`);
    if (received > 0) throw new Error(`${received} of ${sent} ${mode} packets came out (${load.protection})`);
    ground.refused += sent;
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

type SessionCosts = Record<'portcullis' | 'rtpengine', number[]>;

async function sessionRun(ground: Ground, run: number, costs: SessionCosts): Promise<void> {
  for (const name of ['portcullis', 'rtpengine'] as const) {
    const addresses = addressesOf(ground.host, 'cm');
    const subject = await startSubject[name]({ ...ground, addresses, calls: 0, place: `sessions-${run}` });
    await subject.stop();
    costs[name].push(subject.sessionMicros ?? 0);
    ground.progress(
      `sessions run ${run + 1}/${ground.sessionRuns} ${name}: ${Math.round(subject.sessionMicros ?? 0)} µs each`,
    );
  }
}

function summariesOf({ portcullis, rtpengine }: SessionCosts): RelayFigures['session'] {
  return {
    portcullis: summarise(portcullis),
    rtpengine: summarise(rtpengine),
    ratio: summarise(portcullis.map((cost, run) => cost / (rtpengine[run] ?? cost))),
  };
}
