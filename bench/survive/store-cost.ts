// What it costs to keep calls for the process that follows: calls a second of the composed SBC on fake time and fake sockets, with
// its calls kept in SQLite and without, by turns in one process. `standing` calls are up at any time, so that each is written as in
// service: reached or answered, changed, over, gone. By itself: node bench/survive/store-cost.ts [--runs N] [--seconds S] [--warm-up CALLS]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Stores } from '../../src/store/stores.ts';
import { openIn } from '../lib/bench-store.ts';
import { formatSummary, type Summary, summarise } from '../lib/statistics.ts';
import { CallLoad } from '../micro/call-load.ts';

export interface StoreCost {
  /** Calls a second of the thread that signals, by its CPU time. */
  readonly off: Summary;
  readonly on: Summary;
  /** `on` over `off` of each pair of runs by itself: of CPU time of the main thread, and of time by the clock. */
  readonly ratio: Summary;
  readonly ratioByClock: Summary;
  readonly runs: readonly { readonly off: number; readonly on: number; readonly ratioByClock: number }[];
}

export interface StoreCostOptions {
  /** Calls of each side before anything is counted. */
  readonly warmUp?: number;
  readonly runs: number;
  readonly seconds: number;
  readonly progress: (line: string) => void;
  /** Where calls are kept; absent: SQLite with its thread, in a folder for temporary files. */
  readonly stores?: Stores;
}

const standing = 300;

export async function storeCost({
  runs,
  seconds,
  progress,
  stores,
  warmUp = 3_000,
}: StoreCostOptions): Promise<StoreCost> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-store-'));
  const opened = stores ?? (await openIn(folder));
  try {
    const { calls, locations, budgets } = opened;
    const without = new Side(new CallLoad());
    const kept = new Side(new CallLoad({ state: { calls, locations, budgets } }));
    for (const side of [without, kept]) await side.calls(warmUp);
    const rates: { readonly off: number; readonly on: number; readonly ratioByClock: number }[] = [];
    for (let run = 0; run < runs; run += 1) {
      const [first, second] = run % 2 === 0 ? [without, kept] : [kept, without];
      const [one, other] = [await first.run(seconds), await second.run(seconds)];
      const [off, on] = run % 2 === 0 ? [one, other] : [other, one];
      rates.push({ off: off.byCpu, on: on.byCpu, ratioByClock: on.byClock / off.byClock });
      const [plain, cost] = [Math.round(off.byCpu), Math.round(on.byCpu)];
      progress(`store run ${run + 1}: ${plain} calls/s without, ${cost}/s with, ${(on.byCpu / off.byCpu).toFixed(3)}`);
    }
    return {
      off: summarise(rates.map(({ off }) => off)),
      on: summarise(rates.map(({ on }) => on)),
      ratio: summarise(rates.map(({ off, on }) => on / off)),
      ratioByClock: summarise(rates.map(({ ratioByClock }) => ratioByClock)),
      runs: rates,
    };
  } finally {
    await opened.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Side {
  readonly #load: CallLoad;
  #serial = 0;

  constructor(load: CallLoad) {
    this.#load = load;
  }

  async calls(count: number): Promise<void> {
    for (const end = this.#serial + count; this.#serial < end; this.#serial += 1) {
      await this.#load.one(this.#serial, standing);
    }
  }

  async run(seconds: number): Promise<{ readonly byCpu: number; readonly byClock: number }> {
    const before = { cpu: process.threadCpuUsage(), at: performance.now(), serial: this.#serial };
    while (performance.now() - before.at < seconds * 1_000) await this.calls(20);
    const { user, system } = process.threadCpuUsage(before.cpu);
    const done = this.#serial - before.serial;
    return { byCpu: (done / (user + system)) * 1e6, byClock: (done / (performance.now() - before.at)) * 1_000 };
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '3' },
      'warm-up': { type: 'string', default: '3000' },
    },
  });
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const cost = await storeCost({
    runs: Number(values.runs),
    seconds: Number(values.seconds),
    warmUp: Number(values['warm-up']),
    progress: say,
  });
  say(`calls/s of CPU: ${formatSummary(cost.off, 0)} without, ${formatSummary(cost.on, 0)} with`);
  say(`ratio: ${formatSummary(cost.ratio, 3)} by CPU, ${formatSummary(cost.ratioByClock, 3)} by the clock`);
  process.exit(0);
}
