// Next hops by DNS (RFC 3263 §4): what is asked, what is tried in which order, what is kept, and what a dead DNS costs.
import { describe, expect, test } from 'vitest';
import type { Located, NextHop } from '../../../../src/sip/transport/hop-locator.ts';
import {
  defaultResolverLimits,
  type IpFamily,
  Resolver,
  type ResolverLimits,
} from '../../../../src/sip/transport/resolver.ts';
import { FakeDns } from '../../../support/fake-dns.ts';
import { FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';

class Kit {
  readonly dns = new FakeDns();
  readonly scheduler = new FakeScheduler();
  readonly resolver: Resolver;

  constructor(limits: Partial<ResolverLimits> = {}, families: readonly IpFamily[] = [4]) {
    this.resolver = new Resolver({
      dns: this.dns,
      scheduler: this.scheduler,
      random: new SeededRandom(3),
      familiesOf: () => families,
      limits: { ...defaultResolverLimits, ...limits },
    });
  }

  /** `10.0.0.1:5060` … once it is known, or why nothing is. */
  async find(hop: Partial<NextHop> = {}): Promise<readonly string[]> {
    const located = await this.locate(hop);
    return located.kind === 'nowhere' ? [located.reason] : located.hops.map(({ host, port }) => `${host}:${port}`);
  }

  locate(hop: Partial<NextHop> = {}): Promise<Located> {
    return new Promise((resolve) => this.resolver.locate({ ...carrier, ...hop }, resolve));
  }
}

const carrier: NextHop = {
  kind: 'next-hop',
  listener: 'l',
  transport: 'udp',
  host: 'example.com',
  port: 5060,
  discover: true,
};
const unknown = 'no address of example.com is known';
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what is asked (RFC 3263 §4)', () => {
  test('a numeric host asks nothing, and is answered within the call', () => {
    const { resolver, dns } = new Kit();
    const answers: Located[] = [];
    const hop = { ...carrier, host: '192.0.2.7' };
    resolver.locate(hop, (located) => answers.push(located));
    expect(answers).toEqual([{ kind: 'hops', hops: [hop] }]);
    expect(dns.asked).toEqual([]);
  });

  test('a host with a port is asked for its addresses only (§4.2)', async () => {
    const kit = new Kit();
    kit.dns.hosts.set('example.com', ['192.0.2.1', '192.0.2.2']);
    kit.dns.srvs.set('_sip._udp.example.com', [{ priority: 1, weight: 1, port: 9, name: 'other.example' }]);
    expect(await kit.find({ discover: false, port: 5080 })).toEqual(['192.0.2.1:5080', '192.0.2.2:5080']);
    expect(kit.dns.asked).toEqual(['a4 example.com']);
  });

  test('without a port SRV names hosts and ports, by priority', async () => {
    const kit = new Kit();
    kit.dns.srvs.set('_sip._udp.example.com', [
      { priority: 20, weight: 1, port: 5070, name: 'b.example' },
      { priority: 10, weight: 1, port: 5080, name: 'a.example' },
    ]);
    kit.dns.hosts.set('a.example', ['192.0.2.1', '192.0.2.3']).set('b.example', ['192.0.2.2']);
    kit.dns.hosts.set('example.com', ['192.0.2.99']);
    expect(await kit.find()).toEqual(['192.0.2.1:5080', '192.0.2.3:5080', '192.0.2.2:5070']);
  });

  test('NAPTR says whose SRV records count', async () => {
    const kit = new Kit();
    const naptr = { order: 1, preference: 1, flags: 's', service: 'SIP+D2U', replacement: '_sip._udp.voice.example' };
    kit.dns.naptrs.set('example.com', [naptr]);
    kit.dns.srvs.set('_sip._udp.voice.example', [{ priority: 1, weight: 1, port: 5090, name: 'v.example' }]);
    kit.dns.hosts.set('v.example', ['192.0.2.5']);
    expect(await kit.find()).toEqual(['192.0.2.5:5090']);
  });

  test('without NAPTR and SRV it is the host at the default port', async () => {
    const kit = new Kit();
    kit.dns.hosts.set('example.com', ['192.0.2.1']);
    expect(await kit.find()).toEqual(['192.0.2.1:5060']);
  });

  test('TLS asks for sips services, and keeps the configured name for the certificate (RFC 5922 §4)', async () => {
    const kit = new Kit();
    kit.dns.srvs.set('_sips._tcp.example.com', [{ priority: 1, weight: 1, port: 5071, name: 'edge7.host.example' }]);
    kit.dns.hosts.set('edge7.host.example', ['192.0.2.5']);
    const located = await kit.locate({ transport: 'tls', port: 5061 });
    expect(located).toEqual({
      kind: 'hops',
      hops: [
        {
          kind: 'next-hop',
          listener: 'l',
          transport: 'tls',
          host: '192.0.2.5',
          port: 5071,
          serverName: 'example.com',
          certificateName: 'example.com',
        },
      ],
    });
    expect(kit.dns.asked).not.toContain('srv _sip._tcp.example.com');
  });

  test('a target of "." says that there is no such service (RFC 2782)', async () => {
    const kit = new Kit();
    kit.dns.srvs.set('_sip._udp.example.com', [{ priority: 1, weight: 1, port: 5060, name: '.' }]);
    kit.dns.hosts.set('example.com', ['192.0.2.1']);
    expect(await kit.find()).toEqual([unknown]);
  });

  test.each([
    [[4], ['192.0.2.1:5060']],
    [[6], ['2001:db8::1:5060']],
    [
      [6, 4],
      ['2001:db8::1:5060', '192.0.2.1:5060'],
    ],
  ] as const)('only the families that the listener reaches (%j)', async (families, found) => {
    const kit = new Kit({}, families);
    kit.dns.hosts.set('example.com', ['192.0.2.1', '2001:db8::1']);
    expect(await kit.find({ discover: false })).toEqual(found);
  });

  test('no more targets, addresses and hops than the limits say, nor the same twice', async () => {
    const kit = new Kit({ targets: 2, addresses: 2, hops: 3 });
    const srvs = [4, 3, 2, 1].map((priority) => ({ priority, weight: 0, port: 5060, name: `${priority}.example` }));
    kit.dns.srvs.set('_sip._udp.example.com', srvs);
    for (const one of [1, 2, 3, 4]) {
      kit.dns.hosts.set(`${one}.example`, [`192.0.2.${one}`, `192.0.2.${one}`, `192.0.2.${one}9`]);
    }
    expect(await kit.find()).toEqual(['192.0.2.1:5060', '192.0.2.2:5060']);
    expect(kit.dns.asked.filter((question) => question.includes('3.example'))).toEqual([]);
  });
});

