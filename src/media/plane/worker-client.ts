// The plane's side of one worker: what it is told, what it is asked, and that each of that is taken in time. A lost worker answers all.
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { Heartbeat } from './heartbeat.ts';
import type { MediaError, MediaEvent } from './messages.ts';
import { OpenCommands } from './open-commands.ts';
import { PortSupply } from './port-supply.ts';
import type { ThreadProgress } from './thread-progress.ts';
import { threadFrom } from './thread-start.ts';
import { patienceFor, type WorkerDeadlines } from './worker-deadlines.ts';
import type {
  CommandOutcome,
  SessionCommand,
  SessionQuery,
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
  /** A command of `send` was not carried out; `id` is its number. */
  onRefused(session: number, refused: RefusedCommand): void;
  /**
   * Once, when the worker is gone without having been asked to go. Pending queries were answered before. True: another one takes
   * over what it leaves, and whoever sees to that calls `closeLeftovers`.
   */
  onLost(reason: string): boolean;
  /** Its thread is over, for whatever reason. */
  onGone?(): void;
}

export interface RefusedCommand {
  readonly id: number;
  readonly command: SessionCommand['type'];
  readonly error: MediaError;
}

type State =
  | { readonly kind: 'starting'; readonly timer: Timer }
  | { readonly kind: 'running'; readonly ready: WorkerReady }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'leaving' }
  | { readonly kind: 'gone'; readonly reason: string };

/** How often it is looked whether a worker has started, before it is given up. */
const startChecks = 10;

export class WorkerClient {
  /** In logs. */
  index: number;
  /** What it has bound for us to give out. */
  readonly ports: PortSupply;
  readonly #options: WorkerClientOptions;
  readonly #thread: WorkerThread;
  readonly #heartbeat: Heartbeat;
  readonly #open = new OpenCommands();
  readonly #whenStarted: ((error: MediaError | undefined) => void)[] = [];
  readonly #whenGone: (() => void)[] = [];
  #state: State;
  #nextId = 1;
  #stats: WorkerStats | undefined;
  /** As it said last. */
  #taken = 0;
  #hasExited = false;
  #isSucceeded = false;
  #whenLeft = (): void => {};

