import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { MediaSnapshot } from '../../../../src/media/plane/media-snapshot.ts';
import type { MediaEvent } from '../../../../src/media/plane/messages.ts';
import { type RefusedCommand, WorkerClient } from '../../../../src/media/plane/worker-client.ts';
import { defaultWorkerDeadlines } from '../../../../src/media/plane/worker-deadlines.ts';
import type { WorkerSettings } from '../../../../src/media/plane/worker-protocol.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import { type FakeWorkerThread, fakeWorkers } from '../../../support/fake-worker-thread.ts';

const settings: WorkerSettings = {
  index: 3,
  ledger: 3,
  driver: 'auto',
  ports: { first: 20_000, last: 20_099 },
  timeout: 30_000,
  quarantine: 0,
  dscp: 46,
  headerPackets: 0,
  receiveBufferBytes: 1,
  maxSockets: 10,
  memory: new SharedArrayBuffer(8),
};

const emptySnapshot: MediaSnapshot = {
  version: 2,
  endpoints: [],
  joined: [],
  nextEndpoint: 1,
  isPaused: false,
  closed: [],
};

class Scene {
  readonly scheduler = new FakeScheduler();
  readonly lost: string[] = [];
  isFollowed = false;
  readonly events: [number, MediaEvent][] = [];
  readonly refused: [number, RefusedCommand][] = [];
  readonly client: WorkerClient;
  readonly thread: FakeWorkerThread;

  constructor() {
    const { threads, start } = fakeWorkers();
    this.client = new WorkerClient({
      settings,
      start,
      scheduler: this.scheduler,
      logger: silentLogger,
      deadlines: defaultWorkerDeadlines,
      onEvent: (session, event) => this.events.push([session, event]),
      onStates: () => {},
      onRefused: (session, refused) => this.refused.push([session, refused]),
      onLost: (reason) => {
        this.lost.push(reason);
        return this.isFollowed;
      },
    });
    const [thread] = threads;
    if (thread === undefined) throw new Error('no worker was started');
    this.thread = thread;
  }

  static running(): Scene {
    const scene = new Scene();
    scene.thread.ready();
    return scene;
  }
}

