// Whether one side of a call is silent while the other is heard: one-way audio. A muted phone that sends nothing at all looks the same,
// so that it is told and written down, and never ends a call.
import type { Millis } from '../../core/clock.ts';

export const oneWayLimits = {
  /** A side that should be heard and is not, for this long … */
  silence: 10_000,
  /** … while the other one is heard, with pauses up to this. */
  otherHeard: 2_000,
} as const;

export class HeardTimes {
  #lastHeard: Millis = Number.NEGATIVE_INFINITY;
  /** Since when it is heard without a longer pause. */
  #spellStart: Millis = Number.POSITIVE_INFINITY;
  #expectedSince: Millis = Number.POSITIVE_INFINITY;
  #wasOneWay = false;

  /** True once it was silent for ten seconds while the other side was heard. */
  get wasOneWay(): boolean {
    return this.#wasOneWay;
  }

  /** By another worker or process. */
  wasFoundOneWay(): void {
    this.#wasOneWay = true;
  }

  heard(now: Millis): void {
    if (now - this.#lastHeard > oneWayLimits.otherHeard) this.#spellStart = now;
    this.#lastHeard = now;
  }

  /** RTP should come from now on; silence before does not count. */
  expect(now: Millis): void {
    this.#expectedSince = now;
  }

  /** Nothing is expected: it is held, not joined, or paused. */
  expectNothing(): void {
    this.#expectedSince = Number.POSITIVE_INFINITY;
  }

  /** True at the moment when it is found to be the silent side; once. */
  becomesOneWay(other: HeardTimes, now: Millis): boolean {
    if (this.#wasOneWay) return false;
    const isOtherHeard = now - other.#lastHeard <= oneWayLimits.otherHeard;
    const silence = now - Math.max(this.#lastHeard, this.#expectedSince, other.#spellStart);
    this.#wasOneWay = isOtherHeard && silence >= oneWayLimits.silence;
    return this.#wasOneWay;
  }
}
