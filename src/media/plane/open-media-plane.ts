// The media plane over worker threads: starts them, places sessions, and replaces a worker that was lost.
import { availableParallelism } from 'node:os';
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { Fingerprint } from '../dtls/fingerprint.ts';
import { type DtlsIdentity, ownFingerprint } from '../dtls/identity.ts';
import type { MediaPlane, MediaSession, MediaTotals, MediaWorkerStatus } from './media-plane.ts';
import type { MediaSnapshot } from './media-snapshot.ts';
import type { MediaError, MediaEvent } from './messages.ts';
import { leastLoaded, type PortRange, portShare } from './placement.ts';
import { PlaneSession } from './plane-session.ts';
import { Reserve } from './reserve.ts';
import { addTraffic, noTraffic, type TrafficTotals } from './traffic-totals.ts';
import { defaultWorkerDeadlines, WorkerClient, type WorkerDeadlines } from './worker-client.ts';
import type { WorkerDriver, WorkerSettings, WorkerState } from './worker-protocol.ts';
import { type StartWorker, startWorkerThread } from './worker-thread.ts';

export interface MediaPlaneOptions {
  readonly ports: PortRange;
  /** 0: one less than the cores, at least one. */
  readonly workers: number;
  readonly driver: WorkerDriver;
  /** Both directions silent for this long: a `timeout` event; 0 never. */
  readonly timeout: Millis;
  /** How long a port rests after use. */
  readonly quarantine?: Millis | undefined;
  /** RFC 2474; 46 (Expedited Forwarding) unless said otherwise. */
  readonly dscp?: number | undefined;
  readonly receiveBufferBytes?: number | undefined;
  /** Packets each way of an endpoint whose headers are noted, for captures; none unless said otherwise. */
  readonly headerPackets?: number | undefined;
  /** Media sockets of all workers together; the process's descriptor limit must allow them. */
  readonly maxSockets?: number | undefined;
  /** What workers show in DTLS; without it none is spoken. */
  readonly dtls?: DtlsIdentity | undefined;
  /** Where indices and keys outlive the process; without it no session can be resumed. */
  readonly state?: WorkerState | undefined;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly deadlines?: WorkerDeadlines | undefined;
  readonly start?: StartWorker | undefined;
}

export const mediaPlaneDefaults = {
  quarantine: 30_000,
  dscp: 46,
  receiveBufferBytes: 262_144,
  maxSockets: 16_000,
  /** Before a lost worker is replaced: doubles with each loss in a row. */
  firstRestartDelay: 500,
  longestRestartDelay: 30_000,
  /** Sessions of one place move to another worker so often in so long; who ends more often takes its calls along. */
  mostMoves: 3,
  movesWithin: 60_000,
  /** For a worker that is gone to end and for the reserve to be ready, before the sessions are given up. */
  movePatience: 2_000,
  /** Ports of a process that has just ended are tried for so long, so often. */
  resumePatience: 3_000,
  resumeInterval: 50,
} as const;

/** Starts the workers. All of them must get ready; else none is left running and the error says why. */
export async function openMediaPlane(options: MediaPlaneOptions): Promise<Result<MediaPlane, MediaError>> {
  const plane = new WorkerMediaPlane(options);
  const failure = await plane.started();
  if (failure === undefined) return ok(plane);
  await plane.close();
  return err(failure);
}

/** The file of its ledger is chosen when a worker starts: one that has not ended yet keeps its own. */
type SeatSettings = Omit<WorkerSettings, 'ledger'>;

interface Seat {
  readonly settings: SeatSettings;
  client: WorkerClient;
  readonly sessions: Set<PlaneSession>;
  /** There is no worker here; what the last one counted is in the past then. */
  isVacant: boolean;
  restart: Timer | undefined;
  restartDelay: Millis;
  /** When sessions moved to another worker, newest last. */
  moves: readonly Millis[];
}

class WorkerMediaPlane implements MediaPlane {
  readonly #options: MediaPlaneOptions;
  readonly #seats: Seat[];
  /** Follows a worker that is lost; undefined where no key is sealed, so that nothing could move. */
  readonly #reserve: Reserve | undefined;
  /** Ledgers of workers whose threads have not ended. */
  readonly #ledgers = new Set<number>();
  readonly #sessions = new Map<number, PlaneSession>();
  /** What workers that are gone had counted. */
  #past: TrafficTotals = noTraffic;
  #fingerprint: Fingerprint | undefined;
  #nextSession = 1;
  #sessionsOpened = 0;
  #sessionsLost = 0;
  #workersLost = 0;
  #isClosed = false;

