// The media plane with real worker threads, real sockets on the loopback, and each packet driver in turn.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { SystemScheduler } from '../../src/core/scheduler.ts';
import { driverNames } from '../../src/media/packet-io/packet-io.ts';
import type { MediaPlane, MediaSession } from '../../src/media/plane/media-plane.ts';
import type { EndpointRemote, MediaEvent, OpenedEndpoint } from '../../src/media/plane/messages.ts';
import { type MediaPlaneOptions, openMediaPlane } from '../../src/media/plane/open-media-plane.ts';
import { startWorkerThread, type WorkerThread } from '../../src/media/plane/worker-thread.ts';
import { Peer } from '../support/relay-bench.ts';
import { cname, compound, rtp, senderReport } from '../support/rtp-packets.ts';
import { check, checkEqual, type NativeCase, Skipped } from './case.ts';

const loopback = '127.0.0.1';
const suite = 'AES_CM_128_HMAC_SHA1_80';
const patience = 5_000;

export const cases: readonly NativeCase[] = driverNames.flatMap((driver): readonly NativeCase[] => [
  {
    name: `${driver}: audio and RTCP cross between a phone with SRTP and a PBX without, and nothing is left afterwards`,
    run: () =>
      withPlane({ driver }, async (plane) => {
        const descriptors = openSockets();
        const { session, a, b, phone, pbx, phoneSocket, pbxSocket } = await call(plane);
        for (let sequence = 1; sequence <= 50; sequence++) {
          const packet = rtp({ sequence });
          checkEqual(
            [...(await exchange(phoneSocket, a.rtpPort, phone.protectRtp(packet), pbxSocket))],
            [...packet],
            'at the PBX',
          );
          const atPhone = await exchange(pbxSocket, b.rtpPort, packet, phoneSocket);
          checkEqual([...phone.receiveRtp(sent(atPhone))], [...packet], 'at the phone');
        }
        const report = compound(senderReport(1, 2), cname(1, 'root@10.0.0.5'));
        const atPbx = await exchange(phoneSocket, a.rtpPort, phone.protectRtcp(report), pbxSocket);
        checkEqual([...atPbx.subarray(0, 52)], [...report.subarray(0, 52)], 'RTCP at the PBX');
        check(!Buffer.from(atPbx).toString('latin1').includes('10.0.0.5'), 'a name crossed');
        const [fromA, fromB] = (await session.close()).endpoints;
        checkEqual([fromA?.received.packets, fromA?.sent.packets, fromA?.lost], [50, 50, 0], 'endpoint of the phone');
        checkEqual(
          [fromB?.received.packets, fromB?.sent.packets, fromB?.sentRtcp.packets],
          [50, 50, 1],
          'endpoint of the PBX',
        );
        checkEqual(fromA?.latched, { address: loopback, port: phoneSocket.address().port }, 'latched');
        checkEqual([plane.portsInUse, plane.activeSessions], [0, 0], 'ports and sessions');
        phoneSocket.close();
        pbxSocket.close();
        void pbx;
        await until(() => openSockets() === descriptors, 'media sockets are still open');
      }),
  },
  {
    name: `${driver}: strangers get nothing and move nothing; the phone that moved is found again`,
    run: () =>
      withPlane({ driver }, async (plane) => {
        const { session, a, b, phone, phoneSocket, pbxSocket } = await call(plane);
        const stranger = await bound();
        let toStranger = 0;
        stranger.on('message', () => {
          toStranger += 1;
        });
        await exchange(phoneSocket, a.rtpPort, phone.protectRtp(rtp({ sequence: 1 })), pbxSocket);
        for (let count = 0; count < 200; count++) {
          for (const { rtpPort } of [a, b]) stranger.send(rtp({ sequence: count }), rtpPort, loopback);
        }
        await exchange(pbxSocket, b.rtpPort, rtp({ sequence: 1 }), phoneSocket);
        // A new port after more than a second of silence, as behind a NAT that forgot.
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        const moved = await bound();
        await exchange(moved, a.rtpPort, phone.protectRtp(rtp({ sequence: 2 })), pbxSocket);
        await exchange(pbxSocket, b.rtpPort, rtp({ sequence: 2 }), moved);
        checkEqual(toStranger, 0, 'packets to the stranger');
        const [fromA, fromB] = (await session.close()).endpoints;
        checkEqual([fromA?.received.packets, fromB?.received.packets], [2, 2], 'packets taken');
        checkEqual(fromA?.latched, { address: loopback, port: moved.address().port }, 'latched');
        for (const socket of [stranger, moved, phoneSocket, pbxSocket]) socket.close();
      }),
  },
  {
    name: `${driver}: a hundred calls are opened and closed again and again without leaving a socket`,
    run: () =>
      withPlane({ driver, quarantine: 0 }, async (plane) => {
        const descriptors = openSockets();
        for (let round = 0; round < 3; round++) {
          const sessions = await Promise.all(Array.from({ length: 100 }, () => twoEndpoints(plane)));
          checkEqual(plane.portsInUse, 300, 'ports in use');
          await Promise.all(sessions.map((session) => session.close()));
          checkEqual(plane.portsInUse, 0, 'ports in use after closing');
        }
        await until(() => openSockets() === descriptors, 'media sockets are still open');
      }),
  },
  {
    name: `${driver}: two silent sides are reported, and a worker that ends is reported and replaced`,
    run: async () => {
      const threads: WorkerThread[] = [];
      const start: MediaPlaneOptions['start'] = (settings, events) => {
        const thread = startWorkerThread(settings, events);
        threads.push(thread);
        return thread;
      };
      // Six ports for four sockets: the replacement has room only where the lost worker's ports are free again. The kernel
      // holds on to those of a ring whose memory is still mapped; there they are passed over.
      const ports = { first: 36_000, last: driver === 'io_uring' ? 36_099 : 36_005 };
      const changes = { driver, timeout: 600, start, ports, quarantine: 0 };
      await withPlane(changes, async (plane) => {
        const descriptors = openSockets();
        const events: MediaEvent[] = [];
        const { session, phoneSocket, pbxSocket } = await call(plane, events);
        await until(() => events.some(({ type }) => type === 'timeout'), 'no timeout event');
        void threads[0]?.terminate();
        await until(() => events.some(({ type }) => type === 'lost'), 'no lost event');
        checkEqual((await session.close()).endpoints, [], 'report of a lost session');
        await until(() => plane.workers[0]?.alive === true, 'the worker was not replaced');
        const again = await call(plane);
        const packet = again.phone.protectRtp(rtp({ sequence: 1 }));
        await exchange(again.phoneSocket, again.a.rtpPort, packet, again.pbxSocket);
        await again.session.close();
        for (const socket of [phoneSocket, pbxSocket, again.phoneSocket, again.pbxSocket]) socket.close();
        await until(() => openSockets() === descriptors, 'sockets of the lost worker are still open');
      });
    },
  },
]);

