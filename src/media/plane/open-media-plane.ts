// The media plane over worker threads: starts them, and places sessions.
import { availableParallelism } from 'node:os';
import { SbcError } from '../../core/errors.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Fingerprint } from '../dtls/fingerprint.ts';
import { ownFingerprint } from '../dtls/identity.ts';
import { DescriptorLedger, ledgerPlace } from '../packet-io/descriptor-ledger.ts';
import { MemoryRecord } from '../packet-io/memory-record.ts';
import {
  type LeftMedia,
  ledgersOfProcess,
  type MediaHandover,
  type MediaPlane,
  type MediaSession,
  type MediaTotals,
  type MediaWorkerStatus,
} from './media-plane.ts';
import type { MediaSnapshot } from './media-snapshot.ts';
import type { MediaError, MediaEvent } from './messages.ts';
import { leastLoaded } from './placement.ts';
import { type MediaPlaneOptions, mediaPlaneDefaults, type SeatSettings, seatSettings } from './plane-options.ts';
import { PlaneSession } from './plane-session.ts';
import { Reserve } from './reserve.ts';
import { Seat, type SeatHost } from './seat.ts';
import { addTraffic, noTraffic, type TrafficTotals } from './traffic-totals.ts';
import { WorkerClient } from './worker-client.ts';
import { defaultWorkerDeadlines } from './worker-deadlines.ts';
import type { WorkerFollows, WorkerStats } from './worker-protocol.ts';
import { startWorkerThread } from './worker-thread.ts';

/** Starts the workers. All of them must get ready; else none is left running and the error says why. */
export async function openMediaPlane(
  options: MediaPlaneOptions,
): Promise<Result<MediaPlane & MediaHandover, MediaError>> {
  const plane = new WorkerMediaPlane(options);
  const failure = await plane.started();
  if (failure === undefined) return ok(plane);
  await plane.close();
  return err(failure);
}

class WorkerMediaPlane implements MediaPlane, MediaHandover, SeatHost {
  readonly firstLedger: number;
  readonly scheduler: MediaPlaneOptions['scheduler'];
  readonly logger: MediaPlaneOptions['logger'];
  readonly reserve: Reserve | undefined;
  readonly #options: MediaPlaneOptions;
  readonly #seats: readonly Seat[];
  /** Ledgers of workers whose threads have not ended. */
  readonly #ledgers = new Set<number>();
  /** Packet memory of workers whose threads have ended: it stays mapped, and there is as much of it as there were workers at a time. */
  readonly #memories: MemoryRecord[] = [];
  readonly #sessions = new Map<number, PlaneSession>();
  /** What workers that are gone had counted. */
  #past: TrafficTotals = noTraffic;
  #fingerprint: Fingerprint | undefined;
  #nextSession = 1;
  #sessionsOpened = 0;
  #sessionsLost = 0;
  #workersLost = 0;
  #isClosed = false;
  #isReleased = false;
  /** Events of sessions that nobody may hear of yet. */
  readonly #untold: (() => void)[] = [];
  readonly #inherited = Promise.withResolvers<void>();
  readonly #resuming = new Set<Promise<unknown>>();

