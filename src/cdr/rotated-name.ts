// Names of full files of records: the time at which each was full, in an order that a clock which is set back cannot upset.
import type { EpochMillis } from '../core/clock.ts';

/** The full files among `names`, the oldest first. */
export function rotatedNames(names: readonly string[]): readonly string[] {
  return names.filter((name) => timeOf(name) !== undefined).toSorted();
}

/** A name that sorts behind `newest`: that of `now`, or of the millisecond after it. */
export function rotatedNameAfter(newest: string | undefined, now: EpochMillis): string {
  const last = newest === undefined ? undefined : timeOf(newest);
  return nameOf(last === undefined || now > last ? now : last + 1);
}

/** `cdr-2026-01-05T100000000Z.ndjson`. */
function nameOf(at: EpochMillis): string {
  return `cdr-${new Date(at).toISOString().replaceAll(/[:.]/g, '')}.ndjson`;
}

function timeOf(name: string): EpochMillis | undefined {
  const found = /^cdr-(\d{4}-\d\d-\d\dT)(\d\d)(\d\d)(\d\d)(\d{3}Z)\.ndjson$/.exec(name);
  if (found === null) return undefined;
  const [, date, hours, minutes, seconds, rest] = found;
  const time = Date.parse(`${date}${hours}:${minutes}:${seconds}.${rest}`);
  return Number.isNaN(time) ? undefined : time;
}
