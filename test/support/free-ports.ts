// Ports for a program that binds them later, and again after a restart. They lie below those that Linux gives to sockets without one
// (`ip_local_port_range`, from 32768): a connection that somebody opens meanwhile cannot take them.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { systemRandom } from '../../src/core/random.ts';

const loopback = '127.0.0.1';
const [first, last] = [10_000, 19_999];
const [firstMedia, lastMedia] = [20_000, 31_999];
const tries = 100;

/** A port of the loopback that nobody has now, for TCP and for UDP. Rejects when none is found. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const port = first + systemRandom.below(last - first + 1);
    if ((await isTcpFree(port)) && (await isUdpFree(port))) return port;
  }
  throw new Error(`no port of ${first} to ${last} is free`);
}

/** The first of `count` such ports, one after the other. Rejects when none are found. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const port = await freePort();
    const next = Array.from({ length: count - 1 }, (_, index) => port + 1 + index);
    const areFree = await Promise.all(next.map(async (one) => (await isTcpFree(one)) && (await isUdpFree(one))));
    if (port + count - 1 <= last && areFree.every(Boolean)) return port;
  }
  throw new Error(`no ${count} ports of ${first} to ${last} are free`);
}

/** The first of `count` ports for media: one of the ranges side by side, whoever else may have it. */
export function mediaRange(count: number): number {
  return firstMedia + count * systemRandom.below(Math.floor((lastMedia - firstMedia + 1) / count));
}

async function isTcpFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, loopback), 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}

async function isUdpFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    await once(socket.bind(port, loopback), 'listening');
  } catch {
    return false;
  }
  const closed = once(socket, 'close');
  socket.close();
  await closed;
  return true;
}
