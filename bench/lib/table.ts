// bench/results/README.md: the newest figures of the signalling suite as a table, and what every table says.
import type { LoadComparison, LoadSummary, SignallingFigures } from '../signalling/signalling-suite.ts';
import { formatSummary, type Summary } from './statistics.ts';

/** What every result file says beside its figures. */
export interface Stamped {
  readonly date: string;
  /** What else must be known to read the figures (`--note`). */
  readonly note?: string | undefined;
  /** How long the suite took. */
  readonly seconds?: number | undefined;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly kernel: string; readonly node: string };
}

export function signallingTable(figures: SignallingFigures & Stamped): string {
  const { loads, settings, idle } = figures;
  const { portcullis, reference } = idle;
  const kilobytes = ({ median, low, high, runs }: Summary): string =>
    formatSummary({ median: median / 1_024, low: low / 1_024, high: high / 1_024, runs }, 1);
  return [
    '## Signalling: INVITE and REGISTER with digest over TLS, media ports for each call, one core',
    '',
    ground(figures, figures.reference),
    ...(figures.note === undefined ? [] : ['', `**${figures.note}**`]),
    '',
    `Median (lowest–highest) of ${loads.call.cpuRatio.runs} runs, after ${formatCount(settings.warmUp.calls)} calls, ${formatCount(settings.warmUp.registrations)} registrations and ${formatCount(settings.warmUp.handshakes)} handshakes to warm up. CPU is that of all processes of the SBC.`,
    'Of two rates at a limit of simultaneous ones the SBC is the limit, unless the line of generators says that these were busy.',
    '',
    '| | Portcullis | Kamailio + rtpengine | ratio | aim |',
    '| --- | --- | --- | --- | --- |',
    ...loadRows(`call, ${settings.callsPerSecond}/s over one connection`, loads.call, '≤ 0.6'),
    ...loadRows(
      `call, ${settings.callsPerSecond}/s over ${settings.connections} connections`,
      loads.manyConnections,
      '≤ 0.6',
    ),
    ...loadRows(`REGISTER, ${settings.registersPerSecond}/s over one connection`, loads.register, ''),
    ...rateRows('calls, 40 at a time', 'call', loads.saturated, '≥ 1.6'),
    ...rateRows('TLS handshakes + REGISTER, 40 at a time', 'one', loads.handshake, '≥ 1.2'),
    `| memory of an idle TLS phone, kB, ${formatCount(settings.idlePhones)} phones | ${kilobytes(portcullis.bytesEach)} | ${kilobytes(reference.bytesEach)} | **${formatSummary(idle.bytesRatio)}** | ≤ 1.1 |`,
    `| storm: all of them REGISTER at once, failed | ${latency(portcullis.stormFailed)} | ${latency(reference.stormFailed)} | | 0 |`,
    `| storm: ms to the last 200 | ${latency(portcullis.stormMillis)} | ${latency(reference.stormMillis)} | | |`,
    `| failed of all calls and registrations before | ${failures(figures, 'portcullis')} | ${failures(figures, 'reference')} | | 0 |`,
    `| generators, busiest phase, % of a core | ${busiest(figures, 'portcullis')} | ${busiest(figures, 'reference')} | | |`,
    '',
    invalidText(figures.invalid),
    '',
    'Repeat: `npm run bench -- signalling`. What was tried, and where the time goes: [bench/README.md](../README.md).',
  ].join('\n');
}

function loadRows(name: string, { portcullis, reference, cpuRatio }: LoadComparison, aim: string): readonly string[] {
  const percentiles = ({ latencyP50, latencyP95, latencyP99 }: LoadSummary): string =>
    [latencyP50, latencyP95, latencyP99].map(({ median }) => median.toFixed(1)).join(' / ');
  return [
    `| CPU ms a ${name} | ${formatSummary(portcullis.cpuMillisEach)} | ${formatSummary(reference.cpuMillisEach)} | **${formatSummary(cpuRatio)}** | ${aim} |`,
    `| latency p50/p95/p99 ms, ${name} | ${percentiles(portcullis)} | ${percentiles(reference)} | | |`,
  ];
}

function rateRows(name: string, one: string, comparison: LoadComparison, aim: string): readonly string[] {
  const { portcullis, reference, cpuRatio, rateRatio } = comparison;
  return [
    `| ${name}, per second | ${formatSummary(portcullis.perSecond, 0)} | ${formatSummary(reference.perSecond, 0)} | **${formatSummary(rateRatio)}** | ${aim} |`,
    `| CPU ms a ${one} of these | ${formatSummary(portcullis.cpuMillisEach)} | ${formatSummary(reference.cpuMillisEach)} | ${formatSummary(cpuRatio)} | |`,
  ];
}

function failures({ loads }: SignallingFigures, who: 'portcullis' | 'reference'): string {
  const all = Object.values(loads);
  const sum = (read: (load: LoadSummary) => number): number => all.reduce((total, load) => total + read(load[who]), 0);
  return `${sum(({ failed }) => failed)} of ${formatCount(sum(({ attempts }) => attempts))}`;
}

function busiest({ loads }: SignallingFigures, who: 'portcullis' | 'reference'): string {
  const [name, load] = Object.entries(loads).reduce((most, next) =>
    next[1][who].generatorBusy.median > most[1][who].generatorBusy.median ? next : most,
  );
  return `${Math.round(load[who].generatorBusy.median * 100)} (${name})`;
}

export function ground({ date, machine }: Stamped, reference?: string): string {
  const beside = reference === undefined ? '' : `; reference: ${reference}`;
  return `${date}, ${machine.cores} cores of ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}${beside}.`;
}

export function invalidText(invalid: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(invalid).map(([reason, count]) => `${reason} (${count})`);
  return reasons.length === 0 ? 'No run was invalid.' : `Invalid by the rules of the benchmark: ${reasons.join(', ')}.`;
}

function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

function latency(summary: Summary): string {
  return formatSummary(summary, 0);
}
