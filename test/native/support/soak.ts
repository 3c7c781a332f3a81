// Media sessions by the thousand, and calls that live a random life, with real workers: nothing may be left and nothing may grow.
import type { Socket } from 'node:dgram';
import type { Random } from '../../../src/core/random.ts';
import type { MediaPlane } from '../../../src/media/plane/media-plane.ts';
import type { EndpointReport } from '../../../src/media/plane/messages.ts';
import { profileOf } from '../../../src/media/srtp/profile.ts';
import { Peer } from '../../support/relay-bench.ts';
import { rtp } from '../../support/rtp-packets.ts';
import { check, checkEqual } from '../case.ts';
import { call, type LiveCall, loopback, noneLeft, openSockets, settled, twoEndpoints, until } from './plane.ts';

const atOnce = 100;
/** What Node may keep after the warm-up: heaps that have not been collected, not sessions. */
const growthAllowed = 64 * 1024 * 1024;
const suite = 'AES_CM_128_HMAC_SHA1_80';

export type Tell = (line: string) => void;

/** Opens and closes `count` sessions with three sockets each. Needs a plane without quarantine. */
export async function soakSessions(plane: MediaPlane, count: number, tell: Tell): Promise<void> {
  const memory = new MemoryWatch();
  const sockets = openSockets();
  const warmUp = Math.ceil(count / 5 / atOnce) * atOnce;
  for (let opened = 0; opened < count; opened += atOnce) {
    const sessions = await Promise.all(Array.from({ length: atOnce }, () => twoEndpoints(plane)));
    check(plane.portsInUse === 3 * atOnce, `${plane.portsInUse} ports in use for ${atOnce} sessions`);
    await Promise.all(sessions.map((session) => session.close()));
    checkEqual([plane.portsInUse, plane.activeSessions], [0, 0], 'ports and sessions after closing');
    if (opened + atOnce === warmUp) memory.start();
    if ((opened + atOnce) % (40 * atOnce) === 0) tell(`${opened + atOnce} sessions, ${memory.said()}`);
  }
  await noneLeft(plane, sockets, `${openSockets() - sockets} sockets are left`);
  memory.finish();
  tell(`${count} sessions opened and closed, ${memory.said()}`);
}

export interface SoakCalls {
  readonly calls: number;
  readonly seconds: number;
  readonly random: Random;
}

interface Life {
  readonly call: LiveCall;
  phone: Peer;
  sequence: number;
  isHeld: boolean;
  fromPhone: number;
  fromPbx: number;
  atPhone: number;
  atPbx: number;
}

/** Calls are set up, held, rekeyed and torn down at random while audio crosses; each report must say what the phones saw. */
export async function soakCalls(plane: MediaPlane, { calls, seconds, random }: SoakCalls, tell: Tell): Promise<void> {
  const sockets = openSockets();
  const memory = new MemoryWatch();
  const lives: Life[] = [];
  const totals = { calls: 0, holds: 0, rekeys: 0, received: 0, sent: 0 };
  const account = (reports: readonly EndpointReport[]): void => {
    for (const { received, sent } of reports) {
      totals.received += received.packets;
      totals.sent += sent.packets;
    }
  };
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1_000;
  let told = 0;
  while (elapsed() < seconds) {
    const place = random.below(calls);
    const life = lives[place];
    if (life === undefined) {
      lives.push(await begin(plane));
      totals.calls += 1;
    } else {
      const step = random.below(20);
      if (step === 0) account(await end(lives.splice(place, 1)));
      else if (step === 1) totals.rekeys += await rekey(life, random);
      else if (step === 2) totals.holds += await hold(life);
      else talk(life);
    }
    if (random.below(8) === 0) await new Promise((resolve) => setImmediate(resolve));
    if (elapsed() > seconds / 3) memory.start();
    if (elapsed() - told > 30) {
      told = elapsed();
      tell(`${Math.round(told)} s, ${lives.length} calls at a time, ${JSON.stringify(totals)}, ${memory.said()}`);
    }
  }
  const most = lives.length;
  account(await end(lives));
  checkEqual([plane.portsInUse, plane.activeSessions], [0, 0], 'ports and sessions at the end');
  await noneLeft(plane, sockets, `${openSockets() - sockets} sockets are left`);
  await until(
    () => plane.stats().received.packets === totals.received && plane.stats().sent.packets === totals.sent,
    `the totals ${JSON.stringify(plane.stats())} are not those of the reports ${JSON.stringify(totals)}`,
  );
  checkEqual(plane.stats().faults, 0, 'faults');
  memory.finish();
  tell(`${seconds} s, ${most} calls at the end, ${JSON.stringify(totals)}, ${memory.said()}`);
}

