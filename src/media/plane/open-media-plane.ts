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
import type { DropReason, MediaError, MediaEvent, TrafficCount } from './messages.ts';
import { dropReasons } from './messages.ts';
import { leastLoaded, type PortRange, portShare } from './placement.ts';
import { PlaneSession } from './plane-session.ts';
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

interface Seat {
  readonly settings: WorkerSettings;
  client: WorkerClient;
  readonly sessions: Set<PlaneSession>;
  /** Waits while there is no worker here; what the last one counted is in the past then. */
  restart: Timer | undefined;
  restartDelay: Millis;
}

class WorkerMediaPlane implements MediaPlane {
  readonly #options: MediaPlaneOptions;
  readonly #seats: Seat[];
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
        client: this.#start(settings),
        sessions: new Set(),
        restart: undefined,
        restartDelay: firstDelay,
      };
    });
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
    }));
  }

  /** Undefined when every worker is ready, else why one is not. */
  async started(): Promise<MediaError | undefined> {
    const results = await Promise.all(this.#seats.map(({ client }) => client.started()));
    const { dtls } = this.#options;
    const isSpoken = this.#seats.every(({ client }) => client.ready?.withoutDtls === undefined);
    if (dtls !== undefined && isSpoken) this.#fingerprint = ownFingerprint(dtls);
    return results.find((error) => error !== undefined);
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
    const isItsOwn = ({ ports }: WorkerSettings): boolean =>
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
    isPreferred: (settings: WorkerSettings) => boolean,
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
    const session = new PlaneSession(number, seat.client, onEvent, () => {
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
      .filter(({ restart }) => restart === undefined)
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
    await Promise.all(this.#seats.map(({ client }) => client.stop()));
  }

  #start(settings: WorkerSettings): WorkerClient {
    const { scheduler, logger, deadlines = defaultWorkerDeadlines, start = startWorkerThread } = this.#options;
    return new WorkerClient({
      settings,
      start,
      scheduler,
      logger,
      deadlines,
      onEvent: (session, event) => this.#sessions.get(session)?.deliver(event),
      onLost: (reason) => this.#lost(settings.index, reason),
    });
  }

  #lost(index: number, reason: string): void {
    const seat = this.#seats[index];
    if (seat === undefined) return;
    this.#workersLost += 1;
    this.#past = addTraffic(this.#past, seat.client.stats);
    for (const session of [...seat.sessions]) {
      this.#sessionsLost += 1;
      session.lose(reason);
    }
    if (this.#isClosed) return;
    const { scheduler } = this.#options;
    seat.restart = scheduler.after(seat.restartDelay, () => {
      seat.restart = undefined;
      seat.client = this.#start(seat.settings);
    });
    seat.restartDelay = Math.min(2 * seat.restartDelay, mediaPlaneDefaults.longestRestartDelay);
  }
}

const firstDelay: Millis = mediaPlaneDefaults.firstRestartDelay;

function settingsOf(options: MediaPlaneOptions, workers: number, index: number): WorkerSettings {
  const ports = portShare(options.ports, workers, index);
  const maxSockets = Math.floor((options.maxSockets ?? mediaPlaneDefaults.maxSockets) / workers);
  return {
    index,
    driver: options.driver,
    dtls: options.dtls,
    state: options.state,
    ports,
    timeout: options.timeout,
    quarantine: options.quarantine ?? mediaPlaneDefaults.quarantine,
    dscp: options.dscp ?? mediaPlaneDefaults.dscp,
    receiveBufferBytes: options.receiveBufferBytes ?? mediaPlaneDefaults.receiveBufferBytes,
    // Several local addresses may each use the whole range.
    maxSockets: Math.max(2, Math.min(maxSockets, 4 * (ports.last - ports.first + 1))),
  };
}

type TrafficTotals = Pick<MediaTotals, 'received' | 'sent' | 'dropped' | 'faults'>;

function addTraffic(total: TrafficTotals, more: TrafficTotals | undefined): TrafficTotals {
  if (more === undefined) return total;
  const dropped = { ...total.dropped };
  for (const reason of dropReasons) dropped[reason] += more.dropped[reason];
  return {
    received: add(total.received, more.received),
    sent: add(total.sent, more.sent),
    dropped,
    faults: total.faults + more.faults,
  };
}

function add(a: TrafficCount, b: TrafficCount): TrafficCount {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}

function portsOf(sessions: Iterable<PlaneSession>): number {
  let ports = 0;
  for (const session of sessions) ports += session.portsInUse;
  return ports;
}

const noDrops: Readonly<Record<DropReason, number>> = {
  foreign: 0,
  forged: 0,
  replayed: 0,
  malformed: 0,
  'unexpected-protocol': 0,
  'not-ready': 0,
  'not-joined': 0,
  'not-latched': 0,
  held: 0,
  'too-many-sources': 0,
  'too-large': 0,
  'over-limit': 0,
  'index-reuse': 0,
  'not-keyed': 0,
  'handshake-refused': 0,
};

const noTraffic: TrafficTotals = {
  received: { packets: 0, bytes: 0 },
  sent: { packets: 0, bytes: 0 },
  dropped: noDrops,
  faults: 0,
};
