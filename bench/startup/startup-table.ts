// The part of bench/results/README.md that tells how it starts.
import { formatSummary, type Summary } from '../lib/statistics.ts';
import { ground, type Stamped } from '../lib/table.ts';
import { type StartupFigures, type StartupSite, startupSites } from './startup-suite.ts';

const titles: Readonly<Record<StartupSite, string>> = {
  two: '2 users',
  database: '10,000 users in the database',
  file: '10,000 users in the file',
  supervised: 'the same in the database, with supervisor and spare, all three processes',
};
const longestReady = 1_000;
const mostMegabytes = 120;

export function startupTable(figures: StartupFigures & Stamped): string {
  const { sites, nodeMillis } = figures;
  return [
    '## Start: until it is ready, and what it holds when it idles',
    '',
    ground(figures),
    ...(figures.note === undefined ? [] : ['', `**${figures.note}**`]),
    '',
    `Median (lowest–highest) of ${nodeMillis.runs} starts of the built program; \`--no-supervisor\` but for the last row. A Node that does nothing takes ${formatSummary(nodeMillis, 0)} ms.`,
    '',
    '| | ready, ms | | CPU until then, ms | resident, MB | | proportional, MB |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...startupSites.map((site) => {
      const { readyMillis, cpuMillis, residentBytes, proportionalBytes } = sites[site];
      const ready = `${formatSummary(readyMillis, 0)} | ${verdict(readyMillis.median, longestReady)} | ${formatSummary(cpuMillis, 0)}`;
      const memory = `${megabytes(residentBytes)} | ${verdict(residentBytes.median / 1e6, mostMegabytes)}`;
      return `| ${titles[site]} | ${ready} | ${memory} | ${megabytes(proportionalBytes)} |`;
    }),
    '',
    `Aims: ready within ${longestReady} ms, at most ${mostMegabytes} MB resident, each with 10,000 users.`,
    '',
    'Repeat: `npm run bench -- startup`',
  ].join('\n');
}

function verdict(value: number, limit: number): string {
  return value <= limit ? 'met' : '**missed**';
}

function megabytes({ median, low, high, runs }: Summary): string {
  return formatSummary({ median: median / 1e6, low: low / 1e6, high: high / 1e6, runs }, 0);
}
