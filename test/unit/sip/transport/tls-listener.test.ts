// What a TLS peer may do to a listener: versions, handshakes that fail or never end, certificates, and their exchange.
import { once } from 'node:events';
import type { SecureVersion, TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../../../../src/core/random.ts';
import { contextOptions } from '../../../../src/sip/transport/server-certificates.ts';
import { renewAfter, renewStagger, TicketKeys } from '../../../../src/sip/transport/ticket-keys.ts';
import { request, response } from '../../../support/sip-messages.ts';
import { TestAuthority } from '../../../support/test-certificates.ts';
import {
  closeAll,
  connectPeer,
  connectTlsPeer,
  onFlow,
  openSite,
  type Site,
  tlsOf,
  until,
  wire,
} from './transport-kit.ts';

const options = request('OPTIONS', { protocol: 'TLS', headers: [['Content-Length', '0']] });
const authority = new TestAuthority();
const stranger = new TestAuthority('stranger');
const server = authority.issue({ dns: ['sbc.test'] });
const trust = { ca: authority.certificate, servername: 'sbc.test' };

afterEach(closeAll);

function names(socket: TLSSocket): string | undefined {
  return socket.getPeerCertificate().subjectaltname;
}

/** A request of this peer shows that the listener still serves. */
async function stillServes(site: Site): Promise<void> {
  const peer = await connectTlsPeer(site.port, trust);
  peer.write(wire(options));
  await site.upstairs.request();
}

describe('versions (RFC 8996, RFC 9325 §3.1)', () => {
  test.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])('%s is spoken', async (version) => {
    const site = await openSite(tlsOf(server));
    const peer = await connectTlsPeer(site.port, { ...trust, minVersion: version, maxVersion: version });
    expect(peer.socket.authorized).toBe(true);
    peer.write(wire(options));
    const { flow, message } = await site.upstairs.request();
    expect(flow).toMatchObject({ transport: 'tls', secure: true, reliable: true, peerNames: [] });
    site.transports.send(response(message, 200), onFlow(flow), () => {});
    await peer.read('SIP/2.0 200');
  });

  test.each<SecureVersion>(['TLSv1', 'TLSv1.1'])('%s is not', async (version) => {
    const site = await openSite(tlsOf(server));
    const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' };
    await expect(connectTlsPeer(site.port, { ...trust, ...old })).rejects.toThrow();
    await stillServes(site);
    expect(site.transports.refused.get('handshake-failed')).toBe(1);
  });
});

