// One call's media, seen from the main thread: commands to the worker that holds it, and how it moves to another when that is lost.
import { err, ok, type Result } from '../../core/result.ts';
import type { MediaSession } from './media-plane.ts';
import { type MediaSnapshot, readMediaSnapshot } from './media-snapshot.ts';
import type { EndpointRemote, EndpointSpec, MediaError, MediaEvent, MediaReport, OpenedEndpoint } from './messages.ts';
import { type JournalEntry, SessionJournal } from './session-journal.ts';
import type { WorkerClient } from './worker-client.ts';
import type { CommandOutcome, SessionCommand } from './worker-protocol.ts';

const emptyReport: MediaReport = { endpoints: [] };

export class PlaneSession implements MediaSession {
  readonly id: string;
  readonly #number: number;
  #worker: WorkerClient;
  readonly #keepsStates: boolean;
  readonly #journal = new SessionJournal();
  /** Its worker is gone and another one is awaited: commands wait. */
  #isMoving = false;
  readonly #onEvent: (event: MediaEvent) => void;
  readonly #onClosed: () => void;
  /** Sockets by endpoint. */
  readonly #ports = new Map<number, number>();
  #lost: string | undefined;
  #closing: Promise<MediaReport> | undefined;

  /** `onClosed` runs once, when the session is over for whatever reason. `keepsStates`: workers tell states, so that it can move. */
  constructor(
    number: number,
    worker: WorkerClient,
    keepsStates: boolean,
    onEvent: (event: MediaEvent) => void,
    onClosed: () => void,
  ) {
    this.id = `m${number}`;
    this.#number = number;
    this.#worker = worker;
    this.#keepsStates = keepsStates;
    this.#onEvent = onEvent;
    this.#onClosed = onClosed;
  }

  /** Commands keep their order, so nobody waits for this one; if it failed, the next is answered `unknown-session`. */
  open(): void {
    void this.#request({ type: 'open-session' });
  }

  /** Goes on from a snapshot instead. */
  async resume(snapshot: MediaSnapshot): Promise<Result<void, MediaError>> {
    const outcome = await this.#request({ type: 'resume-session', snapshot });
    if (outcome.type !== 'done') return err(errorOf(outcome));
    for (const { endpoint, rtcpPort } of snapshot.endpoints) this.#ports.set(endpoint, rtcpPort === null ? 1 : 2);
    return ok(undefined);
  }

  /** It never got as far as being open. */
  abandon(): void {
    this.#lost = 'it was not resumed';
    this.#onClosed();
  }

