// Every figure that this program and the reference both have, as one row: both values, their ratio, and what it should be. The table at
// the head of bench/results/README.md, the chart beside it and the README of the project are made of these.
import type { Cell, CellPlace, RelayFigures } from '../relay/figures.ts';
import type { LoadComparison, SignallingFigures } from '../signalling/signalling-suite.ts';
import { formatSummary, type Summary } from './statistics.ts';

export interface Aim {
  /** Which way is better for the ratio. */
  readonly better: 'less' | 'more';
  readonly limit: number;
}

export interface SideBySide {
  readonly what: string;
  readonly unit: string;
  readonly ours: Summary;
  readonly reference: Summary;
  /** Ours by the reference's, of each pair of runs by itself. */
  readonly ratio: Summary;
  readonly better: Aim['better'];
  /** Absent: measured, and nothing is promised. */
  readonly aim?: Aim;
}

export function relayRows({ cells, session }: RelayFigures): readonly SideBySide[] {
  const cell = (protection: CellPlace['protection'], mode: CellPlace['mode']): Cell | undefined =>
    cells.find((one) => one.calls === 500 && one.protection === protection && one.mode === mode);
  const cpu = (what: string, one: Cell | undefined, limit?: number): readonly SideBySide[] => {
    const { portcullis, rtpengine } = one?.subjects ?? {};
    const ratio = one?.cpuRatio.rtpengine;
    if (portcullis === undefined || rtpengine === undefined || ratio === undefined) return [];
    const values = { ours: portcullis.cpuMicrosPerPacket, reference: rtpengine.cpuMicrosPerPacket, ratio };
    return [{ what, unit: 'µs', ...values, ...less(limit) }];
  };
  const paced = cell('cm', 'paced');
  const { portcullis, rtpengine } = paced?.subjects ?? {};
  const p99 = paced?.p99Ratio.rtpengine;
  return [
    ...cpu('CPU a relayed SRTP packet, paced, 500 calls', paced, 0.7),
    ...cpu('CPU a relayed SRTP packet, flood, 500 calls', cell('cm', 'flood'), 0.55),
    ...cpu('CPU a relayed SRTP packet (AES-GCM), flood', cell('gcm', 'flood')),
    ...cpu('CPU a forwarded RTP packet, flood', cell('plain', 'flood')),
    ...(portcullis === undefined || rtpengine === undefined || p99 === undefined
      ? []
      : [
          {
            what: 'latency p99 of a packet at 50,000 a second',
            unit: 'µs',
            ours: portcullis.latencyP99,
            reference: rtpengine.latencyP99,
            ratio: p99,
            ...less(0.5),
          },
        ]),
    {
      what: 'CPU to set up and end a media session',
      unit: 'µs',
      ours: session.portcullis,
      reference: session.rtpengine,
      ratio: session.ratio,
      ...less(1),
    },
  ];
}

export function signallingRows({ loads, idle, settings }: SignallingFigures): readonly SideBySide[] {
  const cpu = (what: string, { portcullis, reference, cpuRatio }: LoadComparison, limit?: number): SideBySide => ({
    what,
    unit: 'ms',
    ours: portcullis.cpuMillisEach,
    reference: reference.cpuMillisEach,
    ratio: cpuRatio,
    ...less(limit),
  });
  const rate = (what: string, { portcullis, reference, rateRatio }: LoadComparison, limit: number): SideBySide => ({
    what,
    unit: '/s',
    ours: portcullis.perSecond,
    reference: reference.perSecond,
    ratio: rateRatio,
    better: 'more',
    aim: { better: 'more', limit },
  });
  return [
    cpu(`CPU a call, ${settings.callsPerSecond} a second over one connection`, loads.call, 0.6),
    cpu(`CPU a call, the same over ${settings.connections} connections`, loads.manyConnections, 0.6),
    cpu('CPU a call, 40 at a time', loads.saturated),
    cpu(`CPU a REGISTER, ${settings.registersPerSecond} a second`, loads.register),
    rate('calls, 40 at a time', loads.saturated, 1.6),
    rate('TLS handshakes with REGISTER, 40 at a time', loads.handshake, 1.2),
    {
      what: 'memory of an idle TLS phone',
      unit: 'kB',
      ours: kilobytes(idle.portcullis.bytesEach),
      reference: kilobytes(idle.reference.bytesEach),
      ratio: idle.bytesRatio,
      ...less(1.1),
    },
  ];
}

export function verdictOf({ ratio, aim }: SideBySide): 'met' | 'missed' | '' {
  if (aim === undefined) return '';
  return (aim.better === 'less' ? ratio.median <= aim.limit : ratio.median >= aim.limit) ? 'met' : 'missed';
}

/** As Markdown. A ratio with its spread; what is missed stands out. */
export function sideBySideTable(rows: readonly SideBySide[]): string {
  return [
    '| | Portcullis | reference | ratio | aim | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const verdict = verdictOf(row);
      const cells = [
        row.what,
        value(row.ours, row.unit),
        value(row.reference, row.unit),
        `**${formatSummary(row.ratio)}**`,
      ];
      return `| ${[...cells, aimText(row), verdict === 'missed' ? '**missed**' : verdict].join(' | ')} |`;
    }),
  ].join('\n');
}

export function aimText({ aim }: SideBySide): string {
  if (aim === undefined) return '';
  return `${aim.better === 'less' ? '≤' : '≥'} ${aim.limit}`;
}

function less(limit?: number): Pick<SideBySide, 'better' | 'aim'> {
  return { better: 'less', ...(limit === undefined ? {} : { aim: { better: 'less' as const, limit } }) };
}

function value({ median }: Summary, unit: string): string {
  const digits = median >= 100 ? 0 : median >= 10 ? 1 : 2;
  return `${Number(median.toFixed(digits)).toLocaleString('en-US')} ${unit}`;
}

function kilobytes({ median, low, high, runs }: Summary): Summary {
  return { median: median / 1_024, low: low / 1_024, high: high / 1_024, runs };
}