describe('handshakes', () => {
  test('that are not finished are bounded for each address, before any cryptography', async () => {
    const site = await openSite(tlsOf(server), { handshakesPerAddress: 2 });
    const silent = [await connectPeer(site.port), await connectPeer(site.port)];
    await (await connectPeer(site.port)).closed;
    expect(site.transports.refused.get('too-many-handshakes')).toBe(1);
    for (const peer of silent) peer.socket.destroy();
    await Promise.all(silent.map(({ closed }) => closed));
    await stillServes(site);
  });

  test('that are finished do not count as handshakes', async () => {
    const site = await openSite(tlsOf(server), { handshakesPerAddress: 1 });
    for (let count = 0; count < 3; count += 1) await stillServes(site);
    expect(site.transports.connections).toBe(3);
    expect(site.transports.refused.get('too-many-handshakes')).toBe(0);
  });

  test('that never begin, or are dribbled, end in time', async () => {
    const site = await openSite(tlsOf(server), { handshakeTimeout: 5_000 });
    const silent = await connectPeer(site.port);
    const slow = await connectPeer(site.port);
    // A ClientHello that promises 512 bytes.
    for (const byte of Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03)) {
      slow.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
      site.scheduler.advance(499);
    }
    site.scheduler.advance(10);
    await Promise.all([silent.closed, slow.closed]);
    await stillServes(site);
    expect(site.transports.refused.get('handshake-failed')).toBe(2);
  });

  test.each([
    ['SIP in clear', wire(options)],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a broken record', Buffer.from('1603010005ffffffffff', 'hex')],
    ['an alert', Buffer.from('15030300020228', 'hex')],
  ])('that are %s end the connection, and the listener goes on', async (_what, bytes) => {
    const site = await openSite(tlsOf(server));
    const peer = await connectPeer(site.port);
    peer.write(bytes);
    await peer.closed;
    await stillServes(site);
    expect(site.upstairs.messages.count).toBe(1);
    expect(site.upstairs.closed.count).toBe(0);
  });

  test('of a peer that ends without a word leave nothing', async () => {
    const site = await openSite(tlsOf(server), { handshakesPerAddress: 1 });
    for (let count = 0; count < 3; count += 1) {
      const peer = await connectPeer(site.port);
      peer.socket.end();
      await peer.closed;
      await until(() => site.transports.refused.get('handshake-failed') === count + 1);
    }
    await stillServes(site);
    expect(site.scheduler.pending).toBe(1);
  });

  test('that are reset half way leave nothing', async () => {
    const site = await openSite(tlsOf(server), { handshakesPerAddress: 1 });
    for (let count = 0; count < 3; count += 1) {
      const peer = await connectPeer(site.port);
      peer.socket.resetAndDestroy();
      await until(() => site.transports.refused.get('handshake-failed') === count + 1);
    }
    await stillServes(site);
  });

  test('for another protocol are refused; for SIP, or without a word, they are not (RFC 7301, RFC 9325 §3.7)', async () => {
    const site = await openSite(tlsOf(server));
    await expect(connectTlsPeer(site.port, { ...trust, ALPNProtocols: ['h2', 'http/1.1'] })).rejects.toThrow();
    const peer = await connectTlsPeer(site.port, { ...trust, ALPNProtocols: ['h2', 'sip/2'] });
    expect(peer.socket.alpnProtocol).toBe('sip/2');
    await stillServes(site);
  });

  test('are not begun again inside a connection', async () => {
    const site = await openSite(tlsOf(server));
    const peer = await connectTlsPeer(site.port, { ...trust, maxVersion: 'TLSv1.2' });
    const refused = new Promise((resolve) => peer.socket.once('error', resolve));
    peer.socket.renegotiate({}, () => {});
    expect(String(await refused)).toContain('no renegotiation');
    await peer.closed;
    await stillServes(site);
  });

  test('that resume a session are handshakes like others', async () => {
    const site = await openSite(tlsOf(server));
    const first = await connectTlsPeer(site.port, { ...trust, maxVersion: 'TLSv1.2' });
    const session = first.socket.getSession();
    const again = await connectTlsPeer(site.port, { ...trust, maxVersion: 'TLSv1.2', ...(session && { session }) });
    expect(again.socket.isSessionReused()).toBe(true);
    again.write(wire(options));
    await site.upstairs.request();
  });
});

describe('records that are broken after the handshake', () => {
  test('end that connection only', async () => {
    const site = await openSite(tlsOf(server));
    const raw = await connectPeer(site.port);
    const peer = await connectTlsPeer(site.port, { ...trust, socket: raw.socket });
    peer.write(wire(options));
    const { flow } = await site.upstairs.request();
    raw.socket.write(Buffer.from('1703030005ffffffffff', 'hex'));
    expect((await site.upstairs.closed.next()).id).toBe(flow.id);
    await stillServes(site);
  });
});

