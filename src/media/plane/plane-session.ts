// One call's media, seen from the main thread: commands to the worker that holds it, and what becomes of it when that is lost.
import { err, ok, type Result } from '../../core/result.ts';
import type { MediaSession } from './media-plane.ts';
import type { MediaSnapshot } from './media-snapshot.ts';
import type { EndpointRemote, EndpointSpec, MediaError, MediaEvent, MediaReport, OpenedEndpoint } from './messages.ts';
import type { WorkerClient } from './worker-client.ts';
import type { CommandOutcome } from './worker-protocol.ts';

const emptyReport: MediaReport = { endpoints: [] };

export class PlaneSession implements MediaSession {
  readonly id: string;
  readonly #number: number;
  readonly #worker: WorkerClient;
  readonly #onEvent: (event: MediaEvent) => void;
  readonly #onClosed: () => void;
  /** Sockets by endpoint. */
  readonly #ports = new Map<number, number>();
  #lost: string | undefined;
  #closing: Promise<MediaReport> | undefined;

  /** `onClosed` runs once, when the session is over for whatever reason. */
  constructor(number: number, worker: WorkerClient, onEvent: (event: MediaEvent) => void, onClosed: () => void) {
    this.id = `m${number}`;
    this.#number = number;
    this.#worker = worker;
    this.#onEvent = onEvent;
    this.#onClosed = onClosed;
  }

  /** Commands keep their order, so nobody waits for this one; if it failed, the next is answered `unknown-session`. */
  open(): void {
    void this.#worker.request(this.#number, { type: 'open-session' });
  }

  /** Goes on from a snapshot instead. */
  async resume(snapshot: MediaSnapshot): Promise<Result<void, MediaError>> {
    const outcome = await this.#worker.request(this.#number, { type: 'resume-session', snapshot });
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
    const outcome = await this.#worker.request(this.#number, { type: 'open-endpoints', specs });
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

  async snapshot(): Promise<Result<MediaSnapshot, MediaError>> {
    const over = this.#over();
    if (over !== undefined) return err(over);
    const outcome = await this.#worker.request(this.#number, { type: 'snapshot' });
    return outcome.type === 'snapshot' ? ok(outcome.snapshot) : err(errorOf(outcome));
  }

  async report(): Promise<MediaReport> {
    if (this.#over() !== undefined) return emptyReport;
    const outcome = await this.#worker.request(this.#number, { type: 'report' });
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

  /** The worker is gone. */
  lose(reason: string): void {
    if (this.#lost !== undefined) return;
    const wasOpen = this.#closing === undefined;
    this.#lost = reason;
    this.#ports.clear();
    if (!wasOpen) return;
    this.#onClosed();
    this.#onEvent({ type: 'lost', reason });
  }

  async #close(): Promise<MediaReport> {
    if (this.#lost !== undefined) return emptyReport;
    const outcome = await this.#worker.request(this.#number, { type: 'close-session' });
    this.#ports.clear();
    this.#onClosed();
    return outcome.type === 'report' ? outcome.report : emptyReport;
  }

  async #done(command: Parameters<WorkerClient['request']>[1]): Promise<Result<void, MediaError>> {
    const over = this.#over();
    if (over !== undefined) return err(over);
    const outcome = await this.#worker.request(this.#number, command);
    return outcome.type === 'done' ? ok(undefined) : err(errorOf(outcome));
  }

  #over(): MediaError | undefined {
    if (this.#lost !== undefined) return { code: 'worker-lost', detail: this.#lost };
    return this.#closing === undefined ? undefined : { code: 'closed', detail: 'the media session is closed' };
  }
}

function errorOf(outcome: CommandOutcome): MediaError {
  return outcome.type === 'error' ? outcome.error : { code: 'internal', detail: `unexpected reply: ${outcome.type}` };
}
