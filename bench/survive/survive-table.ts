// The part of bench/results/README.md that tells what it costs to outlive a process.
import { formatSummary } from '../lib/statistics.ts';
import { ground, type Stamped } from '../lib/table.ts';
import type { MediaGap } from './media-gap.ts';
import type { StoreCost } from './store-cost.ts';
import type { SurviveFigures } from './survive-suite.ts';

const leastRatios = { SQLite: 0.9, Redis: 0.85 } as const;
/** Milliseconds. */
const longestGaps: Readonly<Record<MediaGap['what'], number>> = {
  upgrade: 200,
  'crash-with-spare': 2_000,
  crash: 2_000,
  'worker-throws': 500,
  'worker-stands-still': 500,
  'fail-over': 2_000,
};

export function surviveTable(figures: SurviveFigures & Stamped): string {
  const { store, redis, ready } = figures;
  return [
    '## Surviving: calls that are kept for the process that follows',
    '',
    ground(figures),
    ...(figures.note === undefined ? [] : ['', `**${figures.note}**`]),
    '',
    '| | |',
    '| --- | --- |',
    ...costRows('SQLite', store),
    ...(redis === undefined ? [] : costRows('Redis', redis)),
    `| ${ready.calls} calls and ${ready.registrations} registrations loaded, ms (CPU) | ${formatSummary(ready.loadMillis, 0)} (${formatSummary(ready.loadCpuMillis, 0)}) |`,
    `| the same taken up, ms (CPU) | ${formatSummary(ready.takeUpMillis, 0)} (${formatSummary(ready.takeUpCpuMillis, 0)}) |`,
    '',
    ...(figures.gaps.length === 0 ? [] : gapTable(figures.gaps)),
    'Repeat: `npm run bench -- survive`',
  ].join('\n');
}

function costRows(keeper: keyof typeof leastRatios, { on, off, ratio }: StoreCost): readonly string[] {
  const least = leastRatios[keeper];
  const verdict = ratio.median >= least ? 'met' : '**missed**';
  return [
    `| calls a second of the signalling thread's CPU, kept in ${keeper} | ${formatSummary(on, 0)} |`,
    `| the same, not kept | ${formatSummary(off, 0)} |`,
    `| ratio, of pairs (aim ≥ ${least}) | ${formatSummary(ratio)} ${verdict} |`,
  ];
}

function gapTable(gaps: readonly MediaGap[]): readonly string[] {
  return [
    '| calls hear nothing for, ms, the one that was silent for longest | | aim | calls lost | |',
    '| --- | --- | --- | --- | --- |',
    ...gaps.map(gapRow),
    '',
    'Packets are 20 ms apart. Of a fail-over between two machines it is the time from the kill until all calls are heard.',
    '',
  ];
}

function gapRow({ date, what, driver, gap, calls, lost }: MediaGap): string {
  const longest = longestGaps[what];
  const verdict = `< ${longest} ${gap.median < longest ? 'met' : '**missed**'}`;
  const of = driver === undefined ? '' : `, ${driver}`;
  return `| ${titles[what]}${of} | ${formatSummary(gap, 0)} | ${verdict} | ${lost} of ${calls * gap.runs} | ${date} |`;
}

const titles: Readonly<Record<MediaGap['what'], string>> = {
  upgrade: '`portcullis upgrade`',
  'crash-with-spare': 'kill -9, a process stands by',
  crash: 'kill -9, another one is started',
  'worker-throws': 'a media worker throws, the one in reserve goes on',
  'worker-stands-still': 'a media worker stands still, the one in reserve goes on',
  'fail-over': 'kill -9 of a node, the other machine takes over',
};
