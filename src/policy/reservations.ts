// Leases that a call holds: taken in one atomic step, returned exactly once. The store decides; this is what it promises.
import type { Millis } from '../core/clock.ts';
import type { Claim } from './verdict.ts';

export type ReserveOutcome =
  /** `longest`: how long the call may last, when a budget was among the claims. */
  | { readonly kind: 'granted'; readonly longest?: Millis }
  /** Nothing was taken. `claim` is the first that was full, `held` what others have of it. */
  | { readonly kind: 'full'; readonly claim: Claim; readonly held: number };

/**
 * Counts slots, rates and talking time. Every method may be slow or fail (a rejected promise: the caller refuses the attempt).
 * An owner is one call; it may take claims more than once (a trunk for each attempt) and return them one by one or all.
 */
export interface ReservationStore {
  /** All claims or none, atomically. A slot or budget that the owner holds already is not counted twice. */
  reserve(owner: string, claims: readonly Claim[]): Promise<ReserveOutcome>;
  /**
   * Returns the named keys of `owner`, or everything it holds when `keys` is absent; `used` of each leased time is spent, the
   * lease at most. Idempotent; also ends a reserve in flight.
   */
  release(owner: string, keys?: readonly string[], used?: Millis): Promise<void>;
  /** Slots and leases held now, by any owner. */
  held(): number;
}

/** Who holds which slots, as a plain record. */
export interface ReservationSnapshot {
  readonly v: 1;
  readonly owners: readonly { readonly owner: string; readonly keys: readonly string[] }[];
}

/** A store whose calls may go on in another process. */
export interface RestorableReservations extends ReservationStore {
  /** The slots that one call holds. */
  slotsOf(owner: string): readonly string[];
  /** Who holds which slots; `restore` counts them again. */
  snapshot(): ReservationSnapshot;
  /** Slots of calls that go on are held again, even where a cap is lower by now. */
  restore(snapshot: ReservationSnapshot): void;
  /**
   * Calls of an earlier process that go on keep what they leased of budgets, and spend it at their end. The others have used it for as
   * long as they might have talked: until now, the lease at most. Until this is called all of it counts as leased.
   */
  settleEarlier(goesOn: (owner: string) => boolean): void;
}
