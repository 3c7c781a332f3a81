// Floods of connections, and peers that are slow on purpose: bounded by source and by time, and nobody else notices.
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { defaultTransportLimits } from '../../src/sip/transport/transport-limits.ts';
import { AttackSite, stranger } from '../support/attack-site.ts';
import { rawRequest, textOf } from '../support/raw-request.ts';

let site: AttackSite;
afterEach(() => site.close());

test('connections of one source are bounded, those in a handshake too, and others connect', async () => {
  site = await AttackSite.start();
  const { connectionsPerAddress, handshakesPerAddress } = defaultTransportLimits;
  const silent = Array.from({ length: handshakesPerAddress + 10 }, () => new Dribble(site.tls.port));
  const isOver = () => silent.filter(({ isClosed }) => isClosed).length;
  await expect.poll(isOver, { timeout: 3_000 }).toBe(10);
  for (const one of silent) one.socket.destroy();
  const held = [];
  for (let count = 0; count < connectionsPerAddress; count += 1) held.push(await site.stream('127.0.0.4'));
  await expect(site.stream('127.0.0.4')).rejects.toThrow();
  const alice = await site.phone('alice');
  expect(await alice.register()).toBe(200);
  expect(held.filter(({ isClosed }) => isClosed)).toEqual([]);
});

test('who dribbles is cut off: in the handshake, in the first message, and in a later one', async () => {
  site = await AttackSite.start();
  const handshake = new Dribble(site.tls.port);
  const first = await site.stream();
  const later = await site.stream();
  later.send(textOf(rawRequest({ transport: 'TLS' })));
  const text = textOf(rawRequest({ transport: 'TLS' }));
  const drip = (index: number): void => {
    if (index >= 60) return;
    first.send(text.charAt(index));
    later.send(text.charAt(index));
    handshake.socket.write(Buffer.of(index));
    site.scheduler.after(200, () => drip(index + 1));
  };
  handshake.socket.write(Buffer.from('16030100fa', 'hex'));
  drip(0);
  await Promise.all([handshake.closed, first.closed, later.closed]);
  const alice = await site.phone('alice');
  expect(await alice.register()).toBe(200);
}, 15_000);

test('who asks and does not read is cut off, and nothing is kept for it', async () => {
  site = await AttackSite.start();
  const stream = await site.stream();
  stream.socket.pause();
  const burst = Array.from({ length: 200 }, () => textOf(rawRequest({ transport: 'TLS' }))).join('');
  const write = (): void => {
    if (!stream.isClosed) stream.socket.write(burst, () => site.scheduler.after(0, write));
  };
  write();
  await stream.closed;
  await expect.poll(() => site.metric('sbc_connections_active')).toBe(0);
});

/** A TCP connection that never gets through its handshake. */
class Dribble {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  isClosed = false;

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, localAddress: stranger });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.isClosed = true;
        resolve();
      });
    });
  }
}
