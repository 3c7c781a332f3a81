// The plane's side of one worker: every command has an id, a deadline and exactly one answer. A lost worker answers all.
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { MediaError, MediaEvent } from './messages.ts';
import type {
  CommandOutcome,
  SessionCommand,
  WorkerMessage,
  WorkerReady,
  WorkerSettings,
  WorkerStats,
} from './worker-protocol.ts';
import type { StartWorker, WorkerThread } from './worker-thread.ts';

export interface WorkerClientOptions {
  readonly settings: WorkerSettings;
  readonly start: StartWorker;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly deadlines: WorkerDeadlines;
  onEvent(session: number, event: MediaEvent): void;
  /** Once, when the worker is gone without having been asked to go. Pending commands were answered before. */
  onLost(reason: string): void;
}

export interface WorkerDeadlines {
  /** From start to the first command that it takes. */
  readonly start: Millis;
  /** For the answer to one command. */
  readonly command: Millis;
  /** A loop that stood still for this long gets no new sessions until it runs again. */
  readonly late: Millis;
  /** How long its loop may stand still: its calls are lost then. */
  readonly heartbeat: Millis;
  /** For an orderly end, before it is terminated. */
  readonly stop: Millis;
}

export const defaultWorkerDeadlines: WorkerDeadlines = {
  start: 10_000,
  command: 2_000,
  late: 250,
  heartbeat: 1_000,
  stop: 1_000,
};

interface Pending {
  readonly timer: Timer;
  readonly settle: (outcome: CommandOutcome) => void;
}

type State =
  | { readonly kind: 'starting'; readonly timer: Timer }
  | { readonly kind: 'running'; readonly ready: WorkerReady }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'gone'; readonly reason: string };

export class WorkerClient {
  readonly index: number;
  readonly #options: WorkerClientOptions;
  readonly #thread: WorkerThread;
  readonly #pending = new Map<number, Pending>();
  readonly #whenStarted: ((error: MediaError | undefined) => void)[] = [];
  readonly #whenGone: (() => void)[] = [];
  #state: State;
  #nextId = 1;
  #stats: WorkerStats | undefined;
  #heartbeatCheck: Timer | undefined;
  #isLate = false;

