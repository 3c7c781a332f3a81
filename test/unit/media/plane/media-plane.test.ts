import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { MediaPlane, MediaSession } from '../../../../src/media/plane/media-plane.ts';
import type { MediaEvent, MediaReport } from '../../../../src/media/plane/messages.ts';
import { mediaPlaneDefaults, openMediaPlane } from '../../../../src/media/plane/open-media-plane.ts';
import type { CommandOutcome, WorkerState } from '../../../../src/media/plane/worker-protocol.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import { type FakeWorkerThread, fakeWorkers, statsOf } from '../../../support/fake-worker-thread.ts';

const report: MediaReport = { endpoints: [] };

/** Lets promises that are due settle. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

class Scene {
  readonly scheduler = new FakeScheduler();
  readonly threads: FakeWorkerThread[];
  readonly events: MediaEvent[] = [];
  plane: MediaPlane;

  private constructor(threads: FakeWorkerThread[], plane: MediaPlane, scheduler: FakeScheduler) {
    this.threads = threads;
    this.plane = plane;
    this.scheduler = scheduler;
  }

  static async open(workers = 2, state?: WorkerState): Promise<Scene> {
    const { threads, start } = fakeWorkers();
    const scheduler = new FakeScheduler();
    const opening = openMediaPlane({
      ports: { first: 20_000, last: 20_099 },
      workers,
      driver: 'auto',
      timeout: 30_000,
      scheduler,
      logger: silentLogger,
      start,
      state,
    });
    for (const thread of threads) thread.ready();
    const opened = await opening;
    if (!opened.ok) throw new Error(opened.error.detail);
    return new Scene(threads, opened.value, scheduler);
  }

  async session(): Promise<MediaSession> {
    const opened = await this.plane.openSession('call', (event) => this.events.push(event));
    if (!opened.ok) throw new Error(opened.error.detail);
    return opened.value;
  }

  thread(index: number): FakeWorkerThread {
    const thread = this.threads[index];
    if (thread === undefined) throw new Error(`no worker ${index}`);
    return thread;
  }

  /** Answers everything that waits at worker `index`. */
  answerAll(index: number, outcome: CommandOutcome = { type: 'done' }): void {
    const waiting = this.thread(index).requests.filter((request) => 'command' in request).length;
    for (let count = 0; count < waiting; count++) this.thread(index).answer(outcome);
  }
}