  constructor(options: MediaPlaneOptions) {
    this.#options = options;
    this.firstLedger = options.after?.firstLedger === 0 ? ledgersOfProcess : 0;
    if (options.after === undefined) this.#inherited.resolve();
    this.scheduler = options.scheduler;
    this.logger = options.logger;
    const workers = options.workers === 0 ? Math.max(1, availableParallelism() - 1) : options.workers;
    const follows = options.after === undefined ? undefined : 'process';
    this.#seats = Array.from(
      { length: workers },
      (_, index) => new Seat(seatSettings(options, workers, index), this, follows),
    );
    if (options.state === undefined) return;
    // It gets the ports of the one that it follows.
    const reserve = { ...seatSettings(options, workers, 0), index: workers, ports: { first: 0, last: -1 } };
    this.reserve = new Reserve(options.scheduler, (onLost, rehearses) =>
      this.start(reserve, onLost, rehearses ? 'worker' : undefined),
    );
  }

  get fingerprint(): Fingerprint | undefined {
    return this.#fingerprint;
  }

  get portsInUse(): number {
    return this.#seats.reduce((total, { portsInUse }) => total + portsInUse, 0);
  }

  get activeSessions(): number {
    return this.#sessions.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get workers(): readonly MediaWorkerStatus[] {
    return this.#seats.map(({ client, sessions, portsInUse }) => ({
      index: client.index,
      alive: client.ready !== undefined,
      driver: client.ready?.driver,
      cipher: client.ready?.cipher,
      sessions: sessions.size,
      portsInUse,
      ran: client.ran,
      packets: (client.stats?.received.packets ?? 0) + (client.stats?.sent.packets ?? 0),
      dropped: Object.values(client.stats?.dropped ?? {}).reduce((sum, packets) => sum + packets, 0),
    }));
  }

  /** Undefined when every worker is ready, else why one is not. */
  async started(): Promise<MediaError | undefined> {
    const results = await Promise.all(this.#seats.map(({ client }) => client.started()));
    const { dtls } = this.#options;
    const isSpoken = this.#seats.every(({ client }) => client.ready?.withoutDtls === undefined);
    if (dtls !== undefined && isSpoken) this.#fingerprint = ownFingerprint(dtls);
    const failure = results.find((error) => error !== undefined);
    if (failure !== undefined || this.#options.after === undefined) return failure;
    // Another process waits, and stands still when it hears that this one is ready: nothing may start then.
    this.reserve?.fill();
    await this.reserve?.ready();
    return undefined;
  }

  openSession(label: string, onEvent: (event: MediaEvent) => void): Result<MediaSession, MediaError> {
    const seated = this.#seat(label, onEvent, () => true);
    if (seated.ok) seated.value.open();
    return seated;
  }

  resumeSession(
    label: string,
    snapshot: MediaSnapshot,
    onEvent: (event: MediaEvent) => void,
  ): Promise<Result<MediaSession, MediaError>> {
    const resumed = this.#resume(label, snapshot, onEvent);
    this.#resuming.add(resumed);
    return resumed.finally(() => this.#resuming.delete(resumed));
  }

  async #resume(
    label: string,
    snapshot: MediaSnapshot,
    onEvent: (event: MediaEvent) => void,
  ): Promise<Result<MediaSession, MediaError>> {
    const isItsOwn = ({ ports }: SeatSettings): boolean =>
      snapshot.endpoints.every(({ rtpPort }) => rtpPort >= ports.first && rtpPort <= ports.last);
    const seated = this.#seat(label, onEvent, isItsOwn);
    if (!seated.ok) return seated;
    const session = seated.value;
    const { scheduler } = this;
    // A worker that follows a process makes ready for it, and goes on with it when the sockets are there.
    let resuming = this.#resumeNow(session, snapshot);
    await this.#inherited.promise;
    const end = scheduler.clock.now() + mediaPlaneDefaults.resumePatience;
    for (;;) {
      const resumed = await resuming;
      if (resumed.ok) return ok(session);
      // The kernel closes the sockets of a process that was killed a moment after it.
      if (resumed.error.code !== 'no-ports' || scheduler.clock.now() >= end) {
        session.abandon();
        return resumed;
      }
      await new Promise<void>((resolve) => scheduler.after(mediaPlaneDefaults.resumeInterval, resolve));
      resuming = this.#resumeNow(session, snapshot);
    }
  }

  #resumeNow(session: PlaneSession, snapshot: MediaSnapshot): Promise<Result<void, MediaError>> {
    // Its ports may be among those that were bound ahead.
    for (const { client } of this.#seats) client.ports.giveBack();
    return session.resume(snapshot);
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

  closeIdle(): void {
    for (const { client } of this.#seats) client.closeIdle();
  }

  settle(): void {
    for (const { client, sessions } of this.#seats) if (sessions.size === 0) client.settle();
  }

  get behind(): number {
    return [...this.#sessions.values()].filter(({ isBehind }) => isBehind).length;
  }

  async release(keepsSockets: boolean): Promise<LeftMedia> {
    this.#isReleased = true;
    const left = await Promise.all(this.#seats.map((seat) => seat.release()));
    const ledgers = left.flatMap((buffer) => (buffer === undefined ? [] : [new DescriptorLedger(buffer)]));
    // A ring that is mapped still reads, whoever has the sockets.
    if (ledgers.some(({ hasMappings }) => hasMappings)) {
      throw new SbcError('media-not-released', 'a media worker did not end in order');
    }
    if (!keepsSockets) for (const { client } of this.#seats) client.closeLeftovers();
    return { descriptors: ledgers.flatMap(socketsIn), ledgers: this.#seats.map(({ client }) => client.ledger) };
  }

  async reclaim(): Promise<void> {
    await Promise.all(this.#seats.map((seat) => seat.reclaim()));
    this.#isReleased = false;
    for (const tell of this.#untold.splice(0)) tell();
  }

  async inherit({ descriptors, ledgers }: LeftMedia): Promise<void> {
    const ledger = new DescriptorLedger(descriptors.length);
    for (const [place, descriptor] of descriptors.entries()) ledger.note(ledgerPlace.firstSocket + place, descriptor);
    for (const { client, settings } of this.#seats) {
      client.succeed(client.index, { ports: settings.ports, ledgers, descriptors: ledger.buffer });
    }
    this.#inherited.resolve();
    await Promise.all(this.#resuming);
    // What no session has asked for belongs to nobody.
    ledger.closeAll();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const session of [...this.#sessions.values()]) session.lose('the media plane is closed');
    await Promise.all([...this.#seats.map((seat) => seat.stop()), this.reserve?.close()]);
  }

  // What its seats ask of it.

  start(settings: SeatSettings, onLost: (reason: string) => boolean, follows?: WorkerFollows): WorkerClient {
    const { scheduler, logger, deadlines = defaultWorkerDeadlines, start = startWorkerThread } = this.#options;
    const ledger = this.#takeLedger();
    const memory = this.#memories.pop() ?? new MemoryRecord();
    return new WorkerClient({
      settings: { ...settings, ledger, memory: memory.buffer, follows },
      start,
      scheduler,
      logger,
      deadlines,
      onEvent: (session, event) => this.#orLater(() => this.#sessions.get(session)?.deliver(event)),
      onStates: (states) => {
        for (const { session, snapshot, covers } of states) this.#sessions.get(session)?.reached(snapshot, covers);
      },
      onRefused: (session, refused) => this.#orLater(() => this.#sessions.get(session)?.refused(refused)),
      onLost,
      onGone: () => {
        this.#ledgers.delete(ledger);
        this.#memories.push(memory);
      },
    });
  }

  onWorkerLost(stats: WorkerStats | undefined): void {
    this.#workersLost += 1;
    this.onWorkerLeft(stats);
  }

  onWorkerLeft(stats: WorkerStats | undefined): void {
    this.#past = addTraffic(this.#past, stats);
  }

  onSessionLost(): void {
    this.#sessionsLost += 1;
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
    const session: PlaneSession = new PlaneSession(number, seat.client, {
      keepsStates: this.reserve !== undefined,
      onEvent,
      onPorts: (change) => {
        seat.portsInUse += change;
      },
      onClosed: () => {
        this.#sessions.delete(number);
        seat.sessions.delete(session);
      },
    });
    this.#sessions.set(number, session);
    seat.sessions.add(session);
    this.#sessionsOpened += 1;
    seat.proveUseful();
    this.reserve?.want();
    this.logger.debug('media-session-opened', { session: session.id, worker: seat.client.index, label });
    return ok(session);
  }

  #orLater(tell: () => void): void {
    if (this.#isReleased) this.#untold.push(tell);
    else tell();
  }

  #takeLedger(): number {
    let ledger = this.firstLedger;
    while (this.#ledgers.has(ledger)) ledger += 1;
    this.#ledgers.add(ledger);
    return ledger;
  }
}

/** The sockets of a worker that has left; what took strays beside them is closed. */
function socketsIn(ledger: DescriptorLedger): readonly number[] {
  const places = Array.from({ length: ledger.maxSockets }, (_, socket) => ledger.at(ledgerPlace.firstSocket + socket));
  return places.filter((descriptor) => descriptor >= 0);
}
