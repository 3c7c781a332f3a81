// How much a peer may send: packets and bytes a second, with one second's worth in hand after a pause (a jitter burst, a talk
// spurt). Two token buckets, filled by the clock and not by a timer, and only when one of them is empty: what came in meanwhile, a
// second's worth at most, may go beyond what was in hand once.
import type { Millis } from '../../core/clock.ts';
import type { MediaLimit } from '../plane/messages.ts';

export class RateCap {
  readonly #onOver: (limit: MediaLimit) => void;
  #limit: MediaLimit | undefined;
  #isLimited = false;
  /** Whole packets and bytes that may still come before the clock is asked. */
  #packets = 0;
  #bytes = 0;
  /** What the clock had given beyond whole ones. */
  #packetFraction = 0;
  #byteFraction = 0;
  #last: Millis = 0;
  #wasOver = false;

  /** `onOver` is called once, when it is too much for the first time. */
  constructor(onOver: (limit: MediaLimit) => void) {
    this.#onOver = onOver;
  }

  /** Reads what `isOver` needs; see `PacketFlow.preload`. */
  preload(): number {
    return this.#packets ^ (this.#isLimited ? 1 : 0);
  }

  /** Undefined: as much as comes. The same limit again gives nothing back. */
  limitTo(limit: MediaLimit | undefined, now: Millis): void {
    const isSame =
      limit?.packetsPerSecond === this.#limit?.packetsPerSecond &&
      limit?.bytesPerSecond === this.#limit?.bytesPerSecond;
    if (isSame) return;
    this.#limit = limit;
    this.#isLimited = limit !== undefined;
    this.#packets = limit?.packetsPerSecond ?? 0;
    this.#bytes = limit?.bytesPerSecond ?? 0;
    this.#packetFraction = 0;
    this.#byteFraction = 0;
    this.#last = now;
  }

  /** Takes one packet of `sizeBytes` from what is left; true, and nothing taken, when it is too much. */
  isOver(sizeBytes: number, now: Millis): boolean {
    if (!this.#isLimited) return false;
    if ((this.#packets < 1 || this.#bytes < sizeBytes) && !this.#fill(sizeBytes, now)) return true;
    this.#packets -= 1;
    this.#bytes -= sizeBytes;
    return false;
  }

  /** False when there is not enough for one packet even so. */
  #fill(sizeBytes: number, now: Millis): boolean {
    if (this.#limit === undefined) return true;
    const { packetsPerSecond, bytesPerSecond } = this.#limit;
    const seconds = (now - this.#last) / 1000;
    const packets = this.#packets + this.#packetFraction + seconds * packetsPerSecond;
    const bytes = this.#bytes + this.#byteFraction + seconds * bytesPerSecond;
    this.#last = now;
    this.#packets = Math.floor(Math.min(packetsPerSecond, packets));
    this.#packetFraction = Math.min(packetsPerSecond, packets) - this.#packets;
    this.#bytes = Math.floor(Math.min(bytesPerSecond, bytes));
    this.#byteFraction = Math.min(bytesPerSecond, bytes) - this.#bytes;
    if (this.#packets >= 1 && this.#bytes >= sizeBytes) return true;
    if (!this.#wasOver) this.#onOver(this.#limit);
    this.#wasOver = true;
    return false;
  }
}
