// One call's media, seen from the main thread: commands to the worker that holds it, and how it moves to another when that is lost.
import { err, ok, type Result } from '../../core/result.ts';
import { freshSnapshot } from './fresh-snapshot.ts';
import type { MediaSession } from './media-plane.ts';
import { type MediaSnapshot, readMediaSnapshot } from './media-snapshot.ts';
import {
  type EndpointRemote,
  type EndpointSpec,
  type MediaError,
  type MediaEvent,
  type MediaReport,
  mostEndpoints,
  type OpenedEndpoint,
  type PortPlace,
} from './messages.ts';
import { type AskedEntry, type JournalEntry, SessionJournal, type ToldEntry } from './session-journal.ts';
import type { RefusedCommand, WorkerClient } from './worker-client.ts';
import type { CommandOutcome, SessionCommand, SessionQuery } from './worker-protocol.ts';

/** Numbers of commands begin at 0. */
const coversNothing = -1;

/** Before the answer is known (RFC 5763 §5). */
const mayShakeHands = ({ dtls }: EndpointSpec): boolean => dtls === true;

const emptyReport: MediaReport = { endpoints: [] };

export interface SessionHost {
  /** Workers tell states, so that sessions can move. */
  readonly keepsStates: boolean;
  onEvent(event: MediaEvent): void;
  /** It has so many ports more, or fewer. */
  onPorts(change: number): void;
  /** Once, when the session is over for whatever reason. */
  onClosed(): void;
}

export class PlaneSession implements MediaSession {
  readonly id: string;
  readonly #number: number;
  #worker: WorkerClient;
  readonly #host: SessionHost;
  readonly #journal = new SessionJournal();
  /** Its worker is gone and another one is awaited: commands wait. */
  #isMoving = false;
  /** Called when it has moved, or is lost. */
  #whenMoved: (() => void)[] = [];
  readonly #endpoints = new Map<number, OpenedEndpoint>();
  #nextEndpoint = 1;
  /** What a successor could go on from while no worker has told anything. */
  #fresh: string | undefined;
  #lost: string | undefined;
  #closing: Promise<MediaReport> | undefined;

  constructor(number: number, worker: WorkerClient, host: SessionHost) {
    this.id = `m${number}`;
    this.#number = number;
    this.#worker = worker;
    this.#host = host;
  }

  /** It begins anew. */
  open(): void {
    this.#tell({ type: 'open-session' }, false);
  }

  /** Goes on from a snapshot instead. */
  async resume(snapshot: MediaSnapshot): Promise<Result<void, MediaError>> {
    const outcome = await this.#ask({ type: 'resume-session', snapshot });
    if (outcome.type !== 'done') return err(errorOf(outcome));
    for (const { endpoint, address, rtpPort, rtcpPort } of snapshot.endpoints) {
      this.#add({ endpoint, address, rtpPort, rtcpPort: rtcpPort ?? undefined });
    }
    this.#nextEndpoint = snapshot.nextEndpoint;
    // Until the worker tells a state: whoever follows meanwhile needs its keys and peers too.
    if (this.#host.keepsStates && this.#journal.state === undefined) {
      this.#journal.reached(JSON.stringify(snapshot), coversNothing);
    }
    return ok(undefined);
  }

  /** It never got as far as being open. */
  abandon(): void {
    this.#lost = 'it was not resumed';
    this.#host.onClosed();
  }

  openEndpoints(specs: readonly EndpointSpec[]): Promise<Result<readonly OpenedEndpoint[], MediaError>> {
    const refusal = this.#over() ?? this.#tooMany(specs);
    if (refusal !== undefined) return Promise.resolve(err(refusal));
    const places = this.#isMoving ? undefined : this.#worker.ports.take(specs);
    const opening = places === undefined ? this.#openGranted(specs) : Promise.resolve(ok(this.#opened(specs, places)));
    return specs.some(mayShakeHands) ? this.#onceKnown(opening) : opening;
  }

  setRemote(endpoint: number, remote: EndpointRemote): void {
    this.#tell({ type: 'set-remote', endpoint, remote }, true);
  }

  join(a: number, b: number): void {
    this.#tell({ type: 'join', a, b }, true);
  }

