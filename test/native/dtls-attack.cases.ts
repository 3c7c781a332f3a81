// A DTLS-SRTP call under attack, with real sockets: strangers flood it with ClientHellos and finish handshakes with certificates that
// nobody announced, the way to the phone splits, drops and reorders its handshake, and all that it sends is replayed and forged.
// Nothing but what a handshake needs goes to a stranger, nothing of theirs crosses, and the call loses nothing.
import type { Socket } from 'node:dgram';
import { createDtlsIdentity } from '../../src/media/dtls/identity.ts';
import type { MediaPlane } from '../../src/media/plane/media-plane.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { Peer } from '../support/relay-bench.ts';
import { rtp } from '../support/rtp-packets.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { dtlsEnd, dtlsRemote, Flood, handshake } from './support/dtls-phone.ts';
import { bound, call, loopback, sent, settled, until, withPlane } from './support/plane.ts';

const packets = 200;
const impostors = 3;
/** Retransmissions of OpenSSL begin after a second. */
const handshakeLimit = 15_000;

export const cases: readonly NativeCase[] = (['io_uring', 'epoll'] as const).map((driver) => ({
  name: `${driver}: a DTLS call keys over a bad line and loses nothing, while strangers flood, pretend, replay and forge`,
  run: () => withPlane({ driver, dtls: createDtlsIdentity(Date.now(), new SeededRandom(3)) }, attacked),
}));

async function attacked(plane: MediaPlane): Promise<void> {
  const { session, a, b, phoneSocket, pbxSocket } = await call(plane);
  const path = await BadPath.open(phoneSocket, a.rtpPort);
  const end = dtlsEnd(plane, 'client');
  const signalled = new Peer(loopback, path.outer.address().port);
  session.setRemote(a.endpoint, dtlsRemote(signalled, 'server', end.announced));
  await settled(session);
  const pretenders = await Promise.all(Array.from({ length: impostors }, () => Stranger.open()));
  for (const { socket } of pretenders) await handshake(dtlsEnd(plane, 'client'), socket, a.rtpPort, 'failed');
  const flood = await Flood.start(a.rtpPort);
  const connected = handshake(end, phoneSocket, path.inner.address().port, 'complete', handshakeLimit);
  await connected;
  check(path.dropped > 0 && path.reordered > 0, `the line was good: ${path.dropped} lost, ${path.reordered} reordered`);

  const keys = end.keys('client');
  const keyed = new Peer(loopback, phoneSocket.address().port, keys.send.suite, () => keys);
  const atPbx: Uint8Array[] = [];
  const atPhone: number[] = [];
  pbxSocket.on('message', (datagram: Uint8Array) => atPbx.push(Uint8Array.from(datagram)));
  phoneSocket.on('message', (datagram: Uint8Array) => {
    if ((datagram[0] ?? 0) >> 6 === 2) atPhone.push(keyed.receiveRtp(sent(datagram)).length);
  });
  const [replayer] = pretenders;
  for (let sequence = 1; sequence <= packets; sequence += 1) {
    const plain = rtp({ sequence });
    const packet = keyed.protectRtp(plain);
    phoneSocket.send(packet, path.inner.address().port, loopback);
    pbxSocket.send(rtp({ sequence, ssrc: 0x22222222 }), b.rtpPort, loopback);
    await new Promise((resolve) => setTimeout(resolve, 5));
    // A number that was not received yet: else it is a replay before it is a forgery.
    const forged = Uint8Array.from(packet);
    new DataView(forged.buffer).setUint16(2, sequence + 2 * packets);
    // From where the phone is, too: who is near it can write its address.
    for (const datagram of [packet, forged]) {
      path.outer.send(datagram, a.rtpPort, loopback);
      replayer?.socket.send(datagram, a.rtpPort, loopback);
    }
  }
  await until(
    () => atPbx.length >= packets && atPhone.length >= packets,
    `${atPbx.length} and ${atPhone.length} heard`,
  );
  await new Promise((resolve) => setTimeout(resolve, 1_300)); // the ports of strangers are looked into once a second
  const shouted = await flood.stop();
  const [fromA] = (await session.close()).endpoints;
  checkEqual([atPbx.length, atPhone.length, fromA?.received.packets], [packets, packets, packets], 'packets');
  for (const [index, heard] of atPbx.entries()) checkEqual([...heard], [...rtp({ sequence: index + 1 })], 'at the PBX');
  const { replayed = 0, forged = 0, foreign = 0 } = fromA?.dropped ?? {};
  check(replayed >= packets * 0.9 && forged >= packets * 0.9, `${replayed} replayed, ${forged} forged were counted`);
  check(foreign > 0, 'no stranger was counted');
  checkEqual(shouted.otherThanCookies, 0, 'datagrams to those who flood, but cookies');
  checkEqual(
    pretenders.map(({ media }) => media),
    Array(impostors).fill(0),
    'media to those who pretend',
  );
  path.close();
  for (const socket of [phoneSocket, pbxSocket, ...pretenders.map((one) => one.socket)]) socket.close();
}

/** Hears whether media ever comes to it. */
class Stranger {
  readonly socket: Socket;
  #media = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (datagram: Uint8Array) => {
      if ((datagram[0] ?? 0) >> 6 === 2) this.#media += 1;
    });
  }

  static async open(): Promise<Stranger> {
    return new Stranger(await bound());
  }

  get media(): number {
    return this.#media;
  }
}

/**
 * Between a phone and us. Each record of a handshake is a datagram of its own here, those that came together leave in the opposite
 * order, and some are lost, at first. Media passes as it is.
 */
class BadPath {
  readonly inner: Socket;
  readonly outer: Socket;
  #records = 0;
  #dropped = 0;
  #reordered = 0;

  private constructor(inner: Socket, outer: Socket, phone: number, port: number) {
    this.inner = inner;
    this.outer = outer;
    inner.on('message', (datagram: Uint8Array) => this.#pass(datagram, outer, port));
    outer.on('message', (datagram: Uint8Array) => this.#pass(datagram, inner, phone));
  }

  static async open(phone: Socket, port: number): Promise<BadPath> {
    return new BadPath(await bound(), await bound(), phone.address().port, port);
  }

  get dropped(): number {
    return this.#dropped;
  }

  get reordered(): number {
    return this.#reordered;
  }

  close(): void {
    this.inner.close();
    this.outer.close();
  }

  #pass(datagram: Uint8Array, by: Socket, to: number): void {
    const isHandshake = (datagram[0] ?? 0) >= 20 && (datagram[0] ?? 0) < 64;
    const records = isHandshake ? recordsOf(datagram) : [datagram];
    if (records.length > 1) this.#reordered += 1;
    for (const record of records.toReversed()) {
      if (isHandshake) this.#records += 1;
      if (isHandshake && this.#records % everyLost === 0 && this.#dropped < mostLost) this.#dropped += 1;
      else by.send(record, to, loopback);
    }
  }
}

const everyLost = 4;
const mostLost = 3;
const recordHeaderBytes = 13;

function recordsOf(datagram: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at + recordHeaderBytes <= datagram.length; ) {
    const end = at + recordHeaderBytes + (datagram[at + 11] ?? 0) * 256 + (datagram[at + 12] ?? 0);
    records.push(datagram.slice(at, end));
    at = end;
  }
  return records;
}
