// Two machines that are one node, with one virtual address on both networks and one Redis: what the cases of such pairs have in common.
import { readFileSync } from 'node:fs';
import { systemClock } from '../../src/core/clock.ts';
import { messageOf } from '../../src/core/errors.ts';
import { SystemScheduler } from '../../src/core/scheduler.ts';
import { Phone } from '../support/phone.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import { check } from './case.ts';
import type { CertificateAuthority } from './peers/certificates.ts';
import { type Host, Lab } from './peers/lab.ts';
import { PORTCULLIS_TLS_PORT, type Portcullis } from './peers/portcullis.ts';
import { REDIS_PORT } from './peers/redis.ts';
import { DOMAIN } from './site.ts';

/** Host numbers; the virtual address is one more, on both networks. */
export const machines = { a: 1, b: 2, redis: 3, virtual: 100 } as const;
export const users = { alice: 'wonder', bob: 'builder' };
/** What seals what is kept in Redis. */
export const siteKey = { SITE_KEY: `k1:${Buffer.alloc(32, 3).toString('base64')}` };

/** As `machine`, but listening on the virtual address. */
export function virtual(machine: Host): Host {
  return { ...machine, ...virtualAddresses() };
}

export function virtualAddresses(): { readonly outside: string; readonly inside: string } {
  return { outside: Lab.addressOf('outside', machines.virtual), inside: Lab.addressOf('inside', machines.virtual) };
}

/** `cluster`: more of that table. */
export function pairTables(redis: Host, cluster: string): string {
  return `[store]
url = "redis://${redis.inside}:${REDIS_PORT}"
key_env = "SITE_KEY"
[cluster]
node = "edge"
${cluster}
`;
}

export function logged(sbc: Portcullis, event: string): true | undefined {
  return sbc.process.log().includes(`"event":"${event}"`) ? true : undefined;
}

export function phoneOfPair(authority: CertificateAuthority): Promise<Phone> {
  return Phone.start({
    name: 'alice',
    domain: DOMAIN,
    password: users.alice,
    transport: 'tls',
    address: Lab.addressOf('outside'),
    sbc: { address: virtualAddresses().outside, port: PORTCULLIS_TLS_PORT },
    trust: { ca: readFileSync(authority.certificate, 'utf8'), serverName: DOMAIN },
    scheduler: new SystemScheduler(systemClock, (thrown) => process.stderr.write(`alice: ${messageOf(thrown)}\n`)),
  });
}

/** They talk until each has heard what was said after `began`; resolves with how long that took. */
export async function heardAgain(ends: readonly PhoneCall[], began: number): Promise<number> {
  const before = ends.map(({ heard }) => heard.packets);
  while (ends.some(({ heard }, at) => heard.packets <= (before[at] ?? 0) + 1)) {
    check(performance.now() - began < 30_000, 'nothing was heard again');
    await Promise.all(ends.map((end) => end.talk(2)));
  }
  return performance.now() - began;
}
