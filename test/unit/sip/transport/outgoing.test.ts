// Connections that we make: to whom, proven how, used how often, and given up when.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions as NodeTlsOptions, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import type { Destination } from '../../../../src/sip/transport/transport.ts';
import { request, response } from '../../../support/sip-messages.ts';
import { TestAuthority, type TestNames } from '../../../support/test-certificates.ts';
import { closeAll, Happenings, onFlow, openSite, Peer, send, tlsOf, until, wire } from './transport-kit.ts';

const invite = request('INVITE', { protocol: 'TCP', sentBy: 'sbc.test' });
const authority = new TestAuthority();
const stranger = new TestAuthority('stranger');
const own = authority.issue({ dns: ['sbc.test'] });
const trusting = tlsOf(own, { serverCa: [authority.certificate] });
const servers: Server[] = [];

afterEach(() => {
  closeAll();
  for (const server of servers.splice(0)) server.close();
});

interface NextHopServer {
  readonly port: number;
  readonly arrivals: Happenings<Peer>;
}

async function listenOn(server: Server, event: 'connection' | 'secureConnection'): Promise<NextHopServer> {
  const arrivals = new Happenings<Peer>();
  server.on(event, (socket: Socket) => arrivals.add(new Peer(socket)));
  server.listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const bound = server.address();
  return { port: typeof bound === 'object' && bound !== null ? bound.port : 0, arrivals };
}

function tcpHop(): Promise<NextHopServer> {
  return listenOn(createServer(), 'connection');
}

function tlsHop(names: TestNames, options: NodeTlsOptions = {}, by = authority): Promise<NextHopServer> {
  const { certificate, key } = by.issue(names);
  const server = createTlsServer({ cert: certificate, key, ...options });
  server.on('tlsClientError', () => {});
  return listenOn(server, 'secureConnection');
}

type NextHop = Extract<Destination, { readonly kind: 'next-hop' }>;

function hopTo(port: number, options: Partial<NextHop> = {}): NextHop {
  return { kind: 'next-hop', listener: 'main', transport: 'tcp', host: '127.0.0.1', port, ...options };
}

function tlsTo(port: number, options: Partial<NextHop> = {}): NextHop {
  return hopTo(port, { transport: 'tls', certificateName: 'sip.carrier.example', ...options });
}

describe('one connection to a next hop (RFC 5923)', () => {
  test('carries what was sent before it was made, in order, and everything after', async () => {
    const site = await openSite();
    const hop = await tcpHop();
    const sent = ['1', '2', '3'].map((callId) => send(site.transports, request('INVITE', { callId }), hopTo(hop.port)));
    const peer = await hop.arrivals.next();
    const flows = (await Promise.all(sent)).map(({ flow }) => flow?.id);
    flows.push((await send(site.transports, request('BYE', { callId: '4' }), hopTo(hop.port))).flow?.id);
    const text = (await peer.read('Call-ID: 4')) ?? '';
    expect(text.match(/Call-ID: \d/g)).toEqual(['Call-ID: 1', 'Call-ID: 2', 'Call-ID: 3', 'Call-ID: 4']);
    expect(new Set(flows).size).toBe(1);
    expect(hop.arrivals.count).toBe(1);
    expect(site.transports.connections).toBe(1);
  });

  test('brings back responses and requests, with the flow that it is', async () => {
    const site = await openSite();
    const hop = await tcpHop();
    const { flow } = await send(site.transports, invite, hopTo(hop.port));
    const peer = await hop.arrivals.next();
    peer.write(wire(response(invite, 200)));
    expect((await site.upstairs.messages.next()).flow).toBe(flow);
    peer.write(wire(request('BYE')));
    expect((await site.upstairs.request()).flow).toBe(flow);
    expect(flow).toMatchObject({
      listener: 'main',
      network: 'outside',
      remote: { address: '127.0.0.1', port: hop.port },
    });
    expect(flow?.peerNames).toEqual([]);
  });

  test('owes us no first message and no service', async () => {
    const site = await openSite({}, { idleTimeout: 7_200_000 });
    const hop = await tcpHop();
    const { flow } = await send(site.transports, invite, hopTo(hop.port));
    site.scheduler.advance(7_199_999);
    expect(flow && site.transports.isAlive(flow)).toBe(true);
    site.scheduler.advance(1);
    await (await hop.arrivals.next()).closed;
  });

  test('is made anew when it is lost', async () => {
    const site = await openSite();
    const hop = await tcpHop();
    const { flow } = await send(site.transports, invite, hopTo(hop.port));
    (await hop.arrivals.next()).socket.resetAndDestroy();
    expect((await site.upstairs.closed.next()).id).toBe(flow?.id);
    expect(flow && (await send(site.transports, invite, onFlow(flow))).error?.code).toBe('flow-gone');
    const again = await send(site.transports, invite, hopTo(hop.port));
    expect(again.error).toBeUndefined();
    expect(again.flow?.id).not.toBe(flow?.id);
  });

  test('is another for another port, listener or name', async () => {
    const site = await openSite(trusting);
    const hop = await tlsHop({ dns: ['sip.carrier.example', 'b.example'] });
    const first = await send(site.transports, invite, tlsTo(hop.port));
    const second = await send(site.transports, invite, tlsTo(hop.port, { certificateName: 'b.example' }));
    const third = await send(site.transports, invite, tlsTo(hop.port, { serverName: 'c.example' }));
    expect(new Set([first, second, third].map(({ flow }) => flow?.id)).size).toBe(3);
  });

  test.runIf(process.platform === 'linux')('comes from the address that its listener stands on', async () => {
    const site = await openSite({ address: { address: '127.0.0.9', port: 0 } });
    const hop = await tcpHop();
    await send(site.transports, invite, hopTo(hop.port));
    expect((await hop.arrivals.next()).socket.remoteAddress).toBe('127.0.0.9');
  });
});