describe('a worker client', () => {
  test('gives a worker up that does not start, but not for what this thread did meanwhile', async () => {
    const busy = new Scene();
    busy.scheduler.clock.move(3 * defaultWorkerDeadlines.start);
    busy.scheduler.advance(0);
    expect(busy.lost).toEqual([]);
    busy.thread.ready();
    expect(await busy.client.started()).toBeUndefined();
    const scene = new Scene();
    scene.scheduler.advance(defaultWorkerDeadlines.start - 1);
    expect(scene.lost).toEqual([]);
    scene.scheduler.advance(1);
    expect(scene.lost).toEqual(['did not start in time']);
    expect(scene.thread.isTerminated).toBe(true);
    expect(scene.scheduler.pending).toBe(0);
  });

  test('waits for the worker to be ready', async () => {
    const scene = new Scene();
    const started = scene.client.started();
    expect(scene.client.ready).toBeUndefined();
    expect(await scene.client.request(1, { type: 'report' })).toMatchObject({ error: { code: 'worker-lost' } });
    scene.thread.ready();
    expect(await started).toBeUndefined();
    expect(await scene.client.started()).toBeUndefined();
    expect(scene.client.ready).toMatchObject({ driver: 'epoll', cipher: 'openssl' });
  });

  test('gives each query its own answer', async () => {
    const scene = Scene.running();
    const first = scene.client.request(1, { type: 'report' });
    const second = scene.client.request(1, { type: 'close-session' });
    const [, query] = scene.thread.commands;
    if (query === undefined) throw new Error('two queries were sent');
    scene.thread.say({ type: 'reply', id: query.id, outcome: { type: 'report', report: { endpoints: [] } } });
    scene.thread.answer({ type: 'done' });
    expect(await first).toEqual({ type: 'done' });
    expect(await second).toEqual({ type: 'report', report: { endpoints: [] } });
  });

  test('answers a query whose deadline passes; the late reply finds nobody', async () => {
    const scene = Scene.running();
    const outcome = scene.client.request(1, { type: 'report' });
    scene.scheduler.advance(defaultWorkerDeadlines.command + defaultWorkerDeadlines.late);
    expect(await outcome).toMatchObject({ type: 'error', error: { code: 'deadline' } });
    scene.thread.answer({ type: 'done' });
    expect(scene.lost).toEqual([]);
  });

  test('waits longer for a session that goes on, since its call is lost otherwise, and not for what is asked beside it', async () => {
    const scene = Scene.running();
    const resumed = scene.client.request(1, { type: 'resume-session', snapshot: emptySnapshot });
    const report = scene.client.request(2, { type: 'report' });
    scene.scheduler.advance(defaultWorkerDeadlines.resume - 1);
    expect(await report).toMatchObject({ type: 'error', error: { code: 'deadline' } });
    scene.thread.answer({ type: 'done' });
    expect(await resumed).toEqual({ type: 'done' });

    const late = scene.client.request(1, { type: 'resume-session', snapshot: emptySnapshot });
    scene.scheduler.advance(defaultWorkerDeadlines.resume + defaultWorkerDeadlines.late);
    expect(await late).toMatchObject({ type: 'error', error: { code: 'deadline' } });
  });

  test('hears no more of a command that was taken, and refuses one that was not in time', () => {
    const scene = Scene.running();
    scene.client.send(1, { type: 'open-session' }, false);
    scene.scheduler.advance(2 * defaultWorkerDeadlines.command);
    expect(scene.refused).toEqual([]);
    scene.thread.isTaking = false;
    const id = scene.client.send(1, { type: 'join', a: 1, b: 2 }, true);
    scene.scheduler.advance(defaultWorkerDeadlines.command);
    expect(scene.refused).toMatchObject([[1, { id, command: 'join', error: { code: 'deadline' } }]]);
    scene.scheduler.advance(defaultWorkerDeadlines.command);
    expect(scene.refused).toHaveLength(1);
  });

  test('lets queries wait for their turn while the worker takes what stands before them, and no longer', async () => {
    const scene = Scene.running();
    scene.thread.isTaking = false;
    const outcomes: string[] = [];
    const asked = Array.from({ length: 4 }, (_, session) => scene.client.request(session, { type: 'report' }));
    for (const one of asked) void one.then((outcome) => outcomes.push(outcome.type));
    const most = defaultWorkerDeadlines.command - defaultWorkerDeadlines.late;
    for (const { id } of scene.thread.commands.slice(0, 3)) {
      scene.scheduler.advance(most);
      scene.thread.takes(id);
      scene.scheduler.advance(defaultWorkerDeadlines.late);
      scene.thread.answer({ type: 'done' });
    }
    await Promise.all(asked.slice(0, 3));
    expect(outcomes).toEqual(['done', 'done', 'done']);
    scene.scheduler.advance(defaultWorkerDeadlines.command + defaultWorkerDeadlines.late);
    expect(await asked[3]).toMatchObject({ error: { code: 'deadline' } });
  });

  test('passes on what the worker refused', () => {
    const scene = Scene.running();
    const error = { code: 'bad-key', detail: 'too short' } as const;
    scene.thread.say({ type: 'refused', id: 4, session: 7, command: 'set-remote', error });
    expect(scene.refused).toMatchObject([[7, { id: 4, command: 'set-remote', error }]]);
  });

  test.each([
    ['ends', (scene: Scene) => scene.thread.exit('exit code 1')],
    ['fails', (scene: Scene) => scene.thread.say({ type: 'failed', detail: 'no driver' })],
    [
      'stands still',
      (scene: Scene) => {
        scene.thread.isBeating = false;
        scene.scheduler.advance(2 * defaultWorkerDeadlines.starved);
      },
    ],
  ])('when the worker %s, fails everything that waits and says so once', async (_name, end) => {
    const scene = Scene.running();
    const pending = [scene.client.request(1, { type: 'report' }), scene.client.request(2, { type: 'close-session' })];
    const ports = scene.client.ports.wait([{ address: '192.0.2.1', rtcpMux: true }]);
    end(scene);
    for (const outcome of await Promise.all(pending)) expect(outcome).toMatchObject({ error: { code: 'worker-lost' } });
    expect(await ports).toMatchObject({ ok: false, error: { code: 'worker-lost' } });
    expect(await scene.client.request(3, { type: 'report' })).toMatchObject({ error: { code: 'worker-lost' } });
    expect(scene.lost).toHaveLength(1);
    expect(scene.client.ready).toBeUndefined();
    expect(scene.scheduler.pending).toBe(0);
  });

  test('terminates a worker that stands still, and lets one live whose checks are merely rare', () => {
    const scene = Scene.running();
    scene.scheduler.advance(60_000);
    expect(scene.lost).toEqual([]);
    scene.thread.isBeating = false;
    scene.scheduler.advance(2 * defaultWorkerDeadlines.starved);
    expect(scene.thread.isTerminated).toBe(true);
    expect(scene.lost).toHaveLength(1);
  });

  test.each([
    ['has had the processor all the time', (now: number) => ({ ran: now, isRunnable: true }), true],
    ['sleeps in a call', () => ({ ran: 0, isRunnable: false }), true],
    ['was hardly let run', (now: number) => ({ ran: now / 10, isRunnable: true }), false],
  ] as const)('one that %s is gone after a quarter of a second: %#', (_name, progressAt, isGone) => {
    const scene = Scene.running();
    const { heartbeat, late } = defaultWorkerDeadlines;
    const beat = (elapsed: number): void => {
      const step = late / 3;
      for (let at = 0; at < elapsed; at += step) {
        scene.thread.progressNow = progressAt(scene.scheduler.clock.now() + step);
        scene.scheduler.advance(step);
      }
    };
    beat(500);
    expect(scene.lost).toEqual([]);
    scene.thread.isBeating = false;
    beat(heartbeat + late);
    expect(scene.lost).toHaveLength(isGone ? 1 : 0);
  });

  test('the kernel is asked about a worker only while that does not come round', () => {
    const scene = Scene.running();
    scene.scheduler.advance(10_000);
    expect(scene.thread.asked).toBe(0);
    scene.thread.isBeating = false;
    scene.scheduler.advance(defaultWorkerDeadlines.late);
    expect(scene.thread.asked).toBeGreaterThan(0);
  });

  test('closes what its worker left open, unless another one takes it over', () => {
    const scene = Scene.running();
    scene.thread.exit('exit code 1');
    expect(scene.thread.hasClosedLeftovers).toBe(true);
    const followed = Scene.running();
    followed.isFollowed = true;
    followed.thread.exit('exit code 1');
    expect(followed.thread.hasClosedLeftovers).toBe(false);
    followed.client.closeLeftovers();
    expect(followed.thread.hasClosedLeftovers).toBe(true);
  });

  test('one whose loop stands still for a moment is no place for a new session until it runs again', () => {
    const scene = Scene.running();
    expect(scene.client.isPrompt).toBe(true);
    scene.thread.isBeating = false;
    scene.scheduler.advance(1.5 * defaultWorkerDeadlines.late);
    expect(scene.client.isPrompt).toBe(false);
    expect(scene.lost).toEqual([]);
    scene.thread.isBeating = true;
    scene.scheduler.advance(defaultWorkerDeadlines.late);
    expect(scene.client.isPrompt).toBe(true);
  });

  describe('one that collects', () => {
    const { late, heartbeat, starved } = defaultWorkerDeadlines;
    /** Its loop stands still, and has the processor. */
    function standsStill(scene: Scene, millis: number): void {
      const step = late / 3;
      scene.thread.isBeating = false;
      for (let at = 0; at < millis; at += step) {
        scene.thread.progressNow = { ran: scene.scheduler.clock.now() + step, isRunnable: true };
        scene.scheduler.advance(step);
      }
    }

    test('may stand still for longer, and gets no new session where another worker would', () => {
      const scene = Scene.running();
      scene.client.settle();
      expect(scene.thread.requests).toContainEqual({ type: 'settle' });
      expect(scene.client.isPrompt).toBe(false);
      standsStill(scene, starved - late);
      expect(scene.lost).toEqual([]);
      scene.thread.isBeating = true;
      scene.thread.say({ type: 'settled' });
      scene.scheduler.advance(late);
      expect(scene.client.isPrompt).toBe(true);
    });

    test('is lost when it does not come round at all', () => {
      const scene = Scene.running();
      scene.client.settle();
      standsStill(scene, starved + late);
      expect(scene.lost).toHaveLength(1);
    });

    test.each([
      ['has done so', (scene: Scene) => scene.thread.say({ type: 'settled' })],
      ['does not say so for long', (scene: Scene) => scene.scheduler.advance(2 * starved)],
    ])('and %s may stand still as long as others', (_name, ends) => {
      const scene = Scene.running();
      scene.client.settle();
      ends(scene);
      expect(scene.client.isPrompt).toBe(true);
      standsStill(scene, heartbeat + late);
      expect(scene.lost).toHaveLength(1);
    });
  });

  test('a worker that does not start in time is lost', async () => {
    const scene = new Scene();
    const started = scene.client.started();
    scene.scheduler.advance(defaultWorkerDeadlines.start);
    expect(await started).toMatchObject({ code: 'worker-lost' });
    expect(scene.thread.isTerminated).toBe(true);
  });

  test('one that starts is not ended, which could be in the middle of native code, but told when it is ready', async () => {
    const scene = new Scene();
    const stopped = scene.client.stop();
    expect([scene.thread.isTerminated, scene.thread.requests]).toEqual([false, []]);
    scene.thread.ready();
    await stopped;
    expect([scene.thread.isTerminated, scene.lost, scene.scheduler.pending]).toEqual([false, [], 0]);
  });

  test('one that starts is ended when it takes too long for that', async () => {
    const scene = new Scene();
    const stopped = scene.client.stop();
    scene.scheduler.advance(defaultWorkerDeadlines.stopStarting);
    expect(scene.thread.isTerminated).toBe(true);
    await stopped;
  });

  test('an asked-for end is no loss, and nothing is left waiting', async () => {
    const scene = Scene.running();
    const pending = scene.client.request(1, { type: 'report' });
    await scene.client.stop();
    await scene.client.stop();
    expect(await pending).toMatchObject({ error: { code: 'worker-lost' } });
    expect(scene.lost).toEqual([]);
    expect(scene.scheduler.pending).toBe(0);
  });

  test('passes events on', () => {
    const scene = Scene.running();
    scene.thread.say({ type: 'event', session: 7, event: { type: 'timeout' } });
    expect(scene.events).toEqual([[7, { type: 'timeout' }]]);
  });
});
