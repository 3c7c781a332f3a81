// What outlives the process of the talking time that budgets hold. The counting itself is the reservation store's.
import type { EpochMillis, Millis } from '../core/clock.ts';

export interface KeptBudget {
  readonly key: string;
  readonly used: Millis;
  readonly until: EpochMillis;
}

export interface KeptLease {
  readonly key: string;
  readonly lease: Millis;
  readonly until: EpochMillis;
}

/** Every method may throw. */
export interface BudgetLedger {
  /**
   * What was used of each budget that is not over at `now`. Leases of calls that ended with their process count as used for as long
   * as they might have talked: until `now`, the lease at most.
   */
  load(now: EpochMillis): readonly KeptBudget[];
  /** Written before the call may go on. */
  lease(owner: string, leases: readonly KeptLease[], at: EpochMillis): void;
  /** The lease of each is over; `used` of it was spent. */
  settle(owner: string, spent: readonly KeptBudget[]): void;
}