async function begin(plane: MediaPlane): Promise<Life> {
  const made = await call(plane);
  const life = { call: made, phone: made.phone, sequence: 1, isHeld: false, ...noPackets };
  made.phoneSocket.on('message', () => {
    life.atPhone += 1;
  });
  made.pbxSocket.on('message', () => {
    life.atPbx += 1;
  });
  return life;
}

/** One packet each way. */
function talk(life: Life): void {
  const { phoneSocket, pbxSocket, a, b } = life.call;
  const packet = rtp({ sequence: life.sequence });
  life.sequence += 1;
  life.fromPhone += 1;
  life.fromPbx += 1;
  phoneSocket.send(life.phone.protectRtp(packet), a.rtpPort, loopback);
  pbxSocket.send(packet, b.rtpPort, loopback);
}

async function hold(life: Life): Promise<number> {
  life.isHeld = !life.isHeld;
  const flow = { sending: !life.isHeld, receiving: !life.isHeld };
  life.call.session.pauseTimeout(life.isHeld);
  life.call.session.setRemote(life.call.a.endpoint, life.phone.remote(flow));
  await settled(life.call.session);
  return 1;
}

async function rekey(life: Life, random: Random): Promise<number> {
  const { keyBytes, saltBytes } = profileOf(suite);
  const material = [keyBytes, saltBytes, keyBytes, saltBytes].map((length) => random.bytes(length));
  const copy = (index: number): Uint8Array => Uint8Array.from(material[index] ?? []);
  const keys = () => ({
    send: { suite, masterKey: copy(0), masterSalt: copy(1) } as const,
    receive: { suite, masterKey: copy(2), masterSalt: copy(3) } as const,
  });
  life.phone = new Peer(loopback, life.call.phoneSocket.address().port, suite, keys);
  life.isHeld = false;
  life.call.session.pauseTimeout(false);
  life.call.session.setRemote(life.call.a.endpoint, life.phone.remote());
  await settled(life.call.session);
  return 1;
}

/** Waits for what is on its way, closes the calls, and compares their reports with what the phones saw. */
async function end(lives: readonly Life[]): Promise<readonly EndpointReport[]> {
  await new Promise((resolve) => setTimeout(resolve, 60));
  const reports: EndpointReport[] = [];
  for (const life of lives) {
    const { session, phoneSocket, pbxSocket } = life.call;
    const { endpoints } = await session.close();
    const [ofPhone, ofPbx] = endpoints;
    checkEqual([ofPhone?.sent.packets, ofPbx?.sent.packets], [life.atPhone, life.atPbx], 'sent and arrived');
    // What was received from one side and could not leave on the other is counted twice there.
    const taken = [seen(ofPhone), seen(ofPbx)];
    checkEqual(taken, [life.fromPhone, life.fromPbx], 'received or refused, and sent to us');
    reports.push(...endpoints);
    await Promise.all([closed(phoneSocket), closed(pbxSocket)]);
  }
  return reports;
}

/** Packets that were received, or refused before that. */
function seen(report: EndpointReport | undefined): number {
  if (report === undefined) return 0;
  const { forged, replayed, foreign, malformed } = report.dropped;
  return report.received.packets + forged + replayed + foreign + malformed;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(resolve);
  });
}

class MemoryWatch {
  #base: number | undefined;

  /** The warm-up is over; later calls change nothing. */
  start(): void {
    this.#base ??= resident();
  }

  said(): string {
    return `resident ${megabytes(resident())} MB${this.#base === undefined ? '' : `, ${megabytes(this.#base)} MB after warm-up`}`;
  }

  finish(): void {
    const growth = resident() - (this.#base ?? resident());
    check(growth < growthAllowed, `memory grew by ${megabytes(growth)} MB after the warm-up`);
  }
}

const noPackets = { fromPhone: 0, fromPbx: 0, atPhone: 0, atPbx: 0 };

function resident(): number {
  return process.memoryUsage.rss();
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
