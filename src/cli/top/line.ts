// A line of a screen as pieces of text with a meaning each; what a meaning looks like is decided where it is painted.
import { clipped, fitted, widthOf } from './cells.ts';

export type Style = 'plain' | 'title' | 'dim' | 'good' | 'warn' | 'bad' | 'selected';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

export function span(text: string, style: Style = 'plain'): Span {
  return { text, style };
}

/** Cut to `width` columns; its texts are harmless already. */
export function clippedLine(line: Line, width: number): Line {
  const kept: Span[] = [];
  let left = width;
  for (const { text, style } of line) {
    if (left <= 0) break;
    const shown = clipped(text, left);
    kept.push({ text: shown, style });
    left -= widthOf(shown);
  }
  return kept;
}

/** `right` ends where the line ends, if both fitted. */
export function spread(left: Line, right: string, width: number): Line {
  const used = left.reduce((sum, { text }) => sum + widthOf(text), 0);
  const gap = width - used - widthOf(right);
  return gap < 1 ? clippedLine(left, width) : [...left, span(' '.repeat(gap)), span(right, 'dim')];
}

/** As a terminal takes it: SGR sequences (ECMA-48 §8.3.117) where it has colours, else the text alone. */
export function painted(line: Line, hasColour: boolean): string {
  return line
    .map(({ text, style }) => (hasColour && style !== 'plain' ? `\u001b[${codes[style]}m${text}\u001b[0m` : text))
    .join('');
}

const codes: Readonly<Record<Exclude<Style, 'plain'>, string>> = {
  title: '1',
  dim: '2',
  good: '32',
  warn: '33',
  bad: '1;31',
  selected: '7',
};

/** Columns that a table may have: those that are always as wide, and those that share what is left. */
export interface Column {
  readonly title: string;
  /** Of a column that is always as wide. */
  readonly width?: number;
  /** Of what is left, against the other columns that share. */
  readonly share?: number;
  /** Of a column that shares. */
  readonly least?: number;
  readonly align?: 'left' | 'right';
  /** A narrow screen does without: the highest first. */
  readonly rank?: number;
}

/** How wide each column is, 0 where there is no room for it; two blanks apart, and two before the first. */
export function columnWidths(columns: readonly Column[], width: number): readonly number[] {
  const shown = new Set(columns);
  for (;;) {
    const left = leftOf(shown, width);
    if (left >= 0) {
      const shares = [...shown].reduce((sum, { share = 0 }) => sum + share, 0);
      const unit = shares === 0 ? 0 : left / shares;
      return columns.map((column) => {
        if (!shown.has(column)) return 0;
        return leastOf(column) + Math.floor(unit * (column.share ?? 0));
      });
    }
    const [dropped] = [...shown]
      .filter(({ rank = 0 }) => rank > 0)
      .sort((one, other) => (other.rank ?? 0) - (one.rank ?? 0));
    if (dropped === undefined) return columns.map((column) => (shown.has(column) ? leastOf(column) : 0));
    shown.delete(dropped);
  }
}

export function cellsLine(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly Span[],
  marker: string,
): Line {
  const line: Span[] = [span(marker.padEnd(2))];
  for (const [index, column] of columns.entries()) {
    const width = widths[index] ?? 0;
    if (width === 0) continue;
    if (line.length > 1) line.push(span('  '));
    const { text, style } = cells[index] ?? span('');
    line.push({ text: fitted(text, width, column.align), style });
  }
  return line;
}

const leastShared = 8;

function leastOf({ width, least = leastShared }: Column): number {
  return width ?? least;
}

function leftOf(columns: ReadonlySet<Column>, width: number): number {
  return [...columns].reduce((left, column) => left - leastOf(column) - 2, width);
}
