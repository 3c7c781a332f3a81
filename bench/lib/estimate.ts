// How long a run of suites will still take: what each is expected to take, corrected by how those before it kept to that.

export interface ExpectedSuite {
  readonly name: string;
  readonly seconds: number;
}

/** A machine that is slower than expected by more than this is taken to be no slower in what follows. */
const slowest = 4;
/** Of what was expected: a suite that is over its time is taken to be nearly done. */
const leastLeft = 0.05;

export class Estimate {
  readonly #suites: readonly ExpectedSuite[];
  readonly #now: () => number;
  readonly #began: number;
  #at = 0;
  #atSince: number;
  #done = { expected: 0, taken: 0 };

  /** `now` in seconds. */
  constructor(suites: readonly ExpectedSuite[], now: () => number) {
    this.#suites = suites;
    this.#now = now;
    this.#began = now();
    this.#atSince = this.#began;
  }

  /** The suite that ran is over, the next one runs. */
  next(): void {
    const taken = this.#now() - this.#atSince;
    this.#done = { expected: this.#done.expected + this.#current, taken: this.#done.taken + taken };
    this.#at += 1;
    this.#atSince = this.#now();
  }

  /** Seconds. */
  get left(): number {
    const current = this.#current * this.#pace;
    const running = Math.max(current * leastLeft, current - (this.#now() - this.#atSince));
    return running + this.later;
  }

  /** Seconds of the suites after the one that runs. */
  get later(): number {
    return this.#suites.slice(this.#at + 1).reduce((sum, { seconds }) => sum + seconds * this.#pace, 0);
  }

  get #pace(): number {
    const { expected, taken } = this.#done;
    return expected === 0 ? 1 : Math.min(slowest, Math.max(1 / slowest, taken / expected));
  }

  /** `3:05 gone, about 7 min left`. */
  get said(): string {
    const gone = Math.floor(this.#now() - this.#began);
    return `${minutes(gone)} gone, about ${inWords(this.left)} left`;
  }

  get #current(): number {
    return this.#suites[this.#at]?.seconds ?? 0;
  }
}

/** `45 s`, `7 min`. */
export function inWords(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds / 5) * 5} s` : `${Math.round(seconds / 60)} min`;
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
