// What `portcullis top` shows and asks, moved by keys: a small machine. It draws nothing and asks nobody; what is to be done is an effect.
import { assertNever } from '../../core/assert-never.ts';
import type { Key } from './keys.ts';

export const viewNames = ['calls', 'trunks', 'phones', 'bans', 'refusals'] as const;
export type ViewName = (typeof viewNames)[number];

/** Columns that a view can be sorted by, in the order of its key. */
export const viewOrders = {
  calls: ['started', 'state', 'caller', 'callee', 'mos', 'loss'],
  trunks: ['name', 'up', 'calls'],
  phones: ['user', 'reachable', 'expires'],
  bans: ['source', 'until', 'times'],
  refusals: ['count', 'reason'],
} as const satisfies Readonly<Record<ViewName, readonly string[]>>;

export interface TopState {
  readonly view: ViewName;
  readonly orders: Readonly<Record<ViewName, { readonly index: number; readonly reversed: boolean }>>;
  readonly filter: string;
  /** Of phones a page is asked for: so many that match come before it. */
  readonly offset: number;
  /** The row that is marked, by its name: rows come, go and move. */
  readonly selected: string | undefined;
  readonly mode: Mode;
  /** What shall be confirmed. */
  readonly confirm: { readonly call: string; readonly label: string } | undefined;
  /** One line about what was done last. */
  readonly notice: string;
  readonly isPaused: boolean;
}

export type Mode =
  | { readonly kind: 'list' }
  | { readonly kind: 'filter'; readonly before: string }
  | { readonly kind: 'call'; readonly id: string; readonly label: string; readonly scroll: number }
  | { readonly kind: 'help' };

export type TopEffect =
  | { readonly kind: 'quit' }
  | { readonly kind: 'end-call'; readonly call: string }
  /** Something else is to be shown: ask now. */
  | { readonly kind: 'ask' };

export interface Row {
  readonly id: string;
  /** What a question about it says. */
  readonly label: string;
}

/** What is on the screen when a key is pressed. */
export interface Shown {
  readonly rows: readonly Row[];
  /** Rows of a page. */
  readonly page: number;
  /** Lines of an opened call beyond the page. */
  readonly hidden: number;
  /** Of phones: how many match, in all; absent where that is not known. */
  readonly matching?: number | undefined;
}

/** Phones that are asked for at a time: more than a screen has, and few for processes that have tens of thousands. */
export const listedPhones = 500;

export interface Pressed {
  readonly state: TopState;
  readonly effects: readonly TopEffect[];
}

export function initialState(
  more: Partial<Pick<TopState, 'view' | 'filter'>> & { readonly order?: number } = {},
): TopState {
  const { view = 'calls', filter = '', order = 0 } = more;
  const first = { index: 0, reversed: false };
  const orders = { calls: first, trunks: first, phones: first, bans: first, refusals: first };
  return {
    view,
    orders: { ...orders, [view]: { index: order, reversed: false } },
    filter,
    offset: 0,
    selected: undefined,
    mode: { kind: 'list' },
    confirm: undefined,
    notice: '',
    isPaused: false,
  };
}

/** The marked row, or the first one when it is gone; -1 where there is none. */
export function selectedIndex({ selected }: Pick<TopState, 'selected'>, rows: readonly Row[]): number {
  const found = rows.findIndex(({ id }) => id === selected);
  return found >= 0 || rows.length === 0 ? found : 0;
}

export function press(state: TopState, key: Key, shown: Shown): Pressed {
  if (key.kind === 'interrupt') return { state, effects: [{ kind: 'quit' }] };
  if (key.kind === 'redraw') return only(state);
  const quiet = { ...state, notice: '' };
  if (state.confirm !== undefined) return confirmed(quiet, key, state.confirm.call);
  switch (state.mode.kind) {
    case 'filter':
      return typing(quiet, key, state.mode.before);
    case 'help':
      return isLetter(key, 'q') ? { state, effects: [{ kind: 'quit' }] } : only({ ...quiet, mode: { kind: 'list' } });
    case 'call':
      return inCall(quiet, key, state.mode, shown);
    case 'list':
      return inList(quiet, key, shown);
    default:
      return assertNever(state.mode);
  }
}

/** Only a plain yes is one. */
function confirmed(state: TopState, key: Key, call: string): Pressed {
  const next = { ...state, confirm: undefined };
  if (isLetter(key, 'y') || isLetter(key, 'Y')) return { state: next, effects: [{ kind: 'end-call', call }] };
  return only({ ...next, notice: 'nothing was ended' });
}

function typing(state: TopState, key: Key, before: string): Pressed {
  switch (key.kind) {
    case 'letter':
      return state.filter.length >= longestFilter ? only(state) : filtered(state, state.filter + key.text);
    case 'backspace':
      return filtered(state, Array.from(state.filter).slice(0, -1).join(''));
    case 'clear':
      return filtered(state, '');
    case 'enter':
      return only({ ...state, mode: { kind: 'list' } });
    case 'escape':
      return filtered({ ...state, mode: { kind: 'list' } }, before);
    default:
      return only(state);
  }
}

