// The relay suite's part of bench/results/README.md, and its chart: how it stands to the goals, then every cell.
import type { Cell, CellPlace, RelayFigures } from '../relay/figures.ts';
import { type SubjectName, subjectNames } from '../relay/subjects.ts';
import { type BarGroup, chartSvg } from './chart.ts';
import { formatSummary } from './statistics.ts';
import { ground, invalidText, type Stamped } from './table.ts';

const titles: Readonly<Record<SubjectName, string>> = {
  portcullis: 'Portcullis',
  rtpengine: 'rtpengine',
  floor: 'C epoll',
};
const colours: Readonly<Record<SubjectName, string>> = {
  portcullis: '#2b6cb0',
  rtpengine: '#c05621',
  floor: '#718096',
};
const protectionTitles = {
  plain: 'forward only',
  cm: 'AES_CM_128_HMAC_SHA1_80',
  gcm: 'AEAD_AES_128_GCM',
} as const;

export function relayTable(figures: RelayFigures & Stamped): string {
  return [
    '## Relay: SRTP outside and RTP inside, one core',
    '',
    `${ground(figures, figures.reference)} Floor: ${figures.floor}.`,
    ...(figures.note === undefined ? [] : ['', `**${figures.note}**`]),
    '',
    'Median (lowest–highest) of the runs. CPU is that of the whole process for each relayed packet of 172 bytes, half of them to be',
    `decrypted and half to be encrypted, all checks on; driver ${figures.driver}. The C program has neither statistics, RTCP, latching nor limits.`,
    'Flood: at most 512 packets under way, as fast as they come back. Paced: 50 packets/s each way of each call.',
    '',
    '![CPU of each packet](relay.svg)',
    '',
    ...goalsAndCells(figures),
    '',
    'Repeat: `npm run bench -- relay`',
  ].join('\n');
}

/** The same beside the newest rtpengine: what is measured, and how, is said by the table before it. */
export function newestRelayTable(figures: RelayFigures & Stamped): string {
  return [
    '## Relay: beside the newest rtpengine',
    '',
    `${ground(figures, figures.reference)} Measured as above.`,
    ...(figures.note === undefined ? [] : ['', `**${figures.note}**`]),
    '',
    ...goalsAndCells(figures),
    '',
    'Repeat: `npm run bench -- relay --rtpengine newest`',
  ].join('\n');
}

function goalsAndCells(figures: RelayFigures): readonly string[] {
  const { session, cells } = figures;
  return [
    '| goal | measured | |',
    '| --- | --- | --- |',
    ...goals(figures).map(
      ({ what, limit, value }) =>
        `| ${what}: at most ${limit} | ${value?.toFixed(2) ?? 'not measured'} | ${verdict(value, limit)} |`,
    ),
    '',
    '| | | CPU µs a packet | CPU, Portcullis by it | packets/s | loss | latency p50 / p99 / p99.9 µs | generator |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...cells.flatMap(cellRows),
    '',
    `Set-up and tear-down of a media session, CPU µs: Portcullis ${formatSummary(session.portcullis, 0)}, rtpengine's offer, answer and ` +
      `delete ${formatSummary(session.rtpengine, 0)}, ratio ${formatSummary(session.ratio)}.`,
    `Memory a call, kB, from 50 to 2,000 calls: ${memory(cells)}.`,
    `${figures.refused.toLocaleString('en-US')} forged, replayed and malformed packets were sent in; none came out, else the run had failed. ${invalidText(figures.invalid)}`,
  ];
}

export function relayChart({ cells }: RelayFigures): string {
  const groups = cells.map((cell): BarGroup => {
    const bars = subjectNames.flatMap((name) => {
      const cpu = cell.subjects[name]?.cpuMicrosPerPacket;
      if (cpu === undefined) return [];
      return [{ label: titles[name], value: cpu.median, low: cpu.low, high: cpu.high, colour: colours[name] }];
    });
    return { title: titleOf(cell), bars };
  });
  return chartSvg({ title: 'CPU for each relayed packet, one core; less is better', unit: 'µs', groups });
}

interface Goal {
  readonly what: string;
  readonly limit: number;
  readonly value: number | undefined;
}

function goals({ cells, session }: RelayFigures): readonly Goal[] {
  const cell = (calls: number, protection: CellPlace['protection'], mode: CellPlace['mode']): Cell | undefined =>
    cells.find((one) => one.calls === calls && one.protection === protection && one.mode === mode);
  const cpu = (calls: number): number | undefined =>
    cell(calls, 'cm', 'flood')?.subjects.portcullis?.cpuMicrosPerPacket.median;
  const [few, many] = [cpu(50), cpu(2_000)];
  const flood = cell(500, 'cm', 'flood');
  const paced = cell(500, 'cm', 'paced');
  return [
    { what: "SRTP CPU by rtpengine's, flood, 500 calls", limit: 0.55, value: flood?.cpuRatio.rtpengine?.median },
    { what: "SRTP CPU by rtpengine's, paced, 500 calls", limit: 0.7, value: paced?.cpuRatio.rtpengine?.median },
    { what: "SRTP CPU by the C program's, flood, 500 calls", limit: 0.95, value: flood?.cpuRatio.floor?.median },
    { what: "p99 latency by rtpengine's at 50,000 packets/s", limit: 0.5, value: paced?.p99Ratio.rtpengine?.median },
    {
      what: 'CPU a packet at 2,000 calls by that at 50',
      limit: 1.2,
      value: few === undefined || many === undefined ? undefined : many / few,
    },
    { what: "set-up and tear-down by rtpengine's", limit: 1, value: session.ratio.median },
  ];
}

function verdict(value: number | undefined, limit: number): string {
  if (value === undefined) return '';
  return value <= limit ? 'met' : '**missed**';
}

function cellRows(cell: Cell): readonly string[] {
  return subjectNames.flatMap((name) => {
    const one = cell.subjects[name];
    if (one === undefined) return [];
    const ratio = cell.cpuRatio[name];
    const latency = [one.latencyP50, one.latencyP99, one.latencyP999]
      .map(({ median }) => median.toFixed(0))
      .join(' / ');
    return [
      [
        '',
        `${titleOf(cell)}, ${one.cpuMicrosPerPacket.runs} runs`,
        titles[name],
        formatSummary(one.cpuMicrosPerPacket),
        ratio === undefined ? '' : `**${formatSummary(ratio)}**`,
        formatSummary(one.packetsPerSecond, 0),
        `${(one.lossShare.median * 100).toFixed(3)} %`,
        cell.mode === 'paced' ? latency : '',
        `${(one.generatorBusy.median * 100).toFixed(0)} %`,
        '',
      ]
        .join(' | ')
        .trim(),
    ];
  });
}

function titleOf({ calls, protection, mode }: CellPlace): string {
  return `${calls.toLocaleString('en-US')} calls, ${protectionTitles[protection]}, ${mode}`;
}

function memory(cells: readonly Cell[]): string {
  const at = (calls: number, name: SubjectName): number | undefined =>
    cells.find((one) => one.calls === calls && one.mode === 'flood')?.subjects[name]?.residentBytes.median;
  return subjectNames
    .map((name) => {
      const [few, many] = [at(50, name), at(2_000, name)];
      const each = few === undefined || many === undefined ? 'not measured' : ((many - few) / 1_950 / 1_000).toFixed(1);
      return `${titles[name]} ${each}`;
    })
    .join(', ');
}
