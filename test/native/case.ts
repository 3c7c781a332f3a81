// A native case: it runs in a process of its own, because a mistake in native code ends the process. Files named
// `*.cases.ts` in this folder export `cases`; `run.ts` finds them.

export interface NativeCase {
  /** Unique in its file. */
  readonly name: string;
  /** Default 30 s. A case that fetches packages has `fetchLimitMs` more. */
  readonly limitMs?: number | undefined;
  /** Throws when it fails, throws `Skipped` when this machine cannot run it. */
  run(): Promise<void> | void;
}

/** What packages may take to come over a slow line, beside what a case does itself. */
export const fetchLimitMs = 600_000;

/** Why a case could not be run here; never a way to pass. */
export class Skipped extends Error {}

/** Fails the case with `message` unless `condition` holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Fails unless both are the same, by their JSON. */
export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  const got = JSON.stringify(actual);
  const wanted = JSON.stringify(expected);
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`);
}
