// The media plane with real workers, and calls through it on the loopback.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import type { MediaPlane, MediaSession } from '../../../src/media/plane/media-plane.ts';
import type { EndpointRemote, MediaEvent, OpenedEndpoint } from '../../../src/media/plane/messages.ts';
import { openMediaPlane } from '../../../src/media/plane/open-media-plane.ts';
import type { MediaPlaneOptions } from '../../../src/media/plane/plane-options.ts';
import { Peer } from '../../support/relay-bench.ts';
import { Skipped } from '../case.ts';

/**
 * An address of 127/8 that no other process of ours is at: each has all ports to itself, whatever runs beside it. A process that is to
 * be at the address of another one is told so.
 */
export const loopback = process.env['PORTCULLIS_LOOPBACK'] ?? ownLoopback(process.pid);

const suite = 'AES_CM_128_HMAC_SHA1_80';
const patience = 5_000;

/** Linux numbers processes with 22 bits at most. */
function ownLoopback(pid: number): string {
  return `127.${64 + ((pid >> 16) & 63)}.${(pid >> 8) & 255}.${pid & 255}`;
}

export async function withPlane(
  changes: Partial<MediaPlaneOptions>,
  use: (plane: MediaPlane) => Promise<void>,
): Promise<void> {
  const scheduler = new SystemScheduler(systemClock, (thrown) => {
    throw thrown;
  });
  const opened = await openMediaPlane({
    ports: { first: 36_000, last: 37_999 },
    workers: 1,
    driver: 'auto',
    timeout: 30_000,
    scheduler,
    logger: silentLogger,
    ...changes,
  });
  if (!opened.ok) throw new Skipped(`${changes.driver}: ${opened.error.detail}`);
  try {
    await use(opened.value);
  } finally {
    await opened.value.close();
  }
}

export interface LiveCall {
  readonly session: MediaSession;
  readonly a: OpenedEndpoint;
  readonly b: OpenedEndpoint;
  readonly phone: Peer;
  readonly pbx: Peer;
  readonly phoneSocket: Socket;
  readonly pbxSocket: Socket;
}

export async function call(plane: MediaPlane, events: MediaEvent[] = []): Promise<LiveCall> {
  const opened = plane.openSession('call', (event) => events.push(event));
  if (!opened.ok) throw new Error(opened.error.detail);
  const session = opened.value;
  const endpoints = await session.openEndpoints([
    { address: loopback, rtcpMux: true },
    { address: loopback, rtcpMux: true },
  ]);
  if (!endpoints.ok) throw new Error(endpoints.error.detail);
  const [a, b] = endpoints.value;
  if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
  const [phoneSocket, pbxSocket] = [await bound(), await bound()];
  const phone = new Peer(loopback, phoneSocket.address().port, suite);
  const pbx = new Peer(loopback, pbxSocket.address().port);
  session.setRemote(a.endpoint, phone.remote());
  session.setRemote(b.endpoint, pbx.remote({ latching: { kind: 'signalled' } } satisfies Partial<EndpointRemote>));
  session.join(a.endpoint, b.endpoint);
  await settled(session);
  return { session, a, b, phone, pbx, phoneSocket, pbxSocket };
}

export async function twoEndpoints(plane: MediaPlane): Promise<MediaSession> {
  const opened = plane.openSession('call', () => {});
  if (!opened.ok) throw new Error(opened.error.detail);
  const endpoints = await opened.value.openEndpoints([
    { address: loopback, rtcpMux: true },
    { address: loopback, rtcpMux: false },
  ]);
  if (!endpoints.ok) throw new Error(endpoints.error.detail);
  return opened.value;
}

/** What it was told is carried out: commands keep their order, and this one is answered. */
export async function settled(session: MediaSession): Promise<void> {
  await session.report();
}

export async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, loopback);
  await once(socket, 'listening');
  return socket;
}

/** Sends from one socket and waits for what arrives at the other. */
export async function exchange(from: Socket, port: number, packet: Uint8Array, at: Socket): Promise<Uint8Array> {
  const arrived = once(at, 'message', { signal: AbortSignal.timeout(patience) });
  from.send(packet, port, loopback);
  const message: unknown = (await arrived).at(0);
  if (!(message instanceof Uint8Array)) throw new Error('nothing arrived');
  return Uint8Array.from(message);
}

export function sent(bytes: Uint8Array) {
  return { socket: 0, from: '', to: '', bytes };
}

/** UDP sockets of this process; dgram and koffi ones alike. */
export function openSockets(): number {
  const isSocket = (descriptor: string): boolean => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('socket:');
    } catch {
      // The descriptor of the listing itself is closed by now.
      return false;
    }
  };
  return readdirSync('/proc/self/fd').filter(isSocket).length;
}

/** Closes what is held ready for other calls, until no more sockets are open than there were. */
export async function noneLeft(plane: MediaPlane, before: number, complaint: string): Promise<void> {
  const isSo = (): boolean => {
    plane.closeIdle();
    return openSockets() <= before;
  };
  await until(isSo, complaint);
}

export async function until(isSo: () => boolean, complaint: string, limit = patience): Promise<void> {
  const end = performance.now() + limit;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(complaint);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
