// Whether a worker's loop comes round. Checks are counted, not time: when this thread is late itself, the worker is not blamed for it.
// Nor for a processor that others have.
import type { Millis } from '../../core/clock.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { stoodStill, type ThreadProgress } from './thread-progress.ts';

export interface HeartbeatDeadlines {
  /** A loop that stood still for this long gets no new sessions until it runs again. */
  readonly late: Millis;
  /** How long its loop may stand still though it had the processor, or waited for something else: its calls move then, or are lost. */
  readonly heartbeat: Millis;
  /** The same for a loop that was not let run, or where the kernel does not tell. */
  readonly starved: Millis;
}

export interface HeartbeatSource {
  /** A number that changes while the loop runs. */
  beats(): number;
  progress(): ThreadProgress | undefined;
  /** A few times a second, as long as it is well. */
  onCheck(): void;
  onLate(): void;
  onStuck(reason: string): void;
}

export class Heartbeat {
  readonly #scheduler: Scheduler;
  readonly #deadlines: HeartbeatDeadlines;
  readonly #source: HeartbeatSource;
  #check: Timer | undefined;
  #isLate = false;
  /** Checks that find an excused loop, at most. */
  #excused = 0;

  constructor(scheduler: Scheduler, deadlines: HeartbeatDeadlines, source: HeartbeatSource) {
    this.#scheduler = scheduler;
    this.#deadlines = deadlines;
    this.#source = source;
  }

  /** It stood still for a moment, and has not been seen to run since; or it may do so now. */
  get isLate(): boolean {
    return this.#isLate || this.#excused > 0;
  }

  /** It was asked for what keeps its loop: until `resume`, and for `starved` at most, only that limit counts. */
  excuse(): void {
    const { late, starved } = this.#deadlines;
    this.#excused = Math.ceil((starved * checksUntilLate) / late);
  }

  /** It has done that. */
  resume(): void {
    this.#excused = 0;
  }

  start(): void {
    this.#watch({ beats: this.#source.beats(), progress: undefined, missed: 0, stood: 0 });
  }

  stop(): void {
    this.#check?.cancel();
    this.#check = undefined;
  }

  #watch(last: Watched): void {
    const interval = this.#deadlines.late / checksUntilLate;
    this.#check = this.#scheduler.after(interval, () => {
      const watched = this.#next(last, interval);
      this.#excused = Math.max(0, this.#excused - 1);
      this.#judgeLateness(watched.missed);
      const reason = this.#verdict(watched.missed * interval, watched.stood);
      if (reason !== undefined) {
        this.#source.onStuck(reason);
        return;
      }
      this.#watch(watched);
      this.#source.onCheck();
    });
  }

  #next(last: Watched, interval: Millis): Watched {
    const beats = this.#source.beats();
    if (beats !== last.beats) return { beats, progress: undefined, missed: 0, stood: 0 };
    const progress = this.#source.progress();
    const stood = last.stood + (stoodStill(last.progress, progress, interval) ?? 0);
    return { beats, progress, missed: last.missed + 1, stood };
  }

  #judgeLateness(missedChecks: number): void {
    const isLate = missedChecks >= checksUntilLate;
    if (isLate && !this.#isLate && this.#excused === 0) this.#source.onLate();
    this.#isLate = isLate;
  }

  /** Why it is given up. */
  #verdict(silent: Millis, stood: Millis): string | undefined {
    const { heartbeat, starved } = this.#deadlines;
    const isStuck = silent >= heartbeat && stood >= leastShare * heartbeat;
    if (isStuck && this.#excused === 0) return `its loop stood still for ${silent} ms`;
    return silent >= starved ? `its loop did not run for ${starved} ms` : undefined;
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
