// Slots, rates and talking time counted in this process. One turn of the event loop is one atomic step. What budgets hold outlives
// the process where there is a ledger: what is leased is written down before it is granted, what was used soon after. Slots end with
// the calls that hold them, and a minute is over soon.
import type { Clock, EpochMillis, Millis } from '../../core/clock.ts';
import type { ReservationSnapshot, ReserveOutcome, RestorableReservations } from '../../policy/reservations.ts';
import type { BudgetClaim, Claim } from '../../policy/verdict.ts';
import type { BudgetLedger, KeptBudget, KeptLease, OpenLease } from '../budget-ledger.ts';
import { leastLease } from '../least-lease.ts';
import { RateWindows } from './rate-windows.ts';

interface Budget {
  used: Millis;
  leased: Millis;
  readonly until: EpochMillis;
}

/** A slot, or the time that is leased of a budget. */
type Lease = 'slot' | Millis;

export class MemoryReservationStore implements RestorableReservations {
  readonly #clock: Clock;
  readonly #ledger: BudgetLedger | undefined;
  readonly #counts = new Map<string, number>();
  readonly #budgets = new Map<string, Budget>();
  readonly #rates = new RateWindows();
  readonly #owners = new Map<string, Map<string, Lease>>();
  /** Leases of calls of an earlier process, until it is known which of them go on. */
  #earlier: readonly OpenLease[];
  #held = 0;
  #swept: Millis = 0;

  /** Throws what the ledger throws. */
  constructor(clock: Clock, ledger?: BudgetLedger) {
    this.#clock = clock;
    this.#ledger = ledger;
    const loaded = ledger?.load(clock.wall());
    for (const { key, used, until } of loaded?.budgets ?? []) this.#budgets.set(key, { used, leased: 0, until });
    this.#earlier = loaded?.leases ?? [];
    for (const { owner, ...lease } of this.#earlier) this.#lease(owner, lease, clock.now());
  }

  async reserve(owner: string, claims: readonly Claim[]): Promise<ReserveOutcome> {
    const now = this.#clock.now();
    const mine = this.#owners.get(owner);
    for (const claim of claims) {
      const held = mine?.has(claim.key) === true ? undefined : this.#fullWith(claim, now);
      if (held !== undefined) return { kind: 'full', claim, held };
    }
    const leases = this.#newLeases(claims, mine);
    const before = new Set(mine?.keys());
    for (const lease of leases) this.#lease(owner, lease, now);
    let longest: Millis | undefined;
    for (const claim of claims) {
      if (claim.kind === 'rate') this.#rates.take(claim, now);
      else if (claim.kind === 'slot') this.#take(owner, claim.key);
      else longest = Math.min(longest ?? Infinity, this.#leased(owner, claim.key));
    }
    if (leases.length > 0 && this.#ledger !== undefined) await this.#writeDown(owner, claims, leases, before);
    return longest === undefined ? granted : { kind: 'granted', longest };
  }

  /** What cannot be written is not granted: then nothing was taken. Others were refused meanwhile what this one held. */
  async #writeDown(
    owner: string,
    claims: readonly Claim[],
    leases: readonly KeptLease[],
    before: ReadonlySet<string>,
  ): Promise<void> {
    try {
      await this.#ledger?.lease(owner, leases, this.#clock.wall());
    } catch (thrown) {
      const taken = claims.filter(({ kind, key }) => kind !== 'rate' && !before.has(key)).map(({ key }) => key);
      for (const claim of claims) if (claim.kind === 'rate') this.#rates.giveBack(claim);
      await this.release(owner, taken);
      throw thrown;
    }
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

  snapshot(): ReservationSnapshot {
    return { v: 1, owners: Array.from(this.#owners, ([owner, leases]) => ({ owner, keys: slotKeys(leases) })) };
  }

  slotsOf(owner: string): readonly string[] {
    return slotKeys(this.#owners.get(owner) ?? new Map());
  }

  restore({ owners }: ReservationSnapshot): void {
    for (const { owner, keys } of owners) {
      for (const key of keys) this.#take(owner, key);
    }
  }

  settleEarlier(goesOn: (owner: string) => boolean): void {
    const now = this.#clock.wall();
    for (const { owner, key, lease, at } of this.#earlier) {
      if (!goesOn(owner)) void this.release(owner, [key], Math.min(lease, Math.max(0, now - at)));
    }
    this.#earlier = [];
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
