// What the relay benchmark says: a cell for each number of calls, protection and way of sending, every relay in it.
import { type Summary, summarise } from '../lib/statistics.ts';
import type { LoadResult } from './load.ts';
import type { Protection } from './packets.ts';
import type { SubjectName } from './subjects.ts';

export type Mode = 'flood' | 'paced';

/** One measured phase of one relay. */
export interface Phase {
  readonly cpuMicrosPerPacket: number;
  readonly packetsPerSecond: number;
  readonly lossShare: number;
  readonly generatorBusy: number;
  readonly latency: LoadResult['latency'];
  readonly residentBytes: number;
}

export interface CellPlace {
  readonly calls: number;
  readonly protection: Protection;
  readonly mode: Mode;
}

export interface Cell extends CellPlace {
  readonly subjects: Readonly<Partial<Record<SubjectName, PhaseSummary>>>;
  /** CPU for a packet, Portcullis by the other one, run by run. */
  readonly cpuRatio: Readonly<Partial<Record<SubjectName, Summary>>>;
  readonly p99Ratio: Readonly<Partial<Record<SubjectName, Summary>>>;
}

export interface PhaseSummary {
  readonly cpuMicrosPerPacket: Summary;
  readonly packetsPerSecond: Summary;
  readonly lossShare: Summary;
  readonly generatorBusy: Summary;
  readonly latencyP50: Summary;
  readonly latencyP99: Summary;
  readonly latencyP999: Summary;
  readonly residentBytes: Summary;
}

export interface RelayFigures {
  readonly reference: string;
  /** The C program, or why it was not measured. */
  readonly floor: string;
  readonly driver: string;
  readonly cells: readonly Cell[];
  /** CPU µs to set up and tear down one session. */
  readonly session: { readonly portcullis: Summary; readonly rtpengine: Summary; readonly ratio: Summary };
  /** Forged, replayed and malformed packets that were sent in; the run fails when one of them comes out. */
  readonly refused: number;
  /** Why runs do not count, by reason. */
  readonly invalid: Readonly<Record<string, number>>;
}

/** A run counts only when the generator had time to spare, and hardly anything was lost. */
const busiestGenerator = 0.9;
const highestLoss = 0.001;

export function whyInvalid(phase: Phase): string | undefined {
  if (phase.generatorBusy > busiestGenerator) return `generator above ${busiestGenerator * 100} % busy`;
  return phase.lossShare > highestLoss ? 'loss above 0.1 %' : undefined;
}

export function cellOf(place: CellPlace, runs: Readonly<Partial<Record<SubjectName, readonly Phase[]>>>): Cell {
  const { portcullis = [], rtpengine, floor } = runs;
  const ratios = (read: (phase: Phase) => number) => {
    const by = (others: readonly Phase[]): Summary =>
      summarise(portcullis.map((phase, run) => read(phase) / read(others[run] ?? phase)));
    return {
      ...(rtpengine === undefined ? {} : { rtpengine: by(rtpengine) }),
      ...(floor === undefined ? {} : { floor: by(floor) }),
    };
  };
  return {
    ...place,
    subjects: {
      portcullis: summaryOf(portcullis),
      ...(rtpengine === undefined ? {} : { rtpengine: summaryOf(rtpengine) }),
      ...(floor === undefined ? {} : { floor: summaryOf(floor) }),
    },
    cpuRatio: ratios((phase) => phase.cpuMicrosPerPacket),
    p99Ratio: place.mode === 'flood' ? {} : ratios((phase) => phase.latency.p99),
  };
}

function summaryOf(phases: readonly Phase[]): PhaseSummary {
  const of = (read: (phase: Phase) => number): Summary => summarise(phases.map(read));
  return {
    cpuMicrosPerPacket: of((phase) => phase.cpuMicrosPerPacket),
    packetsPerSecond: of((phase) => phase.packetsPerSecond),
    lossShare: of((phase) => phase.lossShare),
    generatorBusy: of((phase) => phase.generatorBusy),
    latencyP50: of((phase) => phase.latency.p50),
    latencyP99: of((phase) => phase.latency.p99),
    latencyP999: of((phase) => phase.latency.p999),
    residentBytes: of((phase) => phase.residentBytes),
  };
}
