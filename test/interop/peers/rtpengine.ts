// rtpengine in user space (no kernel module): the media half of the reference SBC.
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import type { Tree } from './install.ts';
import type { Host, Lab } from './lab.ts';
import { eventually, PeerProcess } from './peer-process.ts';

export const RTPENGINE_CONTROL_PORT = 22222;

export interface RtpengineOptions {
  readonly host: Host;
  readonly ports?: readonly [number, number] | undefined;
  readonly threads?: number | undefined;
  readonly cpus?: string | undefined;
  /** syslog level; 4 is warnings. */
  readonly logLevel?: number | undefined;
  readonly name?: string | undefined;
  /** Where it is from; Debian 12 where nothing is said. */
  readonly tree?: Tree | undefined;
}

/** Starts it with an interface `outside` and one `inside`, and waits until it answers its control protocol. */
export async function startRtpengine(lab: Lab, options: RtpengineOptions): Promise<PeerProcess> {
  const { host, ports = [30_000, 39_999], threads = 2 } = options;
  const name = options.name ?? 'rtpengine';
  const directory = lab.directory(name);
  const process = PeerProcess.start(lab, {
    name,
    host,
    tree: options.tree ?? 'bookworm',
    argv: [
      '/usr/bin/rtpengine',
      '--config-file=none',
      '--foreground',
      '--log-stderr',
      `--log-level=${options.logLevel ?? 4}`,
      '--table=-1',
      `--interface=outside/${host.outside}`,
      `--interface=inside/${host.inside}`,
      `--listen-ng=${host.inside}:${RTPENGINE_CONTROL_PORT}`,
      `--port-min=${ports[0]}`,
      `--port-max=${ports[1]}`,
      '--timeout=60',
      '--silent-timeout=600',
      '--tos=184',
      `--num-threads=${threads}`,
      `--pidfile=${join(directory, 'pid')}`,
    ],
    cpus: options.cpus,
  });
  try {
    await eventually('rtpengine to answer a ping', 10_000, () => {
      if (!process.isRunning) throw new Error(`rtpengine ended: ${process.log().slice(-1500)}`);
      return answersPing(host.inside);
    });
  } catch (thrown) {
    await process.stop();
    throw thrown;
  }
  return process;
}

async function answersPing(address: string): Promise<true | undefined> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve) => {
      socket.once('message', (message) => resolve(message.includes('pong') ? true : undefined));
      socket.once('error', () => resolve(undefined));
      setTimeout(() => resolve(undefined), 300);
      socket.connect(RTPENGINE_CONTROL_PORT, address, () => socket.send('lab d7:command4:pinge'));
    });
  } finally {
    socket.close();
  }
}
