// What the calls of this node hold, as the shared store was told or will be. Also decides alone, on what this node knows, while the store is
// away and the configuration says so.
import type { Clock, Millis } from '../../core/clock.ts';
import type { ReserveOutcome } from '../../policy/reservations.ts';
import type { BudgetClaim, Claim } from '../../policy/verdict.ts';
import { leastLease } from '../least-lease.ts';
import { RateWindows } from '../memory/rate-windows.ts';
import type { Held, HeldBy, Settlement } from './shared-store.ts';

interface Entry {
  readonly held: Held;
  /** The store does not know of it. */
  isLocal: boolean;
}

export class LeaseMirror {
  readonly #clock: Clock;
  readonly #owners = new Map<string, Map<string, Entry>>();
  readonly #slots = new Map<string, number>();
  readonly #leased = new Map<string, Millis>();
  readonly #rates = new RateWindows();
  /** Time that was used while the store was away, by budget. */
  readonly #used = new Map<string, Millis>();
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  keysOf(owner: string): readonly string[] {
    return [...(this.#owners.get(owner)?.keys() ?? [])];
  }

  slotsOf(owner: string): readonly string[] {
    return [...(this.#owners.get(owner) ?? [])].flatMap(([key, { held }]) => (held.kind === 'slot' ? [key] : []));
  }

  all(): readonly HeldBy[] {
    return [...this.#owners].flatMap(([owner, entries]) =>
      Array.from(entries, ([key, { held }]) => ({ owner, key, held })),
    );
  }

  /** Is held from now on; what the owner has of that key already stays. */
  put(owner: string, key: string, held: Held, isLocal = false): void {
    const entries = this.#owners.get(owner) ?? new Map<string, Entry>();
    if (entries.has(key)) return;
    entries.set(key, { held, isLocal });
    this.#owners.set(owner, entries);
    this.#size += 1;
    if (held.kind === 'slot') add(this.#slots, key, 1);
    else add(this.#leased, key, held.lease);
  }

  /** Attempts that a rate counts. */
  rated(claims: readonly Claim[]): void {
    const now = this.#clock.now();
    for (const claim of claims) if (claim.kind === 'rate') this.#rates.take(claim, now);
  }

  /** What became of the leases among them. */
  remove(owner: string, keys: readonly string[], used: Millis): readonly Settlement[] {
    const entries = this.#owners.get(owner);
    const settled: Settlement[] = [];
    for (const key of keys) {
      const entry = entries?.get(key);
      if (entry === undefined) continue;
      entries?.delete(key);
      this.#size -= 1;
      const { held, isLocal } = entry;
      if (held.kind === 'slot') add(this.#slots, key, -1);
      else {
        add(this.#leased, key, -held.lease);
        const spent = Math.round(Math.min(Math.max(0, used), held.lease));
        settled.push({ owner, key, used: spent, until: held.until, isLocal });
      }
    }
    if (entries?.size === 0) this.#owners.delete(owner);
    return settled;
  }

  /** The store knows of these, and of what was used. */
  told(held: readonly HeldBy[]): void {
    for (const { owner, key } of held) {
      const entry = this.#owners.get(owner)?.get(key);
      if (entry !== undefined) entry.isLocal = false;
    }
    this.#used.clear();
  }

  /** Of a lease that ended while the store was away. */
  spent({ key, used }: Settlement): void {
    add(this.#used, key, used);
  }

  /** All claims or none, by what this node's own calls hold. */
  decide(owner: string, claims: readonly Claim[]): ReserveOutcome {
    const now = this.#clock.now();
    const mine = this.#owners.get(owner);
    for (const claim of claims) {
      const held = mine?.has(claim.key) === true ? undefined : this.#fullWith(claim, now);
      if (held !== undefined) return { kind: 'full', claim, held };
    }
    let longest: Millis | undefined;
    for (const claim of claims) {
      if (claim.kind === 'slot') this.put(owner, claim.key, slot, true);
      else if (claim.kind === 'budget') longest = Math.min(longest ?? Infinity, this.#lease(owner, claim));
    }
    this.rated(claims);
    return longest === undefined ? { kind: 'granted' } : { kind: 'granted', longest };
  }

  #fullWith(claim: Claim, now: Millis): number | undefined {
    const held =
      claim.kind === 'slot'
        ? (this.#slots.get(claim.key) ?? 0)
        : claim.kind === 'rate'
          ? this.#rates.used(claim, now)
          : this.#takenOf(claim.key);
    return held + (claim.kind === 'budget' ? leastLease : 1) > claim.cap ? held : undefined;
  }

  #takenOf(key: string): Millis {
    return (this.#used.get(key) ?? 0) + (this.#leased.get(key) ?? 0);
  }

  #lease(owner: string, { key, cap, wanted, until }: BudgetClaim): Millis {
    const lease = Math.round(Math.min(wanted, cap - this.#takenOf(key)));
    const leasedAt = Math.round(this.#clock.wall());
    this.put(owner, key, { kind: 'budget', lease, leasedAt, until: Math.round(until) }, true);
    const entry = this.#owners.get(owner)?.get(key);
    return entry?.held.kind === 'budget' ? entry.held.lease : 0;
  }
}

export const slot: Held = { kind: 'slot' };

function add(counts: Map<string, number>, key: string, change: number): void {
  const sum = (counts.get(key) ?? 0) + change;
  if (sum > 0) counts.set(key, sum);
  else counts.delete(key);
}
