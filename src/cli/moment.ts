// --at: the moment that a question is about.
import type { EpochMillis } from '../core/clock.ts';
import { UsageError } from './command.ts';

export const momentOption = {
  type: 'string',
  value: 'TIME',
  about: 'when, such as 2026-12-24T23:00Z; UTC where no zone is named; now when not given',
} as const;

/** What names no zone is UTC, so that the answer is the same on every machine. Throws a UsageError where it is no time. */
export function momentOf(text: string): EpochMillis {
  const found = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  const time = found === null ? Number.NaN : Date.parse(found[2] === undefined ? `${text}Z` : text);
  if (!Number.isNaN(time)) return time;
  throw new UsageError(`--at: expected a time such as 2026-12-24T23:00, got "${text}"`);
}
