// A bar chart as SVG: groups of bars, each with its value and the span of its runs. Text and rectangles only.

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** CSS colour. */
  readonly colour: string;
}

export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly BarGroup[];
}

const width = 760;
const left = 200;
const right = 120;
const barHeight = 16;
const rowHeight = 20;
const groupGap = 30;
const top = 44;

/** For light pages and dark ones. */
const style =
  'text{fill:#1f2328}.span{stroke:#1f2328}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.span{stroke:#e6edf3}}';

/** Bars start at zero; all groups have one scale. */
export function chartSvg({ title, unit, groups }: Chart): string {
  const highest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ high }) => high)), Number.MIN_VALUE);
  const scale = (value: number): number => Math.round(((width - left - right) * value * 10) / highest) / 10;
  const lines: string[] = [];
  let y = top;
  for (const group of groups) {
    lines.push(text(8, y + 12, group.title, 'font-weight="bold"'));
    y += rowHeight;
    for (const bar of group.bars) {
      lines.push(text(left - 8, y + 12, bar.label, 'text-anchor="end"'), ...barLines(bar, y, scale, unit));
      y += rowHeight;
    }
    y += groupGap - rowHeight;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    text(8, 22, title, 'font-size="15" font-weight="bold"'),
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function barLines(bar: Bar, y: number, scale: (value: number) => number, unit: string): readonly string[] {
  const middle = y + barHeight / 2;
  const [from, to] = [left + scale(bar.low), left + scale(bar.high)];
  return [
    `<rect x="${left}" y="${y}" width="${scale(bar.value)}" height="${barHeight}" fill="${escaped(bar.colour)}"/>`,
    `<line x1="${from}" y1="${middle}" x2="${to}" y2="${middle}" class="span"/>`,
    text(to + 6, y + 12, `${bar.value.toFixed(2)} ${unit}`, ''),
  ];
}

function text(x: number, y: number, content: string, more: string): string {
  return `<text x="${x}" y="${y}"${more === '' ? '' : ` ${more}`}>${escaped(content)}</text>`;
}

export function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
