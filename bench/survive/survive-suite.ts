// What it costs that calls outlive the process, and how soon the next one has them.

import { redisIsMissing } from '../../test/support/redis-server.ts';
import { openInRedis } from '../lib/bench-redis.ts';
import { openIn } from '../lib/bench-store.ts';
import type { SurvivePlan } from '../lib/plan.ts';
import { type Summary, summarise } from '../lib/statistics.ts';
import { type MediaGap, mediaGaps } from './media-gap.ts';
import { readyTime } from './ready-time.ts';
import { type StoreCost, storeCost } from './store-cost.ts';

export interface SurviveFigures {
  readonly store: StoreCost;
  /** The same with calls in Redis, where the machine has one. */
  readonly redis?: StoreCost;
  readonly ready: {
    readonly calls: number;
    readonly registrations: number;
    readonly loadMillis: Summary;
    readonly loadCpuMillis: Summary;
    readonly takeUpMillis: Summary;
    readonly takeUpCpuMillis: Summary;
  };
  /** Of each way in which another process goes on with the calls. */
  readonly gaps: readonly MediaGap[];
}

export interface SurviveOptions extends SurvivePlan {
  /** Gaps that were measured before: kept where none are measured now. */
  readonly earlier: readonly MediaGap[];
  /** Whether there is time for another start. */
  readonly another: (done: number) => boolean;
  readonly progress: (line: string) => void;
}

const calls = 1_000;
const registrations = 20_000;

export async function surviveSuite(options: SurviveOptions): Promise<SurviveFigures> {
  const { runs, pairs, turn, warmUp, mishaps, failOvers, earlier, another, progress } = options;
  const cost = { runs: pairs, calls: turn, warmUp, progress };
  const store = await storeCost({ ...cost, keeper: 'SQLite', open: openIn });
  const redis =
    redisIsMissing() === undefined ? await storeCost({ ...cost, keeper: 'Redis', open: openInRedis }) : undefined;
  const times: Awaited<ReturnType<typeof readyTime>>[] = [];
  for (let run = 0; run < runs && another(run); run += 1) {
    const time = await readyTime({ calls, registrations });
    times.push(time);
    const [load, takeUp] = [time.loadMillis, time.takeUpMillis].map(Math.round);
    progress(
      `survive: ${calls} calls and ${registrations} registrations loaded in ${load} ms, taken up in ${takeUp} ms`,
    );
  }
  const gaps = mishaps === 0 ? earlier : await mediaGaps({ runs: mishaps, failOvers, progress });
  return {
    gaps,
    store,
    ...(redis === undefined ? {} : { redis }),
    ready: {
      calls,
      registrations,
      loadMillis: summarise(times.map(({ loadMillis }) => loadMillis)),
      loadCpuMillis: summarise(times.map(({ loadCpuMillis }) => loadCpuMillis)),
      takeUpMillis: summarise(times.map(({ takeUpMillis }) => takeUpMillis)),
      takeUpCpuMillis: summarise(times.map(({ takeUpCpuMillis }) => takeUpCpuMillis)),
    },
  };
}