describe('over TLS, the next hop proves its name before anything is sent (RFC 5922 §7)', () => {
  test.each([
    ['a DNS name', { dns: ['x.example', 'sip.carrier.example'] }],
    ['a SIP URI', { uris: ['sip:sip.carrier.example'] }],
    ['a common name and nothing else', { commonName: 'sip.carrier.example' }],
  ])('by %s', async (_what, names) => {
    const site = await openSite(trusting);
    const hop = await tlsHop(names);
    const { error, flow } = await send(site.transports, invite, tlsTo(hop.port));
    expect(error).toBeUndefined();
    expect(flow).toMatchObject({ secure: true, peerNames: ['sip.carrier.example'] });
    await (await hop.arrivals.next()).read('INVITE');
  });

  test.each([
    ['another name', { dns: ['evil.example'] }],
    ['a wildcard', { dns: ['*.carrier.example'] }],
    ['a common name beside another DNS name', { commonName: 'sip.carrier.example', dns: ['evil.example'] }],
    ['a user of that host', { uris: ['sip:alice@sip.carrier.example'] }],
  ])('not by %s', async (_what, names) => {
    const site = await openSite(trusting);
    const hop = await tlsHop(names);
    const heard: string[] = [];
    servers[0]?.on('secureConnection', (socket: Socket) => socket.on('data', (bytes) => heard.push(bytes.toString())));
    const over = new Promise((resolve) =>
      servers[0]?.on('connection', (socket: Socket) => socket.on('close', resolve)),
    );
    const { error, flow } = await send(site.transports, invite, tlsTo(hop.port));
    expect(error?.code).toBe('name-mismatch');
    expect(flow).toBeUndefined();
    await over;
    expect(heard).toEqual([]);
  });

  test('not by a certificate that nobody vouches for', async () => {
    const site = await openSite(trusting);
    const hop = await tlsHop({ dns: ['sip.carrier.example'] }, {}, stranger);
    expect((await send(site.transports, invite, tlsTo(hop.port))).error?.code).toBe('connect-failed');
  });

  test('not below TLS 1.2 (RFC 8996)', async () => {
    const site = await openSite(trusting);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    const hop = await tlsHop({ dns: ['sip.carrier.example'] }, old);
    expect((await send(site.transports, invite, tlsTo(hop.port))).error?.code).toBe('connect-failed');
    expect(hop.arrivals.count).toBe(0);
  });

  test('and hears which name we want, and who we are when it asks', async () => {
    const site = await openSite(trusting);
    const hop = await tlsHop({ dns: ['sip.carrier.example'] }, { requestCert: true, ca: authority.certificate });
    await send(site.transports, invite, tlsTo(hop.port));
    const { socket } = await hop.arrivals.next();
    const secure = socket as TLSSocket & { readonly servername: string };
    expect(secure.servername).toBe('sip.carrier.example');
    expect(secure.authorized).toBe(true);
    expect(secure.getPeerCertificate().subjectaltname).toBe('DNS:sbc.test');
  });

  test('and hears who we are since a new certificate', async () => {
    const site = await openSite(trusting);
    const renewed = authority.issue({ dns: ['renewed.test'] });
    site.transports.setCertificate('main', tlsOf(renewed, { serverCa: [authority.certificate] }).tls);
    const hop = await tlsHop({ dns: ['sip.carrier.example'] }, { requestCert: true, ca: authority.certificate });
    await send(site.transports, invite, tlsTo(hop.port));
    const secure = (await hop.arrivals.next()).socket as TLSSocket;
    expect(secure.getPeerCertificate().subjectaltname).toBe('DNS:renewed.test');
  });

  test('without a configured name, the host must be named', async () => {
    const site = await openSite(trusting);
    const hop = await tlsHop({ addresses: ['127.0.0.1'] });
    const unnamed: Destination = {
      kind: 'next-hop',
      listener: 'main',
      transport: 'tls',
      host: '127.0.0.1',
      port: hop.port,
    };
    expect((await send(site.transports, invite, unnamed)).error).toBeUndefined();
    const other = await tlsHop({ addresses: ['192.0.2.1'] });
    expect((await send(site.transports, invite, { ...unnamed, port: other.port })).error?.code).toBe('name-mismatch');
  });
});