describe('client certificates (RFC 5922 §7)', () => {
  test('are held to a list of authorities, never to a text: Node takes an empty one for everybody', () => {
    const { ca } = contextOptions('main', { ...server, clientCa: [''], clientCertificate: 'required' }, server);
    expect(ca).toEqual(['']);
  });

  const trunk = authority.issue({ dns: ['sip.carrier.example'], uris: ['sip:carrier.example'] });
  const forged = stranger.issue({ dns: ['sip.carrier.example'] });
  const asking = (clientCertificate: 'optional' | 'required') =>
    tlsOf(server, { clientCa: [authority.certificate], clientCertificate });

  async function namesSeen(
    site: Site,
    certificate: { readonly certificate: string; readonly key: string } | undefined,
  ): Promise<readonly string[]> {
    const shown = certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key };
    const peer = await connectTlsPeer(site.port, { ...trust, ...shown });
    peer.write(wire(options));
    return (await site.upstairs.request()).flow.peerNames;
  }

  test('that are verified name the flow', async () => {
    const site = await openSite(asking('required'));
    expect(await namesSeen(site, trunk)).toEqual(['sip.carrier.example', 'carrier.example']);
  });

  test('that nobody vouches for name nothing', async () => {
    const site = await openSite(asking('optional'));
    expect(await namesSeen(site, forged)).toEqual([]);
    expect(await namesSeen(site, undefined)).toEqual([]);
    expect(await namesSeen(site, trunk)).toEqual(['sip.carrier.example', 'carrier.example']);
  });

  test('are not asked for, and name nothing, where the listener does not want them', async () => {
    const site = await openSite(tlsOf(server));
    expect(await namesSeen(site, trunk)).toEqual([]);
  });

  test.each([
    ['none', {}],
    ['one that nobody vouches for', { cert: forged.certificate, key: forged.key }],
  ])('where one is required, %s is no way in', async (_what, shown) => {
    const site = await openSite(asking('required'));
    // In TLS 1.3 the client believes the handshake over before it is refused.
    const peer = await connectTlsPeer(site.port, { ...trust, ...shown }).catch(() => undefined);
    peer?.write(wire(options));
    await peer?.closed;
    expect(await namesSeen(site, trunk)).toEqual(['sip.carrier.example', 'carrier.example']);
    expect(site.upstairs.messages.count).toBe(1);
  });

  test('are those of the session when one is resumed', async () => {
    const site = await openSite(asking('optional'));
    const options12 = { ...trust, maxVersion: 'TLSv1.2' as const, cert: trunk.certificate, key: trunk.key };
    const first = await connectTlsPeer(site.port, options12);
    const session = first.socket.getSession();
    const again = await connectTlsPeer(site.port, { ...options12, ...(session && { session }) });
    again.write(wire(options));
    expect((await site.upstairs.request()).flow.peerNames).toEqual(['sip.carrier.example', 'carrier.example']);
  });
});

describe('several certificates on one listener (RFC 6066 §3)', () => {
  const first = authority.issue({ dns: ['sbc.test'] });
  const second = authority.issue({ dns: ['voice.example', '*.wild.example'] });
  const named = authority.issue({ dns: ['inner.example'] });
  const trusting = { ca: authority.certificate, checkServerIdentity: () => undefined };

  test.each([
    ['sbc.test', 'DNS:sbc.test'],
    ['voice.example', 'DNS:voice.example, DNS:*.wild.example'],
    ['VOICE.example', 'DNS:voice.example, DNS:*.wild.example'],
    ['a.wild.example', 'DNS:voice.example, DNS:*.wild.example'],
    ['a.b.wild.example', 'DNS:sbc.test'],
    ['wild.example', 'DNS:sbc.test'],
    ['outer.example', 'DNS:inner.example'],
    ['inner.example', 'DNS:sbc.test'],
    ['unknown.example', 'DNS:sbc.test'],
  ])('whoever asks for %s is shown %s', async (servername, shown) => {
    const site = await openSite(tlsOf(first, { others: [second, { ...named, names: ['outer.example'] }] }));
    const peer = await connectTlsPeer(site.port, { ...trusting, servername });
    expect(names(peer.socket)).toBe(shown);
  });

  test('whoever asks for nothing is shown the first', async () => {
    const site = await openSite(tlsOf(first, { others: [second] }));
    const peer = await connectTlsPeer(site.port, trusting);
    expect(names(peer.socket)).toBe('DNS:sbc.test');
  });

  test('are exchanged together, or not at all', async () => {
    const site = await openSite(tlsOf(first, { others: [second] }));
    const broken = { certificate: second.certificate, key: named.key };
    const { tls } = tlsOf(first, { others: [broken] });
    expect(() => site.transports.setCertificate('main', tls)).toThrow();
    const before = await connectTlsPeer(site.port, { ...trusting, servername: 'voice.example' });
    expect(names(before.socket)).toBe('DNS:voice.example, DNS:*.wild.example');
    site.transports.setCertificate('main', tlsOf(named, { others: [{ ...first, names: ['voice.example'] }] }).tls);
    const after = await connectTlsPeer(site.port, { ...trusting, servername: 'voice.example' });
    expect(names(after.socket)).toBe('DNS:sbc.test');
  });

  test('ask for a client certificate whichever is shown', async () => {
    const client = authority.issue({ dns: ['client.test'] });
    const site = await openSite(
      tlsOf(first, { others: [second], clientCertificate: 'required', clientCa: [authority.certificate] }),
    );
    const own = { cert: client.certificate, key: client.key };
    const peer = await connectTlsPeer(site.port, { ...trusting, ...own, servername: 'voice.example' });
    peer.write(wire(options));
    expect((await site.upstairs.request()).flow.peerNames).toEqual(['client.test']);
  });
});