  constructor(options: MediaPlaneOptions) {
    this.#options = options;
    const workers = options.workers === 0 ? Math.max(1, availableParallelism() - 1) : options.workers;
    this.#seats = Array.from({ length: workers }, (_, index) => {
      const settings = settingsOf(options, workers, index);
      return {
        settings,
        client: this.#start(settings, (reason) => this.#lost(index, reason)),
        sessions: new Set(),
        isVacant: false,
        restart: undefined,
        restartDelay: firstDelay,
        moves: [],
      };
    });
    if (options.state === undefined) return;
    // It gets the ports of the one that it follows.
    const reserve = { ...settingsOf(options, workers, 0), index: workers, ports: { first: 0, last: -1 } };
    this.#reserve = new Reserve(options.scheduler, (onLost) => this.#start(reserve, onLost));
  }

  get fingerprint(): Fingerprint | undefined {
    return this.#fingerprint;
  }

  get portsInUse(): number {
    return portsOf(this.#sessions.values());
  }

  get activeSessions(): number {
    return this.#sessions.size;
  }

  get workers(): readonly MediaWorkerStatus[] {
    return this.#seats.map(({ client, sessions }) => ({
      index: client.index,
      alive: client.ready !== undefined,
      driver: client.ready?.driver,
      cipher: client.ready?.cipher,
      sessions: sessions.size,
      portsInUse: portsOf(sessions),
      ran: client.ran,
      packets: (client.stats?.received.packets ?? 0) + (client.stats?.sent.packets ?? 0),
    }));
  }

  /** Undefined when every worker is ready, else why one is not. */
  async started(): Promise<MediaError | undefined> {
    const results = await Promise.all(this.#seats.map(({ client }) => client.started()));
    const { dtls } = this.#options;
    const isSpoken = this.#seats.every(({ client }) => client.ready?.withoutDtls === undefined);
    if (dtls !== undefined && isSpoken) this.#fingerprint = ownFingerprint(dtls);
    const failure = results.find((error) => error !== undefined);
    if (failure === undefined) this.#reserve?.fill();
    return failure;
  }

  openSession(label: string, onEvent: (event: MediaEvent) => void): Promise<Result<MediaSession, MediaError>> {
    const seated = this.#seat(label, onEvent, () => true);
    if (seated.ok) seated.value.open();
    return Promise.resolve(seated);
  }

  async resumeSession(
    label: string,
    snapshot: MediaSnapshot,
    onEvent: (event: MediaEvent) => void,
  ): Promise<Result<MediaSession, MediaError>> {
    const isItsOwn = ({ ports }: SeatSettings): boolean =>
      snapshot.endpoints.every(({ rtpPort }) => rtpPort >= ports.first && rtpPort <= ports.last);
    const seated = this.#seat(label, onEvent, isItsOwn);
    if (!seated.ok) return seated;
    const session = seated.value;
    const { scheduler } = this.#options;
    const end = scheduler.clock.now() + mediaPlaneDefaults.resumePatience;
    for (;;) {
      const resumed = await session.resume(snapshot);
      if (resumed.ok) return ok(session);
      // The kernel closes the sockets of a process that was killed a moment after it.
      if (resumed.error.code !== 'no-ports' || scheduler.clock.now() >= end) {
        session.abandon();
        return resumed;
      }
      await new Promise<void>((resolve) => scheduler.after(mediaPlaneDefaults.resumeInterval, resolve));
    }
  }

  /** A session on the least loaded worker, among those that are preferred if there are any. */
  #seat(
    label: string,
    onEvent: (event: MediaEvent) => void,
    isPreferred: (settings: SeatSettings) => boolean,
  ): Result<PlaneSession, MediaError> {
    const running = this.#seats.filter(({ client }) => client.ready !== undefined);
    const prompt = running.filter(({ client }) => client.isPrompt);
    const usable = prompt.length > 0 ? prompt : running;
    const preferred = usable.filter(({ settings }) => isPreferred(settings));
    const seat = leastLoaded(preferred.length > 0 ? preferred : usable, ({ sessions }) => sessions.size);
    if (this.#isClosed || seat === undefined) {
      const code = this.#isClosed ? 'closed' : 'worker-lost';
      return err({ code, detail: 'no media worker is running' });
    }
    const number = this.#nextSession;
    this.#nextSession += 1;
    const session = new PlaneSession(number, seat.client, this.#reserve !== undefined, onEvent, () => {
      this.#sessions.delete(number);
      seat.sessions.delete(session);
    });
    this.#sessions.set(number, session);
    seat.sessions.add(session);
    this.#sessionsOpened += 1;
    seat.restartDelay = firstDelay;
    this.#options.logger.debug('media-session-opened', { session: session.id, worker: seat.client.index, label });
    return ok(session);
  }

  stats(): MediaTotals {
    const traffic = this.#seats
      .filter(({ isVacant }) => !isVacant)
      .reduce((total, { client }) => addTraffic(total, client.stats), this.#past);
    return {
      ...traffic,
      sessionsOpened: this.#sessionsOpened,
      sessionsLost: this.#sessionsLost,
      workersLost: this.#workersLost,
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const seat of this.#seats) seat.restart?.cancel();
    for (const session of [...this.#sessions.values()]) session.lose('the media plane is closed');
    await Promise.all([...this.#seats.map(({ client }) => client.stop()), this.#reserve?.close()]);
  }

  #start(settings: SeatSettings, onLost: (reason: string) => boolean): WorkerClient {
    const { scheduler, logger, deadlines = defaultWorkerDeadlines, start = startWorkerThread } = this.#options;
    const ledger = this.#takeLedger();
    return new WorkerClient({
      settings: { ...settings, ledger },
      start,
      scheduler,
      logger,
      deadlines,
      onEvent: (session, event) => this.#sessions.get(session)?.deliver(event),
      onStates: (states) => {
        for (const { session, snapshot, covers } of states) this.#sessions.get(session)?.reached(snapshot, covers);
      },
      onLost,
      onGone: () => this.#ledgers.delete(ledger),
    });
  }

  #takeLedger(): number {
    let ledger = 0;
    while (this.#ledgers.has(ledger)) ledger += 1;
    this.#ledgers.add(ledger);
    return ledger;
  }

  /** True when its sessions go on at another worker, which takes over what it leaves. */
  #lost(index: number, reason: string): boolean {
    const seat = this.#seats[index];
    if (seat === undefined) return false;
    this.#workersLost += 1;
    this.#past = addTraffic(this.#past, seat.client.stats);
    seat.isVacant = true;
    if (this.#reserve !== undefined && this.#mayMove(seat)) {
      for (const session of seat.sessions) session.suspend();
      void this.#move(index, seat, this.#reserve, reason);
      return true;
    }
    this.#giveUp(seat, reason);
    return false;
  }

  #mayMove(seat: Seat): boolean {
    const { mostMoves, movesWithin } = mediaPlaneDefaults;
    const now = this.#options.scheduler.clock.now();
    seat.moves = seat.moves.filter((at) => now - at < movesWithin);
    if (this.#isClosed || seat.moves.length >= mostMoves) return false;
    seat.moves = [...seat.moves, now];
    return true;
  }

  /** Never rejects: whoever cannot go on is lost, as without a reserve. */
  async #move(index: number, seat: Seat, reserve: Reserve, reason: string): Promise<void> {
    const { scheduler, logger } = this.#options;
    const start = scheduler.clock.now();
    const lost = seat.client;
    const followed = await reserve.follow(lost, mediaPlaneDefaults.movePatience, (next) => this.#lost(index, next));
    // Its sockets are closed when its thread has ended, should that take longer.
    if (!followed.ok) void lost.gone().then(() => lost.closeLeftovers());
    if (!followed.ok || this.#isClosed) {
      if (followed.ok) await followed.value.stop();
      this.#giveUp(seat, followed.ok ? reason : `${reason}; ${followed.error}`);
      return;
    }
    seat.client = followed.value;
    seat.isVacant = false;
    seat.client.succeed(index, lost.succession(seat.settings.ports));
    const sessions = [...seat.sessions];
    const failures = await Promise.all(sessions.map((session) => session.moveTo(followed.value)));
    for (const [at, failure] of failures.entries()) {
      if (failure === undefined) continue;
      this.#sessionsLost += 1;
      logger.error('media-session-not-moved', { session: sessions[at]?.id, worker: index, ...failure });
      sessions[at]?.lose(`${reason}; ${failure.detail}`);
    }
    lost.closeLeftovers();
    const took = Math.round(scheduler.clock.now() - start);
    logger.warn('media-sessions-moved', { worker: index, sessions: sessions.length, took });
  }

  #giveUp(seat: Seat, reason: string): void {
    for (const session of [...seat.sessions]) {
      this.#sessionsLost += 1;
      session.lose(reason);
    }
    if (this.#isClosed) return;
    const { index } = seat.settings;
    seat.restart = this.#options.scheduler.after(seat.restartDelay, () => {
      seat.restart = undefined;
      seat.isVacant = false;
      seat.client = this.#start(seat.settings, (next) => this.#lost(index, next));
    });
    seat.restartDelay = Math.min(2 * seat.restartDelay, mediaPlaneDefaults.longestRestartDelay);
  }
}

const firstDelay: Millis = mediaPlaneDefaults.firstRestartDelay;

function settingsOf(options: MediaPlaneOptions, workers: number, index: number): SeatSettings {
  const ports = portShare(options.ports, workers, index);
  const maxSockets = Math.floor((options.maxSockets ?? mediaPlaneDefaults.maxSockets) / workers);
  return {
    index,
    driver: options.driver,
    dtls: options.dtls,
    state: options.state,
    ports,
    timeout: options.timeout,
    headerPackets: options.headerPackets ?? 0,
    quarantine: options.quarantine ?? mediaPlaneDefaults.quarantine,
    dscp: options.dscp ?? mediaPlaneDefaults.dscp,
    receiveBufferBytes: options.receiveBufferBytes ?? mediaPlaneDefaults.receiveBufferBytes,
    // Several local addresses may each use the whole range.
    maxSockets: Math.max(2, Math.min(maxSockets, 4 * (ports.last - ports.first + 1))),
  };
}

function portsOf(sessions: Iterable<PlaneSession>): number {
  let ports = 0;
  for (const session of sessions) ports += session.portsInUse;
  return ports;
}
