// Plain RTP, SDES and DTLS on the two legs of a call, in every combination, through real workers: RTP and RTCP both ways. And what
// signalling changes in the midst of a call with DTLS: hold, another association, another certificate (RFC 8842 §4).
import type { Socket } from 'node:dgram';
import type { DtlsRole } from '../../src/media/dtls/dtls-connection.ts';
import { createDtlsIdentity } from '../../src/media/dtls/identity.ts';
import type { MediaPlane, MediaSession } from '../../src/media/plane/media-plane.ts';
import type { OpenedEndpoint } from '../../src/media/plane/messages.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { Peer } from '../support/relay-bench.ts';
import { rtp, senderReport } from '../support/rtp-packets.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { dtlsGround } from './support/dtls-pair.ts';
import { dtlsEnd, dtlsRemote, handshake, type LiveEnd } from './support/dtls-phone.ts';
import { bound, call, loopback, sent, settled, withPlane } from './support/plane.ts';

const kinds = ['plain', 'sdes', 'dtls as server', 'dtls as client'] as const;

type Kind = (typeof kinds)[number];

const suite = 'AEAD_AES_128_GCM';
/** Long enough that what is let through would have come. */
const silence = 300;

export const cases: readonly NativeCase[] = [
  ...kinds.map((kind) => ({
    name: `${kind} on one leg: RTP and RTCP cross both ways whatever the other leg has`,
    run: () =>
      withDtls(async (plane) => {
        for (const other of kinds) await pair(plane, kind, other, 'one port');
      }),
  })),
  ...kinds.map((kind) => ({
    name: `${kind} on one leg, RTCP on a port of its own on both: both cross both ways (RFC 3550 §11, RFC 5764 §3)`,
    run: () =>
      withDtls(async (plane) => {
        for (const other of kinds) await pair(plane, kind, other, 'two ports');
      }),
  })),
  {
    name: 'hold and resume keep the association of a call: no datagram of DTLS, the same keys, the indices go on',
    run: () => withDtls(holdAndResume),
  },
  {
    name: 'another association of the same certificate: its keys take over, those of before serve until then (RFC 8842 §4)',
    run: () => withDtls((plane) => keyedAgain(plane, 'the same certificate')),
  },
  {
    name: 'another certificate in a re-INVITE: the keys of before are gone at once, and its handshake gives others (RFC 8842 §4)',
    run: () => withDtls((plane) => keyedAgain(plane, 'another certificate')),
  },
];

function withDtls(use: (plane: MediaPlane) => Promise<void>): Promise<void> {
  return withPlane({ dtls: createDtlsIdentity(Date.now(), new SeededRandom(3)) }, use);
}

/** One side of a call: its socket, our port on its leg, and its SRTP. */
interface Leg extends Path {
  readonly ssrc: number;
  /** Where RTCP has a port, and with DTLS an association, of its own. */
  readonly rtcp?: Path;
}

interface Path {
  readonly socket: Socket;
  readonly port: number;
  readonly peer: Peer;
}

type Ports = 'one port' | 'two ports';

async function pair(plane: MediaPlane, kindA: Kind, kindB: Kind, ports: Ports): Promise<void> {
  const opened = plane.openSession('call', () => {});
  if (!opened.ok) throw new Error(opened.error.detail);
  const session = opened.value;
  const spec = { address: loopback, rtcpMux: ports === 'one port' };
  const endpoints = await session.openEndpoints([spec, spec]);
  if (!endpoints.ok) throw new Error(endpoints.error.detail);
  const [a, b] = endpoints.value;
  if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
  session.join(a.endpoint, b.endpoint);
  await settled(session);
  const legs = [
    await leg(plane, session, a, kindA, 0x11111111),
    await leg(plane, session, b, kindB, 0x22222222),
  ] as const;
  for (let sequence = 1; sequence <= 10; sequence += 1) {
    await crosses(legs[0], legs[1], sequence, `${kindA} to ${kindB}`);
    await crosses(legs[1], legs[0], sequence, `${kindB} to ${kindA}`);
  }
  const reports = (await session.close()).endpoints;
  for (const { received, sent: left, receivedRtcp, sentRtcp } of reports) {
    checkEqual(
      [received, left, receivedRtcp, sentRtcp].map(({ packets }) => packets),
      [10, 10, 10, 10],
      'packets',
    );
  }
  for (const { socket, rtcp } of legs) for (const one of [socket, rtcp?.socket]) one?.close();
}

