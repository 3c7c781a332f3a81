// How work and ports are divided among workers: the fewest sessions first, and no port belongs to two of them.
import { err, ok, type Result } from '../../core/result.ts';

/** Both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `20000-39999`; at least one pair, no port below 1024. */
export function parsePortRange(text: string): Result<PortRange, string> {
  const [first, last, ...rest] = text
    .split('-')
    .map((part) => (/^\d{1,5}$/.test(part.trim()) ? Number(part) : Number.NaN));
  if (first === undefined || last === undefined || rest.length > 0 || Number.isNaN(first + last)) {
    return err(`expected a port range like "20000-39999", got "${text}"`);
  }
  if (first < 1024 || last > 65_535 || last - first < 1) {
    return err(`expected at least two ports between 1024 and 65535, got "${text}"`);
  }
  return ok({ first, last });
}

/** The share of worker `index`: whole pairs of an even and the next odd port. */
export function portShare({ first, last }: PortRange, workers: number, index: number): PortRange {
  const firstEven = first + (first & 1);
  const pairs = (last - firstEven + 1) >> 1;
  const start = firstEven + 2 * Math.floor((pairs * index) / workers);
  const end = firstEven + 2 * Math.floor((pairs * (index + 1)) / workers);
  return { first: start, last: end - 1 };
}

/** The one with the lowest load; the earliest of equals. */
export function leastLoaded<T>(candidates: Iterable<T>, loadOf: (candidate: T) => number): T | undefined {
  let best: T | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const load = loadOf(candidate);
    if (load >= lowest) continue;
    best = candidate;
    lowest = load;
  }
  return best;
}