describe('what is kept', () => {
  test('an answer, for its TTL', async () => {
    const kit = new Kit();
    kit.dns.ttlSeconds = 30;
    kit.dns.hosts.set('example.com', ['192.0.2.1']);
    await kit.find();
    kit.dns.hosts.set('example.com', ['192.0.2.2']);
    kit.scheduler.advance(29_999);
    expect(await kit.find()).toEqual(['192.0.2.1:5060']);
    kit.scheduler.advance(1);
    expect(await kit.find()).toEqual(['192.0.2.2:5060']);
  });

  test('no longer than five minutes, however long the TTL', async () => {
    const kit = new Kit();
    kit.dns.ttlSeconds = 4_294_967_295;
    kit.dns.hosts.set('example.com', ['192.0.2.1']);
    await kit.find({ discover: false });
    kit.dns.hosts.set('example.com', ['192.0.2.2']);
    kit.scheduler.advance(300_000);
    expect(await kit.find({ discover: false })).toEqual(['192.0.2.2:5060']);
  });

  test('one question for all who ask the same', async () => {
    const kit = new Kit();
    kit.dns.hosts.set('example.com', ['192.0.2.1']);
    const found = await Promise.all([kit.find({ discover: false }), kit.find({ discover: false })]);
    expect(found).toEqual([['192.0.2.1:5060'], ['192.0.2.1:5060']]);
    expect(kit.dns.asked).toHaveLength(1);
  });

  test('what DNS last said, while DNS does not answer (RFC 8767), for an hour', async () => {
    const kit = new Kit();
    kit.dns.hosts.set('example.com', ['192.0.2.1']);
    await kit.find();
    kit.dns.mode = 'broken';
    kit.scheduler.advance(600_000);
    expect(await kit.find()).toEqual(['192.0.2.1:5060']);
    kit.scheduler.advance(3_600_000);
    expect(await kit.find()).toEqual([unknown]);
  });

  test('nothing for five seconds where there was nothing', async () => {
    const kit = new Kit();
    expect(await kit.find()).toEqual([unknown]);
    kit.dns.hosts.set('example.com', ['192.0.2.1']);
    kit.scheduler.advance(4_999);
    expect(await kit.find()).toEqual([unknown]);
    kit.scheduler.advance(1);
    expect(await kit.find()).toEqual(['192.0.2.1:5060']);
  });

  test('no more names than the limit', async () => {
    const kit = new Kit({ names: 1 });
    kit.dns.hosts.set('a.example', ['192.0.2.1']).set('b.example', ['192.0.2.2']);
    for (const host of ['a.example', 'b.example', 'a.example']) await kit.find({ host, discover: false });
    expect(kit.dns.asked).toEqual(['a4 a.example', 'a4 b.example', 'a4 a.example']);
  });
});

