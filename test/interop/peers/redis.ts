// A real Redis of the machine itself, inside a lab: in memory only.
import { connect } from 'node:net';
import type { Host, Lab } from './lab.ts';
import { eventually, PeerProcess } from './peer-process.ts';

export const REDIS_PORT = 6_379;

/** Starts it on the inside address of `host`. Fails where the machine has no redis-server. */
export async function startRedis(lab: Lab, host: Host, cpus?: string): Promise<PeerProcess> {
  const bound = ['--bind', host.inside, '--port', String(REDIS_PORT), '--protected-mode', 'no'];
  const kept = ['--save', '', '--appendonly', 'no', '--dir', lab.directory('redis')];
  const redis = PeerProcess.start(lab, { name: 'redis', host, argv: ['redis-server', ...bound, ...kept], cpus });
  await eventually('redis-server to be ready', 10_000, () => {
    if (!redis.isRunning) throw new Error(`redis-server ended: ${redis.log().slice(-500)}`);
    return answers(host.inside);
  });
  return redis;
}

function answers(address: string): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(REDIS_PORT, address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(undefined));
  });
}
