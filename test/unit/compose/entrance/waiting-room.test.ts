// What begins something waits for its turn where much comes at once (RFC 3261 §21.5.4, RFC 5390).
import { expect, test } from 'vitest';
import {
  begunPerTurn,
  type WaitingLimits,
  WaitingRoom,
  waitingPerConnection,
} from '../../../../src/compose/entrance/waiting-room.ts';
import type { Logger } from '../../../../src/core/logger.ts';
import type { Load } from '../../../../src/policy/overload.ts';
import type { SipRequest } from '../../../../src/sip/message/message.ts';
import type { Flow } from '../../../../src/sip/transport/transport.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import { fakeFlow } from '../../../support/fake-transport.ts';
import { request } from '../../../support/sip-messages.ts';

class Room {
  readonly scheduler = new FakeScheduler();
  readonly begun: string[] = [];
  readonly turnedAway: string[] = [];
  readonly copies: string[] = [];
  readonly logged: string[] = [];
  readonly told: string[] = [];
  readonly dead = new Set<string>();
  bound: keyof Load | undefined;
  limits: WaitingLimits = { places: 1_000, patience: 20_000 };
  readonly room: WaitingRoom;
  #turns: (() => void)[] = [];

  constructor(begin: (name: string) => void = () => {}) {
    const log = (event: string): void => void this.logged.push(event);
    const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
    const to =
      (list: string[]) =>
      ({ uri }: SipRequest): void =>
        void list.push(uri.slice('sip:'.length));
    this.room = new WaitingRoom({
      limits: () => this.limits,
      overload: { boundOf: () => this.bound, tell: (bound) => void this.told.push(bound) },
      scheduler: this.scheduler,
      nextTurn: (run) => void this.#turns.push(run),
      isAlive: (flow) => !this.dead.has(flow.id),
      begin: (message) => {
        to(this.begun)(message);
        begin(message.uri);
      },
      turnAway: to(this.turnedAway),
      drop: to(this.copies),
      logger,
    });
  }

  /** Somebody of that name comes. */
  come(name: string, flow: Flow = fakeFlow({ transport: 'tls', id: name })): void {
    const register = request('REGISTER', { uri: `sip:${name}`, branch: `z9hG4bK${name}` });
    if (this.room.isFree()) this.begun.push(name);
    else this.room.wait({ request: register, flow, sizeBytes: 600 });
  }

  /** The loop goes round once. How many were begun. */
  turn(): number {
    const before = this.begun.length;
    for (const run of this.#turns.splice(0)) run();
    return this.begun.length - before;
  }

  get turns(): number {
    return this.#turns.length;
  }
}

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `phone${index}`);
}

test('a few are begun at once, the others a few a turn, in the order that they came in', () => {
  const room = new Room();
  for (const name of names(3 * begunPerTurn)) room.come(name);
  expect(room.begun).toHaveLength(begunPerTurn);
  expect(room.room.waiting).toBe(2 * begunPerTurn);
  expect(room.turn()).toBe(begunPerTurn);
  room.come('late');
  expect(room.turn()).toBe(begunPerTurn);
  expect(room.turn()).toBe(1);
  expect(room.begun).toEqual([...names(3 * begunPerTurn), 'late']);
  expect([room.turn(), room.turns, room.scheduler.pending]).toEqual([0, 0, 0]);
  room.come('alone');
  expect(room.begun.at(-1)).toBe('alone');
});

test('who comes now and then waits for nothing, and has no turn made for it', () => {
  const room = new Room();
  for (const name of names(10 * begunPerTurn)) {
    room.come(name);
    room.scheduler.advance(1);
  }
  expect(room.begun).toHaveLength(10 * begunPerTurn);
  expect([room.turns, room.scheduler.pending]).toEqual([0, 0]);
});

test('one at a time is begun while the loop is late', () => {
  const room = new Room();
  room.bound = 'lag';
  for (const name of names(3)) room.come(name);
  expect(room.begun).toEqual([]);
  expect([room.turn(), room.turn()]).toEqual([1, 1]);
  room.bound = undefined;
  expect([room.turn(), room.turns]).toEqual([1, 0]);
});

