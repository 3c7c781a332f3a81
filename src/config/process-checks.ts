// What several processes on one machine need beside what one does: the store that they share, room for each, and ports that they do not
// take from each other.
import { formatSocketAddress, type SocketAddress } from '../core/socket-address.ts';
import type { Finding } from './finding.ts';
import { isInside, linkAddress, linkName } from './process-config.ts';
import type { ReadableTables } from './schema.ts';

/** Of a process: RTP and RTCP of both legs of a call. */
const leastPorts = 4;

export function processFindings(tables: ReadableTables): readonly Finding[] {
  const { sbc, store, media, limits, network, listener } = tables;
  if (sbc === undefined || sbc.processes === 1) return [];
  const { processes } = sbc;
  const findings: Finding[] = [];
  const at = (message: string): void => void findings.push({ path: ['sbc', 'processes'], message });
  if (store !== undefined && store.url === undefined) {
    at('several processes count and find phones in a store that they share: [store] has no url');
  }
  if (media !== undefined && media.ports.last - media.ports.first < leastPorts * processes) {
    at(`media.ports have no room for ${processes} processes: each needs ${leastPorts} at least`);
  }
  if (limits !== undefined && limits.total_calls < processes) {
    at(`limits.total_calls is divided among ${processes} processes: each needs one at least`);
  }
  for (const [table, rows] of [
    ['network', network],
    ['listener', listener],
  ] as const) {
    const index = rows?.findIndex((one) => one.name === linkName) ?? -1;
    const message = `"${linkName}" is what the processes of sbc.processes call each other over`;
    if (index >= 0) findings.push({ path: [table, index, 'name'], message });
  }
  return [...findings, ...clashes(tables, sbc.processes, sbc.process_port)];
}

interface Bound {
  readonly what: string;
  readonly protocol: 'UDP' | 'TCP';
  readonly address: SocketAddress;
}

/** Only what follows from there being several: a clash in what is configured itself is told of elsewhere. */
function clashes({ listener, cluster, pbx, admin }: ReadableTables, processes: number, linkPort: number): Finding[] {
  if (listener === undefined || cluster === undefined || pbx === undefined) return [];
  const bound: Bound[] = [];
  const findings: Finding[] = [];
  const bind = (one: Bound): void => {
    if (one.address.port === 0) return;
    const other = bound.find((before) => isSame(before, one));
    bound.push(one);
    if (other === undefined) return;
    const message = `${other.what} and ${one.what} both need ${one.protocol} ${formatSocketAddress(one.address)}`;
    findings.push({ path: ['sbc', 'processes'], message });
  };
  const web = admin?.web;
  for (let process = 1; process <= processes; process += 1) {
    const own = (what: string, protocol: Bound['protocol'], { address, port }: SocketAddress): void => {
      const isAny = port === 0;
      bind({
        what: `${what} of process ${process}`,
        protocol,
        address: { address, port: isAny ? 0 : port + process - 1 },
      });
    };
    for (const { name, transport, address } of listener) {
      const protocol = transport === 'udp' ? 'UDP' : 'TCP';
      if (isInside({ cluster, pbx }, name)) own(`listener "${name}"`, protocol, address);
      else if (process === 1) bind({ what: `listener "${name}"`, protocol, address });
    }
    own('the link (sbc.process_port)', 'TCP', { address: linkAddress, port: linkPort });
    if (admin?.address !== undefined) own('admin.address', 'TCP', admin.address);
    if (web !== undefined && process === 1) own('admin.web', 'TCP', web.address);
  }
  return findings;
}

function isSame(a: Bound, b: Bound): boolean {
  if (a.protocol !== b.protocol || a.address.port !== b.address.port) return false;
  return a.address.address === b.address.address || [a, b].some(({ address }) => isEvery(address.address));
}

function isEvery(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