  closeEndpoints(endpoints: readonly number[]): void {
    this.#tell({ type: 'close-endpoints', endpoints }, false);
    for (const endpoint of endpoints) this.#remove(endpoint);
  }

  pauseTimeout(isPaused: boolean): void {
    this.#tell({ type: 'pause-timeout', isPaused }, false);
  }

  get state(): string | undefined {
    const { state } = this.#journal;
    if (state !== undefined || !this.#host.keepsStates || this.#endpoints.size === 0) return state;
    this.#fresh ??= JSON.stringify(freshSnapshot([...this.#endpoints.values()], this.#nextEndpoint));
    return this.#fresh;
  }

  async snapshot(): Promise<Result<MediaSnapshot, MediaError>> {
    const over = this.#over();
    if (over !== undefined) return err(over);
    const outcome = await this.#ask({ type: 'snapshot' });
    return outcome.type === 'snapshot' ? ok(outcome.snapshot) : err(errorOf(outcome));
  }

  async report(): Promise<MediaReport> {
    if (this.#over() !== undefined) return emptyReport;
    const outcome = await this.#ask({ type: 'report' });
    return outcome.type === 'report' ? outcome.report : emptyReport;
  }

  close(): Promise<MediaReport> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** From the worker. */
  deliver(event: MediaEvent): void {
    if (this.#over() === undefined) this.#host.onEvent(event);
  }

  /** The worker did not carry out a command. */
  refused({ id, command, error }: RefusedCommand): void {
    this.#journal.refused(id);
    this.deliver({ type: 'failed', command, error });
  }

  /** A state from the worker. */
  reached(snapshot: string, covers: number): void {
    this.#journal.reached(snapshot, covers);
  }

  /** It was told something that its state may not hold. */
  get isBehind(): boolean {
    const { state, entries } = this.#journal;
    // Until a worker has told one, the state is made here, of the places of its endpoints.
    const isHeld = (entry: JournalEntry): boolean =>
      state === undefined && (entry.command.type === 'open-session' || entry.command.type === 'open-endpoints');
    return !entries.every(isHeld);
  }

  /** The worker is gone, and another one will follow, or `lose`. */
  suspend(): void {
    this.#isMoving = true;
  }

  /** Goes on at another worker, where nothing is known of it yet. Undefined when it does, else why it cannot. */
  async moveTo(worker: WorkerClient): Promise<MediaError | undefined> {
    this.#worker = worker;
    this.#endMove();
    const { state, entries } = this.#journal;
    const snapshot = state === undefined ? undefined : readMediaSnapshot(JSON.parse(state));
    const resumed =
      snapshot === undefined ? undefined : worker.request(this.#number, { type: 'resume-session', snapshot });
    for (const entry of [...entries]) {
      if ('settle' in entry) void this.#sendQuery(entry);
      else entry.number = worker.send(this.#number, entry.command, true);
    }
    const outcome = await resumed;
    // Should this worker be gone too, the next one is awaited already.
    if (this.#worker !== worker || this.#isMoving) return undefined;
    return outcome?.type === 'error' ? outcome.error : undefined;
  }

  /** The worker is gone. */
  lose(reason: string): void {
    if (this.#lost !== undefined) return;
    const wasOpen = this.#closing === undefined;
    this.#lost = reason;
    this.#removeAll();
    const error: MediaError = { code: 'worker-lost', detail: reason };
    for (const entry of [...this.#journal.entries]) {
      this.#journal.drop(entry);
      if ('settle' in entry) entry.settle({ type: 'error', error });
    }
    this.#endMove();
    if (!wasOpen) return;
    this.#host.onClosed();
    this.#host.onEvent({ type: 'lost', reason });
  }

  /** Waits for the worker, which binds more ports. */
  async #openGranted(specs: readonly EndpointSpec[]): Promise<Result<readonly OpenedEndpoint[], MediaError>> {
    for (;;) {
      if (this.#isMoving) await new Promise<void>((resolve) => this.#whenMoved.push(resolve));
      const worker = this.#worker;
      const places = await worker.ports.wait(specs);
      const refusal = this.#over() ?? this.#tooMany(specs);
      // Another worker may be there by now, or soon.
      const hasMoved = this.#isMoving || worker !== this.#worker;
      if (places.ok && refusal === undefined && !hasMoved) return ok(this.#opened(specs, places.value));
      if (places.ok) worker.ports.putBack(places.value);
      if (refusal !== undefined) return err(refusal);
      if (!hasMoved && !places.ok) return places;
    }
  }

  #opened(specs: readonly EndpointSpec[], places: readonly PortPlace[]): readonly OpenedEndpoint[] {
    const endpoints = places.map(({ address, rtpPort, rtcpPort }) => {
      const endpoint = { endpoint: this.#nextEndpoint, address, rtpPort, rtcpPort };
      this.#nextEndpoint += 1;
      this.#add(endpoint);
      return endpoint;
    });
    this.#tell({ type: 'open-endpoints', endpoints }, specs.some(mayShakeHands));
    return endpoints;
  }

  /** A peer that learns of a port may begin its handshake there at once; where the worker does not know of it yet, that is lost. */
  async #onceKnown<T>(opening: Promise<T>): Promise<T> {
    const opened = await opening;
    await this.#ask({ type: 'report' });
    return opened;
  }

  async #close(): Promise<MediaReport> {
    if (this.#lost !== undefined) return emptyReport;
    const outcome = await this.#ask({ type: 'close-session' });
    // Should it have been lost meanwhile, that was done.
    this.#removeAll();
    this.#host.onClosed();
    return outcome.type === 'report' ? outcome.report : emptyReport;
  }

  /** Whoever closed it, or heard `lost`, knows that nothing comes of it any more. */
  #tell(command: SessionCommand, isUrgent: boolean): void {
    if (this.#over() !== undefined) return;
    const entry: ToldEntry = { command, isUrgent, number: undefined };
    if (this.#host.keepsStates) this.#journal.add(entry);
    if (!this.#isMoving) entry.number = this.#worker.send(this.#number, command, isUrgent);
  }

  #ask(command: SessionQuery): Promise<CommandOutcome> {
    return new Promise((resolve) => {
      const entry: AskedEntry = { command, settle: resolve };
      this.#journal.add(entry);
      if (!this.#isMoving) void this.#sendQuery(entry);
    });
  }

  async #sendQuery(entry: AskedEntry): Promise<void> {
    const worker = this.#worker;
    const outcome = await worker.request(this.#number, entry.command);
    // The worker is gone: the next one answers.
    const isOpen = outcome.type === 'error' && outcome.error.code === 'worker-lost' && this.#isMoving;
    if (isOpen || worker !== this.#worker) return;
    this.#journal.drop(entry);
    entry.settle(outcome);
  }

  #add(endpoint: OpenedEndpoint): void {
    this.#endpoints.set(endpoint.endpoint, endpoint);
    this.#fresh = undefined;
    this.#host.onPorts(portsOf(endpoint));
  }

  #remove(id: number): void {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return;
    this.#endpoints.delete(id);
    this.#fresh = undefined;
    this.#host.onPorts(-portsOf(endpoint));
  }

  #removeAll(): void {
    for (const id of [...this.#endpoints.keys()]) this.#remove(id);
  }

  #endMove(): void {
    this.#isMoving = false;
    for (const resolve of this.#whenMoved.splice(0)) resolve();
  }

  #tooMany(specs: readonly EndpointSpec[]): MediaError | undefined {
    if (this.#endpoints.size + specs.length <= mostEndpoints) return undefined;
    return { code: 'too-many-endpoints', detail: `more than ${mostEndpoints} in one session` };
  }

  #over(): MediaError | undefined {
    if (this.#lost !== undefined) return { code: 'worker-lost', detail: this.#lost };
    return this.#closing === undefined ? undefined : { code: 'closed', detail: 'the media session is closed' };
  }
}

function portsOf({ rtcpPort }: PortPlace): number {
  return rtcpPort === undefined ? 1 : 2;
}

function errorOf(outcome: CommandOutcome): MediaError {
  return outcome.type === 'error' ? outcome.error : { code: 'internal', detail: `unexpected reply: ${outcome.type}` };
}
