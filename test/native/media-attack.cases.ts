// Attacks on running calls with real sockets: nothing goes to the attacker, nothing foreign crosses, the calls lose nothing, and
// what came is counted. CVE-2025-53399; docs/rfc-conformance.md (RFC 7362).
import { longestWait } from '../../src/media/packet-io/packet-io.ts';
import { rtp } from '../support/rtp-packets.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { call, loopback, until, withPlane } from './support/plane.ts';
import { spray } from './support/spray.ts';

const foreignPerSecond = 20_000;
const calls = 4;
const packets = 500;
const interval = 5;

function sprayed(driver: 'io_uring' | 'epoll'): NativeCase {
  return {
    name: `${driver}: while 20,000 foreign packets a second arrive, calls lose less than 0.1 %, nothing foreign crosses, and commands are answered`,
    run: () =>
      withPlane({ driver }, async (plane) => {
        const live = await Promise.all(Array.from({ length: calls }, () => call(plane)));
        const ends = live.flatMap(({ a, b, phone, phoneSocket, pbxSocket }) => [
          {
            from: phoneSocket,
            to: a.rtpPort,
            at: pbxSocket,
            protect: (packet: Uint8Array) => phone.protectRtp(packet),
          },
          { from: pbxSocket, to: b.rtpPort, at: phoneSocket, protect: (packet: Uint8Array) => packet },
        ]);
        const heard = ends.map(() => 0);
        for (const [index, { at }] of ends.entries()) {
          at.on('message', () => {
            heard[index] = (heard[index] ?? 0) + 1;
          });
        }
        // From before the first packet of the calls, so that foreign ones wait in the sockets when these latch.
        const foreign = rtp({ sequence: 7, ssrc: 0xbad0bad0, payloadType: 0 });
        const attack = await spray(
          ends.map(({ to }) => to),
          foreign,
          foreignPerSecond,
        );
        const waits: number[] = [];
        for (let sequence = 1; sequence <= packets; sequence += 1) {
          for (const { from, to, protect } of ends) from.send(protect(rtp({ sequence })), to, loopback);
          await new Promise((resolve) => setTimeout(resolve, interval));
          if (sequence % 10 !== 0) continue;
          const asked = performance.now();
          await live[0]?.session.report();
          waits.push(performance.now() - asked);
        }
        const middle = waits.toSorted((x, y) => x - y)[waits.length >> 1] ?? Number.NaN;
        check(middle < longestWait, `a command waited ${middle} ms for its answer (median)`);
        const { sent, heard: cameBack } = await attack.stop();
        const least = Math.ceil(packets * ends.length * 0.999);
        const total = (): number => heard.reduce((sum, count) => sum + count, 0);
        await until(() => total() >= least, `lost more than 0.1 %: ${heard.join(' ')} of ${packets}`);
        check(sent > (foreignPerSecond / 2) * ((packets * interval) / 1000), `only ${sent} foreign packets were sent`);
        checkEqual(cameBack, 0, 'packets to the attacker');
        // Every port is looked into once a second.
        await new Promise((resolve) => setTimeout(resolve, 1_300));
        const reports = await Promise.all(live.map(({ session }) => session.close()));
        const endpoints = reports.flatMap((report) => report.endpoints);
        const refused = endpoints.reduce((sum, { dropped }) => sum + dropped.foreign + dropped.forged, 0);
        const taken = endpoints.reduce((sum, { received }) => sum + received.packets, 0);
        check(taken <= packets * ends.length, `took ${taken} packets for the calls' own`);
        check(refused > sent * 0.98 && refused <= sent, `${refused} of ${sent} foreign packets were counted`);
        for (const { phoneSocket, pbxSocket } of live) for (const one of [phoneSocket, pbxSocket]) one.close();
      }),
  };
}

function rebinding(driver: 'io_uring' | 'epoll'): NativeCase {
  return {
    name: `${driver}: a phone whose NAT rebinds in the middle of a call is found again while strangers keep sending`,
    run: () =>
      withPlane({ driver }, async (plane) => {
        const { session, a, b, phone, phoneSocket, pbxSocket } = await call(plane);
        const moved = (await call(plane)).phoneSocket;
        const hears = { old: 0, moved: 0 };
        phoneSocket.on('message', () => {
          hears.old += 1;
        });
        moved.on('message', () => {
          hears.moved += 1;
        });
        let sequence = 0;
        const talk = async (from: typeof moved, isDone: () => boolean): Promise<void> => {
          for (const end = performance.now() + 5_000; !isDone(); ) {
            check(performance.now() < end, `the phone is not heard: ${JSON.stringify(hears)}`);
            sequence += 1;
            from.send(phone.protectRtp(rtp({ sequence })), a.rtpPort, loopback);
            pbxSocket.send(rtp({ sequence }), b.rtpPort, loopback);
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
        };
        await talk(phoneSocket, () => hears.old >= 20);
        const attack = await spray([a.rtpPort], rtp({ sequence: 7, ssrc: 0xbad0bad0 }), 2_000);
        await talk(moved, () => hears.moved >= 20);
        const atOld = hears.old;
        await talk(moved, () => hears.moved >= 60);
        checkEqual(hears.old, atOld, 'packets to the old address');
        checkEqual((await attack.stop()).heard, 0, 'packets to the attacker');
        const [fromA] = (await session.close()).endpoints;
        checkEqual(fromA?.latched, { address: loopback, port: moved.address().port }, 'latched');
      }),
  };
}

export const cases: readonly NativeCase[] = [
  sprayed('io_uring'),
  sprayed('epoll'),
  rebinding('io_uring'),
  rebinding('epoll'),
];
