// SIP over UDP: every source is a flow, answers go back where the request came from, and no datagram does harm.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import type { Destination } from '../../../../src/sip/transport/transport.ts';
import { request, response } from '../../../support/sip-messages.ts';
import { closeAll, Happenings, onFlow, openSite, type Site, send, wire } from './transport-kit.ts';

const options = request('OPTIONS', { sentBy: '10.0.0.1:5060', branch: 'z9hG4bK-1;rport' });
const sockets: Socket[] = [];
const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

afterEach(() => {
  closeAll();
  for (const socket of sockets.splice(0)) socket.close();
});

interface Phone {
  readonly port: number;
  readonly datagrams: Happenings<string>;
  send(bytes: Uint8Array | string, port: number): Promise<void>;
}

async function openPhone(address = '127.0.0.1'): Promise<Phone> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  sockets.push(socket);
  const datagrams = new Happenings<string>();
  socket.on('message', (bytes) => datagrams.add(bytes.toString('latin1')));
  socket.bind(0, address);
  await once(socket, 'listening');
  const sendTo = (bytes: Uint8Array | string, port: number): Promise<void> =>
    new Promise((resolve) => socket.send(bytes, port, address, () => resolve()));
  return { port: socket.address().port, datagrams, send: sendTo };
}

function openUdp(address = '127.0.0.1'): Promise<Site> {
  return openSite({ transport: 'udp', address: { address, port: 0 } });
}

function hopTo(port: number, host = '127.0.0.1'): Destination {
  return { kind: 'next-hop', listener: 'main', transport: 'udp', host, port };
}

describe('requests over UDP', () => {
  test('arrive with their source as flow, and received and rport filled (RFC 3581 §4)', async () => {
    const site = await openUdp();
    const phone = await openPhone();
    await phone.send(wire(options), site.port);
    const { message, flow } = await site.upstairs.request();
    expect(flow).toMatchObject({ transport: 'udp', reliable: false, secure: false, peerNames: [] });
    expect(flow.remote).toEqual({ address: '127.0.0.1', port: phone.port });
    expect(flow.local).toEqual({ address: '127.0.0.1', port: site.port });
    expect(message.headers.get('Via')).toContain(`rport=${phone.port}`);
    expect(message.headers.get('Via')).toContain('received=127.0.0.1');
  });

  test('are answered to the very port that they came from', async () => {
    const site = await openUdp();
    const phone = await openPhone();
    await phone.send(wire(options), site.port);
    const { message, flow } = await site.upstairs.request();
    expect((await send(site.transports, response(message, 200), onFlow(flow))).error).toBeUndefined();
    expect(await phone.datagrams.next()).toContain('SIP/2.0 200 OK');
  });

  test('of one source are one flow, of another port another', async () => {
    const site = await openUdp();
    const phones = [await openPhone(), await openPhone()];
    const ids: string[] = [];
    for (const phone of [...phones, ...phones]) {
      await phone.send(wire(options), site.port);
      ids.push((await site.upstairs.request()).flow.id);
    }
    expect(new Set(ids).size).toBe(2);
    expect(ids.slice(0, 2)).toEqual(ids.slice(2));
  });

  test('that end before their body are reported; what follows the body is dropped (RFC 3261 §18.3)', async () => {
    const site = await openUdp();
    const phone = await openPhone();
    const text = Buffer.from(wire({ ...options, body: Buffer.from('v=0') })).toString();
    await phone.send(text.slice(0, -1), site.port);
    expect((await site.upstairs.unparsable.next()).error.status).toBe(400);
    await phone.send(`${text}junk`, site.port);
    expect(Buffer.from((await site.upstairs.request()).message.body).toString()).toBe('v=0');
  });

  test.each([
    ['an empty datagram', ''],
    ['CRLFCRLF', '\r\n\r\n'],
    ['four zero bytes', '\0\0\0\0'],
    ['many line ends', '\r\n'.repeat(40)],
  ])('%s is a keep-alive: not answered, not reported', async (_what, bytes) => {
    const site = await openUdp();
    const phone = await openPhone();
    await phone.send(bytes, site.port);
    await phone.send(wire(options), site.port);
    await site.upstairs.request();
    expect(site.upstairs.unparsable.count).toBe(0);
    expect(phone.datagrams.count).toBe(0);
  });
});

