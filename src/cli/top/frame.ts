// One screen of `portcullis top`: state and answers in, lines out. Nothing here asks, waits or writes.
import type { CallDetailAnswer } from '../../admin/admin-client-answers.ts';
import { mediaRow } from '../media-table.ts';
import { formatElapsed } from '../output.ts';
import { printable } from '../printable.ts';
import { type Column, cellsLine, clippedLine, columnWidths, type Line, type Span, span, spread } from './line.ts';
import type { Rates, Sample } from './sample.ts';
import { type Shown, selectedIndex, type TopState, type ViewName, viewNames } from './top-state.ts';
import { formatShare, scoreSpan, type Table, type TableData, tableOf } from './views.ts';

export interface FrameData extends Omit<TableData, 'overview'> {
  /** Undefined before the first answer. */
  readonly sample: Sample | undefined;
  /** The call that is opened, as it was told last. */
  readonly opened?: OpenedCall | undefined;
  /** Why there is no newer answer. */
  readonly failure?: string | undefined;
}

export interface OpenedCall {
  readonly id: string;
  /** Undefined until it was told; as it was last, when the call is over. */
  readonly detail: CallDetailAnswer | undefined;
  readonly isOver: boolean;
  /** Its ladder, a line each; empty where no message is in memory. */
  readonly ladder: readonly string[];
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Frame {
  /** As many as the screen has rows. */
  readonly lines: readonly Line[];
  readonly shown: Shown;
}

export function frameOf(state: TopState, data: FrameData, size: Size): Frame {
  const { columns: width, rows: height } = size;
  const head = headOf(state, data, width);
  const foot = footOf(state, data, width);
  const room = Math.max(0, height - head.length - foot.length);
  const body = bodyOf(state, data, { columns: width, rows: room });
  const lines = [...head, ...filled(body.lines, room), ...foot];
  return { lines: filled(lines.slice(0, height), height).map((line) => clippedLine(line, width)), shown: body.shown };
}

/** The head and every row, without what only a screen has: for a script. */
export function reportOf(state: TopState, data: FrameData, width: number): readonly Line[] {
  const table = data.sample === undefined ? undefined : tableOf(state, { ...data, overview: data.sample.overview });
  const rows = table === undefined ? [] : tableLines(table, width, table.rows.length, -1);
  return [...headOf(state, data, width), ...rows].map((line) => clippedLine(line, width));
}

// The head: what is counted.

function headOf(state: TopState, data: FrameData, width: number): readonly Line[] {
  const { sample, failure } = data;
  if (sample === undefined)
    return [
      [span(failure === undefined ? ' asking ...' : ` ${printable(failure)}`, failure === undefined ? 'dim' : 'bad')],
    ];
  const { overview, rates } = sample;
  const { calls, quality } = overview;
  const each = (value: number | undefined, digits = 0): string =>
    value === undefined ? '-' : formatCount(value, digits);
  const title: Line = [
    span(' '),
    span(printable(overview.node), 'title'),
    span('  '),
    failure === undefined ? runningSpan(overview) : span('no answer', 'bad'),
    span(`  up ${formatElapsed(overview.at - overview.startedAt)}  portcullis ${overview.version}`),
    ...(state.isPaused ? [span('  paused', 'warn')] : []),
  ];
  const up = overview.trunks.filter((trunk) => trunk.up !== false && trunk.registered !== false).length;
  const hasTrouble = up < overview.trunks.length;
  const sound: Line =
    quality === undefined
      ? [span('   MOS -', 'dim')]
      : [
          span('   MOS '),
          scoreSpan(quality.mos),
          span(' worst '),
          scoreSpan(quality.worst),
          span(`  loss ${formatShare(quality.loss)}`),
        ];
  return [
    spread(title, `${new Date(overview.at).toISOString().slice(11, 19)} UTC `, width),
    [
      span(' calls   '),
      span(String(calls.active), 'title'),
      span(`  ${each(rates?.calls, 1)}/s   answered ${calls.answered}  unanswered ${calls.unanswered}  `),
      span(`refused ${calls.refused} (${each(rates?.refused, 1)}/s)`, (rates?.refused ?? 0) > 0 ? 'warn' : 'plain'),
      ...(overview.relayed === 0 ? [] : [span(`  relayed ${overview.relayed}`)]),
    ],
    [
      span(` media   in ${each(rates?.packetsIn)}/s  out ${each(rates?.packetsOut)}/s  `),
      span(`dropped ${each(rates?.dropped)}/s`, (rates?.dropped ?? 0) >= 1 ? 'warn' : 'plain'),
      ...sound,
      span(`  ${each(rates?.bitsIn)}bit/s`),
    ],
    [
      span(` edge    phones ${overview.registrations}  `),
      span(`trunks ${up}/${overview.trunks.length}`, hasTrouble ? 'bad' : 'plain'),
      span(`  bans ${overview.bans}  `),
      span(`fraud holds ${overview.holds}`, overview.holds > 0 ? 'warn' : 'plain'),
      span(`  lag ${overview.process.lag.toFixed(0)} ms  memory ${formatCount(overview.process.residentBytes)}B`),
    ],
    ...processorLines(sample),
    tabLine(state, data),
  ];
}

/** A line for each of several processes; of many only for those that do not answer, and one for all others. */
function processorLines({ overview, rates, parts }: Sample): readonly Line[] {
  const { processes } = overview;
  if (processes === undefined) return [processorLine(overview.workers, rates, '')];
  const isMany = processes.length > mostProcessorLines;
  const ofEach = parts.values();
  const lines = processes.flatMap((part): Line[] => {
    if (!part.answers)
      return [[span(`${processorTitle(String(part.number))}no answer: ${printable(part.why)}`, 'bad')]];
    return isMany ? [] : [processorLine(part.workers, ofEach.next().value, String(part.number))];
  });
  if (!isMany) return lines;
  const used = rates?.workers.reduce((sum, { share = 0 }) => sum + share, 0);
  const text = `main ${formatProcessor(rates?.mainShare)}  workers ${formatProcessor(used)}  of ${parts.length} processes`;
  return [[span(`${processorTitle('')}${text}`)], ...lines];
}

function processorLine(workers: Sample['overview']['workers'], rates: Rates | undefined, name: string): Line {
  const loads = workers.map(({ alive, sessions }, index) => {
    const worker = rates?.workers[index];
    const text = `  #${index} ${formatProcessor(worker?.share)} ${formatCount(worker?.packets ?? 0)}pkt/s ${sessions} calls`;
    if (!alive) return span(`  #${index} lost`, 'bad');
    const dropped = worker?.dropped ?? 0;
    return dropped < 1 ? span(text) : span(`${text} drops ${formatCount(dropped)}/s`, 'warn');
  });
  return [span(`${processorTitle(name)}main ${formatProcessor(rates?.mainShare)}`), ...loads];
}

function formatProcessor(share: number | undefined): string {
  return share === undefined ? '-' : `${Math.round(share * 100)}%`;
}

function processorTitle(name: string): string {
  return ` cpu ${name}`.padEnd(9);
}

function runningSpan({ state, processes = [] }: Sample['overview']): Span {
  const silent = processes.filter(({ answers }) => !answers).length;
  if (silent > 0) return span(`${silent} of ${processes.length} processes do not answer`, 'bad');
  return span(state, state === 'ready' ? 'good' : 'warn');
}

/** `14`, or `501-1000 of 20000` where a page does not hold them all; `none of 300` where so many have gone that it is behind the last. */
function pageText({ offset }: TopState, { matching, registrations }: NonNullable<FrameData['phones']>): string {
  const { length } = registrations;
  if (length === matching) return String(matching);
  return length === 0 ? `none of ${matching}` : `${offset + 1}-${offset + length} of ${matching}`;
}

function tabLine(state: TopState, { sample, phones, bans }: FrameData): Line {
  const overview = sample?.overview;
  const counts: Readonly<Record<ViewName, number | string | undefined>> = {
    calls: overview?.matching,
    trunks: overview?.trunks.length,
    phones: state.view === 'phones' && phones !== undefined ? pageText(state, phones) : overview?.registrations,
    bans: bans?.length ?? overview?.bans,
    refusals: overview?.calls.refused,
  };
  const tabs = viewNames.flatMap((view, index) => {
    const text = `${index + 1} ${view} ${counts[view] ?? ''}`.trimEnd();
    return view === state.view ? [span(` [${text}]`, 'title')] : [span(`  ${text} `, 'dim')];
  });
  const filter =
    state.mode.kind === 'filter'
      ? [span(`  filter: ${printable(state.filter)}_`, 'warn')]
      : state.filter === ''
        ? []
        : [span(`  filter: ${printable(state.filter)}`, 'warn')];
  return [...tabs, ...filter];
}

// The body: a table, a call, or help.

function bodyOf(
  state: TopState,
  data: FrameData,
  size: Size,
): { readonly lines: readonly Line[]; readonly shown: Shown } {
  const page = Math.max(1, size.rows - 1);
  if (state.mode.kind === 'help') return { lines: helpLines, shown: { rows: [], page, hidden: 0 } };
  if (state.mode.kind === 'call') {
    const lines = callLines(data.opened?.id === state.mode.id ? data.opened : undefined, data, size.columns);
    const hidden = Math.max(0, lines.length - size.rows);
    const scroll = Math.min(state.mode.scroll, hidden);
    return { lines: lines.slice(scroll, scroll + size.rows), shown: { rows: [], page, hidden } };
  }
  if (data.sample === undefined) return { lines: [], shown: { rows: [], page, hidden: 0 } };
  const table = tableOf(state, { ...data, overview: data.sample.overview });
  const index = selectedIndex(state, table.rows);
  const matching = state.view === 'phones' ? data.phones?.matching : undefined;
  const shown = { rows: table.rows, page, hidden: 0, matching };
  return { lines: tableLines(table, size.columns, page, index), shown };
}

/** The page of the table that has the marked row. */
function tableLines({ columns, sortedBy, rows }: Table, width: number, page: number, marked: number): readonly Line[] {
  const widths = columnWidths(columns, width);
  const titles = columns.map(({ title }, index) => span(index === sortedBy ? `${title}*` : title, 'title'));
  const first = marked < 0 ? 0 : Math.floor(marked / page) * page;
  const body = rows.slice(first, first + page).map((row, index) => {
    const line = cellsLine(columns, widths, row.cells, first + index === marked ? '>' : '');
    return first + index === marked ? line.map(({ text }) => span(text, 'selected')) : line;
  });
  const none: Line[] = rows.length === 0 ? [[span('  none', 'dim')]] : [];
  return [cellsLine(columns, widths, titles, ''), ...body, ...none];
}

const mediaColumns: readonly Column[] = [
  { title: 'LEG', width: 3 },
  { title: 'ENCRYPTION', share: 1, rank: 1 },
  { title: 'RECEIVED', width: 8, align: 'right' },
  { title: 'SENT', width: 8, align: 'right' },
  { title: 'LOST', width: 6, align: 'right' },
  { title: 'JITTER', width: 6, align: 'right' },
  { title: 'RTT', width: 6, align: 'right', rank: 2 },
  { title: 'MOS', width: 5, align: 'right' },
  { title: 'DROPPED', share: 1, rank: 3 },
];

function callLines(opened: OpenedCall | undefined, { now }: FrameData, width: number): readonly Line[] {
  if (opened?.detail === undefined)
    return [[span(opened?.isOver === true ? ' the call is over' : ' asking ...', 'dim')]];
  const { call, media } = opened.detail;
  const lasted = call.answeredAt === undefined ? '' : `  ${formatElapsed(now - call.answeredAt)}`;
  const state = opened.isOver ? span('over', 'bad') : span(call.state, 'good');
  const widths = columnWidths(mediaColumns, width);
  const mediaLines = media.map((entry) => {
    const cells = mediaRow(entry).map((text, index) =>
      mediaColumns[index]?.title === 'MOS' ? scoreSpan(entry.mos ?? undefined) : span(text),
    );
    return cellsLine(mediaColumns, widths, cells, '');
  });
  const titles = cellsLine(
    mediaColumns,
    widths,
    mediaColumns.map(({ title }) => span(title, 'title')),
    '',
  );
  const ladder = opened.ladder.length === 0 ? [' no message of it is in memory'] : opened.ladder;
  return [
    [
      span(` ${call.id}  `, 'title'),
      state,
      span(
        `  ${printable(call.caller)} -> ${printable(call.dialled)} (${printable(call.callee ?? '-')})${opened.isOver ? '' : lasted}`,
      ),
    ],
    [],
    ...(media.length === 0 ? [[span('  no media yet', 'dim')]] : [titles, ...mediaLines]),
    [],
    ...ladder.map((line) => [span(printable(line))]),
  ];
}

const helpLines: readonly Line[] = [
  '',
  '  up down k j     mark a row            page-up page-down space   a page',
  '  tab, 1 to 5     the next view, a view  home end                 first, last',
  '  enter           open the marked call: its media and its ladder',
  '  x               end it, after a question',
  '  escape, b       back; in a list, show all again',
  '  s, r            sort by the next column, turn the order round',
  '  /               show only rows that hold a text',
  '  n, N            of many phones the next 500, those before; s sorts within them',
  '  p               pause          h, ?  this help          q, Ctrl-C  quit',
  '',
  '  CPU is of one processor each. MOS is estimated from loss, jitter and delay of',
  '  what came from each side; a call shows its worse side.',
].map((text) => [span(text)]);

function footOf(state: TopState, data: FrameData, width: number): readonly Line[] {
  const question = state.confirm;
  if (question !== undefined) {
    return [[span(` end the call ${printable(question.label)}? y to end it, any other key not to `, 'bad')]];
  }
  const keys =
    state.mode.kind === 'filter'
      ? 'type a text  enter take it  escape as before'
      : state.mode.kind === 'call'
        ? 'b back  x end the call  up down scroll  q quit'
        : state.mode.kind === 'help'
          ? 'any key back  q quit'
          : 'enter open  x end  / filter  s sort  r turn  tab view  p pause  h help  q quit';
  const said = state.notice === '' ? (data.failure ?? '') : state.notice;
  return said === '' ? [[span(` ${keys}`, 'dim')]] : [spread([span(` ${printable(said)}`, 'warn')], '', width)];
}

function filled(lines: readonly Line[], count: number): readonly Line[] {
  return lines.length >= count ? lines : [...lines, ...new Array<Line>(count - lines.length).fill([])];
}

/** Of a screen that is to show calls too. */
const mostProcessorLines = 8;

/** `1234`, `12.3k`, `4.5M`, `1.2G`. */
export function formatCount(value: number, digits = 0): string {
  if (value < 10_000) return value.toFixed(digits);
  for (const [unit, size] of [
    ['k', 1e3],
    ['M', 1e6],
    ['G', 1e9],
  ] as const) {
    if (value < size * 1_000) return `${(value / size).toFixed(1)}${unit}`;
  }
  return `${(value / 1e12).toFixed(1)}T`;
}
