// The media plane with real worker threads, real sockets on the loopback, and each packet driver in turn.
import { setFlagsFromString } from 'node:v8';
import { driverNames } from '../../src/media/packet-io/packet-io.ts';
import type { MediaEvent } from '../../src/media/plane/messages.ts';
import type { MediaPlaneOptions } from '../../src/media/plane/plane-options.ts';
import { startWorkerThread, type WorkerThread } from '../../src/media/plane/worker-thread.ts';
import { cname, compound, rtp, senderReport } from '../support/rtp-packets.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import {
  bound,
  call,
  exchange,
  loopback,
  noneLeft,
  openSockets,
  sent,
  twoEndpoints,
  until,
  withPlane,
} from './support/plane.ts';

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
        await noneLeft(plane, descriptors, 'media sockets are still open');
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
    name: `${driver}: a worker without a call collects, and is there for the one that comes at that moment`,
    run: () => {
      setFlagsFromString('--expose-gc');
      let settled = 0;
      const start: MediaPlaneOptions['start'] = (settings, events) =>
        startWorkerThread(settings, {
          ...events,
          onMessage: (message) => {
            if (message.type === 'settled') settled += 1;
            events.onMessage(message);
          },
        });
      return withPlane({ driver, start }, async (plane) => {
        plane.settle();
        const { session, a, phone, phoneSocket, pbxSocket } = await call(plane);
        checkEqual(settled, 1, 'workers that said that they have collected');
        // One with a call is not asked.
        plane.settle();
        await exchange(phoneSocket, a.rtpPort, phone.protectRtp(rtp({ sequence: 1 })), pbxSocket);
        await session.close();
        checkEqual([settled, plane.stats().workersLost], [1, 0], 'workers that have collected, and that were lost');
        phoneSocket.close();
        pbxSocket.close();
      });
    },
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
        await noneLeft(plane, descriptors, 'media sockets are still open');
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
        await noneLeft(plane, descriptors, 'sockets of the lost worker are still open');
      });
    },
  },
]);