async function leg(
  plane: MediaPlane,
  session: MediaSession,
  { endpoint, rtpPort, rtcpPort }: OpenedEndpoint,
  kind: Kind,
  ssrc: number,
): Promise<Leg> {
  const socket = await bound();
  const { port } = socket.address();
  const common = { socket, port: rtpPort, ssrc };
  const control = rtcpPort === undefined ? undefined : { socket: await bound(), port: rtcpPort };
  const rtcp = control === undefined ? undefined : { address: loopback, port: control.socket.address().port };
  if (kind === 'plain' || kind === 'sdes') {
    const peer = new Peer(loopback, port, kind === 'plain' ? undefined : suite);
    session.setRemote(endpoint, peer.remote({ rtcp }));
    await settled(session);
    return { ...common, peer, ...(control === undefined ? {} : { rtcp: { ...control, peer } }) };
  }
  const role = kind === 'dtls as server' ? 'server' : 'client';
  const ground = dtlsGround();
  const end = dtlsEnd(plane, otherRole(role), ground);
  const connected = handshake(end, socket, rtpPort, 'complete');
  // The phone has one certificate, and with it an association on each port (RFC 5764 §3).
  const second = control === undefined ? undefined : dtlsEnd(plane, otherRole(role), ground);
  const also =
    control === undefined || second === undefined
      ? undefined
      : handshake(second, control.socket, control.port, 'complete');
  session.setRemote(endpoint, dtlsRemote(new Peer(loopback, port), role, end.announced, { rtcp }));
  await settled(session);
  await Promise.all([connected, also]);
  const keyed = (by: LiveEnd): Peer => {
    const keys = by.keys(otherRole(role));
    return new Peer(loopback, port, keys.send.suite, () => keys);
  };
  const peer = keyed(end);
  if (control === undefined || second === undefined) return { ...common, peer };
  return { ...common, peer, rtcp: { ...control, peer: keyed(second) } };
}

async function holdAndResume(plane: MediaPlane): Promise<void> {
  const { session, a, b, phone, phoneSocket, pbx, pbxSocket } = await call(plane);
  const end = dtlsEnd(plane, 'client');
  const remote = (sending: boolean) => dtlsRemote(phone, 'server', end.announced, { sending });
  const connected = handshake(end, phoneSocket, a.rtpPort, 'complete');
  session.setRemote(a.endpoint, remote(true));
  await settled(session);
  await connected;
  const keys = end.keys('client');
  const keyed = new Peer(loopback, phoneSocket.address().port, keys.send.suite, () => keys);
  const legs = [
    { socket: phoneSocket, port: a.rtpPort, peer: keyed, ssrc: 0x11111111 },
    { socket: pbxSocket, port: b.rtpPort, peer: pbx, ssrc: 0x22222222 },
  ] as const;
  await crosses(legs[0], legs[1], 1, 'before');
  await crosses(legs[1], legs[0], 1, 'before');
  let handshakes = 0;
  phoneSocket.on('message', (datagram: Uint8Array) => {
    if (!isMedia(datagram)) handshakes += 1;
  });
  session.setRemote(a.endpoint, remote(false));
  await settled(session);
  check(!(await arrives(legs[1], legs[0], 2)), 'a packet reached a phone on hold');
  session.setRemote(a.endpoint, remote(true));
  await settled(session);
  await crosses(legs[0], legs[1], 2, 'after');
  await crosses(legs[1], legs[0], 3, 'after');
  checkEqual(handshakes, 0, 'datagrams of DTLS');
  await session.close();
  for (const { socket } of legs) socket.close();
}

