// One load: so many calls or registrations by SIPp against a subject, and what they cost it. The callers' own processor time is
// told too, with that of the answering side: where these are busy, they and not the subject set the rate.
import { setTimeout as sleep } from 'node:timers/promises';
import { SippCaller, type SippScenario } from '../../test/interop/peers/sipp.ts';
import { cpuNanoseconds } from '../lib/cpu.ts';
import { domain, type Ground, generatorCpu, type Subject } from './subjects.ts';

export interface Traffic {
  readonly tag: string;
  readonly scenario: SippScenario | { readonly xml: string };
  /** Whether the digest is for REGISTER (the domain's URI) or for calls (the callee's). */
  readonly registers: boolean;
  readonly connectionPerPhone?: boolean | undefined;
  /** SIPp calls a second, and how many in all. With `callsEach` each of them stands for a phone with that many calls. */
  readonly rate: number;
  readonly total: number;
  readonly callsEach?: number | undefined;
  readonly limit?: number | undefined;
  /** Measure from this moment on (`performance.now`), when all phones are there; default is the start. */
  readonly measureFrom?: number | undefined;
  /** Name of the response time that is told. */
  readonly timed: string;
}

export interface Load {
  readonly cpuMillisEach: number;
  readonly perSecond: number;
  readonly failed: number;
  readonly attempts: number;
  readonly latencies: readonly number[];
  /** Share of a core: callers and answering side together. */
  readonly generatorBusy: number;
}

export const callee = '9000';
const timeoutMs = 120_000;

export function startTraffic(ground: Ground, subject: Subject, traffic: Traffic): SippCaller {
  const { lab, caller: host, sbc, client, authority, users } = ground;
  const { tag, scenario, registers, rate, total, limit = 5_000 } = traffic;
  return SippCaller.start(lab, {
    name: tag,
    host,
    network: 'outside',
    scenario,
    target: { address: sbc.outside, port: subject.port },
    transport: 'tls',
    connectionPerCall: traffic.connectionPerPhone,
    tls: { certificate: client, authority: authority.certificate },
    users: users.map((user) => ({ ...user, callee })),
    domain,
    calls: total,
    rate,
    limit,
    timeoutMs,
    cpus: generatorCpu,
    // SIPp would say its target's address where digest wants the Request-URI (RFC 7616 §3.4).
    extra: ['-auth_uri', registers ? domain : `${callee}@${domain}`],
  });
}

export async function generate(ground: Ground, subject: Subject, traffic: Traffic): Promise<Load> {
  const { tag, total, callsEach = 1, timed } = traffic;
  const caller = startTraffic(ground, subject, traffic);
  if (traffic.measureFrom !== undefined) await sleep(Math.max(0, traffic.measureFrom - performance.now()));
  const subjectBefore = cpuNanoseconds(...subject.pids());
  const answeringBefore = cpuNanoseconds(ground.answering.pid);
  const callerBefore = cpuNanoseconds(caller.process.pid);
  const started = performance.now();
  let callerCpu = callerBefore;
  const watching = setInterval(() => {
    callerCpu = Math.max(callerCpu, cpuNanoseconds(caller.process.pid));
  }, 100);
  const result = await caller.result();
  clearInterval(watching);
  const seconds = (performance.now() - started) / 1_000;
  await sleep(300);
  const cpu = cpuNanoseconds(...subject.pids()) - subjectBefore;
  const generatorCpuTime = callerCpu - callerBefore + cpuNanoseconds(ground.answering.pid) - answeringBefore;
  if (result.successful === 0) throw new Error(`${tag}: no call got through: ${result.errors}`);
  const done = result.successful * callsEach;
  return {
    cpuMillisEach: cpu / 1e6 / done,
    perSecond: done / seconds,
    // What SIPp did not come to, because the subject was gone, has failed too.
    failed: Math.max(result.failed, total - result.successful) * callsEach,
    attempts: total * callsEach,
    latencies: (result.responseTimes[timed] ?? []).toSorted((a, b) => a - b),
    generatorBusy: generatorCpuTime / 1e9 / seconds,
  };
}