function inCall(state: TopState, key: Key, mode: Extract<Mode, { kind: 'call' }>, { page, hidden }: Shown): Pressed {
  const scrolled = (to: number): Pressed => only({ ...state, mode: { ...mode, scroll: clamp(to, 0, hidden) } });
  const back = asking({ ...state, mode: { kind: 'list' } });
  switch (key.kind) {
    case 'up':
      return scrolled(mode.scroll - 1);
    case 'down':
      return scrolled(mode.scroll + 1);
    case 'page-up':
      return scrolled(mode.scroll - page);
    case 'page-down':
      return scrolled(mode.scroll + page);
    case 'home':
      return scrolled(0);
    case 'end':
      return scrolled(hidden);
    case 'escape':
    case 'left':
    case 'backspace':
      return back;
    case 'letter':
      break;
    default:
      return only(state);
  }
  switch (key.text) {
    case 'k':
      return scrolled(mode.scroll - 1);
    case 'j':
      return scrolled(mode.scroll + 1);
    case ' ':
      return scrolled(mode.scroll + page);
    case 'x':
      return only({ ...state, confirm: { call: mode.id, label: mode.label } });
    case 'b':
      return back;
    case 'q':
      return { state, effects: [{ kind: 'quit' }] };
    default:
      return only(state);
  }
}

function filtered(state: TopState, filter: string): Pressed {
  return asking({ ...state, filter, offset: 0 });
}

function inList(state: TopState, key: Key, { rows, page, matching = 0 }: Shown): Pressed {
  const at = selectedIndex(state, rows);
  const marked = (index: number): Pressed => {
    const row = rows[clamp(index, 0, rows.length - 1)];
    return only({ ...state, selected: row?.id });
  };
  const row = rows[at];
  switch (key.kind) {
    case 'up':
      return marked(at - 1);
    case 'down':
      return marked(at + 1);
    case 'page-up':
      return marked(at - page);
    case 'page-down':
      return marked(at + page);
    case 'home':
      return marked(0);
    case 'end':
      return marked(rows.length - 1);
    case 'tab':
    case 'right':
      return turned(state, 1);
    case 'back-tab':
    case 'left':
      return turned(state, -1);
    case 'enter':
      if (state.view !== 'calls' || row === undefined) return only(state);
      return asking({ ...state, selected: row.id, mode: { kind: 'call', id: row.id, label: row.label, scroll: 0 } });
    case 'escape':
      return filtered(state, '');
    case 'letter':
      break;
    default:
      return only(state);
  }
  const view = viewNames[Number(key.text) - 1];
  if (view !== undefined) return shownView(state, view);
  switch (key.text) {
    case 'k':
      return marked(at - 1);
    case 'j':
      return marked(at + 1);
    case ' ':
      return marked(at + page);
    case 's':
      return sorted(state, ({ index }) => ({ index: (index + 1) % viewOrders[state.view].length, reversed: false }));
    case 'r':
      return sorted(state, ({ index, reversed }) => ({ index, reversed: !reversed }));
    case '/':
      return only({ ...state, mode: { kind: 'filter', before: state.filter } });
    case 'x':
      if (state.view !== 'calls' || row === undefined) return only({ ...state, notice: 'no call is marked' });
      return only({ ...state, selected: row.id, confirm: { call: row.id, label: row.label } });
    case 'n':
      return state.offset + listedPhones < matching ? turnedTo(state, state.offset + listedPhones) : only(state);
    case 'N':
      return state.offset > 0 ? turnedTo(state, pageBefore(state.offset, matching)) : only(state);
    case 'p':
      return only({ ...state, isPaused: !state.isPaused });
    case 'h':
    case '?':
      return only({ ...state, mode: { kind: 'help' } });
    case 'q':
      return { state, effects: [{ kind: 'quit' }] };
    default:
      return only(state);
  }
}

/** The last page, where phones have gone and the shown one is behind it. */
function pageBefore(offset: number, matching: number): number {
  const last = Math.floor(Math.max(0, matching - 1) / listedPhones) * listedPhones;
  return Math.min(offset - listedPhones, last);
}

function turnedTo(state: TopState, offset: number): Pressed {
  return asking({ ...state, offset, selected: undefined });
}

function turned(state: TopState, by: number): Pressed {
  const index = (viewNames.indexOf(state.view) + by + viewNames.length) % viewNames.length;
  return shownView(state, viewNames[index] ?? 'calls');
}

function shownView(state: TopState, view: ViewName): Pressed {
  return asking({ ...state, view, offset: 0, selected: undefined, filter: view === state.view ? state.filter : '' });
}

function sorted(
  state: TopState,
  change: (order: TopState['orders'][ViewName]) => TopState['orders'][ViewName],
): Pressed {
  return asking({ ...state, orders: { ...state.orders, [state.view]: change(state.orders[state.view]) } });
}

function only(state: TopState): Pressed {
  return { state, effects: [] };
}

function asking(state: TopState): Pressed {
  return { state, effects: [{ kind: 'ask' }] };
}

function isLetter(key: Key, text: string): boolean {
  return key.kind === 'letter' && key.text === text;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}

const longestFilter = 64;
