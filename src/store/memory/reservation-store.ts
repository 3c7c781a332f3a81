// Slots counted in this process. One turn of the event loop is one atomic step.
import type { ReservationStore, ReserveOutcome } from '../../policy/reservations.ts';
import type { Claim } from '../../policy/verdict.ts';

export interface ReservationSnapshot {
  readonly v: 1;
  readonly owners: readonly { readonly owner: string; readonly keys: readonly string[] }[];
}

export class MemoryReservationStore implements ReservationStore {
  readonly #counts = new Map<string, number>();
  readonly #owners = new Map<string, Set<string>>();
  #held = 0;

  reserve(owner: string, claims: readonly Claim[]): Promise<ReserveOutcome> {
    const mine = this.#owners.get(owner);
    const wanted = claims.filter((claim) => mine?.has(claim.key) !== true);
    for (const claim of wanted) {
      const held = this.#counts.get(claim.key) ?? 0;
      if (held >= claim.cap) return Promise.resolve({ kind: 'full', claim, held });
    }
    for (const { key } of wanted) this.#take(owner, key);
    return Promise.resolve({ kind: 'granted' });
  }

  release(owner: string, keys?: readonly string[]): Promise<void> {
    const mine = this.#owners.get(owner);
    for (const key of keys ?? [...(mine ?? [])]) {
      if (mine?.delete(key) !== true) continue;
      this.#held -= 1;
      const left = (this.#counts.get(key) ?? 0) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    }
    if (mine?.size === 0) this.#owners.delete(owner);
    return Promise.resolve();
  }

  /** Who holds what; a plain record from which `restore` counts again. */
  snapshot(): ReservationSnapshot {
    return { v: 1, owners: Array.from(this.#owners, ([owner, keys]) => ({ owner, keys: [...keys] })) };
  }

  /** Slots of calls that go on are held again, even where a cap is lower by now. */
  restore({ owners }: ReservationSnapshot): void {
    for (const { owner, keys } of owners) {
      for (const key of keys) this.#take(owner, key);
    }
  }

  #take(owner: string, key: string): void {
    const mine = this.#owners.get(owner) ?? new Set<string>();
    if (mine.has(key)) return;
    mine.add(key);
    this.#owners.set(owner, mine);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#held += 1;
  }

  held(): number {
    return this.#held;
  }
}
