// What each of several processes on one machine is run with, made of the one configuration: outside listeners are the same for all, inside
// ones have a port each, and so have probes; the first has the dashboard; media ports and what counts for the machine are divided. Pure.
import { extname } from 'node:path';
import type { SocketAddress } from '../core/socket-address.ts';
import { listener as listenerTable, network as networkTable } from './schema/place.ts';
import type { Config, ListenerConfig } from './schema.ts';

/** The network and the listener over which processes of one machine call each other. No table of a configuration may have that name. */
export const linkName = 'processes';
export const linkAddress = '127.0.0.1';

/** Of all processes, from 1 on. One process is what the configuration says. */
export function processNumbers({ sbc }: Pick<Config, 'sbc'>): readonly number[] {
  return Array.from({ length: sbc.processes }, (_, index) => index + 1);
}

/** The node of the site that a process is. */
export function processNode({ sbc, cluster }: Pick<Config, 'sbc' | 'cluster'>, process: number): string {
  return `${cluster.node ?? sbc.name}-${process}`;
}

/** The node that another process of this machine is, as `processConfig` says it to each; undefined where there is none of that number. */
export function nodeBeside({ cluster }: Pick<Config, 'cluster'>, process: number): string | undefined {
  return cluster.peer.find(({ node, listener }) => listener === linkName && node.endsWith(`-${process}`))?.node;
}

/** Where a process keeps what is its own; accounts are in `state_dir` itself, for all. */
export function processStateDirectory({ sbc }: Pick<Config, 'sbc'>, process: number): string {
  return sbc.processes === 1 ? sbc.state_dir : `${sbc.state_dir}/process-${process}`;
}

/** `var/admin.sock` of the first, `var/admin-2.sock` of the second. */
export function processSocket({ admin }: Pick<Config, 'admin'>, process: number): string {
  if (process === 1) return admin.socket;
  const extension = extname(admin.socket);
  return `${admin.socket.slice(0, admin.socket.length - extension.length)}-${process}${extension}`;
}

/** The share of a process in a number, all of them together being that number. */
export function shareOf(total: number, process: number, processes: number): number {
  return Math.floor(total / processes) + (process <= total % processes ? 1 : 0);
}

/** Even shares that begin at an even port, as RTP has it; what cannot be divided is left over. */
export function portsOf(ports: Config['media']['ports'], process: number, processes: number): Config['media']['ports'] {
  const start = ports.first + (ports.first % 2);
  const each = 2 * Math.floor((ports.last - start + 1) / 2 / processes);
  const first = start + (process - 1) * each;
  return { first, last: first + each - 1 };
}

/** `cores`: of the machine, for media workers that are counted by them. */
export function processConfig(config: Config, process: number, cores: number): Config {
  const { sbc, cluster, media, limits, emergency, admin } = config;
  const { processes, process_port: firstPort } = sbc;
  if (processes === 1) return config;
  const later = (address: SocketAddress): SocketAddress => portOf(address, process);
  const others = processNumbers(config).filter((other) => other !== process);
  return {
    ...config,
    sbc: { ...sbc, name: `${sbc.name}-${process}`, state_dir: processStateDirectory(config, process) },
    network: [...config.network, linkNetwork],
    listener: [
      ...config.listener.map((one) => (isInside(config, one.name) ? insideOf(one, later) : one)),
      linkListener(firstPort + process - 1),
    ],
    cluster: {
      ...cluster,
      node: processNode(config, process),
      peer: [
        ...cluster.peer,
        ...others.map((other) => ({
          node: processNode(config, other),
          uri: `sip:${linkAddress}:${firstPort + other - 1}`,
          accept_from: [linkAddress],
          listener: linkName,
        })),
      ],
    },
    media: {
      ...media,
      ports: portsOf(media.ports, process, processes),
      workers: media.workers === 0 ? Math.max(1, Math.floor((cores - 1) / processes)) : media.workers,
    },
    limits: { ...limits, total_calls: shareOf(limits.total_calls, process, processes) },
    emergency: { ...emergency, reserve_calls: shareOf(emergency.reserve_calls, process, processes) },
    admin: {
      ...admin,
      socket: processSocket(config, process),
      address: admin.address && later(admin.address),
      web: process === 1 ? admin.web : undefined,
    },
  };
}

/** Where a PBX, or another node, speaks: nobody but listed peers may. */
export function isInside({ cluster, pbx }: Pick<Config, 'cluster' | 'pbx'>, listener: string): boolean {
  const isOfNodes = cluster.listener === listener || cluster.peer.some((peer) => peer.listener === listener);
  return isOfNodes || pbx.some((one) => one.listener === listener);
}

function insideOf(listener: ListenerConfig, later: (address: SocketAddress) => SocketAddress): ListenerConfig {
  const { address, advertise } = listener;
  return { ...listener, address: later(address), advertise: advertise && later(advertise) };
}

/** Port 0 is any, for each. */
function portOf({ address, port }: SocketAddress, process: number): SocketAddress {
  return { address, port: port === 0 ? 0 : port + process - 1 };
}

const linkNetwork = networkTable.parse({
  name: linkName,
  media: [{ address: linkAddress }],
  encryption: 'off',
  allow_loopback_media: true,
});

function linkListener(port: number): ListenerConfig {
  return listenerTable.parse({
    name: linkName,
    network: linkName,
    transport: 'tcp',
    address: `${linkAddress}:${port}`,
  });
}
