// Whether a suite that repeats itself has time for another round.

/** Answers, `done` rounds after the first began, whether one more fits until `endsAt` (seconds of `now`; undefined: always). One always does. */
export function roundsUntil(endsAt: number | undefined, now: () => number): (done: number) => boolean {
  const began = now();
  return (done) => done === 0 || endsAt === undefined || now() + (now() - began) / done <= endsAt;
}
