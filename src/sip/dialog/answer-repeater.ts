// When a 2xx of ours is sent again because no ACK came (RFC 3261 §13.3.1.4): after T1, doubling up to T2, for 64 · T1 in
// all. On every transport, since the ACK comes from end to end. Pure: it says how long to wait, others wait.
import type { Millis } from '../../core/clock.ts';
import type { SipTimers } from '../transaction/timers.ts';

export class AnswerRepeater {
  readonly #timers: Pick<SipTimers, 't1' | 't2'>;
  #interval: Millis;
  #waited: Millis = 0;

  constructor(timers: Pick<SipTimers, 't1' | 't2'>) {
    this.#timers = timers;
    this.#interval = timers.t1;
  }

  /** How long to wait before the next copy, or undefined when it is time to give up. */
  next(): Millis | undefined {
    const left = 64 * this.#timers.t1 - this.#waited;
    if (left <= 0) return undefined;
    const wait = Math.min(this.#interval, left);
    this.#waited += wait;
    this.#interval = Math.min(2 * this.#interval, this.#timers.t2);
    return wait;
  }
}