describe('DNS that does not answer', () => {
  test('is waited for until the deadline, and nothing stays behind', async () => {
    const kit = new Kit();
    kit.dns.mode = 'silent';
    const found = kit.find();
    await settled();
    kit.scheduler.advance(defaultResolverLimits.deadline);
    expect(await found).toEqual([unknown]);
    expect(kit.scheduler.pending).toBe(0);
  });

  test('and answers too late serves the next who asks', async () => {
    const kit = new Kit();
    kit.dns.mode = 'silent';
    const found = kit.find({ discover: false });
    await settled();
    kit.scheduler.advance(defaultResolverLimits.deadline);
    await found;
    kit.dns.hosts.set('example.com', ['192.0.2.1']);
    kit.dns.wake();
    await settled();
    expect(await kit.find({ discover: false })).toEqual(['192.0.2.1:5060']);
    expect(kit.dns.asked).toHaveLength(1);
  });

  test('does not hold up a name that is known, nor a number', async () => {
    const kit = new Kit();
    kit.dns.hosts.set('known.example', ['192.0.2.1']);
    await kit.find({ host: 'known.example', discover: false });
    kit.dns.mode = 'silent';
    void kit.find();
    expect(await kit.find({ host: 'known.example', discover: false })).toEqual(['192.0.2.1:5060']);
    expect(await kit.find({ host: '192.0.2.9' })).toEqual(['192.0.2.9:5060']);
  });

  test('is asked no more than the limit allows, by no more than may wait', async () => {
    const kit = new Kit({ questions: 1, waiters: 2 });
    kit.dns.mode = 'silent';
    void kit.find();
    void kit.find();
    expect(await kit.find()).toEqual([unknown]);
    expect(await kit.find({ host: 'other.example' })).toEqual(['no address of other.example is known']);
    // Past the deadline the question is still open, and counted.
    kit.scheduler.advance(60_000);
    expect(await kit.find({ host: 'third.example' })).toEqual(['no address of third.example is known']);
  });
});

describe('addresses that failed (RFC 3263 §4.3)', () => {
  const at = (host: string): NextHop => ({ ...carrier, host });

  test('come after the others for half a minute', async () => {
    const kit = new Kit();
    kit.dns.hosts.set('example.com', ['192.0.2.1', '192.0.2.2']);
    kit.resolver.failed(at('192.0.2.1'));
    expect(await kit.find()).toEqual(['192.0.2.2:5060', '192.0.2.1:5060']);
    kit.scheduler.advance(30_000);
    expect(await kit.find()).toEqual(['192.0.2.1:5060', '192.0.2.2:5060']);
  });

  test('that said 503 with Retry-After are not tried until then (RFC 3261 §21.5.4)', async () => {
    const kit = new Kit();
    kit.dns.hosts.set('example.com', ['192.0.2.1', '192.0.2.2']);
    kit.resolver.refused(at('192.0.2.1'), 20_000);
    expect(await kit.find()).toEqual(['192.0.2.2:5060']);
    kit.resolver.refused(at('192.0.2.2'), 20_000);
    expect(await kit.find()).toEqual(['every address of example.com said 503 and to come again later']);
    kit.scheduler.advance(20_000);
    expect(await kit.find()).toEqual(['192.0.2.1:5060', '192.0.2.2:5060']);
  });

  test('a Retry-After of years counts as ten minutes', async () => {
    const kit = new Kit();
    kit.resolver.refused(at('192.0.2.1'), 9_999_999_999_000);
    kit.scheduler.advance(600_000);
    expect(await kit.find({ host: '192.0.2.1' })).toEqual(['192.0.2.1:5060']);
  });

  test('are remembered up to the limit', async () => {
    const kit = new Kit({ penalties: 1 });
    kit.resolver.refused(at('192.0.2.1'), 20_000);
    kit.resolver.refused(at('192.0.2.2'), 20_000);
    expect(await kit.find({ host: '192.0.2.1' })).toEqual(['192.0.2.1:5060']);
  });

  test('a hop that refused TCP is asked again in ten minutes', () => {
    const { resolver, scheduler } = new Kit();
    const tcp: NextHop = { ...carrier, host: '192.0.2.1', transport: 'tcp' };
    expect(resolver.mayHaveTcp(tcp)).toBe(true);
    resolver.lacksTcp(tcp);
    expect(resolver.mayHaveTcp(tcp)).toBe(false);
    scheduler.advance(600_000);
    expect(resolver.mayHaveTcp(tcp)).toBe(true);
  });
});
