// Many phones that are registered over a TLS connection each and do nothing: what memory one of them takes, and what becomes of
// them when all register again at the same moment over the connections that they have.
import { setTimeout as sleep } from 'node:timers/promises';
import { proportionalBytes } from '../lib/cpu.ts';
import { generate, startTraffic } from './load.ts';
import { registersAgainAt } from './scenarios.ts';
import type { Ground, Subject } from './subjects.ts';

export interface IdlePhones {
  readonly bytesEach: number;
  /** Phones that did not get their second 200 within 30 s, or that never got the first. */
  readonly stormFailed: number;
  /** From the storm's moment to the last 200. */
  readonly stormMillis: number;
  readonly latencies: readonly number[];
}

const registrationsPerSecond = 250;
const settleMillis = 6_000;
const lingerMillis = 4_000;

export async function idlePhones(ground: Ground, subject: Subject, tag: string, phones: number): Promise<IdlePhones> {
  // What the first of them wakes (code, pools, tables) is no phone's memory.
  await generate(ground, subject, {
    tag: `${tag}-first`,
    scenario: 'register',
    registers: true,
    connectionPerPhone: true,
    rate: registrationsPerSecond,
    total: 2 * registrationsPerSecond,
    timed: 'register',
  });
  const before = proportionalBytes(...subject.pids());
  const arriveMillis = (phones / registrationsPerSecond) * 1_000;
  const stormIn = arriveMillis + settleMillis;
  const caller = startTraffic(ground, subject, {
    tag,
    scenario: registersAgainAt(Date.now() + stormIn, lingerMillis),
    registers: true,
    connectionPerPhone: true,
    rate: registrationsPerSecond,
    total: phones,
    limit: phones,
    timed: 'again',
  });
  await sleep(stormIn - settleMillis / 3);
  const after = proportionalBytes(...subject.pids());
  const result = await caller.result();
  const latencies = (result.responseTimes['again'] ?? []).toSorted((a, b) => a - b);
  return {
    bytesEach: (after - before) / phones,
    stormFailed: phones - result.successful,
    stormMillis: latencies.at(-1) ?? 0,
    latencies,
  };
}
