// What a subject goes through in one run, in this order: calls over one connection and over many, registrations, calls
// as fast as it can, connections with a handshake each; a warm-up before each kind. Idle phones come to one that has just started.
import { generate, type Load } from './load.ts';
import { callsFrom } from './scenarios.ts';
import type { Ground, Subject } from './subjects.ts';

export interface PhaseSettings {
  readonly seconds: number;
  readonly warmUp: WarmUp;
  readonly callsPerSecond: number;
  readonly registersPerSecond: number;
  /** Connections of the phase with many of them. */
  readonly connections: number;
  readonly idlePhones: number;
}

/** What comes before each kind of load and does not count: V8 compiles what is called often, after some thousand times. Both subjects get the same. */
export interface WarmUp {
  readonly calls: number;
  readonly registrations: number;
  readonly handshakes: number;
}

export const loadNames = ['call', 'manyConnections', 'register', 'saturated', 'handshake'] as const;
export type LoadName = (typeof loadNames)[number];

export type Loads = Readonly<Record<LoadName, Load>>;

/** As many at a time where the subject's own speed is the limit. */
const atATime = 40;
const asFastAsPossible = 5_000;

export async function measureLoads(
  ground: Ground,
  subject: Subject,
  tag: string,
  settings: PhaseSettings,
): Promise<Loads> {
  const { seconds, callsPerSecond, registersPerSecond, warmUp } = settings;
  const calls = { scenario: 'call', registers: false, timed: 'setup' } as const;
  const registrations = { scenario: 'register', registers: true, timed: 'register' } as const;
  const saturating = { rate: asFastAsPossible, limit: atATime };
  await generate(ground, subject, { ...calls, ...saturating, tag: `${tag}-warm`, total: warmUp.calls });
  const call = await generate(ground, subject, {
    ...calls,
    tag: `${tag}-call`,
    rate: callsPerSecond,
    total: callsPerSecond * seconds,
  });
  const manyConnections = await callsOverMany(ground, subject, `${tag}-many`, settings);
  await generate(ground, subject, {
    ...registrations,
    ...saturating,
    tag: `${tag}-warm-register`,
    total: warmUp.registrations,
  });
  const register = await generate(ground, subject, {
    ...registrations,
    tag: `${tag}-register`,
    rate: registersPerSecond,
    total: registersPerSecond * seconds,
  });
  const saturated = await generate(ground, subject, {
    ...calls,
    ...saturating,
    tag: `${tag}-saturated`,
    total: 400 * seconds,
  });
  const connecting = { ...registrations, ...saturating, connectionPerPhone: true };
  await generate(ground, subject, { ...connecting, tag: `${tag}-warm-handshake`, total: warmUp.handshakes });
  const handshake = await generate(ground, subject, { ...connecting, tag: `${tag}-handshake`, total: 300 * seconds });
  return { call, manyConnections, register, saturated, handshake };
}

const connectingPerSecond = 100;
const settleMillis = 1_000;

/** Calls of phones that have a connection each. */
export function callsOverMany(
  ground: Ground,
  subject: Subject,
  tag: string,
  settings: Pick<PhaseSettings, 'connections' | 'callsPerSecond' | 'seconds'>,
): Promise<Load> {
  const { connections, callsPerSecond, seconds } = settings;
  const callsEach = Math.max(1, Math.round((callsPerSecond * seconds) / connections));
  const startIn = (connections / connectingPerSecond) * 1_000 + settleMillis;
  return generate(ground, subject, {
    tag,
    scenario: callsFrom(Date.now() + startIn, callsEach, Math.round((connections / callsPerSecond) * 1_000)),
    registers: false,
    connectionPerPhone: true,
    rate: connectingPerSecond,
    total: connections,
    limit: connections,
    callsEach,
    measureFrom: performance.now() + startIn - settleMillis / 4,
    timed: 'again',
  });
}
