// How the node was over time, for charts: the last hour in steps of ten seconds, the last day in steps of five minutes. Memory is taken
// once, and a step costs one pass over what is counted anyway.
import type { EpochMillis, Millis } from '../core/clock.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';

/** What is charted. NaN: unknown, a gap. */
export const historyColumns = [
  /** Calls that are not over. */
  'calls',
  /** Calls that began, a minute. */
  'begun',
  /** Calls that were refused, a minute. */
  'refused',
  /** RTP packets that came in, a second. */
  'packets',
  /** Media packets that were not relayed, a second. */
  'dropped',
  /** Mean opinion score of the calls that run. */
  'mos',
  /** Share of packets lost in the calls that run. */
  'loss',
  /** Phones. */
  'registrations',
  /** Of the main thread and the media workers, in processors. */
  'processors',
  /** How late the event loop is, in milliseconds. */
  'lag',
] as const;

export type HistoryColumn = (typeof historyColumns)[number];
export type HistorySample = Readonly<Record<HistoryColumn, number>>;

/** What is counted since the start, and what is true now; rates are made of two of them. */
export interface NodeCounts {
  readonly calls: number;
  readonly begun: number;
  readonly refused: number;
  readonly packets: number;
  readonly dropped: number;
  readonly mos: number;
  readonly loss: number;
  readonly registrations: number;
  /** Milliseconds on a processor. */
  readonly ran: Millis;
  readonly lag: Millis;
}

export type HistorySpan = 'hour' | 'day';

export interface HistoryView {
  /** Between two values. */
  readonly step: Millis;
  /** Of the last value; undefined before there is one. */
  readonly endsAt: EpochMillis | undefined;
  /** Oldest first, all of one length; null is a gap. */
  readonly columns: Readonly<Record<HistoryColumn, readonly (number | null)[]>>;
}

export const historySteps = { hour: 10_000, day: 300_000 } as const;
const hourPoints = 360;
const dayPoints = 288;

export interface NodeHistoryParts {
  readonly counts: () => Promise<NodeCounts>;
  readonly scheduler: Scheduler;
  readonly onFailure: (thrown: unknown) => void;
}

export class NodeHistory {
  readonly #parts: NodeHistoryParts;
  readonly #hour = new SampleRing(hourPoints);
  readonly #day = new SampleRing(dayPoints);
  /** Of the step of the day that is not over. */
  #gathered: HistorySample[] = [];
  #last: { readonly at: Millis; readonly counts: NodeCounts } | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: NodeHistoryParts) {
    this.#parts = parts;
    this.#wait();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  view(span: HistorySpan): HistoryView {
    const ring = span === 'hour' ? this.#hour : this.#day;
    return { step: historySteps[span], endsAt: ring.endsAt, columns: ring.columns() };
  }

  #wait(): void {
    if (this.#isClosed) return;
    this.#timer = this.#parts.scheduler.after(historySteps.hour, () => {
      this.#step().catch(this.#parts.onFailure);
      this.#wait();
    });
  }

  async #step(): Promise<void> {
    const { counts, scheduler } = this.#parts;
    const now = { at: scheduler.clock.now(), counts: await counts() };
    const before = this.#last;
    this.#last = now;
    // The first look has nothing to compare with.
    if (before === undefined) return;
    const sample = sampleOf(before.counts, now.counts, now.at - before.at);
    const wall = scheduler.clock.wall();
    this.#hour.push(wall, sample);
    this.#gathered.push(sample);
    if (this.#gathered.length < historySteps.day / historySteps.hour) return;
    this.#day.push(wall, meanOf(this.#gathered));
    this.#gathered = [];
  }
}

/** `elapsed` is above 0. */
export function sampleOf(before: NodeCounts, now: NodeCounts, elapsed: Millis): HistorySample {
  const each = (key: 'begun' | 'refused' | 'packets' | 'dropped' | 'ran', unit: Millis): number =>
    (Math.max(0, now[key] - before[key]) / elapsed) * unit;
  return {
    calls: now.calls,
    begun: each('begun', 60_000),
    refused: each('refused', 60_000),
    packets: each('packets', 1_000),
    dropped: each('dropped', 1_000),
    mos: now.mos,
    loss: now.loss,
    registrations: now.registrations,
    processors: each('ran', 1),
    lag: now.lag,
  };
}

/** Of what is known; NaN where nothing is. */
function meanOf(samples: readonly HistorySample[]): HistorySample {
  const mean = (column: HistoryColumn): number => {
    const known = samples.map((sample) => sample[column]).filter((value) => !Number.isNaN(value));
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  return {
    calls: mean('calls'),
    begun: mean('begun'),
    refused: mean('refused'),
    packets: mean('packets'),
    dropped: mean('dropped'),
    mos: mean('mos'),
    loss: mean('loss'),
    registrations: mean('registrations'),
    processors: mean('processors'),
    lag: mean('lag'),
  };
}

class SampleRing {
  readonly #values: Float64Array;
  readonly #points: number;
  #written = 0;
  endsAt: EpochMillis | undefined;

  constructor(points: number) {
    this.#points = points;
    this.#values = new Float64Array(points * historyColumns.length);
  }

  push(at: EpochMillis, sample: HistorySample): void {
    const start = (this.#written % this.#points) * historyColumns.length;
    for (const [index, column] of historyColumns.entries()) this.#values[start + index] = sample[column];
    this.#written += 1;
    this.endsAt = at;
  }

  columns(): Readonly<Record<HistoryColumn, readonly (number | null)[]>> {
    const kept = Math.min(this.#written, this.#points);
    const of = (column: HistoryColumn): readonly (number | null)[] => {
      const index = historyColumns.indexOf(column);
      return Array.from({ length: kept }, (_, nth) => {
        const point = (this.#written - kept + nth) % this.#points;
        const value = this.#values[point * historyColumns.length + index] ?? Number.NaN;
        return Number.isNaN(value) ? null : Math.round(value * 1_000) / 1_000;
      });
    };
    return {
      calls: of('calls'),
      begun: of('begun'),
      refused: of('refused'),
      packets: of('packets'),
      dropped: of('dropped'),
      mos: of('mos'),
      loss: of('loss'),
      registrations: of('registrations'),
      processors: of('processors'),
      lag: of('lag'),
    };
  }
}
