// A screen of the terminal as SVG: text stays text, so that it can be searched and is sharp at any size.
import type { Line, Style } from '../../src/cli/top/line.ts';

const cell = { width: 8.4, height: 18, size: 14 };
const margin = 14;
const colours = { paper: '#0d1117', plain: '#c9d1d9' };

const looks: Readonly<Record<Style, string>> = {
  plain: '',
  title: 'fill="#ffffff" font-weight="bold"',
  dim: 'fill="#8b949e"',
  good: 'fill="#56d364"',
  warn: 'fill="#e3b341"',
  bad: 'fill="#ff7b72" font-weight="bold"',
  selected: `fill="${colours.paper}"`,
};

/** `columns` wide; each character stands in its cell, whatever font there is. */
export function terminalSvg(lines: readonly Line[], columns: number, title: string): string {
  const [width, height] = [columns * cell.width + 2 * margin, lines.length * cell.height + 2 * margin];
  const texts = lines.flatMap((line, row) => {
    const top = margin + row * cell.height;
    const pieces: string[] = [];
    let column = 0;
    for (const { text, style } of line) {
      if (style === 'selected') {
        // A little more, so that nothing shines through between two of them.
        const wide = text.length * cell.width + 0.5;
        pieces.push(rectangle(margin + column * cell.width, top, wide, cell.height, colours.plain));
      }
      // Blanks at the ends are not drawn, and those within would be drawn as one.
      const shown = text.trim();
      const x = margin + (column + text.indexOf(shown)) * cell.width;
      const wide = shown.length * cell.width;
      column += text.length;
      if (shown === '') continue;
      const place = `x="${short(x)}" y="${top + cell.size}" textLength="${short(wide)}"`;
      pieces.push(`<text ${[place, looks[style]].filter((one) => one !== '').join(' ')}>${escaped(shown)}</text>`);
    }
    return pieces;
  });
  const size = `width="${short(width)}" height="${short(height)}" viewBox="0 0 ${short(width)} ${short(height)}"`;
  const font = `font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${cell.size}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${escaped(title)}">`,
    `<rect width="100%" height="100%" rx="8" fill="${colours.paper}"/>`,
    `<g ${font} fill="${colours.plain}">`,
    ...texts,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function rectangle(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${short(x)}" y="${y}" width="${short(width)}" height="${height}" fill="${fill}"/>`;
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replaceAll('  ', '\u00a0\u00a0');
}