async function keyedAgain(plane: MediaPlane, shown: 'the same certificate' | 'another certificate'): Promise<void> {
  const { session, a, b, phone, phoneSocket, pbx, pbxSocket } = await call(plane);
  const ground = dtlsGround();
  const toPbx: Leg = { socket: pbxSocket, port: b.rtpPort, peer: pbx, ssrc: 0x22222222 };
  const first = dtlsEnd(plane, 'client', ground);
  const begun = handshake(first, phoneSocket, a.rtpPort, 'complete');
  session.setRemote(a.endpoint, dtlsRemote(phone, 'server', first.announced));
  await settled(session);
  await begun;
  const legOf = (keys: ReturnType<typeof first.keys>): Leg => {
    const peer = new Peer(loopback, phoneSocket.address().port, keys.send.suite, () => keys);
    return { socket: phoneSocket, port: a.rtpPort, peer, ssrc: 0x11111111 };
  };
  const before = legOf(first.keys('client'));
  await crosses(before, toPbx, 1, 'first association');
  await crosses(toPbx, before, 1, 'first association');

  const second = dtlsEnd(plane, 'client', shown === 'the same certificate' ? ground : dtlsGround());
  session.setRemote(a.endpoint, dtlsRemote(phone, 'server', second.announced, {}, 'two'));
  await settled(session);
  checkEqual(await arrives(before, toPbx, 2), shown === 'the same certificate', 'whether the keys of before serve');
  await handshake(second, phoneSocket, a.rtpPort, 'complete');
  const after = legOf(second.keys('client'));
  await crosses(after, toPbx, 3, 'second association');
  await crosses(toPbx, after, 2, 'second association');
  check(!(await arrives(before, toPbx, 4)), 'the keys of before still serve');
  await crosses(after, toPbx, 5, 'second association');
  await session.close();
  for (const socket of [phoneSocket, pbxSocket]) socket.close();
}

/** One packet of RTP and one of RTCP, as they were sent. */
async function crosses(from: Leg, to: Leg, sequence: number, what: string): Promise<void> {
  const packet = rtp({ sequence, ssrc: from.ssrc });
  const heard = next(to.socket);
  from.socket.send(from.peer.protectRtp(packet), from.port, loopback);
  checkEqual([...to.peer.receiveRtp(sent(await heard))], [...packet], `${what}: RTP ${sequence}`);
  const report = senderReport(from.ssrc, to.ssrc);
  const [out, into] = [from.rtcp ?? from, to.rtcp ?? to];
  const reported = next(into.socket);
  out.socket.send(out.peer.protectRtcp(report), out.port, loopback);
  checkEqual([...into.peer.receiveRtcp(sent(await reported))], [...report], `${what}: RTCP ${sequence}`);
}

async function arrives(from: Leg, to: Leg, sequence: number): Promise<boolean> {
  let isHeard = false;
  const listen = (datagram: Uint8Array): void => {
    isHeard ||= isMedia(datagram);
  };
  to.socket.on('message', listen);
  from.socket.send(from.peer.protectRtp(rtp({ sequence, ssrc: from.ssrc })), from.port, loopback);
  await new Promise((resolve) => setTimeout(resolve, silence));
  to.socket.off('message', listen);
  return isHeard;
}

/** The next datagram of media; a flight that is repeated may come in between. */
function next(socket: Socket): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const listen = (datagram: Uint8Array): void => {
      if (!isMedia(datagram)) return;
      end();
      resolve(Uint8Array.from(datagram));
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error('nothing arrived'));
    }, 5_000);
    const end = (): void => {
      clearTimeout(timer);
      socket.off('message', listen);
    };
    socket.on('message', listen);
  });
}

function isMedia(datagram: Uint8Array): boolean {
  return (datagram[0] ?? 0) >> 6 === 2;
}

function otherRole(role: DtlsRole): DtlsRole {
  return role === 'server' ? 'client' : 'server';
}