  constructor(options: WorkerClientOptions) {
    const { scheduler, deadlines, logger } = options;
    this.#options = options;
    this.index = options.settings.index;
    this.#state = { kind: 'starting', timer: this.#startTimer(startChecks) };
    this.#thread = threadFrom(options.start, options.settings, {
      onMessage: (message) => this.#receive(message),
      onExit: (reason) => this.#exited(reason),
    });
    this.ports = new PortSupply(scheduler, deadlines.command, {
      ask: (request) => this.#thread.post({ type: 'grant-ports', request }, request.needed > 0),
      giveBack: (places) => this.#thread.post({ type: 'return-ports', places }, false),
    });
    this.#heartbeat = new Heartbeat(scheduler, deadlines, {
      beats: () => this.#thread.beats(),
      progress: () => this.#progress(),
      onCheck: () => this.#check(),
      onLate: () => logger.warn('media-worker-late', { worker: this.index }),
      onStuck: (reason) => this.#lose(reason),
    });
  }

  get ready(): WorkerReady | undefined {
    return this.#state.kind === 'running' ? this.#state.ready : undefined;
  }

  /** It takes commands, and did so a moment ago: a place for a new session. */
  get isPrompt(): boolean {
    return this.#state.kind === 'running' && !this.#heartbeat.isLate;
  }

  /** At most a second old; undefined before the first. */
  get stats(): WorkerStats | undefined {
    return this.#stats;
  }

  /** On a processor since its thread began; undefined where the kernel does not tell, or it does not run. */
  get ran(): Millis | undefined {
    return this.#progress()?.ran;
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
    return { ports, ledgers: [this.ledger], descriptors: this.#thread.descriptors };
  }

  /** Which file of the state folder it writes its indices to. */
  get ledger(): number {
    return this.#options.settings.ledger;
  }

  /** Makes it the successor of worker `index`; it has no sessions yet. */
  succeed(index: number, succession: Succession): void {
    this.index = index;
    // Its sessions are silent until it has this.
    this.#thread.post({ type: 'succeed', succession }, true);
    this.#thread.flush();
  }

  /** What nobody took over. Only when its thread is over. */
  closeLeftovers(): void {
    const failure = this.#thread.closeLeftovers();
    if (failure !== undefined) {
      this.#options.logger.error('media-descriptors-left', { worker: this.index, detail: failure });
    }
  }

  /** Closes the sockets that no session has. */
  closeIdle(): void {
    if (this.#state.kind !== 'running') return;
    this.ports.giveBack();
    this.#thread.post({ type: 'close-idle' }, true);
  }

  /** Has it collect what its start has left. Only where it has no session: its loop stands still for it, and is not blamed. */
  settle(): void {
    if (this.#state.kind !== 'running') return;
    this.#heartbeat.excuse();
    this.#thread.post({ type: 'settle' }, true);
  }

  /**
   * Tells it something that it does not answer, and returns the number of the command. What is not urgent interrupts nobody: it goes with
   * the next command that is, within a third of `late`. A worker that is gone hears nothing: `onLost` has said so.
   */
  send(session: number, command: SessionCommand, isUrgent: boolean): number {
    const id = this.#nextId;
    if (this.#state.kind !== 'running') return id;
    this.#nextId += 1;
    this.#open.tell({ id, session, command: command.type, due: this.#due(command.type) });
    this.#thread.post({ id, session, command }, isUrgent);
    return id;
  }

  /** Never rejects: a deadline that passes and a worker that is lost are outcomes too. */
  request(session: number, command: SessionQuery): Promise<CommandOutcome> {
    if (this.#state.kind !== 'running') return Promise.resolve({ type: 'error', error: this.#lostError() });
    const id = this.#nextId;
    this.#nextId += 1;
    // Nobody waits for the report of a call that is over.
    const isUrgent = command.type !== 'close-session';
    return new Promise((resolve) => {
      this.#open.ask({ id, settle: resolve, session, command: command.type, due: this.#due(command.type) });
      this.#thread.post({ id, session, command }, isUrgent);
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
    this.#heartbeat.stop();
    this.#fail('the media plane is closing');
    // Ended while it loads native code, it would take the process with it: one that starts is told when it is ready.
    if (!isStarting) this.#thread.post({ type: 'stop' }, true);
    const patience = isStarting ? deadlines.stopStarting : deadlines.stop;
    const timer = scheduler.after(patience, () => void this.#thread.terminate());
    await gone;
    timer.cancel();
  }

  /**
   * Has it deliver what it has received, and end without closing its sockets: `succession` says what is left then. Commands without
   * an answer are answered `worker-lost`. Resolves when nothing in it touches a socket any more: its thread ends a little later.
   */
  async leave(): Promise<void> {
    if (this.#state.kind !== 'running') {
      await this.stop();
      return;
    }
    this.#isSucceeded = true;
    this.#state = { kind: 'leaving' };
    this.#heartbeat.stop();
    const { scheduler, deadlines } = this.#options;
    const timer = scheduler.after(deadlines.stop, () => void this.#thread.terminate());
    const left = new Promise<void>((resolve) => {
      this.#whenLeft = resolve;
    });
    const gone = this.gone();
    this.#thread.post({ type: 'leave' }, true);
    await Promise.race([left, gone]);
    timer.cancel();
  }

  /** Counts checks, not time: while this thread reads what it is to run it hears nothing, of which the worker is not to be blamed. */
  #startTimer(checks: number): Timer {
    const { scheduler, deadlines } = this.#options;
    return scheduler.after(deadlines.start / startChecks, () => {
      if (checks > 1) this.#state = { kind: 'starting', timer: this.#startTimer(checks - 1) };
      else this.#lose('did not start in time');
    });
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
      case 'reply':
        this.#open.answered(message.id, message.outcome);
        return;
      case 'granted':
        this.ports.granted(message.request, message.places, message.error);
        return;
      case 'refused':
        if (this.#state.kind === 'running') this.#options.onRefused(message.session, message);
        return;
      case 'event':
        if (this.#state.kind === 'running') this.#options.onEvent(message.session, message.event);
        return;
      case 'states':
        if (this.#state.kind === 'running' || this.#state.kind === 'leaving') this.#options.onStates(message.states);
        return;
      case 'left':
        this.#fail('its sessions go on elsewhere');
        this.#whenLeft();
        return;
      case 'stats':
        this.#stats = message.stats;
        return;
      case 'settled':
        this.#heartbeat.resume();
        return;
    }
  }

  #begin(ready: WorkerReady): void {
    if (this.#state.kind === 'stopping') {
      this.#thread.useWake(ready.wake);
      this.#thread.post({ type: 'stop' }, true);
    }
    if (this.#state.kind !== 'starting') return;
    this.#state.timer.cancel();
    this.#state = { kind: 'running', ready };
    this.#thread.useWake(ready.wake);
    const { driver, cipher, probes, withoutDtls, withoutLedger, rehearsal } = ready;
    const dtls = withoutDtls ?? 'spoken';
    const ledger = withoutLedger ?? 'written';
    const can = { driver, cipher, dtls, ledger, rehearsal, probes };
    this.#options.logger.info('media-worker-ready', { worker: this.index, ...can });
    this.#heartbeat.start();
    for (const resolve of this.#whenStarted.splice(0)) resolve(undefined);
  }

  /** A few times a second: what was not urgent goes out, and what is overdue is found. */
  #check(): void {
    this.#thread.flush();
    this.ports.expire();
    const now = this.#options.scheduler.clock.now();
    const taken = this.#thread.taken();
    if (taken !== this.#taken) this.#open.cameOn(this.#taken, (command) => this.#due(command));
    this.#taken = taken;
    for (const { id, session, command } of this.#open.overdue(taken, now)) {
      this.#options.onRefused(session, { id, command, error: this.#overdue(command) });
    }
    for (const { id, command } of this.#open.unanswered(now)) {
      this.#open.answered(id, { type: 'error', error: this.#overdue(command) });
    }
  }

  #overdue(command: SessionCommand['type']): MediaError {
    const { logger, deadlines } = this.#options;
    logger.error('media-command-deadline', { worker: this.index, command });
    return {
      code: 'deadline',
      detail: `${command} was not taken or answered within ${patienceFor(command, deadlines)} ms of its turn`,
    };
  }

  #due(command: SessionCommand['type']): Millis {
    const { scheduler, deadlines } = this.#options;
    return scheduler.clock.now() + patienceFor(command, deadlines);
  }

  #progress(): ThreadProgress | undefined {
    const thread = this.ready?.thread;
    return thread === undefined ? undefined : this.#thread.progress(thread);
  }

  #lose(reason: string): void {
    const isOver = this.#state.kind === 'gone' || this.#state.kind === 'stopping' || this.#state.kind === 'leaving';
    if (isOver) return;
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
    const wasAsked = this.#state.kind === 'stopping' || this.#state.kind === 'leaving';
    if (this.#state.kind === 'starting') this.#state.timer.cancel();
    this.#state = { kind: 'gone', reason };
    this.#heartbeat.stop();
    this.#fail(reason);
    if (wasAsked) return;
    this.#options.logger.error('media-worker-lost', { worker: this.index, reason });
    this.#isSucceeded = this.#options.onLost(reason);
  }

  #fail(reason: string): void {
    const error: MediaError = { code: 'worker-lost', detail: reason };
    this.#open.fail(error);
    this.ports.end(error);
    for (const resolve of this.#whenStarted.splice(0)) resolve(error);
  }

  #lostError(): MediaError {
    const detail = this.#state.kind === 'gone' ? this.#state.reason : `the worker is ${this.#state.kind}`;
    return { code: 'worker-lost', detail };
  }
}
