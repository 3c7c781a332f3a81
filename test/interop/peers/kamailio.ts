// Starts a Kamailio on a configuration of ours, and waits until it answers.
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, Lab } from './lab.ts';
import { eventually, PeerProcess, runInTree } from './peer-process.ts';

export interface KamailioStart {
  readonly name: string;
  readonly host: Host;
  readonly files: Readonly<Record<string, string>>;
  /** UDP address that answers OPTIONS once it serves. */
  readonly ready: {
    readonly address: string;
    readonly port: number;
    /** Where it answers nothing: what it logs of that OPTIONS instead. */
    readonly logs?: RegExp | undefined;
  };
  readonly sharedMemoryMb?: number | undefined;
  /** Of each process; a configuration with thousands of users needs more than the default of 8. */
  readonly privateMemoryMb?: number | undefined;
  readonly cpus?: string | undefined;
}

/** `files` are written to the peer's directory; one of them is `kamailio.cfg`. */
export async function startKamailio(lab: Lab, start: KamailioStart): Promise<PeerProcess> {
  const directory = lab.directory(start.name);
  for (const [file, text] of Object.entries(start.files)) writeFileSync(join(directory, file), text);
  const configuration = join(directory, 'kamailio.cfg');
  const memory = ['-m', String(start.sharedMemoryMb ?? 64), '-M', String(start.privateMemoryMb ?? 8)];
  await runInTree(lab, 'bookworm', ['/usr/sbin/kamailio', '-c', '-f', configuration, '-Y', directory, ...memory]);
  const process = PeerProcess.start(lab, {
    name: start.name,
    host: start.host,
    tree: 'bookworm',
    argv: [
      '/usr/sbin/kamailio',
      '-DD',
      '-E',
      '-f',
      configuration,
      '-P',
      join(directory, 'pid'),
      '-Y',
      directory,
      ...memory,
    ],
    cpus: start.cpus,
  });
  const { address, port, logs } = start.ready;
  try {
    await eventually(`${start.name} to answer OPTIONS at ${address}:${port}`, 15_000, () => {
      if (!process.isRunning) throw new Error(`${start.name} ended: ${process.log().slice(-1500)}`);
      const answer = answersOptions(address, port);
      return logs === undefined ? answer : answer.then(() => (logs.test(process.log()) ? true : undefined));
    });
  } catch (thrown) {
    await process.stop();
    throw thrown;
  }
  return process;
}

/** Whether something at this UDP address answers a SIP OPTIONS within 300 ms. */
async function answersOptions(address: string, port: number): Promise<true | undefined> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve) => {
      socket.once('message', () => resolve(true));
      socket.once('error', () => resolve(undefined));
      setTimeout(() => resolve(undefined), 300);
      socket.connect(port, address, () => {
        const { address: own, port: ownPort } = socket.address();
        const id = `${ownPort}-${Math.round(performance.now())}`;
        const lines = [
          `OPTIONS sip:ping@${address}:${port} SIP/2.0`,
          `Via: SIP/2.0/UDP ${own}:${ownPort};branch=z9hG4bK${id};rport`,
          'Max-Forwards: 70',
          `From: <sip:lab@${own}>;tag=${id}`,
          `To: <sip:ping@${address}>`,
          `Call-ID: ${id}@${own}`,
          'CSeq: 1 OPTIONS',
          'Content-Length: 0',
        ];
        socket.send(`${lines.join('\r\n')}\r\n\r\n`);
      });
    });
  } finally {
    socket.close();
  }
}
