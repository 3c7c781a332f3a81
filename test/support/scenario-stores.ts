// Stores of a scenario that can be slow, silent or broken.
import type { ReservationStore, ReserveOutcome } from '../../src/policy/reservations.ts';
import type { Claim } from '../../src/policy/verdict.ts';
import { MemoryReservationStore } from '../../src/store/memory/reservation-store.ts';

export class ScenarioReservations implements ReservationStore {
  readonly #memory = new MemoryReservationStore();
  /** `slow`: reserve answers at `release`. `silent`: it takes the slots and never answers. `broken`: it rejects. */
  mode: 'prompt' | 'slow' | 'silent' | 'broken' = 'prompt';
  #held: (() => void)[] = [];

  async reserve(owner: string, claims: readonly Claim[]): Promise<ReserveOutcome> {
    if (this.mode === 'broken') throw new Error('the store is on fire');
    if (this.mode === 'slow') await new Promise<void>((resolve) => this.#held.push(resolve));
    const outcome = await this.#memory.reserve(owner, claims);
    return this.mode === 'silent' ? new Promise(() => {}) : outcome;
  }

  release(owner: string, keys?: readonly string[]): Promise<void> {
    return this.#memory.release(owner, keys);
  }

  held(): number {
    return this.#memory.held();
  }

  /** Lets slow answers go. */
  answer(): void {
    const held = this.#held;
    this.#held = [];
    for (const go of held) go();
  }
}