  constructor(options: WorkerClientOptions) {
    this.#options = options;
    this.index = options.settings.index;
    const timer = options.scheduler.after(options.deadlines.start, () => this.#lose('did not start in time'));
    this.#state = { kind: 'starting', timer };
    this.#thread = options.start(options.settings, {
      onMessage: (message) => this.#receive(message),
      onExit: (reason) => this.#exited(reason),
    });
  }

  get ready(): WorkerReady | undefined {
    return this.#state.kind === 'running' ? this.#state.ready : undefined;
  }

  /** It takes commands, and did so a moment ago: a place for a new session. */
  get isPrompt(): boolean {
    return this.#state.kind === 'running' && !this.#isLate;
  }

  /** At most a second old; undefined before the first. */
  get stats(): WorkerStats | undefined {
    return this.#stats;
  }

  /** Resolves when it takes commands, or with the reason why it never will. */
  started(): Promise<MediaError | undefined> {
    if (this.#state.kind === 'running') return Promise.resolve(undefined);
    if (this.#state.kind !== 'starting') return Promise.resolve(this.#lostError());
    return new Promise((resolve) => this.#whenStarted.push(resolve));
  }

  /** Never rejects: a deadline that passes and a worker that is lost are outcomes too. */
  request(session: number, command: SessionCommand): Promise<CommandOutcome> {
    if (this.#state.kind !== 'running') return Promise.resolve({ type: 'error', error: this.#lostError() });
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      const { scheduler, deadlines, logger } = this.#options;
      const timer = scheduler.after(deadlines.command, () => {
        this.#pending.delete(id);
        logger.error('media-command-deadline', { worker: this.index, command: command.type });
        const detail = `no answer to ${command.type} within ${deadlines.command} ms`;
        resolve({ type: 'error', error: { code: 'deadline', detail } });
      });
      this.#pending.set(id, { timer, settle: resolve });
      this.#thread.post({ id, session, command });
    });
  }

  /** Resolves when the thread is over. */
  async stop(): Promise<void> {
    if (this.#state.kind === 'gone') return;
    const { scheduler, deadlines } = this.#options;
    const gone = new Promise<void>((resolve) => this.#whenGone.push(resolve));
    if (this.#state.kind === 'starting') this.#state.timer.cancel();
    this.#state = { kind: 'stopping' };
    this.#heartbeatCheck?.cancel();
    this.#fail('the media plane is closing');
    this.#thread.post({ type: 'stop' });
    const timer = scheduler.after(deadlines.stop, () => void this.#thread.terminate());
    await gone;
    timer.cancel();
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case 'ready':
        this.#begin(message);
        return;
      case 'failed':
        this.#lose(message.detail);
        return;
      case 'fault':
        this.#options.logger.error('media-worker-fault', { worker: this.index, detail: message.detail });
        return;
      case 'reply': {
        // A reply that missed its deadline finds nobody; the session that gave up closes what it had asked for.
        const pending = this.#pending.get(message.id);
        this.#pending.delete(message.id);
        pending?.timer.cancel();
        pending?.settle(message.outcome);
        return;
      }
      case 'event':
        if (this.#state.kind === 'running') this.#options.onEvent(message.session, message.event);
        return;
      case 'stats':
        this.#stats = message.stats;
        return;
    }
  }

  #begin(ready: WorkerReady): void {
    if (this.#state.kind !== 'starting') return;
    this.#state.timer.cancel();
    this.#state = { kind: 'running', ready };
    this.#thread.useWake(ready.wake);
    const { driver, cipher, probes, withoutDtls, withoutLedger } = ready;
    const dtls = withoutDtls ?? 'spoken';
    const ledger = withoutLedger ?? 'written';
    this.#options.logger.info('media-worker-ready', { worker: this.index, driver, cipher, dtls, ledger, probes });
    this.#watch(this.#thread.beats(), 0);
    for (const resolve of this.#whenStarted.splice(0)) resolve(undefined);
  }

  /** Counts checks, not time: when this thread is late itself, the worker is not blamed for it. */
  #watch(lastBeats: number, missedChecks: number): void {
    const { scheduler, deadlines } = this.#options;
    const interval = deadlines.late / checksUntilLate;
    this.#heartbeatCheck = scheduler.after(interval, () => {
      const beats = this.#thread.beats();
      const missed = beats === lastBeats ? missedChecks + 1 : 0;
      this.#judgeLateness(missed);
      if (missed * interval >= deadlines.heartbeat) this.#lose(`its loop stood still for ${deadlines.heartbeat} ms`);
      else this.#watch(beats, missed);
    });
  }

  #judgeLateness(missedChecks: number): void {
    const isLate = missedChecks >= checksUntilLate;
    if (isLate && !this.#isLate) this.#options.logger.warn('media-worker-late', { worker: this.index });
    this.#isLate = isLate;
  }

  #lose(reason: string): void {
    if (this.#state.kind === 'gone' || this.#state.kind === 'stopping') return;
    this.#end(reason);
    void this.#thread.terminate();
  }

  #exited(reason: string): void {
    if (this.#state.kind !== 'gone') this.#end(reason);
    for (const resolve of this.#whenGone.splice(0)) resolve();
  }

  #end(reason: string): void {
    const wasAsked = this.#state.kind === 'stopping';
    if (this.#state.kind === 'starting') this.#state.timer.cancel();
    this.#state = { kind: 'gone', reason };
    this.#heartbeatCheck?.cancel();
    this.#fail(reason);
    if (wasAsked) return;
    this.#options.logger.error('media-worker-lost', { worker: this.index, reason });
    this.#options.onLost(reason);
  }

  #fail(reason: string): void {
    const error: MediaError = { code: 'worker-lost', detail: reason };
    for (const { timer, settle } of this.#pending.values()) {
      timer.cancel();
      settle({ type: 'error', error });
    }
    this.#pending.clear();
    for (const resolve of this.#whenStarted.splice(0)) resolve(error);
  }

  #lostError(): MediaError {
    const detail = this.#state.kind === 'gone' ? this.#state.reason : `the worker is ${this.#state.kind}`;
    return { code: 'worker-lost', detail };
  }
}

const checksUntilLate = 5;
