// State that outlives a process: what a running call, its slots and a registration leave behind is enough to go on from.
import { describe, expect, test } from 'vitest';
import type { ActiveCallSnapshot } from '../../src/b2bua/active-call-snapshot.ts';
import { Call } from '../../src/b2bua/call/call.ts';
import type { CallRecord } from '../../src/b2bua/call/call-record.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { SessionHandlers } from '../../src/sip/user-agent/session.ts';
import { UserAgent } from '../../src/sip/user-agent/user-agent.ts';
import { MemoryReservationStore } from '../../src/store/memory/reservation-store.ts';
import { FakeClock, FakeScheduler, SeededRandom } from '../support/fake-time.ts';
import { FakeTransport } from '../support/fake-transport.ts';
import { Scenario } from '../support/scenario.ts';
import { connect, connectFromPbx, hangUp } from '../support/scenario-calls.ts';

/** As another process reads it. */
function onlySnapshot(s: Scenario): ActiveCallSnapshot {
  const [snapshot, ...others] = s.b2bua.snapshots();
  if (snapshot === undefined || others.length > 0) throw new Error('expected one running call');
  return structuredClone(snapshot);
}

describe('the snapshot of a running call', () => {
  test('restores to a call with the same snapshot', async () => {
    const s = new Scenario();
    const connected = await connect(s);
    await s.advance(7_000);
    const { call } = onlySnapshot(s);
    const at = { now: 123_456, wall: s.scheduler.clock.wall() };
    const restored = Call.restore(call, new SeededRandom(9), at);
    expect(restored.state).toBe('connected');
    expect(restored.snapshot(at)).toEqual(call);
    await hangUp(connected);
    await s.finish();
  });

  test('carries the duration and its limit over to another clock, and ends both legs with one record', async () => {
    const s = new Scenario();
    const connected = await connect(s);
    await s.advance(7_000);
    const { call, durationLeft, signalling } = onlySnapshot(s);
    expect(durationLeft).toBe(2 * 3_600_000 - 7_000);
    expect(signalling.sessions.map(({ leg }) => leg)).toEqual(['b1', 'a']);
    const later = Call.restore(call, new SeededRandom(9), { now: 50, wall: call.history.startedAt + 7_000 });
    const ending = later.handle(
      { type: 'timer', timer: 'duration' },
      { now: 1_050, wall: call.history.startedAt + 8_000 },
    );
    expect(ending.filter(({ type }) => type === 'bye')).toMatchObject([{ leg: 'a' }, { leg: 'b1' }]);
    expect(ending.map(({ type }) => type)).toEqual(expect.arrayContaining(['release', 'close-media']));
    const ended = later.handle({ type: 'media-closed', report: { endpoints: [] } }, { now: 1_060, wall: 0 });
    const record: CallRecord | undefined = ended[0]?.type === 'ended' ? ended[0].record : undefined;
    expect(record).toMatchObject({ callId: call.id, cause: 'duration-limit', duration: 8_000 });
    await hangUp(connected);
    await s.finish();
  });

  test('is not made of a call that still rings', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600');
    expect(s.b2bua.snapshots()).toEqual([]);
    await call.cancel();
    await s.advance(100);
    s.pbx.takeAll();
    await s.finish();
  });

  test('of an unknown version is refused', async () => {
    const s = new Scenario();
    const connected = await connect(s);
    const { call } = onlySnapshot(s);
    const newer = Object.assign(structuredClone(call), { v: 2 });
    expect(() => Call.restore(newer, new SeededRandom(), { now: 0, wall: 0 })).toThrow(/version/);
    await hangUp(connected);
    await s.finish();
  });
});

describe('the snapshot of a session', () => {
  test('lets another process end the dialog with the next sequence number and the same tags (RFC 3261 §12.2.1)', async () => {
    const s = new Scenario();
    const connected = await connect(s);
    const { signalling } = onlySnapshot(s);
    const session = signalling.sessions.find(({ leg }) => leg === 'b1')?.session;
    if (session === undefined) throw new Error('the callee has no session');
    const transport = new FakeTransport();
    const successor = new UserAgent({
      transport,
      scheduler: new FakeScheduler(),
      random: new SeededRandom(5),
      logger: silentLogger,
      events: { onInvite: () => {}, onRequest: () => {} },
    });
    const ended: string[] = [];
    const handlers: SessionHandlers = {
      onReinvite: () => {},
      onAck: () => {},
      onEnded: (cause) => ended.push(cause),
    };
    const restored = successor.restore(session, handlers);
    expect(restored.snapshot()).toEqual(session);
    restored.bye();
    const bye = transport.takeRequest();
    const { callId, localTag, remoteTag, localSequence } = session.dialog;
    expect(bye.method).toBe('BYE');
    expect(bye.headers.get('Call-ID')).toBe(callId);
    expect(bye.headers.get('CSeq')).toBe(`${localSequence + 1} BYE`);
    expect(bye.headers.get('From')).toContain(`tag=${localTag}`);
    expect(bye.headers.get('To')).toContain(`tag=${remoteTag}`);
    successor.shutdown();
    expect(ended).toEqual(['local']);
    await hangUp(connected);
    await s.finish();
  });
});

describe('slots and bindings', () => {
  test('are held again by the same owners, and given back once', async () => {
    const claim = (key: string) => ({
      kind: 'slot' as const,
      key,
      cap: 1,
      refusal: { code: 'user-cap' as const, status: 486, text: 'full', detail: 'full' },
    });
    const before = new MemoryReservationStore(new FakeClock());
    await before.reserve('call-1', [claim('user:alice@pbx.test'), claim('total')]);
    const after = new MemoryReservationStore(new FakeClock());
    after.restore(structuredClone(before.snapshot()));
    expect(after.held()).toBe(2);
    expect(await after.reserve('call-2', [claim('user:alice@pbx.test')])).toMatchObject({ kind: 'full' });
    await after.release('call-1');
    await after.release('call-1');
    expect(after.held()).toBe(0);
    expect(after.snapshot()).toEqual({ v: 1, owners: [] });
  });

  test('a binding is a plain record that says everything but its connection', async () => {
    const s = new Scenario();
    const bob = await s.registered('bob');
    const [listed] = await s.registrar.list();
    const record = structuredClone(listed?.record);
    expect(record).toEqual(listed?.record);
    expect(record).toMatchObject({ v: 3, aor: 'bob@pbx.test', listener: 'phones' });
    await hangUp(await connectFromPbx(s, bob));
    await s.finish();
  });
});
