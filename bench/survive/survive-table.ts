// The part of bench/results/README.md that tells what it costs to outlive a process.
import { formatSummary } from '../lib/statistics.ts';
import { ground, type Stamped } from '../lib/table.ts';
import type { SurviveFigures } from './survive-suite.ts';

const leastRatio = 0.9;

export function surviveTable(figures: SurviveFigures & Stamped): string {
  const { store, ready } = figures;
  const isMet = store.ratio.median >= leastRatio;
  return [
    '## Surviving: calls that are kept for the process that follows',
    '',
    ground(figures),
    ...(figures.note === undefined ? [] : ['', `**${figures.note}**`]),
    '',
    '| | |',
    '| --- | --- |',
    `| calls a second of the signalling thread's CPU, kept in SQLite | ${formatSummary(store.on, 0)} |`,
    `| the same, not kept | ${formatSummary(store.off, 0)} |`,
    `| ratio, of pairs (aim ≥ ${leastRatio}) | ${formatSummary(store.ratio)} ${isMet ? 'met' : '**missed**'} |`,
    `| ${ready.calls} calls and ${ready.registrations} registrations loaded, ms (CPU) | ${formatSummary(ready.loadMillis, 0)} (${formatSummary(ready.loadCpuMillis, 0)}) |`,
    `| the same taken up, ms (CPU) | ${formatSummary(ready.takeUpMillis, 0)} (${formatSummary(ready.takeUpCpuMillis, 0)}) |`,
    '',
    'Repeat: `npm run bench -- survive`',
  ].join('\n');
}
