// A reservation store of a scenario that can be slow, silent or broken. As its contract says, a release also ends what the
// owner has in flight; `late` breaks that promise, since the SBC does not have to believe it.
import type { Clock } from '../../src/core/clock.ts';
import type { ReservationSnapshot, ReserveOutcome, RestorableReservations } from '../../src/policy/reservations.ts';
import type { Claim } from '../../src/policy/verdict.ts';
import type { BudgetLedger } from '../../src/store/budget-ledger.ts';
import { MemoryReservationStore } from '../../src/store/memory/reservation-store.ts';

export class ScenarioReservations implements RestorableReservations {
  readonly #memory: MemoryReservationStore;
  /** `slow`: reserve answers at `answer`. `silent`: it takes the slots and never answers. `broken`: it rejects. */
  mode: 'prompt' | 'slow' | 'late' | 'silent' | 'broken' = 'prompt';
  #held: { readonly owner: string; isVoid: boolean; readonly go: () => void }[] = [];

  constructor(clock: Clock, ledger?: BudgetLedger) {
    this.#memory = new MemoryReservationStore(clock, ledger);
  }

  async reserve(owner: string, claims: readonly Claim[]): Promise<ReserveOutcome> {
    const { mode } = this;
    if (mode === 'broken') throw new Error('the store is on fire');
    if (mode === 'slow' || mode === 'late') {
      const isVoid = await new Promise<boolean>((resolve) => {
        const held = { owner, isVoid: false, go: () => resolve(held.isVoid && mode === 'slow') };
        this.#held.push(held);
      });
      if (isVoid) return { kind: 'granted' };
    }
    const outcome = await this.#memory.reserve(owner, claims);
    return mode === 'silent' ? new Promise(() => {}) : outcome;
  }

  release(owner: string, keys?: readonly string[], used?: number): Promise<void> {
    for (const held of this.#held) if (held.owner === owner) held.isVoid = true;
    return this.#memory.release(owner, keys, used);
  }

  slotsOf(owner: string): readonly string[] {
    return this.#memory.slotsOf(owner);
  }

  snapshot(): ReservationSnapshot {
    return this.#memory.snapshot();
  }

  settleEarlier(goesOn: (owner: string) => boolean): void {
    this.#memory.settleEarlier(goesOn);
  }

  restore(snapshot: ReservationSnapshot): void {
    this.#memory.restore(snapshot);
  }

  held(): number {
    return this.#memory.held();
  }

  /** Lets slow answers go. */
  answer(): void {
    const held = this.#held;
    this.#held = [];
    for (const { go } of held) go();
  }
}