describe('sending over UDP', () => {
  test('reaches a next hop by address, and by name', async () => {
    const site = await openUdp();
    const phone = await openPhone();
    for (const host of ['127.0.0.1', 'localhost']) {
      const { error, flow } = await send(site.transports, request('INVITE'), hopTo(phone.port, host));
      expect(error).toBeUndefined();
      expect(flow?.remote).toEqual({ address: '127.0.0.1', port: phone.port });
      expect(await phone.datagrams.next()).toContain('INVITE');
    }
  });

  test('to a name that nobody has fails once', async () => {
    const site = await openUdp();
    const { error } = await send(site.transports, request('INVITE'), hopTo(5060, 'no-such-host.invalid'));
    expect(error?.code).toBe('connect-failed');
  });

  test.each([
    ['port 0', 0, 10],
    ['more than a datagram holds', 9, 70_000],
  ])('%s fails as a result, not as an exception', async (_what, port, bodyBytes) => {
    const site = await openUdp();
    const message = { ...request('INVITE'), body: new Uint8Array(bodyBytes) };
    expect((await send(site.transports, message, hopTo(port))).error?.code).toBe('send-failed');
  });

  test('to a port where nobody listens harms nobody', async () => {
    const site = await openUdp();
    const phone = await openPhone();
    sockets.splice(0).forEach((socket) => {
      socket.close();
    });
    for (let count = 0; count < 3; count += 1) await send(site.transports, request('INVITE'), hopTo(phone.port));
    const other = await openPhone();
    await other.send(wire(options), site.port);
    await site.upstairs.request();
  });

  test('over a flow of a listener that is closed fails', async () => {
    const site = await openUdp();
    const phone = await openPhone();
    await phone.send(wire(options), site.port);
    const { message, flow } = await site.upstairs.request();
    expect(site.transports.isAlive(flow)).toBe(true);
    site.transports.close();
    site.transports.close();
    expect(site.transports.isAlive(flow)).toBe(false);
    expect((await send(site.transports, response(message, 200), onFlow(flow))).error?.code).toBe('flow-gone');
  });

  test('over a listener of another transport fails', async () => {
    const site = await openSite();
    expect((await send(site.transports, request('INVITE'), hopTo(9))).error?.code).toBe('send-failed');
  });
});

describe.runIf(hasIPv6)('IPv6', () => {
  test('is spoken', async () => {
    const site = await openUdp('::1');
    const phone = await openPhone('::1');
    await phone.send(wire(options), site.port);
    const { message, flow } = await site.upstairs.request();
    expect(flow.remote).toEqual({ address: '::1', port: phone.port });
    await send(site.transports, response(message, 200), onFlow(flow));
    expect(await phone.datagrams.next()).toContain('200 OK');
    expect(site.transports.viaFor(onFlow(flow)).sentBy).toBe(`[::1]:${site.port}`);
  });

  test('on every address serves IPv4 peers as what they are (RFC 4291 §2.5.5.2)', async () => {
    const site = await openUdp('::');
    const phone = await openPhone();
    await phone.send(wire(options), site.port);
    const { message, flow } = await site.upstairs.request();
    expect(flow.remote).toEqual({ address: '127.0.0.1', port: phone.port });
    expect(message.headers.get('Via')).toContain('received=127.0.0.1');
    await send(site.transports, response(message, 200), onFlow(flow));
    expect(await phone.datagrams.next()).toContain('200 OK');
    await send(site.transports, request('INVITE'), hopTo(phone.port));
    expect(await phone.datagrams.next()).toContain('INVITE');
  });
});

test('two processes share a port: what is sent to it comes to one of them, and both answer from it', async () => {
  const address = { address: '127.0.0.1', port: 0 };
  const one = await openSite({ transport: 'udp', address, isShared: true });
  const two = await openSite({ transport: 'udp', address: { ...address, port: one.port }, isShared: true });
  const phone = await openPhone();
  await phone.send(wire(options), one.port);
  const first = await Promise.race([one.upstairs.request(), two.upstairs.request()]);
  for (const { transports } of [one, two]) {
    await send(transports, response(first.message, 200), { kind: 'flow', flow: first.flow });
    expect(await phone.datagrams.next()).toContain('SIP/2.0 200');
  }
  await expect(openSite({ transport: 'udp', address: { ...address, port: one.port } })).rejects.toThrow('cannot bind');
});
