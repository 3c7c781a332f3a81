// bench/results/README.md: the newest figures of each suite as tables, ratios first.
import type { Comparison, PhaseSummary, RelayFigures } from '../relay/relay-suite.ts';
import type { LoadComparison, LoadSummary, SignallingFigures } from '../signalling/signalling-suite.ts';
import { formatSummary, type Summary } from './statistics.ts';

/** What every result file says beside its figures. */
export interface Stamped {
  readonly date: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly kernel: string; readonly node: string };
}

export function relayTable(figures: RelayFigures & Stamped): string {
  const { flood, paced } = figures;
  return [
    `## Relay: ${figures.calls} calls, SRTP outside and RTP inside, one core`,
    '',
    ground(figures, figures.reference),
    '',
    'Median (lowest–highest) of the runs. CPU is that of the whole process for each relayed packet of 172 bytes, half of them to be',
    `decrypted and half to be encrypted (AES_CM_128_HMAC_SHA1_80), all checks on; driver ${figures.driver}.`,
    '',
    '| | Portcullis | rtpengine | ratio |',
    '| --- | --- | --- | --- |',
    ...relayRows('flood', flood),
    ...relayRows('50 packets/s a call', paced),
    `| latency p50, paced, µs | ${latency(paced.portcullis.latencyP50)} | ${latency(paced.rtpengine.latencyP50)} | |`,
    `| latency p99, paced, µs | ${latency(paced.portcullis.latencyP99)} | ${latency(paced.rtpengine.latencyP99)} | ${formatSummary(paced.p99Ratio)} |`,
    '',
    `Of ${formatCount(3_000 * flood.portcullis.cpuMicrosPerPacket.runs)} forged packets, ${figures.forgedRelayed} came out. ${invalidText(figures.invalid)}`,
    '',
    'Repeat: `npm run bench -- relay`',
  ].join('\n');
}

export function signallingTable(figures: SignallingFigures & Stamped): string {
  return [
    '## Signalling: INVITE and REGISTER with digest over one TLS connection, media ports for each call, one core',
    '',
    ground(figures, figures.reference),
    '',
    'Median (lowest–highest) of the runs. CPU is that of all processes of the SBC.',
    '',
    '| | Portcullis | Kamailio + rtpengine | ratio |',
    '| --- | --- | --- | --- |',
    ...loadRows(`call, ${figures.callsPerSecond}/s`, figures.call),
    ...loadRows(`REGISTER, ${figures.registersPerSecond}/s`, figures.register),
    `| calls/s, 40 at a time | ${formatSummary(figures.saturated.portcullis.perSecond, 0)} | ${formatSummary(figures.saturated.reference.perSecond, 0)} | ${formatSummary(figures.saturated.rateRatio)} |`,
    `| CPU ms a call, 40 at a time | ${formatSummary(figures.saturated.portcullis.cpuMillisEach)} | ${formatSummary(figures.saturated.reference.cpuMillisEach)} | ${formatSummary(figures.saturated.cpuRatio)} |`,
    `| failed calls | ${failures(figures, 'portcullis')} | ${failures(figures, 'reference')} | |`,
    '',
    invalidText(figures.invalid),
    '',
    'Repeat: `npm run bench -- signalling`',
  ].join('\n');
}

function relayRows(name: string, { portcullis, rtpengine, cpuRatio }: Comparison): readonly string[] {
  const loss = ({ lossShare }: PhaseSummary): string => `${(lossShare.median * 100).toFixed(3)} %`;
  return [
    `| CPU µs a packet, ${name} | ${formatSummary(portcullis.cpuMicrosPerPacket)} | ${formatSummary(rtpengine.cpuMicrosPerPacket)} | **${formatSummary(cpuRatio)}** |`,
    `| packets/s, ${name} | ${latency(portcullis.packetsPerSecond)} | ${latency(rtpengine.packetsPerSecond)} | |`,
    `| loss, ${name} | ${loss(portcullis)} | ${loss(rtpengine)} | |`,
  ];
}

function loadRows(name: string, { portcullis, reference, cpuRatio }: LoadComparison): readonly string[] {
  const percentiles = ({ latencyP50, latencyP95, latencyP99 }: LoadSummary): string =>
    [latencyP50, latencyP95, latencyP99].map(({ median }) => median.toFixed(1)).join(' / ');
  return [
    `| CPU ms a ${name} | ${formatSummary(portcullis.cpuMillisEach)} | ${formatSummary(reference.cpuMillisEach)} | **${formatSummary(cpuRatio)}** |`,
    `| latency p50/p95/p99 ms, ${name} | ${percentiles(portcullis)} | ${percentiles(reference)} | |`,
  ];
}

function failures({ call, register, saturated }: SignallingFigures, who: 'portcullis' | 'reference'): number {
  return call[who].failed + register[who].failed + saturated[who].failed;
}

function ground({ date, machine }: Stamped, reference: string): string {
  return `${date}, ${machine.cores} cores of ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}; reference: ${reference}.`;
}

function invalidText(invalid: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(invalid).map(([reason, count]) => `${reason} (${count})`);
  return reasons.length === 0 ? 'No run was invalid.' : `Invalid by the rules of the benchmark: ${reasons.join(', ')}.`;
}

function latency(summary: Summary): string {
  return formatSummary(summary, 0);
}

function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
