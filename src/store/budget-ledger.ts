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

/** A lease that was not settled when the process before ended. */
export interface OpenLease extends KeptLease {
  readonly owner: string;
  readonly at: EpochMillis;
}

export interface LoadedBudgets {
  readonly budgets: readonly KeptBudget[];
  readonly leases: readonly OpenLease[];
}

export interface BudgetLedger {
  /** What the processes before used and leased of budgets that are not over at `now`. May throw. */
  load(now: EpochMillis): LoadedBudgets;
  /** Resolves when it is written down: before that the call does not go on. Rejects where it cannot be, and may be written all the same. */
  lease(owner: string, leases: readonly KeptLease[], at: EpochMillis): Promise<void>;
  /** The lease of each is over; `used` of it was spent. Written soon; never throws. */
  settle(owner: string, spent: readonly KeptBudget[]): void;
}