describe('a next hop that cannot be reached', () => {
  test('because nobody listens there', async () => {
    const site = await openSite();
    const gone = await tcpHop();
    const closed = new Promise((resolve) => servers.pop()?.close(resolve));
    await closed;
    const { error } = await send(site.transports, invite, hopTo(gone.port));
    expect(error?.code).toBe('connect-failed');
    expect(error?.detail).toContain(`127.0.0.1:${gone.port}`);
    expect(site.scheduler.pending).toBe(0);
  });

  test('because it does not shake hands in time: each message fails once, and the connection is given up', async () => {
    const site = await openSite(trusting, { connectTimeout: 5_000 });
    const hop = await tcpHop();
    let results = 0;
    const outcomes = [1, 2, 3].map(async () => {
      const outcome = await send(site.transports, invite, tlsTo(hop.port));
      results += 1;
      return outcome.error?.code;
    });
    const peer = await hop.arrivals.next();
    await peer.read('\u0016');
    site.scheduler.advance(4_999);
    expect(results).toBe(0);
    site.scheduler.advance(1);
    expect(await Promise.all(outcomes)).toEqual(['connect-failed', 'connect-failed', 'connect-failed']);
    await peer.closed;
    expect(site.scheduler.pending).toBe(0);
  });

  test('holds so many messages and no more', async () => {
    const site = await openSite(trusting, { waitingMessages: 2 });
    const hop = await tcpHop();
    const waiting = [1, 2].map(() => send(site.transports, invite, tlsTo(hop.port)));
    expect((await send(site.transports, invite, tlsTo(hop.port))).error?.code).toBe('overloaded');
    site.transports.close();
    expect((await Promise.all(waiting)).map(({ error }) => error?.code)).toEqual(['connect-failed', 'connect-failed']);
  });

  test('because we close: what is being made is given up, and nothing new begins', async () => {
    const site = await openSite(trusting);
    const hop = await tcpHop();
    const waiting = send(site.transports, invite, tlsTo(hop.port));
    const peer = await hop.arrivals.next();
    site.transports.close();
    expect((await waiting).error?.code).toBe('connect-failed');
    await peer.closed;
    expect((await send(site.transports, invite, tlsTo(hop.port))).error?.code).toBe('connect-failed');
    expect(site.transports.connections).toBe(0);
    expect(site.scheduler.pending).toBe(0);
  });

  test('by its name is told like any other', async () => {
    const site = await openSite();
    const { error } = await send(site.transports, invite, hopTo(5060, { host: 'no-such-host.invalid' }));
    expect(error?.code).toBe('connect-failed');
  });
});

test('a next hop that does not read is cut off at the bound', async () => {
  const site = await openSite({}, { sendQueueBytes: 100_000 });
  const hop = await tcpHop();
  const large = { ...invite, body: new Uint8Array(60_000) };
  await send(site.transports, large, hopTo(hop.port));
  (await hop.arrivals.next()).socket.pause();
  let code: string | undefined;
  await until(() => {
    site.transports.send(large, hopTo(hop.port), (error) => {
      code ??= error?.code;
    });
    return code !== undefined;
  });
  expect(code).toBe('overloaded');
  await site.upstairs.closed.next();
});
