// Keeps one process serving: starts it, starts another when it crashes, and has another one take its place for an upgrade. It reads
// no configuration and opens nothing, so that there is little that could end it.
import { constants } from 'node:os';
import type { Millis } from '../core/clock.ts';
import type { LogFields, Logger } from '../core/logger.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import type { Child, ChildEvents, ChildExit, ChildRole } from './child.ts';
import { type FromChild, readFromChild } from './messages.ts';
import { Spare } from './spare.ts';

export interface SupervisorParts {
  readonly launch: (role: ChildRole, events: ChildEvents) => Child;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

export const supervisorLimits = {
  /** Crashes in a row before the first process was ever ready: then nothing is there that could be kept serving. */
  firstStarts: 3,
  /**
   * Before the second restart in a row; the first is at once. It doubles. What the process served counts as waited: calls that run are silent
   * meanwhile, and one that serves for a while does not spin.
   */
  firstDelay: 250,
  longestDelay: 30_000,
  /** Who served for so long has not crashed in a row. */
  settled: 60_000,
  /** For all of an upgrade, whatever the two processes make of it. */
  upgrade: 120_000,
  /** For the process before to end, once another serves. */
  leave: 10_000,
} as const;

export type SupervisedSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2';

interface Served {
  readonly child: Child;
  readonly since: Millis;
  /** Undefined until it is. */
  readyAt: Millis | undefined;
  /** Another one is to wait while it serves. */
  wantsSpare: boolean;
}

interface Succeeding {
  readonly child: Child;
  readonly deadline: Timer;
  /** Why it has to end, where somebody said so. */
  reason: string | undefined;
}

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #ended = Promise.withResolvers<number>();
  #serving: Served | undefined;
  #succeeding: Succeeding | undefined;
  #restart: Timer | undefined;
  #wasEverReady = false;
  #crashes = 0;
  #isEnding = false;
  readonly #spare: Spare;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#spare = new Spare({ ...parts, onUp: () => this.#serving?.child.send({ type: 'spare' }) });
  }

  /** Resolves with the exit code when nothing is to be served any more. */
  run(): Promise<number> {
    this.#start();
    return this.#ended.promise;
  }

  signal(signal: SupervisedSignal): void {
    if (signal === 'SIGUSR2') {
      this.#upgrade();
      return;
    }
    if (signal !== 'SIGHUP') {
      this.#isEnding = true;
      this.#spare.drop();
      this.#abandon('the supervisor was told to end');
    }
    if (this.#serving !== undefined) this.#serving.child.kill(signal);
    else if (this.#isEnding) this.#end(0);
  }

  #start(): void {
    const { launch, scheduler, logger } = this.#parts;
    this.#restart = undefined;
    const served: Served = {
      since: scheduler.clock.now(),
      readyAt: undefined,
      wantsSpare: false,
      child: launch('serve', {
        onMessage: (message) => this.#fromServing(served, readFromChild(message)),
        onExit: (exit) => this.#exited(served, exit),
      }),
    };
    this.#serving = served;
    logger.info('process-started', { pid: served.child.pid });
  }

  #fromServing(served: Served, message: FromChild | undefined): void {
    if (this.#serving !== served || message === undefined) return;
    switch (message.type) {
      case 'ready':
        this.#ready(served, message.spare);
        break;
      case 'changed':
        this.#spare.renew();
        break;
      case 'spare':
        this.#spare.tell(message.message);
        break;
      case 'upgrade':
        this.#upgrade();
        break;
      case 'peer':
        this.#succeeding?.child.send(message);
        break;
      case 'abandon':
        this.#abandon(message.reason);
        break;
      default:
    }
  }

  #ready(served: Served, wantsSpare: boolean): void {
    served.readyAt = this.#parts.scheduler.clock.now();
    served.wantsSpare = wantsSpare;
    this.#wasEverReady = true;
    this.#parts.logger.info('process-ready', { pid: served.child.pid, took: this.#age(served) });
    if (wantsSpare) this.#spare.keep();
  }

  #exited(served: Served, exit: ChildExit): void {
    if (this.#serving !== served) return;
    this.#serving = undefined;
    const { scheduler, logger } = this.#parts;
    // What it had handed over until then goes down with the one that was to get it: its sockets must be free.
    this.#abandon('the process before has ended');
    const code = codeOf(exit);
    if (this.#isEnding || exit.code === 0) {
      this.#spare.drop();
      this.#end(code);
      return;
    }
    this.#crashes = this.#age(served) >= supervisorLimits.settled ? 1 : this.#crashes + 1;
    const fields = { pid: served.child.pid, ...exit, ranFor: this.#age(served) };
    // One that ended with a code has said why, and would say it again.
    if (!this.#wasEverReady && (exit.code !== null || this.#crashes >= supervisorLimits.firstStarts)) {
      logger.error('process-not-startable', { ...fields, starts: this.#crashes });
      this.#end(code);
      return;
    }
    if (this.#takeOver(fields)) return;
    const delay = this.#delay(served);
    logger.error('process-lost', { ...fields, crashes: this.#crashes, startsIn: delay });
    if (this.#succeeding !== undefined) return;
    if (delay === 0) this.#start();
    else this.#restart = scheduler.after(delay, () => this.#start());
  }

  /** False when none was prepared for that. */
  #takeOver(fields: LogFields): boolean {
    const { scheduler, logger } = this.#parts;
    const child = this.#spare.take({
      onMessage: (message) => {
        if (served !== undefined) this.#fromServing(served, readFromChild(message));
      },
      onExit: (exit) => {
        if (served !== undefined) this.#exited(served, exit);
      },
    });
    const served: Served | undefined =
      child === undefined ? undefined : { child, since: scheduler.clock.now(), readyAt: undefined, wantsSpare: false };
    if (served === undefined) return false;
    this.#serving = served;
    logger.error('process-lost', { ...fields, crashes: this.#crashes, spare: served.child.pid });
    served.child.send({ type: 'take-over' });
    return true;
  }

  #delay({ readyAt }: Served): Millis {
    const { firstDelay, longestDelay } = supervisorLimits;
    if (this.#crashes <= 1) return 0;
    const { clock } = this.#parts.scheduler;
    const served = readyAt === undefined ? 0 : clock.now() - readyAt;
    return Math.max(0, Math.min(longestDelay, firstDelay * 2 ** (this.#crashes - 2)) - served);
  }

  // Upgrades.

  #upgrade(): void {
    const { launch, scheduler, logger } = this.#parts;
    const refusal = this.#noUpgrade();
    if (refusal !== undefined) {
      logger.warn('upgrade-refused', { reason: refusal });
      this.#serving?.child.send({ type: 'successor-gone', reason: refusal });
      return;
    }
    // What it has read is of the program before.
    this.#spare.drop();
    const succeeding: Succeeding = {
      deadline: scheduler.after(supervisorLimits.upgrade, () => this.#abandon('the upgrade took too long')),
      reason: undefined,
      child: launch('succeed', {
        onMessage: (message) => this.#fromSucceeding(succeeding, readFromChild(message)),
        onExit: (exit) => this.#successorExited(succeeding, exit),
      }),
    };
    this.#succeeding = succeeding;
    logger.info('upgrade-started', { pid: this.#serving?.child.pid, successor: succeeding.child.pid });
  }

  #noUpgrade(): string | undefined {
    if (this.#isEnding) return 'it was told to end';
    if (this.#succeeding !== undefined) return 'an upgrade is under way';
    return this.#serving?.readyAt === undefined ? 'no process serves yet' : undefined;
  }

  #fromSucceeding(succeeding: Succeeding, message: FromChild | undefined): void {
    if (message === undefined) return;
    // It serves, and is spoken to as the one that does.
    if (this.#serving?.child === succeeding.child) {
      this.#fromServing(this.#serving, message);
      return;
    }
    if (this.#succeeding !== succeeding) return;
    const { pid } = succeeding.child;
    switch (message.type) {
      case 'up':
        if (pid !== undefined) this.#serving?.child.send({ type: 'successor', pid });
        break;
      case 'ready':
        this.#promote(succeeding, message.spare);
        break;
      case 'peer':
        this.#serving?.child.send(message);
        break;
      case 'abandon':
        this.#abandon(message.reason);
        break;
      default:
    }
  }

  #promote(succeeding: Succeeding, wantsSpare: boolean): void {
    const before = this.#serving;
    succeeding.deadline.cancel();
    this.#succeeding = undefined;
    const { scheduler, logger } = this.#parts;
    const { child } = succeeding;
    const now = scheduler.clock.now();
    this.#serving = { child, since: now, readyAt: now, wantsSpare };
    this.#crashes = 0;
    logger.info('upgraded', { from: before?.child.pid, to: child.pid });
    if (wantsSpare) this.#spare.keep();
    if (before === undefined) return;
    before.child.send({ type: 'taken-over' });
    // It holds nothing any more: whether it ends in order matters to nobody but the process table.
    scheduler.after(supervisorLimits.leave, () => before.child.kill('SIGKILL'));
  }

  #successorExited(succeeding: Succeeding, exit: ChildExit): void {
    if (this.#serving?.child === succeeding.child) {
      this.#exited(this.#serving, exit);
      return;
    }
    if (this.#succeeding !== succeeding) return;
    succeeding.deadline.cancel();
    this.#succeeding = undefined;
    const reason = succeeding.reason ?? `the successor ended with ${exit.signal ?? `code ${exit.code}`}`;
    this.#parts.logger.error('upgrade-failed', { successor: succeeding.child.pid, ...exit, reason });
    this.#serving?.child.send({ type: 'successor-gone', reason });
    if (this.#serving?.wantsSpare === true && !this.#isEnding) this.#spare.keep();
    if (this.#serving !== undefined) return;
    // The one before has ended meanwhile, and its place was not free until now.
    if (this.#isEnding) this.#end(0);
    else this.#start();
  }

  /** Its exit is what follows. Not by a signal that it could think about: it may have sockets that two must not read. */
  #abandon(reason: string): void {
    if (this.#succeeding === undefined) return;
    this.#succeeding.reason ??= reason;
    this.#succeeding.child.kill('SIGKILL');
  }

  #end(code: number): void {
    this.#restart?.cancel();
    this.#restart = undefined;
    this.#parts.logger.info('supervisor-ended', { code });
    this.#ended.resolve(code);
  }

  #age({ since }: Served): Millis {
    return Math.round(this.#parts.scheduler.clock.now() - since);
  }
}

/** As a shell would have it. */
function codeOf({ code, signal }: ChildExit): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
