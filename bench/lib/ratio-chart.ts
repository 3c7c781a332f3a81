// The ratios of side-by-side.ts as SVG: a bar from 1, which is the reference itself, to the ratio, with the span of its runs and a mark
// where it should be. The scale is logarithmic, so that twice and half are equally far. Readable on light and dark pages.
import { escaped } from './chart.ts';
import { aimText, type SideBySide, verdictOf } from './side-by-side.ts';

const width = 860;
const left = 330;
const right = 170;
const rowHeight = 26;
const barHeight = 14;
const top = 64;
const gap = 34;

export function ratioChart(title: string, rows: readonly SideBySide[]): string {
  const spans = rows.flatMap(({ ratio, aim }) => [ratio.low, ratio.high, ratio.median, aim?.limit ?? 1]);
  const positive = [0.5, 2, ...spans.filter((value) => value > 0 && Number.isFinite(value))];
  const [low, high] = [Math.log(Math.min(...positive)), Math.log(Math.max(...positive))];
  const x = (value: number): number => {
    const share = (Math.log(Math.max(value, Math.exp(low))) - low) / (high - low);
    return Math.round((left + share * (width - left - right)) * 10) / 10;
  };
  const lines: string[] = [];
  let y = top;
  for (const [better, heading] of groups) {
    const group = rows.filter((row) => row.better === better);
    if (group.length === 0) continue;
    lines.push(text(8, y + 4, heading, 'class="head"'));
    const from = y + 10;
    y += rowHeight - 8;
    for (const row of group) {
      lines.push(...bar(row, y, x));
      y += rowHeight;
    }
    lines.push(`<line class="one" x1="${x(1)}" x2="${x(1)}" y1="${from}" y2="${y - 8}"/>`);
    y += gap - rowHeight / 2;
  }
  const height = y + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    text(8, 22, title, 'class="title"'),
    text(
      8,
      42,
      'Bar: Portcullis by the reference. Thin line: lowest to highest run. Diamond: the aim.',
      'class="note"',
    ),
    ...lines,
    text(x(1), height - 6, '1 = as the reference', 'class="note" text-anchor="middle"'),
    '</svg>',
    '',
  ].join('\n');
}

const groups = [
  ['less', 'Cost: less is better'],
  ['more', 'Rate: more is better'],
] as const;

const style =
  'text{font:12px sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:bold}.head{font-weight:bold}.note{font-size:11px;fill:#59636e}' +
  '.good{fill:#2f7d4f}.bad{fill:#b35900}.one{stroke:#59636e}.span{stroke:#1f2328}.aim{fill:#1f2328}' +
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#9198a1}.good{fill:#3fb950}.bad{fill:#e0883a}.one{stroke:#9198a1}.span{stroke:#e6edf3}.aim{fill:#e6edf3}}';

function bar(row: SideBySide, y: number, x: (value: number) => number): readonly string[] {
  const { what, ratio, better, aim } = row;
  const [one, at] = [x(1), x(ratio.median)];
  const isGood = better === 'less' ? ratio.median <= 1 : ratio.median >= 1;
  const middle = y + barHeight / 2;
  const verdict = verdictOf(row);
  const said = [ratio.median.toFixed(2), aim === undefined ? '' : `aim ${aimText(row)}, ${verdict}`];
  return [
    text(left - 12, y + 11, what, 'text-anchor="end"'),
    `<rect class="${isGood ? 'good' : 'bad'}" x="${Math.min(one, at)}" y="${y}" width="${Math.max(1, Math.abs(at - one)).toFixed(1)}" height="${barHeight}"/>`,
    `<line class="span" x1="${x(ratio.low)}" x2="${x(ratio.high)}" y1="${middle}" y2="${middle}"/>`,
    ...(aim === undefined ? [] : [diamond(x(aim.limit), middle)]),
    text(width - right + 12, y + 11, said.filter((part) => part !== '').join('; '), ''),
  ];
}

function diamond(x: number, y: number): string {
  return `<path class="aim" d="M${x} ${y - 6}l5 6l-5 6l-5 -6z"/>`;
}

function text(x: number, y: number, content: string, more: string): string {
  return `<text x="${x}" y="${y}"${more === '' ? '' : ` ${more}`}>${escaped(content)}</text>`;
}