describe('a new certificate', () => {
  const renewed = authority.issue({ dns: ['sbc.test', 'renewed.test'] });

  test('is shown to new handshakes; live connections go on', async () => {
    const site = await openSite(tlsOf(server));
    const before = await connectTlsPeer(site.port, trust);
    site.transports.setCertificate('main', tlsOf(renewed).tls);
    const after = await connectTlsPeer(site.port, trust);
    expect(names(before.socket)).toBe('DNS:sbc.test');
    expect(names(after.socket)).toBe('DNS:sbc.test, DNS:renewed.test');
    before.write(wire(options));
    await site.upstairs.request();
  });

  test('that does not fit its key is refused, and the old one stays', async () => {
    const site = await openSite(tlsOf(server));
    const { certificate } = renewed;
    expect(() => site.transports.setCertificate('main', tlsOf({ certificate, key: server.key }).tls)).toThrow();
    const peer = await connectTlsPeer(site.port, trust);
    expect(names(peer.socket)).toBe('DNS:sbc.test');
  });

  test('keeps the floor of TLS 1.2', async () => {
    const site = await openSite(tlsOf(server));
    site.transports.setCertificate('main', tlsOf(renewed).tls);
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    await expect(connectTlsPeer(site.port, { ...trust, ...old })).rejects.toThrow();
  });
});

test('closing ends handshakes too, and nothing waits afterwards', async () => {
  const site = await openSite(tlsOf(server));
  const silent = await connectPeer(site.port);
  const peer = await connectTlsPeer(site.port, trust);
  peer.write(wire(options));
  await site.upstairs.request();
  site.transports.close();
  await Promise.all([silent.closed, peer.closed]);
  await site.upstairs.closed.next();
  expect(site.transports.connections).toBe(0);
  expect(site.scheduler.pending).toBe(0);
  const late = connectPeer(site.port);
  await expect(late).rejects.toThrow('ECONNREFUSED');
});

test('a client that closes well is a flow that closed', async () => {
  const site = await openSite(tlsOf(server));
  const peer = await connectTlsPeer(site.port, trust);
  peer.write(wire(options));
  const { flow } = await site.upstairs.request();
  peer.socket.end();
  await once(peer.socket, 'close');
  expect((await site.upstairs.closed.next()).id).toBe(flow.id);
});

