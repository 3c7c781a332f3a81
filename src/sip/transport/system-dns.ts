// DNS as the system is set up for it. SRV and NAPTR are asked of the servers themselves; so are addresses, which tells their
// TTL, and what the servers do not know may stand in the hosts file.
import { lookup, Resolver } from 'node:dns/promises';
import type { Millis } from '../../core/clock.ts';
import type { DnsLookup, IpFamily } from './resolver.ts';

export interface SystemDnsOptions {
  /** `address:port` of each server; those of the system when absent. */
  readonly servers?: readonly string[];
  /** For one server and try; two are made. */
  readonly timeout?: Millis;
  /** What the system knows of a name beside DNS. */
  readonly hosts?: (name: string, family: IpFamily) => Promise<readonly { readonly address: string }[]>;
}

const defaultTimeout: Millis = 1_200;
const tries = 2;
/** The system's own look-up takes a thread of the pool that files need too. */
const systemLookups = 2;
const hostsFileTtlSeconds = 30;

export function systemDns({
  servers,
  timeout = defaultTimeout,
  hosts = hostsOfSystem,
}: SystemDnsOptions = {}): DnsLookup {
  const resolver = new Resolver({ timeout, tries });
  if (servers !== undefined) resolver.setServers(servers);
  let running = 0;
  return {
    naptr: (name) => resolver.resolveNaptr(name),
    srv: (name) => resolver.resolveSrv(name),
    addresses: async (name, family) => {
      try {
        const records = await (family === 4
          ? resolver.resolve4(name, { ttl: true })
          : resolver.resolve6(name, { ttl: true }));
        return records.map(({ address, ttl }) => ({ address, ttlSeconds: ttl }));
      } catch (thrown) {
        if (running >= systemLookups) throw thrown;
      }
      running += 1;
      try {
        const found = await hosts(name, family);
        return found.map(({ address }) => ({ address, ttlSeconds: hostsFileTtlSeconds }));
      } finally {
        running -= 1;
      }
    },
  };
}

function hostsOfSystem(name: string, family: IpFamily): Promise<readonly { readonly address: string }[]> {
  return lookup(name, { family, all: true });
}
