// A place for a worker and its sessions. When the worker is lost, another one takes the place, and the sessions go on there where their
// states are known; else they are lost, and a new worker is started after a while.
import type { Millis } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Timer } from '../../core/scheduler.ts';
import { type MediaPlaneOptions, mediaPlaneDefaults, type SeatSettings } from './plane-options.ts';
import type { PlaneSession } from './plane-session.ts';
import type { Reserve } from './reserve.ts';
import type { WorkerClient } from './worker-client.ts';
import type { WorkerFollows, WorkerStats } from './worker-protocol.ts';

export interface SeatHost extends Pick<MediaPlaneOptions, 'scheduler' | 'logger'> {
  /** Follows a worker that is lost; undefined where no key is sealed, so that nothing could move. */
  readonly reserve: Reserve | undefined;
  readonly isClosed: boolean;
  start(settings: SeatSettings, onLost: (reason: string) => boolean, follows?: WorkerFollows): WorkerClient;
  /** A worker is gone; what it had counted belongs to the past. */
  onWorkerLost(stats: WorkerStats | undefined): void;
  /** The same of one that was asked to leave. */
  onWorkerLeft(stats: WorkerStats | undefined): void;
  onSessionLost(): void;
}

export class Seat {
  readonly settings: SeatSettings;
  readonly sessions = new Set<PlaneSession>();
  /** Ports that its sessions have. */
  portsInUse = 0;
  readonly #host: SeatHost;
  #client: WorkerClient;
  #isVacant = false;
  #restart: Timer | undefined;
  #restartDelay: Millis = mediaPlaneDefaults.firstRestartDelay;
  /** When sessions moved to another worker, newest last. */
  #moves: readonly Millis[] = [];

  constructor(settings: SeatSettings, host: SeatHost, follows: WorkerFollows | undefined) {
    this.settings = settings;
    this.#host = host;
    this.#client = host.start(settings, (reason) => this.#lost(reason), follows);
  }

  get client(): WorkerClient {
    return this.#client;
  }

  /** There is no worker here; what the last one counted is in the past then. */
  get isVacant(): boolean {
    return this.#isVacant;
  }

  /** It has done something useful: should it be lost, the next one is started soon. */
  proveUseful(): void {
    this.#restartDelay = mediaPlaneDefaults.firstRestartDelay;
  }

  /** Resolves when its thread is over. */
  stop(): Promise<void> {
    this.#restart?.cancel();
    return this.#client.stop();
  }

  /** Nothing is relayed any more; what the worker left open, as a `DescriptorLedger` holds it. `reclaim` goes on. */
  async release(): Promise<SharedArrayBuffer | undefined> {
    this.#restart?.cancel();
    for (const session of this.sessions) session.suspend();
    await this.#client.leave();
    return this.#client.succession(this.settings.ports).descriptors;
  }

  /** Never rejects: sessions that cannot go on are lost. */
  async reclaim(): Promise<void> {
    const start = this.#host.scheduler.clock.now();
    this.#host.onWorkerLeft(this.#client.stats);
    const next = this.#host.start(this.settings, (reason) => this.#lost(reason));
    const failure = await next.started();
    await this.#goOn(
      failure === undefined ? ok(next) : err(failure.detail),
      'they were handed over, and came back',
      start,
    );
  }

  /** True when its sessions go on at another worker, which takes over what it leaves. */
  #lost(reason: string): boolean {
    this.#host.onWorkerLost(this.#client.stats);
    this.#isVacant = true;
    const { reserve } = this.#host;
    if (reserve !== undefined && this.#mayMove()) {
      for (const session of this.sessions) session.suspend();
      void this.#move(reserve, reason);
      return true;
    }
    this.#giveUp(reason);
    return false;
  }

  #mayMove(): boolean {
    const { mostMoves, movesWithin } = mediaPlaneDefaults;
    const now = this.#host.scheduler.clock.now();
    this.#moves = this.#moves.filter((at) => now - at < movesWithin);
    if (this.#host.isClosed || this.#moves.length >= mostMoves) return false;
    this.#moves = [...this.#moves, now];
    return true;
  }

  /** Never rejects: whoever cannot go on is lost, as without a reserve. */
  async #move(reserve: Reserve, reason: string): Promise<void> {
    const start = this.#host.scheduler.clock.now();
    const patience = mediaPlaneDefaults.movePatience;
    const followed = await reserve.follow(this.#client, patience, (next) => this.#lost(next));
    await this.#goOn(followed, reason, start);
  }

  /** The worker is gone, and that one follows, or none for that reason. */
  async #goOn(followed: Result<WorkerClient, string>, reason: string, start: Millis): Promise<void> {
    const { scheduler, logger } = this.#host;
    const { index, ports } = this.settings;
    const lost = this.#client;
    // Its sockets are closed when its thread has ended, should that take longer.
    if (!followed.ok) void lost.gone().then(() => lost.closeLeftovers());
    if (!followed.ok || this.#host.isClosed) {
      if (followed.ok) await followed.value.stop();
      this.#giveUp(followed.ok ? reason : `${reason}; ${followed.error}`);
      return;
    }
    this.#client = followed.value;
    this.#isVacant = false;
    this.#client.succeed(index, lost.succession(ports));
    const sessions = [...this.sessions];
    const failures = await Promise.all(sessions.map((session) => session.moveTo(followed.value)));
    for (const [at, failure] of failures.entries()) {
      if (failure === undefined) continue;
      this.#host.onSessionLost();
      logger.error('media-session-not-moved', { session: sessions[at]?.id, worker: index, ...failure });
      sessions[at]?.lose(`${reason}; ${failure.detail}`);
    }
    lost.closeLeftovers();
    const took = Math.round(scheduler.clock.now() - start);
    logger.warn('media-sessions-moved', { worker: index, sessions: sessions.length, took });
  }

  #giveUp(reason: string): void {
    for (const session of [...this.sessions]) {
      this.#host.onSessionLost();
      session.lose(reason);
    }
    if (this.#host.isClosed) return;
    this.#restart = this.#host.scheduler.after(this.#restartDelay, () => {
      this.#restart = undefined;
      this.#isVacant = false;
      this.#client = this.#host.start(this.settings, (next) => this.#lost(next));
    });
    this.#restartDelay = Math.min(2 * this.#restartDelay, mediaPlaneDefaults.longestRestartDelay);
  }
}
