// The tables of `portcullis top`: what each row says, which rows the filter leaves, and in which order.
import type { BanAnswer, OverviewAnswer, RegistrationAnswer } from '../../admin/admin-client-answers.ts';
import type { EpochMillis } from '../../core/clock.ts';
import { formatElapsed } from '../output.ts';
import { type Column, type Span, span } from './line.ts';
import type { Row, TopState } from './top-state.ts';

export interface TableRow extends Row {
  readonly cells: readonly Span[];
}

export interface Table {
  readonly columns: readonly Column[];
  /** The column that rows are sorted by. */
  readonly sortedBy: number;
  readonly rows: readonly TableRow[];
}

export interface TableData {
  readonly overview: OverviewAnswer;
  /** A page of them. Undefined until they were asked for. */
  readonly phones?: { readonly matching: number; readonly registrations: readonly RegistrationAnswer[] } | undefined;
  readonly bans?: readonly BanAnswer[] | undefined;
  readonly now: EpochMillis;
}

export function tableOf(state: TopState, data: TableData): Table {
  switch (state.view) {
    case 'calls':
      // Selected and sorted by the SBC, since a screen has a few of what may be thousands.
      return {
        columns: callColumns,
        sortedBy: callSort[orderOf(state).index] ?? 0,
        rows: data.overview.list.map((call) => callRow(call, data.now)),
      };
    case 'trunks':
      return arranged(state, trunkColumns, data.overview.trunks.map(trunkRow));
    case 'phones':
      return arranged(
        state,
        phoneColumns,
        (data.phones?.registrations ?? []).map((one) => phoneRow(one, data.now)),
      );
    case 'bans':
      return arranged(
        state,
        banColumns,
        (data.bans ?? []).map((ban) => banRow(ban, data.now)),
      );
    case 'refusals':
      return arranged(state, refusalColumns, Object.entries(data.overview.refusals).map(refusalRow));
  }
}

interface SortableRow extends TableRow {
  /** What the columns of `viewOrders` compare, the smallest first. */
  readonly keys: readonly (string | number)[];
}

function orderOf(state: TopState): TopState['orders']['calls'] {
  return state.orders[state.view];
}

function arranged(state: TopState, columns: readonly Column[], rows: readonly SortableRow[]): Table {
  const { index, reversed } = orderOf(state);
  const wanted = state.filter.toLowerCase();
  const found = rows.filter(({ cells }) => cells.some(({ text }) => text.toLowerCase().includes(wanted)));
  const sorted = found.toSorted((one, other) => compare(one.keys[index] ?? 0, other.keys[index] ?? 0));
  return { columns, sortedBy: index, rows: reversed ? sorted.toReversed() : sorted };
}

function compare(one: string | number, other: string | number): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return String(one).localeCompare(String(other));
}

const callColumns: readonly Column[] = [
  { title: 'TIME', width: 8, align: 'right' },
  { title: 'STATE', width: 10 },
  { title: 'CALLER', share: 3, least: 16 },
  { title: 'CALLEE', share: 2, least: 12 },
  { title: 'MOS', width: 5, align: 'right' },
  { title: 'LOSS', width: 6, align: 'right' },
  { title: 'JITTER', width: 8, align: 'right', rank: 2 },
  { title: 'MEDIA', share: 2, least: 14, rank: 3 },
  { title: 'ID', width: 16, rank: 4 },
];
/** The columns of `viewOrders.calls`. */
const callSort = [0, 1, 2, 3, 4, 5];

function callRow(call: OverviewAnswer['list'][number], now: EpochMillis): TableRow {
  const { id, state, caller, callee = '-', startedAt, answeredAt, quality } = call;
  const time = formatElapsed(now - (answeredAt ?? startedAt));
  return {
    id,
    label: `${caller} -> ${callee}`,
    cells: [
      span(time, answeredAt === undefined ? 'dim' : 'plain'),
      quality?.oneWay === true ? span('one way!', 'bad') : span(state, answeredAt === undefined ? 'warn' : 'good'),
      span(caller),
      span(callee),
      scoreSpan(quality?.mos),
      quality === undefined ? span('-', 'dim') : span(formatShare(quality.loss), quality.loss > 0.02 ? 'bad' : 'plain'),
      quality === undefined ? span('-', 'dim') : span(`${quality.jitter.toFixed(1)} ms`),
      quality === undefined ? span('-', 'dim') : span(quality.encryption.join(' | ')),
      span(id, 'dim'),
    ],
  };
}

/** Below 3.1 nearly nobody is content, below 3.6 many are not (ITU-T G.107 annex B). */
export function scoreSpan(score: number | undefined): Span {
  if (score === undefined) return span('-', 'dim');
  return span(score.toFixed(2), score < 3.1 ? 'bad' : score < 3.6 ? 'warn' : 'good');
}

export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

const trunkColumns: readonly Column[] = [
  { title: 'TRUNK', share: 1 },
  { title: 'ANSWERS', width: 8 },
  { title: 'CALLS', width: 6, align: 'right' },
  { title: 'REGISTERED', width: 10 },
];

function trunkRow({ name, up, registered, calls }: OverviewAnswer['trunks'][number]): SortableRow {
  return {
    id: name,
    label: name,
    cells: [span(name), saidSpan(up), span(String(calls)), saidSpan(registered)],
    keys: [name, up === false ? 0 : 1, -calls],
  };
}

function saidSpan(answer: boolean | undefined): Span {
  return answer === undefined ? span('-', 'dim') : answer ? span('yes', 'good') : span('no', 'bad');
}

const phoneColumns: readonly Column[] = [
  { title: 'USER', share: 2 },
  { title: 'REACHABLE', width: 9 },
  { title: 'EXPIRES', width: 8, align: 'right' },
  { title: 'CONTACT', share: 3 },
  { title: 'USER AGENT', share: 2, rank: 1 },
];

function phoneRow(one: RegistrationAnswer, now: EpochMillis): SortableRow {
  const { aor, contact, expiresAt, alive, userAgent = '-' } = one;
  return {
    id: `${aor} ${contact}`,
    label: aor,
    cells: [span(aor), saidSpan(alive), span(formatElapsed(expiresAt - now)), span(contact), span(userAgent)],
    keys: [aor, alive ? 1 : 0, expiresAt],
  };
}

const banColumns: readonly Column[] = [
  { title: 'SOURCE', share: 2 },
  { title: 'LASTS', width: 9, align: 'right' },
  { title: 'TIMES', width: 5, align: 'right' },
  { title: 'ACCOUNT', share: 2 },
  { title: 'REASON', share: 2 },
];

function banRow({ source, account = '-', reason, until, times }: BanAnswer, now: EpochMillis): SortableRow {
  return {
    id: `${source} ${account}`,
    label: source,
    cells: [span(source), span(formatElapsed(until - now)), span(String(times)), span(account), span(reason)],
    keys: [source, until, -times],
  };
}

const refusalColumns: readonly Column[] = [
  { title: 'CALLS', width: 9, align: 'right' },
  { title: 'REASON', share: 1 },
];

function refusalRow([reason, count]: readonly [string, number]): SortableRow {
  return { id: reason, label: reason, cells: [span(String(count)), span(reason)], keys: [-count, reason] };
}
