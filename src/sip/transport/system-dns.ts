// DNS as the system is set up for it. SRV and NAPTR are asked of the servers themselves; so are addresses, which tells their
// TTL, and what the servers do not know may stand in the hosts file.
import { lookup, Resolver } from 'node:dns/promises';
import type { DnsLookup } from './resolver.ts';

/** For one server and try; two are made. */
const timeout = 1_200;
const tries = 2;
/** The system's own look-up takes a thread of the pool that files need too. */
const systemLookups = 2;
const hostsFileTtlSeconds = 30;

export function systemDns(): DnsLookup {
  const resolver = new Resolver({ timeout, tries });
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
        const found = await lookup(name, { family, all: true });
        return found.map(({ address }) => ({ address, ttlSeconds: hostsFileTtlSeconds }));
      } finally {
        running -= 1;
      }
    },
  };
}