describe('processes that share a listener', () => {
  test('resume sessions of each other once they have the same ticket keys, also under a new certificate', async () => {
    const [one, two] = [
      await openSite({ ...tlsOf(server), isShared: true }),
      await openSite({ ...tlsOf(server), isShared: true }),
    ];
    const at12 = { ...trust, maxVersion: 'TLSv1.2' } as const;
    const session = (await connectTlsPeer(one.port, at12)).socket.getSession();
    const resumes = async ({ port }: Site, from: Buffer | undefined): Promise<boolean> =>
      (await connectTlsPeer(port, { ...at12, ...(from && { session: from }) })).socket.isSessionReused();
    expect([await resumes(one, session), await resumes(two, session)]).toEqual([true, false]);
    const keys = new TicketKeys(systemRandom, 0);
    for (const { transports } of [one, two]) transports.setTicketKeys(keys.bytes);
    const sealed = (await connectTlsPeer(one.port, at12)).socket.getSession();
    expect(await resumes(two, sealed)).toBe(true);
    two.transports.setCertificate('main', tlsOf(authority.issue({ dns: ['sbc.test'] })).tls);
    expect(await resumes(two, sealed)).toBe(true);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'do not resume at a listener of other authorities what a client certificate began (%s)',
    async (version) => {
      const client = authority.issue({ dns: ['trunk.test'] });
      const trusting = (authority: string) =>
        tlsOf(server, { clientCa: [authority], clientCertificate: 'optional' }).tls;
      const [one, two] = [
        await openSite({ ...tlsOf(server), tls: trusting(authority.certificate), isShared: true }),
        await openSite({ ...tlsOf(server), tls: trusting(stranger.certificate), isShared: true }),
      ];
      const keys = new TicketKeys(systemRandom, 0);
      for (const { transports } of [one, two]) transports.setTicketKeys(keys.bytes);
      const shown = { ...trust, cert: client.certificate, key: client.key, minVersion: version, maxVersion: version };
      const proven = async ({ port, upstairs, transports }: Site, session?: Buffer) => {
        const peer = await connectTlsPeer(port, { ...shown, ...(session && { session }) });
        peer.write(wire(options));
        const { flow } = await upstairs.request();
        // Tickets of TLS 1.3 come before the answer.
        transports.send(response(options, 200), onFlow(flow), () => {});
        await peer.read('SIP/2.0 200');
        return { names: flow.peerNames, session: peer.socket.getSession() };
      };
      const { names, session } = await proven(one);
      expect(names).toEqual(['trunk.test']);
      expect((await proven(one, session)).names).toEqual(['trunk.test']);
      expect((await proven(two, session)).names).toEqual([]);
      one.transports.setCertificate('main', trusting(stranger.certificate));
      expect((await proven(one, session)).names).toEqual([]);
    },
  );

  test('choose the oldest of their keys, each the same', () => {
    const of = (born: number): TicketKeys => new TicketKeys(systemRandom, born);
    const [older, newer] = [of(1), of(2)];
    expect([older.adopt(newer.shared), newer.adopt(older.shared)]).toEqual(['kept', 'taken']);
    expect(newer.bytes).toEqual(older.bytes);
    expect(newer.adopt(older.shared)).toBe('same');
    const [a, b] = [of(1), of(1)];
    const offered = a.shared;
    a.adopt(b.shared);
    b.adopt(offered);
    expect(a.bytes).toEqual(b.bytes);
    expect(a.adopt({ generation: 0, born: 0, keys: 'c2hvcnQ=' })).toBe('refused');
  });

  test('have new keys in time: the first makes them, and a later one where it does not', () => {
    const [one, two] = [new TicketKeys(systemRandom, 0), new TicketKeys(systemRandom, 1)];
    two.adopt(one.shared);
    const before = two.shared;
    expect([one.age(1, renewAfter - 1), two.age(2, renewAfter), one.age(1, renewAfter)]).toEqual([false, false, true]);
    expect([one.adopt(before), two.adopt(one.shared)]).toEqual(['kept', 'taken']);
    expect(two.bytes).toEqual(one.bytes);
    expect(two.age(2, 2 * renewAfter + renewStagger)).toBe(true);
    expect(one.adopt(two.shared)).toBe('taken');
  });
});
