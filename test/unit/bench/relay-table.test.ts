import { expect, test } from 'vitest';
import { newestRelayTable, relayTable } from '../../../bench/lib/relay-table.ts';
import { summarise } from '../../../bench/lib/statistics.ts';
import { cellOf, type Phase } from '../../../bench/relay/figures.ts';

const phase = (cpuMicrosPerPacket: number): Phase => ({
  cpuMicrosPerPacket,
  packetsPerSecond: 1_000 / cpuMicrosPerPacket,
  lossShare: 0,
  generatorBusy: 0.5,
  latency: { p50: 100, p99: 400, p999: 900 },
  residentBytes: 1e8,
});
const flood = { calls: 500, protection: 'cm', mode: 'flood' } as const;
const figures = {
  date: '2026-01-05',
  machine: { cpu: 'a processor', cores: 2, kernel: '6.1', node: 'v24' },
  reference: 'rtpengine 1',
  floor: 'a C program',
  driver: 'epoll',
  cells: [cellOf(flood, { portcullis: [phase(4), phase(5)], rtpengine: [phase(8), phase(20)] })],
  session: { portcullis: summarise([300]), rtpengine: summarise([200]), ratio: summarise([1.5]) },
  refused: 3_900,
  invalid: {},
};

test('the relay is compared by goals, cells and what was refused; the reference is named', () => {
  const text = relayTable(figures);
  expect(text).toContain("| SRTP CPU by rtpengine's, flood, 500 calls: at most 0.55 | 0.38 | met |");
  expect(text).toContain("| set-up and tear-down by rtpengine's: at most 1 | 1.50 | **missed** |");
  expect(text).toContain('4.50 (4.00–5.00)');
  expect(text).toContain('reference: rtpengine 1.');
  expect(text).toContain('3,900 forged, replayed and malformed packets');
});

test('beside the newest rtpengine the same is said, without the chart, under its own title and command', () => {
  const text = newestRelayTable({ ...figures, reference: 'rtpengine 9' });
  expect(text).toContain('reference: rtpengine 9.');
  expect(text).toContain('at most 0.55 | 0.38 | met |');
  expect(text).toContain('`npm run bench -- relay --rtpengine newest`');
  expect(text).not.toContain('relay.svg');
  expect(text.split('\n')[0]).not.toBe(relayTable(figures).split('\n')[0]);
});

test('the median of an even number of runs lies between the two in the middle', () => {
  expect(summarise([1, 2, 10, 4])).toEqual({ median: 3, low: 1, high: 10, runs: 4 });
  expect(summarise([3, 1, 2]).median).toBe(2);
  expect(summarise([]).median).toBe(0);
});
