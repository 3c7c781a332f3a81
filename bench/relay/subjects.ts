// The relays that are compared, each as a process on the same core with N calls open: Portcullis, rtpengine in user space, and a
// plain C program as the floor.
import { fileURLToPath } from 'node:url';
import type { Tree } from '../../test/interop/peers/install.ts';
import type { Host, Lab } from '../../test/interop/peers/lab.ts';
import { eventually, PeerProcess } from '../../test/interop/peers/peer-process.ts';
import { RTPENGINE_CONTROL_PORT, startRtpengine } from '../../test/interop/peers/rtpengine.ts';
import { cpuNanoseconds } from '../lib/cpu.ts';
import { parseJson } from '../lib/parse-json.ts';
import type { LoadOptions } from './load.ts';
import { NgClient } from './ng-client.ts';
import { type CallAddresses, mediaPort, pbxAnswer, phoneOffer } from './offers.ts';
import { sessionKeys } from './packets.ts';

export const subjectNames = ['portcullis', 'rtpengine', 'floor'] as const;
export type SubjectName = (typeof subjectNames)[number];

export interface SubjectOptions {
  readonly lab: Lab;
  readonly host: Host;
  readonly addresses: CallAddresses;
  readonly calls: number;
  /** Media sessions to open and close for their cost; 0 none. */
  readonly sessions: number;
  /** Its name in the lab: a folder, so every start has its own. */
  readonly place: string;
  /** The compiled C program. */
  readonly floor: string | undefined;
  /** Another rtpengine than Debian 12's. */
  readonly rtpengine: Tree | undefined;
}

export interface Subject {
  readonly pid: number;
  readonly ports: LoadOptions['calls'];
  readonly detail: string;
  /** CPU µs to set up and tear down one session, when it was asked for. */
  readonly sessionMicros: number | undefined;
  stop(): Promise<void>;
}

const subjectCpu = '1';

export const startSubject: Readonly<Record<SubjectName, (options: SubjectOptions) => Promise<Subject>>> = {
  portcullis: startPortcullis,
  rtpengine: startReference,
  floor: startFloor,
};

async function startPortcullis({ lab, host, addresses, calls, sessions, place }: SubjectOptions): Promise<Subject> {
  const script = fileURLToPath(new URL('./portcullis-relay.ts', import.meta.url));
  const where = { outsideAddress: host.outside, insideAddress: host.inside };
  const options = { ...addresses, ...where, calls, sessions, driver: 'auto' };
  const argv = [process.execPath, script, JSON.stringify(options)];
  const child = PeerProcess.start(lab, { name: `portcullis-${place}`, host, argv, cpus: subjectCpu });
  const ready = parseJson<{
    readonly driver: string;
    readonly ports: readonly [number, number][];
    readonly sessionMicros?: number;
  }>(await lineOf(child, /^\{"driver".*\}$/m));
  const ports = ready.ports.map(([outsidePort, insidePort]) => ({ outsidePort, insidePort }));
  const { driver: detail, sessionMicros } = ready;
  return { pid: child.pid, ports, detail, sessionMicros, stop: async () => void (await child.stop()) };
}

async function startReference({
  lab,
  host,
  addresses,
  calls,
  sessions,
  place,
  rtpengine: tree,
}: SubjectOptions): Promise<Subject> {
  const child = await startRtpengine(lab, {
    host,
    threads: 1,
    cpus: subjectCpu,
    logLevel: 1,
    ports: [20_000, 39_999],
    name: `rtpengine-${place}`,
    tree,
  });
  const client = await NgClient.connect(host.inside, RTPENGINE_CONTROL_PORT);
  const ports: { outsidePort: number; insidePort: number }[] = [];
  for (let call = 0; call < calls; call += 1) ports.push(await described(client, addresses, `call-${call}`));
  const sessionMicros = sessions === 0 ? undefined : await cycles(client, child.pid, addresses, sessions);
  client.close();
  return { pid: child.pid, ports, detail: 'rtpengine', sessionMicros, stop: async () => void (await child.stop()) };
}

async function described(
  client: NgClient,
  addresses: CallAddresses,
  callId: string,
): Promise<{ readonly outsidePort: number; readonly insidePort: number }> {
  const ids = { 'call-id': callId, 'from-tag': 'phone' };
  const offer = await client.describe('offer', {
    ...ids,
    sdp: phoneOffer(addresses),
    'transport-protocol': 'RTP/AVP',
    direction: ['outside', 'inside'],
    replace: ['origin'],
    ICE: 'remove',
  });
  const answer = await client.describe('answer', { ...ids, 'to-tag': 'pbx', sdp: pbxAnswer(addresses), ICE: 'remove' });
  return { outsidePort: mediaPort(answer), insidePort: mediaPort(offer) };
}

/** CPU µs of rtpengine for each offer, answer and delete, after as many that do not count. */
async function cycles(client: NgClient, pid: number, addresses: CallAddresses, sessions: number): Promise<number> {
  const cycle = async (): Promise<void> => {
    for (let count = 0; count < sessions; count += 1) {
      await described(client, addresses, `cycle-${count}`);
      await client.delete(`cycle-${count}`);
    }
  };
  await cycle();
  const before = cpuNanoseconds(pid);
  await cycle();
  return (cpuNanoseconds(pid) - before) / 1_000 / sessions;
}

async function startFloor({ lab, host, addresses, calls, place, floor }: SubjectOptions): Promise<Subject> {
  if (floor === undefined) throw new Error('the C floor was not compiled');
  const { phone, pbx, protection, masterKey } = addresses;
  const { key, authKey, salt } = sessionKeys(masterKey, protection);
  const argv = [
    floor,
    protection,
    String(calls),
    host.outside,
    host.inside,
    ...[phone, pbx].flatMap(({ address, port }) => [address, String(port)]),
    ...[key, authKey, salt].map((bytes) => bytes.toString('hex')),
  ];
  const child = PeerProcess.start(lab, { name: `floor-${place}`, host, argv, cpus: subjectCpu });
  await lineOf(child, /^ready$/m);
  const ports = Array.from({ length: calls }, (_, call) => ({
    outsidePort: 20_000 + 2 * call,
    insidePort: 30_000 + 2 * call,
  }));
  return { pid: child.pid, ports, detail: 'C', sessionMicros: undefined, stop: async () => void (await child.stop()) };
}

function lineOf(child: PeerProcess, pattern: RegExp): Promise<string> {
  return eventually(`${child.name} to be ready`, 60_000, () => {
    if (!child.isRunning) throw new Error(`${child.name} ended: ${child.log().slice(-2_000)}`);
    return pattern.exec(child.log())?.[0];
  });
}
