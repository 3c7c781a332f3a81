// The two programs under test, each on a ground of its own: Portcullis, and the reference SBC (Kamailio with rtpengine). Same
// users, same certificate type, same PBX behind them, all of their processes on one core.

import { type Certificate, CertificateAuthority } from '../../test/interop/peers/certificates.ts';
import { SBC_TLS_PORT } from '../../test/interop/peers/kamailio-sbc.ts';
import type { Host, Lab } from '../../test/interop/peers/lab.ts';
import type { PeerProcess } from '../../test/interop/peers/peer-process.ts';
import { PORTCULLIS_TLS_PORT, Portcullis, type PortcullisOptions } from '../../test/interop/peers/portcullis.ts';
import { startReferenceSbc } from '../../test/interop/peers/reference.ts';
import { startSippAnswerer } from '../../test/interop/peers/sipp.ts';
import { processTree } from '../lib/cpu.ts';

export const subjectNames = ['portcullis', 'reference'] as const;
export type SubjectName = (typeof subjectNames)[number];

export interface Subject {
  readonly port: number;
  readonly pids: () => readonly number[];
  stop(): Promise<void>;
}

export interface Ground {
  readonly lab: Lab;
  readonly authority: CertificateAuthority;
  readonly client: Certificate;
  readonly sbc: Host;
  readonly caller: Host;
  readonly answerer: Host;
  readonly answering: PeerProcess;
  readonly users: readonly BenchUser[];
  /** What the certificates of both subjects are made with. */
  readonly key: CertificateKey;
}

export type CertificateKey = 'ec' | 'rsa';

interface BenchUser {
  readonly name: string;
  readonly password: string;
}

const subjectCpu = '1';
export const generatorCpu = '0';
const answererPort = 5_070;
/** Of secrets that nodes share. */
const siteKey = `k1:${Buffer.alloc(32, 5).toString('base64')}`;
export const domain = 'pbx.test';

/** Certificates are on P-256 unless asked for otherwise, as `portcullis init` and the first start issue them. */
export async function prepareGround(lab: Lab, phones: number, key: CertificateKey = 'ec'): Promise<Ground> {
  const authority = await CertificateAuthority.create(lab);
  const answerer = await lab.addHost('answerer', 31, ['inside']);
  return {
    lab,
    authority,
    client: await authority.issue({ name: 'caller', key: 'ec' }),
    sbc: await lab.addHost('sbc', 1, ['outside', 'inside']),
    caller: await lab.addHost('caller', 21, ['outside']),
    answerer,
    answering: await startSippAnswerer(lab, {
      name: 'answerer',
      host: answerer,
      network: 'inside',
      port: answererPort,
      cpus: generatorCpu,
    }),
    users: Array.from({ length: phones }, (_, index) => ({
      name: `user${index}`,
      password: `Secret-${index}-word`,
    })),
    key,
  };
}

export function startSubject(ground: Ground, name: SubjectName, tag: string): Promise<Subject> {
  return name === 'portcullis' ? startPortcullis(ground) : startReference(ground, tag);
}

/** Another build than that of this checkout, how Node runs it, or several processes, which need a `store`. */
export interface HowPortcullisRuns extends Pick<PortcullisOptions, 'name' | 'program' | 'nodeFlags' | 'processes'> {
  /** The table `[store]`. */
  readonly store?: string;
}

export async function startPortcullis(
  { lab, authority, sbc, answerer, users, key }: Ground,
  { store = '', ...build }: HowPortcullisRuns = {},
): Promise<Subject> {
  const portcullis = await Portcullis.start(lab, {
    ...build,
    host: sbc,
    authority,
    domain,
    pbx: { address: answerer.inside, port: answererPort },
    users: passwordsOf(users),
    algorithms: ['MD5'],
    key,
    limits: { concurrent_calls: 1_000, total_calls: 10_000, source_requests_per_second: 100_000 },
    // All phones stand at one address here.
    more: `[transport]\nconnections_per_address = 20000\nhandshakes_per_address = 10000\n${store}`,
    workers: 1,
    env: { SITE_KEY: siteKey },
    cpus: subjectCpu,
  });
  const { process } = portcullis;
  return {
    port: PORTCULLIS_TLS_PORT,
    pids: () => processTree(process.pid),
    stop: async () => void (await process.stop()),
  };
}

async function startReference({ lab, authority, sbc, answerer, users, key }: Ground, tag: string): Promise<Subject> {
  const reference = await startReferenceSbc(lab, {
    name: tag,
    host: sbc,
    authority,
    key,
    pbx: `${answerer.inside}:${answererPort}`,
    domain,
    users: passwordsOf(users),
    algorithm: 'MD5',
    callsPerUser: 1_000,
    connections: 16_384,
    // With its default of 64 MB it runs out of memory for TLS after some thousand calls, and refuses connections.
    sharedMemoryMb: 1_024,
    privateMemoryMb: 32,
    cpus: subjectCpu,
    rtpengine: { name: `${tag}-media`, threads: 1, logLevel: 1 },
  });
  const pids = (): readonly number[] => [
    ...processTree(reference.kamailio.pid),
    ...processTree(reference.rtpengine.pid),
  ];
  return { port: SBC_TLS_PORT, pids, stop: () => reference.stop() };
}

function passwordsOf(users: readonly BenchUser[]): Record<string, string> {
  return Object.fromEntries(users.map(({ name, password }) => [name, password]));
}
