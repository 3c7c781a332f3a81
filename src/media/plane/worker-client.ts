// The plane's side of one worker: every command has an id, a deadline and exactly one answer. A lost worker answers all.
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { MediaError, MediaEvent } from './messages.ts';
import { stoodStill, type ThreadProgress } from './thread-progress.ts';
import type {
  CommandOutcome,
  SessionCommand,
  SessionState,
  Succession,
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
  onStates(states: readonly SessionState[]): void;
  /**
   * Once, when the worker is gone without having been asked to go. Pending commands were answered before. True: another one takes
   * over what it leaves, and whoever sees to that calls `closeLeftovers`.
   */
  onLost(reason: string): boolean;
  /** Its thread is over, for whatever reason. */
  onGone?(): void;
}

export interface WorkerDeadlines {
  /** From start to the first command that it takes. */
  readonly start: Millis;
  /** For the answer to one command. */
  readonly command: Millis;
  /** A loop that stood still for this long gets no new sessions until it runs again. */
  readonly late: Millis;
  /** How long its loop may stand still though it had the processor, or waited for something else: its calls move then, or are lost. */
  readonly heartbeat: Millis;
  /** The same for a loop that was not let run, or where the kernel does not tell. */
  readonly starved: Millis;
  /** For an orderly end, before it is terminated. */
  readonly stop: Millis;
}

export const defaultWorkerDeadlines: WorkerDeadlines = {
  start: 10_000,
  command: 2_000,
  late: 150,
  heartbeat: 250,
  starved: 1_000,
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

/** The same for another heartbeat. */
export function deadlinesFor(heartbeat: Millis): WorkerDeadlines {
  const { late, starved } = defaultWorkerDeadlines;
  return {
    ...defaultWorkerDeadlines,
    late: Math.min(late, heartbeat),
    heartbeat,
    starved: Math.max(starved, 4 * heartbeat),
  };
}

export class WorkerClient {
  /** In logs. */
  index: number;
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
  #hasExited = false;
  #isSucceeded = false;

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

  /** On a processor since its thread began; undefined where the kernel does not tell, or it does not run. */
  get ran(): Millis | undefined {
    return this.#state.kind === 'running' ? this.#progress(this.#state.ready)?.ran : undefined;
  }

  /** Resolves when it takes commands, or with the reason why it never will. */
  started(): Promise<MediaError | undefined> {
    if (this.#state.kind === 'running') return Promise.resolve(undefined);
    if (this.#state.kind !== 'starting') return Promise.resolve(this.#lostError());
    return new Promise((resolve) => this.#whenStarted.push(resolve));
  }

  /** Resolves when its thread is over, however that came. */
  gone(): Promise<void> {
    return this.#hasExited ? Promise.resolve() : new Promise((resolve) => this.#whenGone.push(resolve));
  }

  /** What a worker needs that goes on with the sessions of this one, on `ports`. Only when its thread is over. */
  succession(ports: WorkerSettings['ports']): Succession {
    return { ports, ledger: this.#options.settings.ledger, descriptors: this.#thread.descriptors };
  }

  /** Makes it the successor of worker `index`; it has no sessions yet. */
  succeed(index: number, succession: Succession): void {
    this.index = index;
    this.#thread.post({ type: 'succeed', succession });
  }

  /** What nobody took over. Only when its thread is over. */
  closeLeftovers(): void {
    const failure = this.#thread.closeLeftovers();
    if (failure !== undefined) {
      this.#options.logger.error('media-descriptors-left', { worker: this.index, detail: failure });
    }
  }

  /** The number of the command that `request` makes next. */
  get nextCommand(): number {
    return this.#nextId;
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
    const gone = this.gone();
    const isStarting = this.#state.kind === 'starting';
    if (this.#state.kind === 'starting') this.#state.timer.cancel();
    this.#state = { kind: 'stopping' };
    this.#heartbeatCheck?.cancel();
    this.#fail('the media plane is closing');
    // Before it is ready nothing interrupts its loop, and it has nothing to end in order.
    if (isStarting) void this.#thread.terminate();
    else this.#thread.post({ type: 'stop' });
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
      case 'states':
        if (this.#state.kind === 'running') this.#options.onStates(message.states);
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
    this.#watch({ beats: this.#thread.beats(), progress: this.#progress(ready), missed: 0, stood: 0 });
    for (const resolve of this.#whenStarted.splice(0)) resolve(undefined);
  }

  /** Counts checks, not time: when this thread is late itself, the worker is not blamed for it. Nor for a processor that others have. */
  #watch(last: Watched): void {
    const { scheduler, deadlines } = this.#options;
    const interval = deadlines.late / checksUntilLate;
    this.#heartbeatCheck = scheduler.after(interval, () => {
      if (this.#state.kind !== 'running') return;
      const beats = this.#thread.beats();
      const progress = this.#progress(this.#state.ready);
      const hasBeaten = beats !== last.beats;
      const missed = hasBeaten ? 0 : last.missed + 1;
      const stood = hasBeaten ? 0 : last.stood + (stoodStill(last.progress, progress, interval) ?? 0);
      this.#judgeLateness(missed);
      const silent = missed * interval;
      const isStuck = silent >= deadlines.heartbeat && stood >= leastShare * deadlines.heartbeat;
      if (isStuck) this.#lose(`its loop stood still for ${silent} ms`);
      else if (silent >= deadlines.starved) this.#lose(`its loop did not run for ${deadlines.starved} ms`);
      else this.#watch({ beats, progress, missed, stood });
    });
  }

  #progress({ thread }: WorkerReady): ThreadProgress | undefined {
    return thread === undefined ? undefined : this.#thread.progress(thread);
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
    this.#hasExited = true;
    this.#options.onGone?.();
    if (!this.#isSucceeded) this.closeLeftovers();
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
    this.#isSucceeded = this.#options.onLost(reason);
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

const checksUntilLate = 3;
/** Of that time the loop had the processor, or waited of itself, so much: a loop that is well comes round many times in it. */
const leastShare = 0.4;

/** A worker's loop as the last check found it. */
interface Watched {
  readonly beats: number;
  readonly progress: ThreadProgress | undefined;
  /** Checks in a row without a beat, and what of their time the loop has to answer for. */
  readonly missed: number;
  readonly stood: Millis;
}
