// When new work waits or is turned away so that what runs is not disturbed (RFC 3261 §21.5.4, RFC 5390). Registrations and whatever
// else begins something wait first, new calls are turned away at twice the load; what belongs to a call, and emergency calls, are
// never asked about.
import type { Millis } from '../core/clock.ts';

/** What a node has on its hands. */
export interface Load {
  /** How late the event loop is. */
  readonly lag: Millis;
  /** Requests whose user is being looked up. */
  readonly lookUps: number;
  /** SIP transactions in progress. */
  readonly transactions: number;
}

export type NewWork = 'call' | 'other';

/** The first bound that the load is at for such work, or undefined: it is taken. */
export function overloadOf(work: NewWork, load: Load, limits: Load): keyof Load | undefined {
  const patience = work === 'call' ? callPatience : 1;
  return bounds.find((bound) => load[bound] >= limits[bound] * patience);
}

/** A phone that registers a moment later misses little; a call that is turned away is missed. */
export const callPatience = 2;

const bounds = ['lag', 'lookUps', 'transactions'] as const satisfies readonly (keyof Load)[];
