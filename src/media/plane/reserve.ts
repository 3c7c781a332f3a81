// One worker that is started and has nothing to do, so that it can take the place of one that is lost within a moment: a thread
// takes longer to start than a call may be silent. Where there is no call there is none: it has the memory of a thread.
import type { Millis } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { WorkerClient } from './worker-client.ts';

export const reserveDelays = {
  /** After the first session is there: whoever sets that up needs the processor. */
  atFirst: 1_000,
  /** Before another one is started; doubles while they are lost without having been needed. */
  first: 500,
  longest: 30_000,
} as const;

type WhenLost = (reason: string) => boolean;

/** Who rehearses is ready later, and quicker then. */
type StartReserve = (whenLost: WhenLost, rehearses: boolean) => WorkerClient;

interface Waiting {
  readonly client: WorkerClient;
  /** Replaced when it takes a place. */
  whenLost: WhenLost;
}

export class Reserve {
  readonly #scheduler: Scheduler;
  readonly #start: StartReserve;
  #waiting: Waiting | undefined;
  #restart: Timer | undefined;
  /** Runs while the first one is put off, which it is no longer when it is needed. */
  #later: Timer | undefined;
  #delay: Millis = reserveDelays.first;
  #isClosed = false;

  constructor(scheduler: Scheduler, start: StartReserve) {
    this.#scheduler = scheduler;
    this.#start = start;
  }

  /** There are sessions from now on. Idempotent. */
  want(): void {
    if (this.#isClosed || this.#waiting !== undefined || this.#restart !== undefined) return;
    this.#later ??= this.#scheduler.after(reserveDelays.atFirst, () => this.fill());
  }

  /** Starts one, unless there is one or one will be. */
  fill(): void {
    if (this.#restart === undefined) this.#fill(true);
  }

  /** Resolves when there is one that waits, or when it could not be started. */
  async ready(): Promise<void> {
    await this.#waiting?.client.started();
  }

  /** The worker that takes the place of `lost`, once that has ended and this is ready; why not, after `patience`. */
  async follow(lost: WorkerClient, patience: Millis, whenLost: WhenLost): Promise<Result<WorkerClient, string>> {
    // Calls are silent already: it begins at once, and rehearses nothing.
    this.#fill(false);
    const waiting = this.#waiting;
    if (waiting === undefined) return err('no worker is in reserve');
    // Nobody else gets it meanwhile.
    this.#waiting = undefined;
    let timer: Timer | undefined;
    const late = new Promise<string>((resolve) => {
      timer = this.#scheduler.after(patience, () => resolve('the reserve was not ready, or its thread did not end'));
    });
    const both = Promise.all([waiting.client.started(), lost.gone()]).then(([failure]) => failure?.detail);
    const failure = await Promise.race([both, late]);
    timer?.cancel();
    if (failure === undefined && waiting.client.ready !== undefined) {
      waiting.whenLost = whenLost;
      this.#delay = reserveDelays.first;
      this.#refill();
      return ok(waiting.client);
    }
    void waiting.client.stop();
    this.#refill();
    return err(failure ?? 'the reserve is gone');
  }

  /** Resolves when its thread is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#restart?.cancel();
    this.#later?.cancel();
    await this.#waiting?.client.stop();
  }

  #fill(rehearses: boolean): void {
    if (this.#isClosed || this.#waiting !== undefined) return;
    this.#later?.cancel();
    this.#later = undefined;
    this.#restart?.cancel();
    this.#restart = undefined;
    const whenLost: WhenLost = () => {
      // Somebody may have it by now, and another one may wait.
      if (this.#waiting?.client === client) this.#waiting = undefined;
      this.#refill();
      return false;
    };
    const waiting: { whenLost: WhenLost } = { whenLost };
    const client = this.#start((reason) => waiting.whenLost(reason), rehearses);
    this.#waiting = Object.assign(waiting, { client });
  }

  #refill(): void {
    if (this.#isClosed || this.#restart !== undefined) return;
    this.#restart = this.#scheduler.after(this.#delay, () => {
      this.#restart = undefined;
      this.fill();
    });
    this.#delay = Math.min(2 * this.#delay, reserveDelays.longest);
  }
}