async function withPlane(
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

interface LiveCall {
  readonly session: MediaSession;
  readonly a: OpenedEndpoint;
  readonly b: OpenedEndpoint;
  readonly phone: Peer;
  readonly pbx: Peer;
  readonly phoneSocket: Socket;
  readonly pbxSocket: Socket;
}

async function call(plane: MediaPlane, events: MediaEvent[] = []): Promise<LiveCall> {
  const opened = await plane.openSession('call', (event) => events.push(event));
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
  await done(session.setRemote(a.endpoint, phone.remote()));
  await done(
    session.setRemote(b.endpoint, pbx.remote({ latching: { kind: 'signalled' } } satisfies Partial<EndpointRemote>)),
  );
  await done(session.join(a.endpoint, b.endpoint));
  return { session, a, b, phone, pbx, phoneSocket, pbxSocket };
}

async function twoEndpoints(plane: MediaPlane): Promise<MediaSession> {
  const opened = await plane.openSession('call', () => {});
  if (!opened.ok) throw new Error(opened.error.detail);
  const endpoints = await opened.value.openEndpoints([
    { address: loopback, rtcpMux: true },
    { address: loopback, rtcpMux: false },
  ]);
  if (!endpoints.ok) throw new Error(endpoints.error.detail);
  return opened.value;
}

async function done(result: ReturnType<MediaSession['join']>): Promise<void> {
  const settled = await result;
  if (!settled.ok) throw new Error(`${settled.error.code}: ${settled.error.detail}`);
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, loopback);
  await once(socket, 'listening');
  return socket;
}

/** Sends from one socket and waits for what arrives at the other. */
async function exchange(from: Socket, port: number, packet: Uint8Array, at: Socket): Promise<Uint8Array> {
  const arrived = once(at, 'message', { signal: AbortSignal.timeout(patience) });
  from.send(packet, port, loopback);
  const message: unknown = (await arrived).at(0);
  if (!(message instanceof Uint8Array)) throw new Error('nothing arrived');
  return Uint8Array.from(message);
}

function sent(bytes: Uint8Array) {
  return { socket: 0, from: '', to: '', bytes };
}

/** UDP sockets of this process; dgram and koffi ones alike. */
function openSockets(): number {
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

async function until(isSo: () => boolean, complaint: string): Promise<void> {
  const end = performance.now() + patience;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(complaint);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
