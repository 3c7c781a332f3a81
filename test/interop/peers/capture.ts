// Records what is on the wire of one network of a lab, without the lab's own control traffic, and reads it back.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab, type Network } from './lab.ts';
import { type Packet, readPcap } from './pcap.ts';
import { PeerProcess } from './peer-process.ts';

/** Time for the kernel to hand over the last packets. */
const SETTLE_MS = 300;

export class Capture {
  readonly path: string;
  readonly #process: PeerProcess;

  private constructor(path: string, process: PeerProcess) {
    this.path = path;
    this.#process = process;
  }

  /** Starts tcpdump on a bridge and waits until it listens. */
  static async start(lab: Lab, network: Network): Promise<Capture> {
    const name = `capture-${network}`;
    const path = join(lab.directory(name), 'wire.pcap');
    const process = PeerProcess.start(lab, {
      name,
      host: { name: 'lab', holder: undefined, outside: '', inside: '', outside6: '' },
      tree: 'bookworm',
      argv: [
        '/usr/bin/tcpdump',
        '-i',
        network,
        '-n',
        '-U',
        '--immediate-mode',
        '-Z',
        'root',
        '-w',
        path,
        `(tcp or udp) and not host ${Lab.addressOf(network)}`,
      ],
    });
    await process.waitForLog(/listening on/);
    return new Capture(path, process);
  }

  /** Stops it and answers every TCP and UDP packet. */
  async stop(): Promise<Packet[]> {
    await sleep(SETTLE_MS);
    await this.#process.stop('SIGINT');
    return readPcap(readFileSync(this.path));
  }
}
