// What it costs to keep calls for the process that follows: calls a second of the composed SBC on fake time and fake sockets, with
// its calls kept (in SQLite, or in Redis) and without, by turns in one process. `standing` calls are up at any time, so that each is written as in
// service: reached or answered, changed, over, gone. Each turn of the side that keeps ends when all is written.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stores } from '../../src/store/stores.ts';
import { type Summary, summarise } from '../lib/statistics.ts';
import { CallLoad } from '../micro/call-load.ts';

export interface StoreCost {
  /** Calls a second of CPU of the thread that signals. */
  readonly off: Summary;
  readonly on: Summary;
  /** `on` over `off` of each pair of turns by itself. */
  readonly ratio: Summary;
}

export interface StoreCostOptions {
  /** Pairs of turns. */
  readonly runs: number;
  /** Calls of each turn. */
  readonly calls: number;
  /** Calls of each side before anything is counted. */
  readonly warmUp: number;
  readonly progress: (line: string) => void;
  /** Where calls are kept, by name, and how it is opened in a folder for temporary files. */
  readonly keeper: string;
  readonly open: (folder: string) => Promise<Stores>;
}

const standing = 300;

export async function storeCost(options: StoreCostOptions): Promise<StoreCost> {
  const { runs, calls, warmUp, keeper, open, progress } = options;
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-store-'));
  const stores = await open(folder);
  try {
    const without = new Side(new CallLoad(), () => Promise.resolve());
    const kept = new Side(new CallLoad({ state: stores }), () => stores.flush());
    for (const side of [without, kept]) await side.perSecond(Math.max(warmUp, standing));
    const rates: { readonly off: number; readonly on: number }[] = [];
    for (let run = 0; run < runs; run += 1) {
      const first = run % 2 === 0 ? await without.perSecond(calls) : undefined;
      const on = await kept.perSecond(calls);
      rates.push({ off: first ?? (await without.perSecond(calls)), on });
    }
    const ratio = summarise(rates.map(({ off, on }) => on / off));
    progress(`survive: calls kept in ${keeper} over calls not kept ${ratio.median.toFixed(3)} (${runs} pairs)`);
    return {
      off: summarise(rates.map(({ off }) => off)),
      on: summarise(rates.map(({ on }) => on)),
      ratio,
    };
  } finally {
    await stores.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Side {
  readonly #load: CallLoad;
  readonly #settled: () => Promise<void>;
  #serial = 0;

  constructor(load: CallLoad, settled: () => Promise<void>) {
    this.#load = load;
    this.#settled = settled;
  }

  /** Calls a second of this thread's CPU. */
  async perSecond(calls: number): Promise<number> {
    const before = process.threadCpuUsage();
    for (const end = this.#serial + calls; this.#serial < end; this.#serial += 1) {
      await this.#load.one(this.#serial, standing);
    }
    await this.#settled();
    const { user, system } = process.threadCpuUsage(before);
    return (calls / (user + system)) * 1e6;
  }
}
