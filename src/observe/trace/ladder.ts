// The ladder of a call: its parties as columns with us among them, a line for each message. One model, drawn as text and as SVG.

import type { EpochMillis, Millis } from '../../core/clock.ts';
import { formatSocketAddress } from '../../core/socket-address.ts';
import type { TracedMessage } from './message-ring.ts';

export interface Ladder {
  readonly startedAt: EpochMillis;
  /** Who placed the call, we, and whom it went to. */
  readonly columns: readonly string[];
  readonly steps: readonly LadderStep[];
  /** Messages behind the last step, which are not drawn. */
  readonly omitted: number;
}

/** Whoever knows a Call-ID can send with it, from as many ports as he likes: drawing them must not cost us the calls. */
export const mostSteps = 2_000;
/** With more peers, the last column is that of all others. */
export const mostColumns = 12;

export interface LadderStep {
  /** Since the first message. */
  readonly after: Millis;
  /** Columns. */
  readonly from: number;
  readonly to: number;
  /** `INVITE sip:…`, `200 OK (INVITE)`; with ` +SDP` where it describes media. Printable ASCII. */
  readonly label: string;
}

/** Of messages in the order of time, at least one. */
export function ladderOf(messages: readonly TracedMessage[], self: string): Ladder {
  const drawn = messages.slice(0, mostSteps);
  const [first = '', ...others] = new Set(drawn.map(peerOf));
  const all = [first, self, ...others];
  const columns = all.length <= mostColumns ? all : [...all.slice(0, mostColumns - 1), 'others'];
  const startedAt = messages[0]?.at ?? 0;
  const steps = drawn.map((message) => {
    const known = columns.indexOf(peerOf(message));
    const peer = known < 0 ? mostColumns - 1 : known;
    const [from, to] = message.direction === 'in' ? [peer, selfColumn] : [selfColumn, peer];
    return { after: message.at - startedAt, from, to, label: labelOf(message) };
  });
  return { startedAt, columns, steps, omitted: messages.length - drawn.length };
}

/** Ends with a line end. `width` in characters is kept to as long as the columns can be read. */
export function drawText({ columns, steps, omitted }: Ladder, width?: number): string {
  const columnWidth = columnWidthFor(columns.length, width);
  const middle = (column: number): number => timeWidth + Math.floor(columnWidth / 2) + column * columnWidth;
  const rails = (): string[] => {
    const line = new Array<string>(middle(columns.length - 1) + 1).fill(' ');
    for (const column of columns.keys()) line[middle(column)] = '|';
    return line;
  };
  const put = (line: string[], at: number, text: string): void => {
    for (const [index, character] of [...text].entries()) line[at + index] = character;
  };
  const head: string[] = [];
  for (const [column, title] of columns.entries()) {
    const shown = title.slice(0, columnWidth - 2);
    put(head, Math.max(0, middle(column) - Math.floor(shown.length / 2)), shown);
  }
  const lines = [Array.from(head, (character) => character ?? ' '), rails()];
  for (const { after, from, to, label } of steps) {
    const [left, right] = [Math.min(middle(from), middle(to)) + 1, Math.max(middle(from), middle(to)) - 1];
    const words = rails();
    put(words, 0, seconds(after).padStart(timeWidth - 2));
    put(words, left + 1, label.slice(0, right - left - 1));
    const arrow = rails();
    put(arrow, left, '-'.repeat(right - left + 1));
    if (to > from) arrow[right] = '>';
    else arrow[left] = '<';
    lines.push(words, arrow);
  }
  return [...lines.map((line) => line.join('').trimEnd()), ...more(omitted)].map((line) => `${line}\n`).join('');
}

function columnWidthFor(columns: number, width: number | undefined): number {
  if (width === undefined) return usualColumnWidth;
  // The last column ends in its middle, but for its title.
  return Math.max(leastColumnWidth, Math.min(usualColumnWidth, Math.floor((width - timeWidth) / columns)));
}

const usualColumnWidth = 34;
const leastColumnWidth = 16;

/** A document of its own. Sizes in CSS pixels. */
export function drawSvg({ columns, steps, omitted }: Ladder): string {
  const x = (column: number): number => svg.times + svg.column / 2 + column * svg.column;
  const width = svg.times + columns.length * svg.column;
  const height = svg.head + steps.length * svg.step + svg.step;
  const titles = columns.map((title, column) => {
    const text = `<text x="${x(column)}" y="24" text-anchor="middle" font-weight="bold">${escaped(title)}</text>`;
    return `${text}<line x1="${x(column)}" y1="${svg.head - 8}" x2="${x(column)}" y2="${height}" stroke="#999"/>`;
  });
  const arrows = steps.map(({ after, from, to, label }, index) => {
    const y = svg.head + (index + 0.7) * svg.step;
    const tip = x(to) + (to > from ? -6 : 6);
    const shown = label.length > svg.letters ? `${label.slice(0, svg.letters - 1)}…` : label;
    return [
      `<text x="8" y="${y}" fill="#666">${seconds(after)}</text>`,
      `<text x="${(x(from) + x(to)) / 2}" y="${y - 6}" text-anchor="middle"><title>${escaped(label)}</title>${escaped(shown)}</text>`,
      `<line x1="${x(from)}" y1="${y}" x2="${tip}" y2="${y}" stroke="#246" marker-end="url(#tip)"/>`,
    ].join('');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="monospace" font-size="12">`,
    '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="2" refY="4" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#246"/></marker></defs>',
    '<title>SIP messages of one call</title>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...titles,
    ...arrows,
    ...more(omitted).map((text) => `<text x="8" y="${height - 8}" fill="#666">${text}</text>`),
    '</svg>\n',
  ].join('\n');
}

function more(omitted: number): readonly string[] {
  return omitted === 0 ? [] : [`and ${omitted} messages more`];
}

const selfColumn = 1;
const timeWidth = 11;
const svg = { times: 70, column: 300, head: 48, step: 34, letters: 38 };

function peerOf({ transport, remote }: TracedMessage): string {
  return `${transport} ${formatSocketAddress(remote)}`;
}

/** The head of a message is text; only its first line and two fields are looked at. */
function labelOf({ bytes }: TracedMessage): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, readBytes)).toString('latin1');
  const line = text.split('\r\n', 1)[0] ?? '';
  const method = /\r\ncseq[ \t]*:[ \t]*\d+[ \t]+([A-Za-z]+)/i.exec(text)?.[1] ?? '';
  const media = /\r\n(?:content-type|c)[ \t]*:[ \t]*application\/sdp/i.test(text) ? ' +SDP' : '';
  const label = line.startsWith('SIP/2.0 ') ? `${line.slice(8)} (${method})` : line.replace(/ SIP\/2\.0$/, '');
  return `${label.slice(0, longestLabel)}${media}`.replace(/[^ -~]/g, '?');
}

const readBytes = 8_192;
const longestLabel = 200;

function seconds(after: Millis): string {
  return (after / 1000).toFixed(3);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
