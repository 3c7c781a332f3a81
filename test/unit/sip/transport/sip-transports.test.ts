// All listeners together: what our Via and Contact say, and that starting and closing are whole.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { SbcError } from '../../../../src/core/errors.ts';
import { SipTransports } from '../../../../src/sip/transport/sip-transports.ts';
import type { Destination } from '../../../../src/sip/transport/transport.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import { fakeFlow, nextHop } from '../../../support/fake-transport.ts';
import { request } from '../../../support/sip-messages.ts';
import { closeAll, connectPeer, Log, listenerOn, onFlow, openSite, Upstairs, wire } from './transport-kit.ts';

const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

afterEach(closeAll);

function hopOver(listener: string, transport: 'udp' | 'tcp' | 'tls'): Destination {
  return nextHop({ listener, transport });
}

describe('what our messages say of us', () => {
  test('is the advertised name, with the port and transport of the listener', async () => {
    const site = await openSite({ transport: 'tcp', advertise: { address: 'sbc.example.com', port: 5061 } });
    const to = hopOver('main', 'tcp');
    expect(site.transports.viaFor(to)).toEqual({ transport: 'tcp', sentBy: 'sbc.example.com:5061' });
    expect(site.transports.contactFor(to)).toBe('<sip:sbc.example.com:5061;transport=tcp>');
    expect(site.transports.contactFor(to, 'alice')).toBe('<sip:alice@sbc.example.com:5061;transport=tcp>');
    expect(site.transports.reliable(to)).toBe(true);
  });

  test('is the bound address where nothing is advertised; UDP needs no transport parameter', async () => {
    const site = await openSite({ transport: 'udp' });
    const to = hopOver('main', 'udp');
    expect(site.transports.viaFor(to)).toEqual({ transport: 'udp', sentBy: `127.0.0.1:${site.port}` });
    expect(site.transports.contactFor(to, 'alice')).toBe(`<sip:alice@127.0.0.1:${site.port}>`);
    expect(site.transports.reliable(to)).toBe(false);
  });

  test('escapes what a user part may not hold (RFC 3261 §25.1)', async () => {
    const site = await openSite();
    const contact = site.transports.contactFor(hopOver('main', 'tcp'), 'a@b>;x="\r\n');
    expect(contact).toMatch(/^<sip:[^@<>"\s;]+(;[^@<>"\s]*)*@127\.0\.0\.1:\d+;transport=tcp>$/);
    expect(contact).not.toMatch(/[\r\n]/);
  });

  test('is, on a listener on every address, the address that the peer reached', async () => {
    const site = await openSite({ address: { address: '0.0.0.0', port: 0 } });
    const peer = await connectPeer(site.port);
    peer.write(wire(request('OPTIONS')));
    const { flow } = await site.upstairs.request();
    expect(site.transports.viaFor(onFlow(flow)).sentBy).toBe(`127.0.0.1:${site.port}`);
    expect(site.transports.contactFor(onFlow(flow))).toBe(`<sip:127.0.0.1:${site.port};transport=tcp>`);
  });

  test.runIf(hasIPv6)('has brackets around an IPv6 address', async () => {
    const site = await openSite({ address: { address: '::1', port: 0 } });
    expect(site.transports.viaFor(hopOver('main', 'tcp')).sentBy).toBe(`[::1]:${site.port}`);
    expect(site.transports.contactFor(hopOver('main', 'tcp'))).toBe(`<sip:[::1]:${site.port};transport=tcp>`);
    const peer = await connectPeer(site.port, '::1');
    peer.write(wire(request('OPTIONS', { sentBy: '[::1]:5060' })));
    const { flow, message } = await site.upstairs.request();
    expect(flow.remote.address).toBe('::1');
    expect(message.headers.get('Via')).not.toContain('received');
  });

  test('of a listener that there is none is a mistake of ours, and thrown', async () => {
    const site = await openSite();
    expect(() => site.transports.viaFor(hopOver('nowhere', 'tcp'))).toThrow(SbcError);
    expect(() => site.transports.boundTo('nowhere')).toThrow(SbcError);
    expect(site.transports.isAlive(fakeFlow({ listener: 'nowhere' }))).toBe(false);
  });
});

test.each(['tcp', 'udp'] as const)('when one listener cannot be bound (%s), none stays bound', async (transport) => {
  const taken = transport === 'udp' ? await openSite({ transport: 'udp' }) : await openSite();
  const upstairs = new Upstairs();
  const transports = new SipTransports({
    listeners: [
      listenerOn({ name: 'first' }),
      listenerOn({ name: 'first-udp', transport: 'udp' }),
      listenerOn({ name: 'second', transport, address: { address: '127.0.0.1', port: taken.port } }),
      listenerOn({ name: 'third' }),
    ],
    events: upstairs,
    scheduler: new FakeScheduler(),
    logger: new Log(),
  });
  const failure = await transports.listen().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(failure).toMatchObject({ code: 'listen-failed', context: { listener: 'second', port: taken.port } });
  const { port } = transports.boundTo('first');
  expect(port).toBeGreaterThan(0);
  const again = createServer();
  again.listen(port, '127.0.0.1');
  await once(again, 'listening');
  again.close();
});

test('closing twice, or before anything was bound, is closing', async () => {
  const transports = new SipTransports({
    listeners: [listenerOn({}), listenerOn({ name: 'udp', transport: 'udp' })],
    events: new Upstairs(),
    scheduler: new FakeScheduler(),
    logger: new Log(),
  });
  transports.close();
  transports.close();
  const site = await openSite();
  site.transports.close();
  site.transports.close();
  expect(site.transports.connections).toBe(0);
});
