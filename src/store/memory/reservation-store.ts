// Slots, rates and talking time counted in this process. One turn of the event loop is one atomic step. What budgets hold outlives
// the process where there is a ledger; slots end with the calls that hold them, and a minute is over soon.
import type { Clock, EpochMillis, Millis } from '../../core/clock.ts';
import type { ReservationStore, ReserveOutcome } from '../../policy/reservations.ts';
import type { BudgetClaim, Claim } from '../../policy/verdict.ts';
import type { BudgetLedger, KeptBudget, KeptLease } from '../budget-ledger.ts';
import { leastLease } from '../least-lease.ts';
import { RateWindows } from './rate-windows.ts';

export interface ReservationSnapshot {
  readonly v: 1;
  readonly owners: readonly { readonly owner: string; readonly keys: readonly string[] }[];
}

interface Budget {
  used: Millis;
  leased: Millis;
  readonly until: EpochMillis;
}

/** A slot, or the time that is leased of a budget. */
type Lease = 'slot' | Millis;

export class MemoryReservationStore implements ReservationStore {
  readonly #clock: Clock;
  readonly #ledger: BudgetLedger | undefined;
  readonly #counts = new Map<string, number>();
  readonly #budgets = new Map<string, Budget>();
  readonly #rates = new RateWindows();
  readonly #owners = new Map<string, Map<string, Lease>>();
  #held = 0;
  #swept: Millis = 0;

  /** Throws what the ledger throws. */
  constructor(clock: Clock, ledger?: BudgetLedger) {
    this.#clock = clock;
    this.#ledger = ledger;
    for (const { key, used, until } of ledger?.load(clock.wall()) ?? []) {
      this.#budgets.set(key, { used, leased: 0, until });
    }
  }

  async reserve(owner: string, claims: readonly Claim[]): Promise<ReserveOutcome> {
    const now = this.#clock.now();
    const mine = this.#owners.get(owner);
    for (const claim of claims) {
      const held = mine?.has(claim.key) === true ? undefined : this.#fullWith(claim, now);
      if (held !== undefined) return { kind: 'full', claim, held };
    }
    const leases = this.#newLeases(claims, mine);
    // What cannot be written is not granted: nothing was taken yet.
    if (leases.length > 0) this.#ledger?.lease(owner, leases, this.#clock.wall());
    for (const lease of leases) this.#lease(owner, lease, now);
    let longest: Millis | undefined;
    for (const claim of claims) {
      if (claim.kind === 'rate') this.#rates.take(claim, now);
      else if (claim.kind === 'slot') this.#take(owner, claim.key);
      else longest = Math.min(longest ?? Infinity, this.#leased(owner, claim.key));
    }
    return longest === undefined ? granted : { kind: 'granted', longest };
  }

  async release(owner: string, keys?: readonly string[], used: Millis = 0): Promise<void> {
    const mine = this.#owners.get(owner);
    if (mine === undefined) return;
    const spent: KeptBudget[] = [];
    for (const key of keys ?? [...mine.keys()]) {
      const lease = mine.get(key);
      if (lease === undefined) continue;
      mine.delete(key);
      this.#held -= 1;
      if (lease === 'slot') this.#giveBack(key);
      else spent.push(...this.#spend(key, lease, used));
    }
    if (mine.size === 0) this.#owners.delete(owner);
    if (spent.length > 0) this.#ledger?.settle(owner, spent);
  }

  /** Who holds which slots; a plain record from which `restore` counts again. */
  snapshot(): ReservationSnapshot {
    return { v: 1, owners: Array.from(this.#owners, ([owner, leases]) => ({ owner, keys: slotKeys(leases) })) };
  }

  /** The slots that one call holds. */
  slotsOf(owner: string): readonly string[] {
    return slotKeys(this.#owners.get(owner) ?? new Map());
  }

  /** Slots of calls that go on are held again, even where a cap is lower by now. */
  restore({ owners }: ReservationSnapshot): void {
    for (const { owner, keys } of owners) {
      for (const key of keys) this.#take(owner, key);
    }
  }

  held(): number {
    return this.#held;
  }

  /** What others have of a claim that cannot be granted; undefined where it can. */
  #fullWith(claim: Claim, now: Millis): number | undefined {
    const held =
      claim.kind === 'slot'
        ? (this.#counts.get(claim.key) ?? 0)
        : claim.kind === 'rate'
          ? this.#rates.used(claim, now)
          : this.#takenOf(claim.key);
    const least = claim.kind === 'budget' ? leastLease : 1;
    return held + least > claim.cap ? held : undefined;
  }

  #takenOf(key: string): Millis {
    const budget = this.#budgets.get(key);
    return budget === undefined ? 0 : budget.used + budget.leased;
  }

  #take(owner: string, key: string): void {
    if (this.#hold(owner, key, 'slot')) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** What is left of each budget that the owner has nothing of yet. */
  #newLeases(claims: readonly Claim[], mine: ReadonlyMap<string, Lease> | undefined): readonly KeptLease[] {
    const leases = new Map<string, KeptLease>();
    for (const claim of claims) {
      if (claim.kind !== 'budget' || mine?.has(claim.key) === true || leases.has(claim.key)) continue;
      leases.set(claim.key, { key: claim.key, lease: this.#left(claim), until: claim.until });
    }
    return leases.size === 0 ? none : [...leases.values()];
  }

  #left({ key, cap, wanted }: BudgetClaim): Millis {
    return Math.min(wanted, cap - this.#takenOf(key));
  }

  #lease(owner: string, { key, lease, until }: KeptLease, now: Millis): void {
    this.#sweep(now);
    const budget = this.#budgets.get(key) ?? { used: 0, leased: 0, until };
    budget.leased += lease;
    this.#budgets.set(key, budget);
    this.#hold(owner, key, lease);
  }

  /** What the owner may use of it, by this claim or an earlier one. */
  #leased(owner: string, key: string): Millis {
    const lease = this.#owners.get(owner)?.get(key);
    return lease === undefined || lease === 'slot' ? 0 : lease;
  }

  #hold(owner: string, key: string, lease: Lease): boolean {
    const mine = this.#owners.get(owner) ?? new Map<string, Lease>();
    if (mine.has(key)) return false;
    mine.set(key, lease);
    this.#owners.set(owner, mine);
    this.#held += 1;
    return true;
  }

  #giveBack(key: string): void {
    const left = (this.#counts.get(key) ?? 0) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }

  #spend(key: string, lease: Millis, used: Millis): readonly KeptBudget[] {
    const budget = this.#budgets.get(key);
    if (budget === undefined) return none;
    const spent = Math.min(Math.max(0, used), lease);
    budget.leased -= lease;
    budget.used += spent;
    return [{ key, used: spent, until: budget.until }];
  }

  /** Once an hour, budgets of periods that are over are forgotten. */
  #sweep(now: Millis): void {
    if (now - this.#swept < 3_600_000) return;
    this.#swept = now;
    const wall = this.#clock.wall();
    for (const [key, { until, leased }] of this.#budgets) {
      if (until <= wall && leased === 0) this.#budgets.delete(key);
    }
  }
}

function slotKeys(leases: ReadonlyMap<string, Lease>): readonly string[] {
  return [...leases].filter(([, lease]) => lease === 'slot').map(([key]) => key);
}

const none: readonly never[] = [];
const granted: ReserveOutcome = { kind: 'granted' };
