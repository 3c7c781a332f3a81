// How much a peer may send: packets and bytes a second, with one second's worth in hand after a pause (a jitter burst, a talk
// spurt). Two token buckets, filled by the clock and not by a timer.
import type { Millis } from '../../core/clock.ts';
import type { MediaLimit } from '../plane/messages.ts';

export class RateCap {
  readonly #onOver: (limit: MediaLimit) => void;
  #limit: MediaLimit | undefined;
  #packets = 0;
  #bytes = 0;
  #last: Millis = 0;
  #wasOver = false;

  /** `onOver` is called once, when it is too much for the first time. */
  constructor(onOver: (limit: MediaLimit) => void) {
    this.#onOver = onOver;
  }

  /** Undefined: as much as comes. The same limit again gives nothing back. */
  limitTo(limit: MediaLimit | undefined, now: Millis): void {
    const isSame =
      limit?.packetsPerSecond === this.#limit?.packetsPerSecond &&
      limit?.bytesPerSecond === this.#limit?.bytesPerSecond;
    if (isSame) return;
    this.#limit = limit;
    this.#packets = limit?.packetsPerSecond ?? 0;
    this.#bytes = limit?.bytesPerSecond ?? 0;
    this.#last = now;
  }

  /** Takes one packet of `sizeBytes` from what is left; true, and nothing taken, when it is too much. */
  isOver(sizeBytes: number, now: Millis): boolean {
    if (this.#limit === undefined) return false;
    const { packetsPerSecond, bytesPerSecond } = this.#limit;
    const seconds = (now - this.#last) / 1000;
    this.#last = now;
    this.#packets = Math.min(packetsPerSecond, this.#packets + seconds * packetsPerSecond);
    this.#bytes = Math.min(bytesPerSecond, this.#bytes + seconds * bytesPerSecond);
    if (this.#packets >= 1 && this.#bytes >= sizeBytes) {
      this.#packets -= 1;
      this.#bytes -= sizeBytes;
      return false;
    }
    if (!this.#wasOver) this.#onOver(this.#limit);
    this.#wasOver = true;
    return true;
  }
}
