// Time comes from outside. Durations and expiry use `now`, which never jumps; `wall` is for records and nonces only.

/** A duration, or a point on the monotonic clock, in milliseconds. */
export type Millis = number;

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMillis = number;

export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. */
  now(): Millis;
  /** Wall-clock time; an operator or NTP may move it either way. */
  wall(): EpochMillis;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
};

/** The shorter one; undefined is for ever. */
export function shorter(a: Millis | undefined, b: Millis | undefined): Millis | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
