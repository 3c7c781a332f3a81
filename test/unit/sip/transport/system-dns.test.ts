// DNS as Node speaks it, against a server on loopback: what comes of records, of names that are not there, and of silence.
import { afterEach, describe, expect, test } from 'vitest';
import type { Located, NextHop } from '../../../../src/sip/transport/hop-locator.ts';
import { Resolver } from '../../../../src/sip/transport/resolver.ts';
import { systemDns } from '../../../../src/sip/transport/system-dns.ts';
import { DnsServer, type DnsZone } from '../../../support/dns-server.ts';
import { FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';

const open: DnsServer[] = [];

afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function start(zone: DnsZone, hosts: Readonly<Record<string, string>> = {}) {
  const server = await DnsServer.open(zone);
  open.push(server);
  const dns = systemDns({
    servers: [server.address],
    timeout: 40,
    hosts: async (name) => {
      const address = hosts[name];
      if (address === undefined) throw new Error(`${name} is not in the hosts file`);
      return [{ address }];
    },
  });
  return { server, dns };
}

const zone: DnsZone = {
  'carrier.test': [
    { type: 'NAPTR', order: 10, preference: 5, flags: 'S', service: 'SIP+D2U', replacement: '_sip._udp.pool.test' },
    { type: 'NAPTR', order: 20, preference: 5, flags: 's', service: 'SIPS+D2T', replacement: '_sips._tcp.pool.test' },
  ],
  '_sip._udp.pool.test': [
    { type: 'SRV', priority: 20, weight: 0, port: 5080, target: 'b.pool.test' },
    { type: 'SRV', priority: 10, weight: 0, port: 5070, target: 'a.pool.test' },
    { type: 'SRV', priority: 30, weight: 0, port: 5090, target: 'mute.pool.test' },
  ],
  'a.pool.test': [
    { type: 'A', address: [192, 0, 2, 1], ttl: 7 },
    { type: 'AAAA', address: [0x20, 0x01, 0x0d, 0xb8, ...new Array<number>(11).fill(0), 1] },
  ],
  'b.pool.test': [{ type: 'A', address: [192, 0, 2, 2] }],
  'mute.pool.test': 'silence',
  'broken.test': 'failure',
};

describe('DNS of the system', () => {
  test('gives NAPTR and SRV records as the resolver takes them', async () => {
    const { dns } = await start(zone);
    expect(await dns.naptr('carrier.test')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ order: 10, preference: 5, flags: 'S', service: 'SIP+D2U' }),
        expect.objectContaining({ replacement: '_sips._tcp.pool.test' }),
      ]),
    );
    expect(await dns.srv('_sip._udp.pool.test')).toEqual(
      expect.arrayContaining([expect.objectContaining({ priority: 10, weight: 0, port: 5070, name: 'a.pool.test' })]),
    );
  });

  test('gives addresses of one family with their TTL', async () => {
    const { dns } = await start(zone);
    expect(await dns.addresses('a.pool.test', 4)).toEqual([{ address: '192.0.2.1', ttlSeconds: 7 }]);
    expect(await dns.addresses('a.pool.test', 6)).toEqual([{ address: '2001:db8::1', ttlSeconds: 60 }]);
  });

  test('takes an address from the hosts file where the servers know none', async () => {
    const { dns, server } = await start(zone, { 'pbx.local.test': '10.0.0.5' });
    expect(await dns.addresses('pbx.local.test', 4)).toEqual([{ address: '10.0.0.5', ttlSeconds: 30 }]);
    expect(server.asked).toEqual(['A pbx.local.test']);
  });

  test.each(['nowhere.test', 'broken.test', 'mute.pool.test'])('rejects for %s', async (name) => {
    const { dns } = await start(zone);
    await expect(dns.naptr(name)).rejects.toThrow();
    await expect(dns.srv(name)).rejects.toThrow();
    await expect(dns.addresses(name, 4)).rejects.toThrow();
  });

  test('asks a silent server twice and no more', async () => {
    const { dns, server } = await start(zone);
    await expect(dns.srv('mute.pool.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(server.asked).toEqual(['SRV mute.pool.test', 'SRV mute.pool.test']);
  });

  test('leads from a name to the servers of a next hop, without the one whose name is not answered (RFC 3263 §4)', async () => {
    const { dns } = await start(zone);
    const resolver = new Resolver({
      dns,
      scheduler: new FakeScheduler(),
      random: new SeededRandom(1),
      familiesOf: () => [4],
    });
    const hop: NextHop = {
      kind: 'next-hop',
      listener: 'l',
      transport: 'udp',
      host: 'carrier.test',
      port: 5060,
      discover: true,
    };
    const located = await new Promise<Located>((resolve) => resolver.locate(hop, resolve));
    expect(located.kind === 'hops' && located.hops.map(({ host, port }) => `${host}:${port}`)).toEqual([
      '192.0.2.1:5070',
      '192.0.2.2:5080',
    ]);
    resolver.close();
  });
});
