// Random orders of reservations over slots, rates and budgets on a clock that moves, against a plain count of what must come out.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { ReservationStore, ReserveOutcome } from '../../src/policy/reservations.ts';
import type { BudgetClaim, Claim, RateClaim, Refusal, SlotClaim } from '../../src/policy/verdict.ts';
import { leastLease } from '../../src/store/least-lease.ts';
import type { FakeClock } from './fake-time.ts';

const minute = 60_000;
const refusal: Refusal = { code: 'minutes-used', status: 486, text: 'Call time used up', detail: '' };
const slot: SlotClaim = { kind: 'slot', key: 'slots', cap: 4, refusal };
const rate: RateClaim = { kind: 'rate', key: 'rate', cap: 3, window: minute, refusal };
const until = Date.UTC(2100, 0, 1);
const budgets: readonly BudgetClaim[] = [
  { kind: 'budget', key: 'day', cap: 30 * minute, wanted: 10 * minute, until, refusal },
  { kind: 'budget', key: 'month', cap: 90 * minute, wanted: 7 * minute, until, refusal },
];
const owner = fc.constantFrom('call-1', 'call-2', 'call-3', 'call-4', 'call-5');

export const timedEvent = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('reserve' as const),
      owner,
      claims: fc.shuffledSubarray<Claim>([slot, rate, ...budgets], { minLength: 1 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('release' as const),
      owner,
      keys: fc.option(fc.subarray(['slots', 'rate', 'day', 'month']), { nil: undefined }),
      used: fc.oneof(fc.constant(0), fc.integer({ min: -5, max: 12 * minute })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('pass' as const), millis: fc.integer({ min: 1, max: minute }) }),
  },
);

type TimedEvent = typeof timedEvent extends fc.Arbitrary<infer T> ? T : never;

class Count {
  readonly slots = new Set<string>();
  readonly used = new Map<string, number>();
  /** Leases by budget and owner. */
  readonly leases = new Map(budgets.map(({ key }) => [key, new Map<string, number>()] as const));
  times: number[] = [];

  get held(): number {
    return this.slots.size + [...this.leases.values()].reduce((sum, { size }) => sum + size, 0);
  }

  taken(key: string): number {
    const leased = [...(this.leases.get(key)?.values() ?? [])].reduce((sum, one) => sum + one, 0);
    return (this.used.get(key) ?? 0) + leased;
  }

  reserve(caller: string, claims: readonly Claim[], now: number): ReserveOutcome {
    this.times = this.times.filter((time) => time > now - minute);
    for (const claim of claims) {
      const held = this.#heldBefore(caller, claim);
      if (held !== undefined) return { kind: 'full', claim, held };
    }
    let longest = Infinity;
    for (const claim of claims) {
      if (claim.kind === 'slot') this.slots.add(caller);
      else if (claim.kind === 'rate') this.times.push(now);
      else {
        const leases = this.leases.get(claim.key) ?? new Map<string, number>();
        const lease = leases.get(caller) ?? Math.min(claim.wanted, claim.cap - this.taken(claim.key));
        leases.set(caller, lease);
        longest = Math.min(longest, lease);
      }
    }
    return longest === Infinity ? { kind: 'granted' } : { kind: 'granted', longest };
  }

  #heldBefore(caller: string, claim: Claim): number | undefined {
    switch (claim.kind) {
      case 'slot':
        return !this.slots.has(caller) && this.slots.size >= claim.cap ? this.slots.size : undefined;
      case 'rate':
        return this.times.length >= claim.cap ? this.times.length : undefined;
      case 'budget': {
        const taken = this.taken(claim.key);
        return this.leases.get(claim.key)?.has(caller) !== true && taken + leastLease > claim.cap ? taken : undefined;
      }
      default:
        return claim satisfies never;
    }
  }

  release(caller: string, keys: readonly string[] | undefined, used: number): void {
    const isMeant = (key: string): boolean => keys === undefined || keys.includes(key);
    if (isMeant('slots')) this.slots.delete(caller);
    for (const [key, leases] of this.leases) {
      const lease = leases.get(caller);
      if (lease === undefined || !isMeant(key)) continue;
      leases.delete(caller);
      this.used.set(key, (this.used.get(key) ?? 0) + Math.min(lease, Math.max(0, used)));
    }
  }
}

export async function runBudgets(
  store: ReservationStore,
  clock: FakeClock,
  order: readonly TimedEvent[],
): Promise<void> {
  const count = new Count();
  for (const step of order) {
    if (step.type === 'pass') clock.move(step.millis);
    else if (step.type === 'reserve') {
      const expected = count.reserve(step.owner, step.claims, clock.now());
      expect(await store.reserve(step.owner, step.claims)).toEqual(expected);
    } else {
      count.release(step.owner, step.keys, step.used);
      await store.release(step.owner, step.keys, step.used);
    }
    if (store.held() !== count.held) expect(store.held()).toBe(count.held);
    for (const { key, cap } of budgets) if (count.taken(key) > cap) expect(count.taken(key)).toBeLessThanOrEqual(cap);
  }
}
