import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import { freshSnapshot } from '../../../../src/media/plane/fresh-snapshot.ts';
import type { MediaHandover, MediaPlane, MediaSession } from '../../../../src/media/plane/media-plane.ts';
import { readMediaSnapshot } from '../../../../src/media/plane/media-snapshot.ts';
import { type MediaEvent, type MediaReport, mostEndpoints } from '../../../../src/media/plane/messages.ts';
import { openMediaPlane } from '../../../../src/media/plane/open-media-plane.ts';
import { mediaPlaneDefaults } from '../../../../src/media/plane/plane-options.ts';
import { reserveDelays } from '../../../../src/media/plane/reserve.ts';
import { type CommandOutcome, isQuery, type WorkerState } from '../../../../src/media/plane/worker-protocol.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import { type FakeWorkerThread, fakeWorkers, statsOf } from '../../../support/fake-worker-thread.ts';

const report: MediaReport = { endpoints: [] };

/** Lets promises that are due settle. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

class Scene {
  readonly scheduler = new FakeScheduler();
  readonly threads: FakeWorkerThread[];
  readonly events: MediaEvent[] = [];
  plane: MediaPlane & MediaHandover;
  /** True: the system has no thread left. */
  refusesThreads = false;

  private constructor(threads: FakeWorkerThread[], plane: MediaPlane & MediaHandover, scheduler: FakeScheduler) {
    this.threads = threads;
    this.plane = plane;
    this.scheduler = scheduler;
  }

  /** `after`: another process still relays. */
  static async open(workers = 2, state?: WorkerState, after?: { readonly firstLedger: number }): Promise<Scene> {
    const { threads, start } = fakeWorkers();
    const scheduler = new FakeScheduler();
    let scene: Scene | undefined;
    const opening = openMediaPlane({
      ports: { first: 20_000, last: 20_099 },
      workers,
      driver: 'auto',
      timeout: 30_000,
      scheduler,
      logger: silentLogger,
      start: (settings, events) => {
        if (scene?.refusesThreads === true) throw new Error('ERR_WORKER_INIT_FAILED: EAGAIN');
        return start(settings, events);
      },
      state,
      after,
    });
    for (const thread of threads) thread.ready();
    if (after !== undefined) {
      // It is there when its reserve is.
      await settle();
      threads.at(-1)?.ready();
    }
    const opened = await opening;
    if (!opened.ok) throw new Error(opened.error.detail);
    scene = new Scene(threads, opened.value, scheduler);
    return scene;
  }

  session(): MediaSession {
    const opened = this.plane.openSession('call', (event) => this.events.push(event));
    if (!opened.ok) throw new Error(opened.error.detail);
    return opened.value;
  }

  thread(index: number): FakeWorkerThread {
    const thread = this.threads[index];
    if (thread === undefined) throw new Error(`no worker ${index}`);
    return thread;
  }

  /** Answers every query that waits at worker `index`. */
  answerAll(index: number, outcome: CommandOutcome = { type: 'done' }): void {
    const waiting = this.thread(index).commands.filter(({ command }) => isQuery(command)).length;
    for (let count = 0; count < waiting; count++) this.thread(index).answer(outcome);
  }

  /** What worker `index` was told and asked of sessions. */
  commandsAt(index: number): readonly string[] {
    return this.thread(index).commands.map(({ command }) => command.type);
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
    const [first] = [scene.session(), scene.session()];
    expect(scene.plane.workers.map(({ sessions }) => sessions)).toEqual([1, 1]);
    const closing = first?.close();
    scene.answerAll(0, { type: 'done' });
    await closing;
    scene.session();
    expect(scene.plane.workers.map(({ sessions }) => sessions)).toEqual([1, 1]);
    expect(scene.plane.activeSessions).toBe(2);
  });

  test('has workers without a session collect what their start has left, and no other', async () => {
    const scene = await Scene.open(2);
    scene.session();
    scene.plane.settle();
    const asked = scene.threads.map(({ requests }) => requests.some((one) => 'type' in one && one.type === 'settle'));
    expect(asked).toEqual([false, true]);
    // Until that one has done so a second session goes where the first is.
    scene.session();
    expect(scene.plane.workers.map(({ sessions }) => sessions)).toEqual([2, 0]);
    scene.thread(1).say({ type: 'settled' });
    scene.session();
    expect(scene.plane.workers.map(({ sessions }) => sessions)).toEqual([2, 1]);
  });

  test('tells ports that a handshake may come to when their worker knows of them (RFC 5763 §5)', async () => {
    const scene = await Scene.open(1);
    const session = scene.session();
    let isTold = false;
    const opening = session.openEndpoints([{ ...mux, dtls: true }]).finally(() => {
      isTold = true;
    });
    scene.thread(0).grant();
    await settle();
    expect(scene.commandsAt(0)).toEqual(['open-session', 'open-endpoints', 'report']);
    expect(isTold).toBe(false);
    scene.thread(0).answer({ type: 'report', report });
    expect(await opening).toMatchObject({ ok: true, value: [{ endpoint: 1 }] });
  });

  test('gives out ports by itself as soon as some are granted, and counts them to the answer that closes', async () => {
    const scene = await Scene.open(1);
    const session = scene.session();
    const opening = session.openEndpoints([mux, pair]);
    expect(scene.commandsAt(0)).toEqual(['open-session']);
    const places = [scene.thread(0).grant(), scene.thread(0).grant()];
    const [one, two] = [places[0]?.at(-1), places[1]?.at(-1)];
    expect(await opening).toEqual({
      ok: true,
      value: [
        { endpoint: 1, ...one },
        { endpoint: 2, ...two },
      ],
    });
    expect(scene.plane.portsInUse).toBe(3);
    const [more] = await Promise.all([session.openEndpoints([mux]), settle()]);
    expect(more).toMatchObject({ ok: true, value: [{ endpoint: 3 }] });
    expect(scene.commandsAt(0)).toEqual(['open-session', 'open-endpoints', 'open-endpoints']);
    session.closeEndpoints([2, 3]);
    expect(scene.plane.portsInUse).toBe(1);
    const closing = session.close();
    expect(scene.plane.portsInUse).toBe(1);
    scene.answerAll(0, { type: 'report', report });
    expect(await closing).toBe(report);
    expect(scene.plane.portsInUse).toBe(0);
    expect(scene.plane.activeSessions).toBe(0);
  });

  test('a session has a bounded number of endpoints at a time', async () => {
    const scene = await Scene.open(1);
    const tooMany = Array.from({ length: mostEndpoints + 1 }, () => mux);
    expect(await scene.session().openEndpoints(tooMany)).toMatchObject({ error: { code: 'too-many-endpoints' } });
    expect(scene.plane.portsInUse).toBe(0);
  });

  test('ports that are granted to a session after its end go back', async () => {
    const scene = await Scene.open(1);
    const session = scene.session();
    const opening = session.openEndpoints([mux]);
    const closing = session.close();
    const places = scene.thread(0).grant();
    expect(await opening).toMatchObject({ ok: false, error: { code: 'closed' } });
    expect(scene.thread(0).requests).toContainEqual({ type: 'return-ports', places: [places.at(-1)] });
    scene.answerAll(0, { type: 'report', report });
    await closing;
    expect(scene.plane.portsInUse).toBe(0);
  });

  test('says of a command that was refused that it failed', async () => {
    const scene = await Scene.open(1);
    scene.session().join(1, 2);
    const error = { code: 'unknown-endpoint', detail: 'no other endpoint 1' } as const;
    scene.thread(0).say({ type: 'refused', id: 2, session: 1, command: 'join', error });
    expect(scene.events).toEqual([{ type: 'failed', command: 'join', error }]);
  });

  test('closing twice asks once and gives the same report; afterwards nothing is told any more', async () => {
    const scene = await Scene.open(1);
    const session = scene.session();
    const both = [session.close(), session.close()];
    expect(scene.commandsAt(0)).toEqual(['open-session', 'close-session']);
    scene.answerAll(0, { type: 'report', report });
    expect(await Promise.all(both)).toEqual([report, report]);
    expect(await session.openEndpoints([mux])).toMatchObject({ ok: false, error: { code: 'closed' } });
    session.join(1, 2);
    session.pauseTimeout(true);
    expect(scene.commandsAt(0)).toEqual(['open-session']);
    expect(scene.events).toEqual([]);
  });

  test('a lost worker ends its sessions, with one event each, and the others go on', async () => {
    const scene = await Scene.open(2);
    const [mine, other] = [scene.session(), scene.session()];
    if (mine === undefined || other === undefined) throw new Error('two sessions were opened');
    const pending = [mine.snapshot(), mine.openEndpoints([mux])];
    scene.thread(0).exit('it threw');
    for (const one of await Promise.all<unknown>(pending)) {
      expect(one).toMatchObject({ ok: false, error: { code: 'worker-lost' } });
    }
    mine.setRemote(1, remote);
    expect(await mine.openEndpoints([mux])).toMatchObject({ error: { code: 'worker-lost', detail: 'it threw' } });
    expect(scene.events).toEqual([{ type: 'lost', reason: 'it threw' }]);
    expect(await mine.close()).toEqual({ endpoints: [] });
    expect(scene.plane.activeSessions).toBe(1);
    expect(scene.plane.stats()).toMatchObject({ sessionsOpened: 2, sessionsLost: 1, workersLost: 1 });
    const reporting = other.report();
    scene.answerAll(1, { type: 'report', report });
    expect(await reporting).toBe(report);
  });

  test('a lost worker is replaced, later each time it is lost again', async () => {
    const scene = await Scene.open(1);
    const delay = mediaPlaneDefaults.firstRestartDelay;
    scene.thread(0).exit('it threw');
    expect(scene.plane.openSession('call', () => {})).toMatchObject({
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
    expect(scene.session().id).toBeDefined();
  });

  test('packet memory goes to the next worker when the thread that had it is over, and not before', async () => {
    const scene = await Scene.open(1);
    const delay = mediaPlaneDefaults.firstRestartDelay;
    const memoryAt = (index: number) => scene.thread(index).settings.memory;
    scene.thread(0).hangs = true;
    scene.thread(0).say({ type: 'failed', detail: 'it cannot' });
    scene.scheduler.advance(delay);
    expect(memoryAt(1)).not.toBe(memoryAt(0));
    scene.thread(0).exit('exit code 1');
    scene.thread(1).hangs = true;
    scene.thread(1).say({ type: 'failed', detail: 'it cannot either' });
    scene.scheduler.advance(2 * delay);
    expect(memoryAt(2)).toBe(memoryAt(0));
    scene.thread(1).exit('exit code 1');
    scene.thread(2).exit('exit code 1');
    scene.scheduler.advance(4 * delay);
    expect([memoryAt(0), memoryAt(1)]).toContain(memoryAt(3));
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
    const requestsAt = (scene: Scene, index: number) =>
      scene.thread(index).requests.map((request) => ('command' in request ? request.command.type : request.type));

    async function withReserve(): Promise<{ scene: Scene; session: MediaSession }> {
      const scene = await Scene.open(1, state);
      const session = scene.session();
      scene.scheduler.advance(reserveDelays.atFirst);
      scene.thread(1).ready();
      return { scene, session };
    }

    test('has none as long as there is nothing that it could go on with', async () => {
      const scene = await Scene.open(1, state);
      scene.scheduler.advance(10 * reserveDelays.atFirst);
      expect(scene.threads).toHaveLength(1);
      scene.session();
      scene.session();
      scene.scheduler.advance(reserveDelays.atFirst);
      expect(scene.threads).toHaveLength(2);
      scene.scheduler.advance(10 * reserveDelays.atFirst);
      expect(scene.threads).toHaveLength(2);
    });

    test('starts it at once when the worker of the first session is lost before', async () => {
      const scene = await Scene.open(1, state);
      scene.session();
      scene.thread(0).exit('it threw');
      expect(scene.threads).toHaveLength(2);
      // Its calls are silent, and would be for longer if it rehearsed first.
      expect(scene.thread(1).settings.follows).toBeUndefined();
      scene.thread(1).ready();
      await settle();
      scene.answerAll(1);
      await settle();
      expect(scene.events).toEqual([]);
      expect(scene.plane.stats()).toMatchObject({ workersLost: 1, sessionsLost: 0 });
      expect(scene.plane.workers).toMatchObject([{ index: 0, alive: true, sessions: 1 }]);
    });

    test.each([
      ['before another one is in reserve', true],
      ['while the one before it waits for the reserve', false],
    ])('starts one at once for a second worker that is lost %s', async (_when, isReady) => {
      const scene = await Scene.open(2, state);
      for (const _worker of [0, 1]) scene.session();
      scene.scheduler.advance(reserveDelays.atFirst);
      if (isReady) scene.thread(2).ready();
      scene.thread(0).exit('it threw');
      await settle();
      scene.thread(1).exit('it threw');
      expect(scene.threads.map(({ settings }) => settings.follows)).toEqual([
        undefined,
        undefined,
        'worker',
        undefined,
      ]);
      scene.scheduler.advance(reserveDelays.first);
      if (!isReady) scene.thread(2).ready();
      scene.thread(3).ready();
      await settle();
      for (const worker of [2, 3]) scene.answerAll(worker);
      await settle();
      expect(scene.events).toEqual([]);
      expect(scene.plane.stats()).toMatchObject({ workersLost: 2, sessionsLost: 0 });
      expect(scene.plane.workers).toMatchObject([{ alive: true }, { alive: true }]);
    });

    test('tries again when the system gives no thread for it, and for a place without a worker', async () => {
      const { scene } = await withReserve();
      scene.refusesThreads = true;
      for (const worker of [1, 0]) scene.thread(worker).exit('it threw');
      await settle();
      expect(scene.threads).toHaveLength(2);
      const why = 'its thread could not be started: ERR_WORKER_INIT_FAILED: EAGAIN';
      expect(scene.events).toEqual([{ type: 'lost', reason: `it threw; ${why}` }]);
      scene.scheduler.advance(reserveDelays.first);
      await settle();
      scene.refusesThreads = false;
      scene.scheduler.advance(reserveDelays.longest);
      await settle();
      for (const thread of scene.threads.slice(2)) thread.ready();
      expect(scene.plane.workers).toMatchObject([{ alive: true }]);
      expect(scene.threads.map(({ settings }) => settings.follows)).toContain('worker');
      await scene.plane.close();
      expect(scene.scheduler.pending).toBe(0);
    });

    test('starts it before another process stands still, which is to wait for nothing then', async () => {
      const { threads, start } = fakeWorkers();
      const scheduler = new FakeScheduler();
      const ports = { first: 20_000, last: 20_099 };
      const after = { firstLedger: 0 };
      const options = { ports, workers: 1, driver: 'auto', timeout: 0, state, after, scheduler, start } as const;
      const opening = openMediaPlane({ ...options, logger: silentLogger });
      threads[0]?.ready();
      await settle();
      expect(threads).toHaveLength(2);
      threads[1]?.ready();
      expect(await opening).toMatchObject({ ok: true });
    });

    test('closing before it is started leaves no timer', async () => {
      const scene = await Scene.open(1, state);
      scene.session();
      await scene.plane.close();
      expect(scene.threads).toHaveLength(1);
      expect(scene.scheduler.pending).toBe(0);
    });

    test('goes on with a session at another worker: its state first, then what the state does not hold', async () => {
      const { scene, session } = await withReserve();
      session.join(1, 2);
      expect(scene.plane.behind).toBe(1);
      session.pauseTimeout(true);
      const reporting = session.report();
      scene.thread(0).say({ type: 'states', states: [{ session: 1, covers: 2, snapshot }] });
      scene.thread(0).exit('it threw');
      session.setRemote(1, remote);
      await settle();
      expect(requestsAt(scene, 1)).toEqual(['succeed', 'resume-session', 'pause-timeout', 'report', 'set-remote']);
      const succeed = scene.thread(1).requests[0];
      expect(succeed).toMatchObject({ succession: { ports: { first: 20_000, last: 20_099 }, ledgers: [0] } });
      scene.thread(1).answer({ type: 'done' });
      scene.thread(1).answer({ type: 'report', report });
      expect(await reporting).toBe(report);
      await settle();
      expect(scene.events).toEqual([]);
      expect(scene.thread(0).hasClosedLeftovers).toBe(true);
      expect(scene.plane.stats()).toMatchObject({ workersLost: 1, sessionsLost: 0 });
      expect(scene.plane.workers).toMatchObject([{ index: 0, alive: true, sessions: 1 }]);
    });

    test('a session of which no state was told goes on at its very ports; who waits for ports gets them of the other worker', async () => {
      const { scene, session } = await withReserve();
      const waiting = scene.session();
      const opening = session.openEndpoints([mux]);
      const places = scene.thread(0).grant();
      const opened = await opening;
      if (!opened.ok) throw new Error(opened.error.detail);
      expect(JSON.parse(session.state ?? '')).toMatchObject({ version: 2, endpoints: [{ endpoint: 1, remote: null }] });
      expect(scene.plane.behind).toBe(0);
      const later = waiting.openEndpoints([pair]);
      scene.thread(0).exit('it threw');
      await settle();
      const again = scene.thread(1).commands.find(({ command }) => command.type === 'open-endpoints');
      expect(again?.command).toEqual({ type: 'open-endpoints', endpoints: [{ endpoint: 1, ...places.at(-1) }] });
      scene.thread(1).grant();
      expect(await later).toMatchObject({ ok: true, value: [{ endpoint: 1 }] });
      expect(scene.plane.portsInUse).toBe(3);
    });

    test('a resumed session stands as it was taken up until its worker tells of it: keys and peers are not lost with the next process', async () => {
      const scene = await Scene.open(1, state);
      const none = { receive: null, send: null };
      const endpoint = {
        ...freshSnapshot([{ endpoint: 1, address: '192.0.2.1', rtpPort: 20_000, rtcpPort: undefined }], 2).endpoints[0],
      };
      const sealed = { suite: 'AES_CM_128_HMAC_SHA1_80', sealed: 'c2VhbGVk', indices: { rtp: [], rtcp: 7 } } as const;
      const kept = readMediaSnapshot({
        ...JSON.parse(snapshot),
        endpoints: [{ ...endpoint, keys: { ...none, send: sealed }, report: { ...endpoint.report } }],
        nextEndpoint: 2,
      });
      if (kept === undefined) throw new Error('this is no snapshot');
      const resuming = scene.plane.resumeSession('call', kept, () => {});
      await settle();
      scene.answerAll(0);
      const resumed = await resuming;
      if (!resumed.ok) throw new Error(resumed.error.detail);
      expect(JSON.parse(resumed.value.state ?? '')).toEqual(JSON.parse(JSON.stringify(kept)));
      scene.thread(0).say({ type: 'states', states: [{ session: 1, covers: 0, snapshot }] });
      expect(resumed.value.state).toBe(snapshot);
    });

    test('forgets what was refused, and what a state holds: neither is told again', async () => {
      const { scene, session } = await withReserve();
      session.join(1, 2);
      session.join(3, 4);
      const error = { code: 'unknown-endpoint', detail: 'no other endpoint 1' } as const;
      scene.thread(0).say({ type: 'refused', id: 2, session: 1, command: 'join', error });
      scene.thread(0).exit('it threw');
      await settle();
      expect(requestsAt(scene, 1)).toEqual(['succeed', 'open-session', 'join']);
    });

    test('loses a session aloud that the other worker cannot go on with, and keeps the others', async () => {
      const { scene } = await withReserve();
      scene.session();
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
      scene.session();
      scene.thread(0).exit('it threw');
      expect(scene.events).toEqual([]);
      scene.scheduler.advance(mediaPlaneDefaults.movePatience);
      await settle();
      expect(scene.events).toMatchObject([{ type: 'lost' }]);

      const { scene: again } = await withReserve();
      for (let loss = 0; loss < mediaPlaneDefaults.mostMoves; loss += 1) {
        again.threads.at(loss)?.exit('it threw');
        await settle();
        again.scheduler.advance(500);
        again.threads.at(loss + 2)?.ready();
      }
      expect(again.plane.workers).toMatchObject([{ alive: true }]);
      again.threads.at(mediaPlaneDefaults.mostMoves)?.exit('it threw');
      expect(again.events).toEqual([{ type: 'lost', reason: 'it threw' }]);
      expect(again.plane.stats()).toMatchObject({ workersLost: mediaPlaneDefaults.mostMoves + 1 });
      expect(again.plane.workers).toMatchObject([{ alive: false }]);
    });

    test('closing in the middle of a move leaves no timer and no thread', async () => {
      const { scene } = await withReserve();
      scene.thread(0).exit('it threw');
      await scene.plane.close();
      await settle();
      expect(scene.events).toEqual([{ type: 'lost', reason: 'the media plane is closed' }]);
      expect(scene.thread(1).requests.concat()).toContainEqual({ type: 'stop' });
      expect(scene.scheduler.pending).toBe(0);
    });
  });

  describe('in place of another process', () => {
    const state = { folder: '/nowhere', sealingKey: new Uint8Array(32) };
    const kept = freshSnapshot([{ endpoint: 1, address: '192.0.2.1', rtpPort: 20_000, rtcpPort: undefined }], 2);
    const told = (scene: Scene) =>
      scene.thread(0).requests.map((request) => ('command' in request ? request.command.type : request.type));

    test('has its workers rehearse, and the one in reserve, and nobody who starts by himself', async () => {
      const following = await Scene.open(1, state, { firstLedger: 0 });
      expect(following.threads.map(({ settings }) => settings.follows)).toEqual(['process', 'worker']);
      const first = await Scene.open(1, state);
      first.session();
      first.scheduler.advance(reserveDelays.atFirst);
      expect(first.threads.map(({ settings }) => settings.follows)).toEqual([undefined, 'worker']);
    });

    test('tells its workers of all sessions before the sockets are theirs', async () => {
      const scene = await Scene.open(1, state, { firstLedger: 0 });
      const [one, two] = [
        scene.plane.resumeSession('a', kept, () => {}),
        scene.plane.resumeSession('b', kept, () => {}),
      ];
      await settle();
      expect(told(scene)).toEqual(['resume-session', 'resume-session']);
      const inheriting = scene.plane.inherit({ descriptors: [], ledgers: [256] });
      expect(told(scene)).toEqual(['resume-session', 'resume-session', 'succeed']);
      scene.answerAll(0);
      await inheriting;
      expect([(await one).ok, (await two).ok]).toEqual([true, true]);
    });

    test('tries ports again that the kernel frees late, for as long as from when they were left', async () => {
      const scene = await Scene.open(1, state, { firstLedger: 0 });
      const resuming = scene.plane.resumeSession('a', kept, () => {});
      scene.scheduler.advance(mediaPlaneDefaults.resumePatience);
      const inheriting = scene.plane.inherit({ descriptors: [], ledgers: [256] });
      scene.thread(0).answer({ type: 'error', error: { code: 'no-ports', detail: 'in use' } });
      await settle();
      scene.scheduler.advance(mediaPlaneDefaults.resumeInterval);
      await settle();
      expect(told(scene)).toEqual(['succeed', 'resume-session']);
      scene.answerAll(0);
      await inheriting;
      expect((await resuming).ok).toBe(true);
    });
  });

  test('closing ends open sessions and leaves no timer', async () => {
    const scene = await Scene.open(2);
    scene.session();
    await scene.plane.close();
    await scene.plane.close();
    expect(scene.events).toEqual([{ type: 'lost', reason: 'the media plane is closed' }]);
    expect(scene.plane.activeSessions).toBe(0);
    expect(scene.plane.openSession('call', () => {})).toMatchObject({ ok: false, error: { code: 'closed' } });
    expect(scene.scheduler.pending).toBe(0);
  });
});

const mux = { address: '192.0.2.1', rtcpMux: true };
const pair = { address: '192.0.2.1', rtcpMux: false };
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
