// Everything that a screen of an operator shows at a glance, in one answer: what is counted since the start, what is true now, and the
// calls that were asked for. Rates are the reader's: two answers and the time between them.
import type { CallView } from '../b2bua/b2bua.ts';
import type { EpochMillis, Millis } from '../core/clock.ts';
import type { TrafficCount } from '../media/plane/messages.ts';
import type { CallQuality } from '../observe/live-quality.ts';

export interface OverviewView {
  /** When it was taken. */
  readonly at: EpochMillis;
  /** `[sbc].name`. */
  readonly node: string;
  readonly startedAt: EpochMillis;
  /** Calls that are not over; and how those that are have ended. A call that another node began is counted there. */
  readonly calls: {
    readonly active: number;
    readonly answered: number;
    readonly unanswered: number;
    readonly refused: number;
  };
  /** Calls that are not over which another node began. Of a machine with several processes: which none of these began. */
  readonly relayed: number;
  /** Refused calls by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly media: {
    readonly received: TrafficCount;
    readonly sent: TrafficCount;
    /** Packets by reason, those above 0. */
    readonly dropped: Readonly<Record<string, number>>;
  };
  readonly workers: readonly WorkerLoad[];
  readonly process: {
    /** Of the main thread, on a processor since it began; absent where the kernel does not tell. */
    readonly ran: Millis | undefined;
    readonly residentBytes: number;
    /** How late the event loop is. */
    readonly lag: Millis;
  };
  readonly registrations: number;
  readonly subscriptions: number;
  readonly bans: number;
  /** Whom the detection of fraud refuses or has locked. */
  readonly holds: number;
  readonly trunks: readonly TrunkView[];
  /** Of the calls of which media was heard lately; absent where there is none. */
  readonly quality:
    | { readonly calls: number; readonly mos: number; readonly worst: number; readonly loss: number }
    | undefined;
  /** Calls that match, of which `list` has the first. */
  readonly matching: number;
  readonly list: readonly CallRow[];
}

/** A trunk of the configuration. Absent: it is not pinged, or we do not register with it. */
export interface TrunkView {
  readonly name: string;
  readonly up: boolean | undefined;
  readonly registered: boolean | undefined;
  /** Calls to or from it. */
  readonly calls: number;
}

export interface WorkerLoad {
  readonly alive: boolean;
  readonly driver: string | undefined;
  readonly sessions: number;
  /** On a processor since its thread began. */
  readonly ran: Millis | undefined;
  /** Received and sent since it began. */
  readonly packets: number;
  /** Packets that it did not relay. */
  readonly dropped: number;
}

export interface CallRow extends CallView {
  readonly quality?: CallQuality | undefined;
}

export const callOrders = ['started', 'state', 'caller', 'callee', 'mos', 'loss'] as const;
export type CallOrder = (typeof callOrders)[number];

export interface CallQuery {
  /** Part of an id, a state, a caller, what was dialled, or a callee; upper and lower case are the same. Empty: all. */
  readonly match: string;
  readonly order: CallOrder;
  readonly reversed: boolean;
  readonly limit: number;
  /** Processes of this machine, by their numbers, that list the calls which they began: not the halves of those. Absent: all halves are listed. */
  readonly withoutHalvesOf?: readonly number[] | undefined;
}

export const mostListedCalls = 1_000;
export const usualCallQuery: CallQuery = { match: '', order: 'started', reversed: false, limit: 200 };

/** `started`: the newest first; `mos`: the worst first; `loss`: the most first. Those of which nothing is known come last. */
export function selectCalls<T extends SortableCall>(
  rows: readonly T[],
  { match, order, reversed, limit }: CallQuery,
): { readonly matching: number; readonly list: readonly T[] } {
  const wanted = match.toLowerCase();
  const found = rows.filter(({ id, state, caller, dialled, callee = '' }) =>
    `${id} ${state} ${caller} ${dialled} ${callee}`.toLowerCase().includes(wanted),
  );
  const sorted = found.toSorted(comparisons[order]);
  return { matching: found.length, list: (reversed ? sorted.toReversed() : sorted).slice(0, limit) };
}

/** Without those that are the other half of a call which one of these nodes began, and lists. */
export function withoutHalves<T extends Pick<CallView, 'halfOf'>>(
  calls: readonly T[],
  beginners: ReadonlySet<string | undefined>,
): readonly T[] {
  return calls.filter(({ halfOf }) => halfOf === undefined || !beginners.has(halfOf.node));
}

/** A row, as it is here or in an answer. */
interface SortableCall extends Pick<CallRow, 'id' | 'state' | 'caller' | 'dialled' | 'startedAt'> {
  readonly callee?: string | undefined;
  readonly quality?: { readonly mos?: number | undefined; readonly loss: number } | undefined;
}

const comparisons: Readonly<Record<CallOrder, (one: SortableCall, other: SortableCall) => number>> = {
  started: (one, other) => other.startedAt - one.startedAt,
  state: (one, other) => one.state.localeCompare(other.state),
  caller: (one, other) => one.caller.localeCompare(other.caller),
  callee: (one, other) => (one.callee ?? '').localeCompare(other.callee ?? ''),
  mos: (one, other) => (one.quality?.mos ?? unknownScore) - (other.quality?.mos ?? unknownScore),
  loss: (one, other) => (other.quality?.loss ?? -1) - (one.quality?.loss ?? -1),
};

/** Above any score. */
const unknownScore = 6;