describe('the media plane', () => {
  test('divides the ports: no two workers have one in common', async () => {
    const scene = await Scene.open(3);
    const ranges = scene.threads.map(({ settings }) => settings.ports);
    expect(ranges.map(({ first }) => first % 2)).toEqual([0, 0, 0]);
    for (const [index, { first, last }] of ranges.entries()) {
      expect(last).toBeGreaterThan(first);
      expect(last).toBeLessThan(ranges[index + 1]?.first ?? 20_100);
    }
  });

  test('places sessions where the fewest are', async () => {
    const scene = await Scene.open(2);
    const [first] = [await scene.session(), await scene.session()];
    expect(scene.plane.workers.map(({ sessions }) => sessions)).toEqual([1, 1]);
    const closing = first?.close();
    scene.answerAll(0, { type: 'done' });
    await closing;
    await scene.session();
    expect(scene.plane.workers.map(({ sessions }) => sessions)).toEqual([1, 1]);
    expect(scene.plane.activeSessions).toBe(2);
  });

  test('counts ports from the answer that opens to the one that closes', async () => {
    const scene = await Scene.open(1);
    const session = await scene.session();
    scene.answerAll(0);
    const opening = session.openEndpoints([
      { address: '192.0.2.1', rtcpMux: true },
      { address: '192.0.2.1', rtcpMux: false },
    ]);
    const endpoints = [
      { endpoint: 1, address: '192.0.2.1', rtpPort: 20_000, rtcpPort: undefined },
      { endpoint: 2, address: '192.0.2.1', rtpPort: 20_002, rtcpPort: 20_003 },
    ];
    scene.answerAll(0, { type: 'opened', endpoints });
    expect(await opening).toEqual({ ok: true, value: endpoints });
    expect(scene.plane.portsInUse).toBe(3);
    const partly = session.closeEndpoints([2]);
    scene.answerAll(0);
    await partly;
    expect(scene.plane.portsInUse).toBe(1);
    const closing = session.close();
    scene.answerAll(0, { type: 'report', report });
    expect(await closing).toBe(report);
    expect(scene.plane.portsInUse).toBe(0);
    expect(scene.plane.activeSessions).toBe(0);
  });

  test('closing twice asks once and gives the same report; afterwards commands are refused', async () => {
    const scene = await Scene.open(1);
    const session = await scene.session();
    scene.answerAll(0);
    const both = [session.close(), session.close()];
    expect(scene.thread(0).requests).toHaveLength(1);
    scene.answerAll(0, { type: 'report', report });
    expect(await Promise.all(both)).toEqual([report, report]);
    expect(await session.join(1, 2)).toMatchObject({ ok: false, error: { code: 'closed' } });
    session.pauseTimeout(true);
    expect(scene.thread(0).requests).toEqual([]);
  });

  test('a lost worker ends its sessions, with one event each, and the others go on', async () => {
    const scene = await Scene.open(2);
    const [mine, other] = [await scene.session(), await scene.session()];
    if (mine === undefined || other === undefined) throw new Error('two sessions were opened');
    const pending = mine.join(1, 2);
    scene.thread(0).exit('it threw');
    expect(await pending).toMatchObject({ ok: false, error: { code: 'worker-lost' } });
    expect(scene.events).toEqual([{ type: 'lost', reason: 'it threw' }]);
    expect(await mine.setRemote(1, remote)).toMatchObject({
      ok: false,
      error: { code: 'worker-lost', detail: 'it threw' },
    });
    expect(await mine.close()).toEqual({ endpoints: [] });
    expect(scene.plane.activeSessions).toBe(1);
    expect(scene.plane.stats()).toMatchObject({ sessionsOpened: 2, sessionsLost: 1, workersLost: 1 });
    const joining = other.join(1, 2);
    scene.answerAll(1);
    expect(await joining).toEqual({ ok: true, value: undefined });
  });

  test('a lost worker is replaced, later each time it is lost again', async () => {
    const scene = await Scene.open(1);
    const delay = mediaPlaneDefaults.firstRestartDelay;
    scene.thread(0).exit('it threw');
    expect(await scene.plane.openSession('call', () => {})).toMatchObject({
      ok: false,
      error: { code: 'worker-lost' },
    });
    scene.scheduler.advance(delay);
    expect(scene.threads).toHaveLength(2);
    expect(scene.thread(1).settings).toEqual(scene.thread(0).settings);
    scene.thread(1).exit('it threw again');
    scene.scheduler.advance(delay);
    expect(scene.threads).toHaveLength(2);
    scene.scheduler.advance(delay);
    scene.thread(2).ready();
    await settle();
    expect((await scene.session()).id).toBeDefined();
  });

  test('totals keep what lost workers had counted', async () => {
    const scene = await Scene.open(2);
    scene.thread(0).say({ type: 'stats', stats: statsOf(10) });
    scene.thread(1).say({ type: 'stats', stats: statsOf(5) });
    scene.thread(0).exit('gone');
    const totals = scene.plane.stats();
    expect(totals).toMatchObject({ received: { packets: 15, bytes: 15 * 172 }, sent: { packets: 15 } });
    expect(totals.dropped).toMatchObject({ foreign: 15, forged: 0 });
  });

  test('one worker that cannot start is enough to fail, and none is left running', async () => {
    const { threads, start } = fakeWorkers();
    const scheduler = new FakeScheduler();
    const ports = { first: 20_000, last: 20_099 };
    const options = {
      ports,
      workers: 2,
      driver: 'io_uring',
      timeout: 0,
      scheduler,
      logger: silentLogger,
      start,
    } as const;
    const opening = openMediaPlane(options);
    threads[0]?.ready();
    threads[1]?.say({ type: 'failed', detail: 'no io_uring here' });
    expect(await opening).toMatchObject({ ok: false, error: { detail: 'no io_uring here' } });
    expect(threads[0]?.requests).toEqual([{ type: 'stop' }]);
    expect(scheduler.pending).toBe(0);
  });

  describe('with a reserve', () => {
    const state = { folder: '/nowhere', sealingKey: new Uint8Array(32) };
    const snapshot = JSON.stringify({
      version: 2,
      endpoints: [],
      joined: [],
      nextEndpoint: 1,
      isPaused: false,
      closed: [],
    });
    const commandsAt = (scene: Scene, index: number) =>
      scene.thread(index).requests.map((request) => ('command' in request ? request.command.type : request.type));

    async function withReserve(): Promise<Scene> {
      const scene = await Scene.open(1, state);
      scene.thread(1).ready();
      return scene;
    }

    test('goes on with a session at another worker: its state first, then what the state does not hold', async () => {
      const scene = await withReserve();
      const session = await scene.session();
      scene.answerAll(0);
      const joining = session.join(1, 2);
      scene.thread(0).say({ type: 'states', states: [{ session: 1, covers: 1, snapshot }] });
      scene.thread(0).exit('it threw');
      const setting = session.setRemote(1, remote);
      await settle();
      expect(commandsAt(scene, 1)).toEqual(['succeed', 'resume-session', 'join', 'set-remote']);
      const succeed = scene.thread(1).requests[0];
      expect(succeed).toMatchObject({ succession: { ports: { first: 20_000, last: 20_099 }, ledger: 0 } });
      scene.answerAll(1);
      expect(await Promise.all([joining, setting])).toEqual([
        { ok: true, value: undefined },
        { ok: true, value: undefined },
      ]);
      await settle();
      expect(scene.events).toEqual([]);
      expect(scene.thread(0).hasClosedLeftovers).toBe(true);
      expect(scene.plane.stats()).toMatchObject({ workersLost: 1, sessionsLost: 0 });
      expect(scene.plane.workers).toMatchObject([{ index: 0, alive: true, sessions: 1 }]);
    });

    test('loses a session aloud that the other worker cannot go on with, and keeps the others', async () => {
      const scene = await withReserve();
      await scene.session();
      await scene.session();
      scene.answerAll(0);
      for (const session of [1, 2]) scene.thread(0).say({ type: 'states', states: [{ session, covers: 9, snapshot }] });
      scene.thread(0).exit('it threw');
      await settle();
      scene.thread(1).answer({ type: 'error', error: { code: 'bad-key', detail: 'sealed elsewhere' } });
      scene.answerAll(1);
      await settle();
      expect(scene.events).toEqual([{ type: 'lost', reason: 'it threw; sealed elsewhere' }]);
      expect(scene.plane.activeSessions).toBe(1);
    });

    test('gives up as before when the worker that follows is not ready in time, and when too many are lost in a row', async () => {
      const scene = await Scene.open(1, state);
      await scene.session();
      scene.thread(0).exit('it threw');
      expect(scene.events).toEqual([]);
      scene.scheduler.advance(mediaPlaneDefaults.movePatience);
      await settle();
      expect(scene.events).toMatchObject([{ type: 'lost' }]);

      const again = await withReserve();
      for (let loss = 0; loss < mediaPlaneDefaults.mostMoves; loss += 1) {
        again.threads.at(loss)?.exit('it threw');
        await settle();
        again.scheduler.advance(500);
        again.threads.at(loss + 2)?.ready();
      }
      expect(again.plane.workers).toMatchObject([{ alive: true }]);
      await again.session();
      again.threads.at(mediaPlaneDefaults.mostMoves)?.exit('it threw');
      expect(again.events).toEqual([{ type: 'lost', reason: 'it threw' }]);
      expect(again.plane.stats()).toMatchObject({ workersLost: mediaPlaneDefaults.mostMoves + 1 });
      expect(again.plane.workers).toMatchObject([{ alive: false }]);
    });

    test('closing in the middle of a move leaves no timer and no thread', async () => {
      const scene = await withReserve();
      await scene.session();
      scene.thread(0).exit('it threw');
      await scene.plane.close();
      await settle();
      expect(scene.events).toEqual([{ type: 'lost', reason: 'the media plane is closed' }]);
      expect(scene.thread(1).requests.concat()).toContainEqual({ type: 'stop' });
      expect(scene.scheduler.pending).toBe(0);
    });
  });

  test('closing ends open sessions and leaves no timer', async () => {
    const scene = await Scene.open(2);
    await scene.session();
    await scene.plane.close();
    await scene.plane.close();
    expect(scene.events).toEqual([{ type: 'lost', reason: 'the media plane is closed' }]);
    expect(scene.plane.activeSessions).toBe(0);
    expect(await scene.plane.openSession('call', () => {})).toMatchObject({ ok: false, error: { code: 'closed' } });
    expect(scene.scheduler.pending).toBe(0);
  });
});

const remote = {
  rtp: { address: '192.0.2.9', port: 4000 },
  rtcp: undefined,
  receive: undefined,
  send: undefined,
  latching: { kind: 'signalled' },
  sending: true,
  receiving: true,
  payloadTypes: [],
} as const;