test.each(['lookUps', 'transactions'] as const)('nothing is begun while there are too many %s', (bound) => {
  const room = new Room();
  room.bound = bound;
  for (const name of names(3)) room.come(name);
  room.turn();
  expect([room.begun.length, room.turns, room.scheduler.pending]).toEqual([0, 0, 1]);
  room.come('another');
  room.scheduler.advance(20);
  room.turn();
  expect(room.begun).toEqual([]);
  room.bound = undefined;
  room.scheduler.advance(20);
  expect(room.turn()).toBe(4);
  expect(room.scheduler.pending).toBe(0);
});

test('who waited for too long is turned away, and whoever finds no place', () => {
  const room = new Room();
  room.limits = { places: 4, patience: 20_000 };
  room.bound = 'lookUps';
  for (const name of names(6)) room.come(name);
  expect(room.turnedAway).toEqual(['phone2', 'phone3', 'phone4', 'phone5']);
  room.scheduler.advance(20_000);
  room.turn();
  expect(room.room.waiting).toBe(2);
  room.scheduler.advance(20);
  room.turn();
  expect(room.turnedAway.slice(4)).toEqual(['phone0', 'phone1']);
  expect(room.begun).toEqual([]);
  expect(new Set(room.told)).toEqual(new Set(['waiting', 'waiting_time']));
});

test('copies of a datagram that waits are dropped, and one that is begun has none (RFC 3261 §17.2.3)', () => {
  const room = new Room();
  room.bound = 'lookUps';
  const flow = fakeFlow();
  room.come('alice', flow);
  room.come('alice', flow);
  room.come('bob', flow);
  expect([room.room.waiting, room.copies]).toEqual([2, ['alice']]);
  room.bound = undefined;
  room.turn();
  expect(room.begun).toEqual(['alice', 'bob']);
});

test('nothing is begun for whom nobody is there to answer', () => {
  const room = new Room();
  room.bound = 'lookUps';
  const gone = fakeFlow({ transport: 'tls', id: 'gone' });
  const dead = fakeFlow({ transport: 'tls', id: 'dead' });
  for (const flow of [gone, dead, gone]) room.come(`of-${flow.id}`, flow);
  room.room.flowClosed(gone);
  expect(room.room.waiting).toBe(1);
  room.dead.add('dead');
  room.bound = undefined;
  room.turn();
  expect([room.begun, room.turnedAway]).toEqual([[], []]);
});

test('one connection has so many places, and whoever else has its own', () => {
  const room = new Room();
  room.limits = { places: 50_000, patience: 20_000 };
  room.bound = 'lookUps';
  const [crowded, other] = [fakeFlow({ transport: 'tls', id: 'crowded' }), fakeFlow({ transport: 'tls', id: 'other' })];
  for (const name of names(waitingPerConnection + 10)) room.come(name, crowded);
  room.come('one', other);
  expect([room.turnedAway.length, room.room.waiting]).toEqual([10, waitingPerConnection + 1]);
});

test('one request that meets a mistake of ours does not stand in the way of the next', () => {
  const room = new Room((name) => {
    if (name === 'sip:phone0') throw new Error('a mistake');
  });
  room.bound = 'lookUps';
  for (const name of names(2)) room.come(name);
  room.bound = undefined;
  room.turn();
  expect(room.begun).toEqual(['phone0', 'phone1']);
  expect([room.logged, room.room.handlingFailures]).toEqual([['message-handling-failed'], 1]);
});

test('on hold nothing is begun, and what waited goes on afterwards; at the end it is forgotten', () => {
  const room = new Room();
  room.bound = 'lookUps';
  for (const name of names(2)) room.come(name);
  room.turn();
  room.room.hold();
  room.bound = undefined;
  room.scheduler.advance(1_000);
  expect([room.turn(), room.room.waiting, room.scheduler.pending]).toEqual([0, 2, 0]);
  room.room.carryOn();
  expect(room.turn()).toBe(2);
  room.bound = 'lookUps';
  room.come('last');
  room.room.close();
  expect([room.turn(), room.room.waiting, room.scheduler.pending]).toEqual([0, 0, 0]);
});