  get portsInUse(): number {
    let ports = 0;
    for (const count of this.#ports.values()) ports += count;
    return ports;
  }

  async openEndpoints(specs: readonly EndpointSpec[]): Promise<Result<readonly OpenedEndpoint[], MediaError>> {
    const over = this.#over();
    if (over !== undefined) return err(over);
    const outcome = await this.#request({ type: 'open-endpoints', specs });
    if (outcome.type !== 'opened') return err(errorOf(outcome));
    const isOver = this.#over();
    if (isOver !== undefined) return err(isOver);
    for (const { endpoint, rtcpPort } of outcome.endpoints) this.#ports.set(endpoint, rtcpPort === undefined ? 1 : 2);
    return ok(outcome.endpoints);
  }

  setRemote(endpoint: number, remote: EndpointRemote): Promise<Result<void, MediaError>> {
    return this.#done({ type: 'set-remote', endpoint, remote });
  }

  join(a: number, b: number): Promise<Result<void, MediaError>> {
    return this.#done({ type: 'join', a, b });
  }

  async closeEndpoints(endpoints: readonly number[]): Promise<Result<void, MediaError>> {
    const closed = await this.#done({ type: 'close-endpoints', endpoints });
    if (closed.ok) for (const endpoint of endpoints) this.#ports.delete(endpoint);
    return closed;
  }

  pauseTimeout(isPaused: boolean): void {
    // A worker that is lost or late has its own event; there is nothing to add here.
    void this.#done({ type: 'pause-timeout', isPaused });
  }

  get state(): string | undefined {
    return this.#journal.state;
  }

  async snapshot(): Promise<Result<MediaSnapshot, MediaError>> {
    const over = this.#over();
    if (over !== undefined) return err(over);
    const outcome = await this.#request({ type: 'snapshot' });
    return outcome.type === 'snapshot' ? ok(outcome.snapshot) : err(errorOf(outcome));
  }

  async report(): Promise<MediaReport> {
    if (this.#over() !== undefined) return emptyReport;
    const outcome = await this.#request({ type: 'report' });
    return outcome.type === 'report' ? outcome.report : emptyReport;
  }

  close(): Promise<MediaReport> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** From the worker. */
  deliver(event: MediaEvent): void {
    if (this.#over() === undefined) this.#onEvent(event);
  }

  /** A state from the worker. */
  reached(snapshot: string, covers: number): void {
    this.#journal.reached(snapshot, covers);
  }

  /** The worker is gone, and another one will follow, or `lose`. */
  suspend(): void {
    this.#isMoving = true;
  }

  /** Goes on at another worker, where nothing is known of it yet. Undefined when it does, else why it cannot. */
  async moveTo(worker: WorkerClient): Promise<MediaError | undefined> {
    this.#worker = worker;
    this.#isMoving = false;
    this.#journal.moved();
    const { state, entries } = this.#journal;
    if (entries.some(({ command, outcome }) => command.type === 'open-endpoints' && outcome?.type === 'opened')) {
      // Signalling has told these ports, and no state says which sockets they were.
      return { code: 'internal', detail: 'its worker ended before it told which ports it had opened' };
    }
    const snapshot = state === undefined ? undefined : readMediaSnapshot(JSON.parse(state));
    const failures: Promise<MediaError | undefined>[] = [];
    const expectDone = (outcome: Promise<CommandOutcome>): void => {
      failures.push(outcome.then((one) => (one.type === 'error' ? one.error : undefined)));
    };
    if (snapshot !== undefined) {
      expectDone(worker.request(this.#number, { type: 'resume-session', snapshot }));
    }
    // What was answered must be so again; what was not gets its first answer now.
    for (const entry of [...entries]) {
      const wasAnswered = entry.outcome !== undefined;
      const outcome = this.#send(entry);
      if (wasAnswered) expectDone(outcome);
    }
    const failure = (await Promise.all(failures)).find((error) => error !== undefined);
    // Should this worker be gone too, the next one is awaited already.
    return this.#worker === worker && !this.#isMoving ? failure : undefined;
  }

  /** The worker is gone. */
  lose(reason: string): void {
    if (this.#lost !== undefined) return;
    const wasOpen = this.#closing === undefined;
    this.#lost = reason;
    this.#isMoving = false;
    this.#ports.clear();
    const error: MediaError = { code: 'worker-lost', detail: reason };
    for (const entry of [...this.#journal.entries]) this.#journal.answer(entry, { type: 'error', error }, false);
    if (!wasOpen) return;
    this.#onClosed();
    this.#onEvent({ type: 'lost', reason });
  }

  async #close(): Promise<MediaReport> {
    if (this.#lost !== undefined) return emptyReport;
    const outcome = await this.#request({ type: 'close-session' });
    this.#ports.clear();
    this.#onClosed();
    return outcome.type === 'report' ? outcome.report : emptyReport;
  }

  async #done(command: SessionCommand): Promise<Result<void, MediaError>> {
    const over = this.#over();
    if (over !== undefined) return err(over);
    const outcome = await this.#request(command);
    return outcome.type === 'done' ? ok(undefined) : err(errorOf(outcome));
  }

  #request(command: SessionCommand): Promise<CommandOutcome> {
    return new Promise((resolve) => {
      const entry: JournalEntry = { command, number: undefined, outcome: undefined, settle: resolve };
      this.#journal.add(entry);
      if (!this.#isMoving) void this.#send(entry);
    });
  }

  async #send(entry: JournalEntry): Promise<CommandOutcome> {
    const worker = this.#worker;
    entry.number = worker.nextCommand;
    const outcome = await worker.request(this.#number, entry.command);
    // The worker is gone: the next one answers.
    const isOpen = outcome.type === 'error' && outcome.error.code === 'worker-lost' && this.#isMoving;
    if (!isOpen && worker === this.#worker) this.#journal.answer(entry, outcome, this.#keepsStates);
    return outcome;
  }

  #over(): MediaError | undefined {
    if (this.#lost !== undefined) return { code: 'worker-lost', detail: this.#lost };
    return this.#closing === undefined ? undefined : { code: 'closed', detail: 'the media session is closed' };
  }
}

function errorOf(outcome: CommandOutcome): MediaError {
  return outcome.type === 'error' ? outcome.error : { code: 'internal', detail: `unexpected reply: ${outcome.type}` };
}
