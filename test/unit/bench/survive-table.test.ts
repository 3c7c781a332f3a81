import { expect, test } from 'vitest';
import type { Summary } from '../../../bench/lib/statistics.ts';
import { surviveTable } from '../../../bench/survive/survive-table.ts';

const summary = (median: number, runs = 5): Summary => ({ median, low: median - 1, high: median + 1, runs });
const figures = {
  date: '2026-01-05',
  machine: { cpu: 'a processor', cores: 2, kernel: '6.1', node: 'v24' },
  store: { off: summary(1_000), on: summary(950), ratio: summary(0.95) },
  ready: {
    calls: 1_000,
    registrations: 20_000,
    loadMillis: summary(300),
    loadCpuMillis: summary(200),
    takeUpMillis: summary(400),
    takeUpCpuMillis: summary(300),
  },
  gaps: [
    { date: '2026-01-05', what: 'upgrade', driver: 'io_uring', calls: 10, gap: summary(90), lost: 0 },
    { date: '2026-01-05', what: 'upgrade', driver: 'epoll', calls: 10, gap: summary(245), lost: 0 },
    { date: '2026-01-05', what: 'crash-with-spare', calls: 10, gap: summary(300), lost: 0 },
    { date: '2026-01-05', what: 'crash', calls: 10, gap: summary(2_400), lost: 1 },
    { date: '2026-01-05', what: 'worker-stands-still', calls: 1, gap: summary(460, 3), lost: 0 },
    { date: '2026-01-05', what: 'fail-over', calls: 3, gap: summary(2_900, 2), lost: 0 },
  ],
} as const;

test('the table of what survives tells of each gap, its aim, and the calls that were lost in all runs', () => {
  const lines = surviveTable(figures).split('\n');
  expect(lines.filter((line) => line.includes('portcullis upgrade') || /kill -9|media worker/.test(line))).toEqual([
    '| `portcullis upgrade`, io_uring | 90 (89–91) | < 200 met | 0 of 50 | 2026-01-05 |',
    '| `portcullis upgrade`, epoll | 245 (244–246) | < 200 **missed** | 0 of 50 | 2026-01-05 |',
    '| kill -9, a process stands by | 300 (299–301) | < 2000 met | 0 of 50 | 2026-01-05 |',
    '| kill -9, another one is started | 2400 (2399–2401) | < 2000 **missed** | 1 of 50 | 2026-01-05 |',
    '| a media worker stands still, the one in reserve goes on | 460 (459–461) | < 500 met | 0 of 3 | 2026-01-05 |',
    '| kill -9 of a node, the other machine takes over | 2900 (2899–2901) | < 2000 **missed** | 0 of 6 | 2026-01-05 |',
  ]);
  expect(lines.find((line) => line.startsWith('| ratio'))).toContain('met');
});
