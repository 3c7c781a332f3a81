// Bindings in memory: they end with the process, as the flows do that they name.
import type { BindingRecord, LocationStore } from '../../registration/location.ts';

export class MemoryLocationStore implements LocationStore {
  readonly #bindings = new Map<string, readonly BindingRecord[]>();

  find(aor: string): Promise<readonly BindingRecord[]> {
    return Promise.resolve(this.#bindings.get(aor) ?? []);
  }

  save(aor: string, bindings: readonly BindingRecord[]): Promise<void> {
    if (bindings.length === 0) this.#bindings.delete(aor);
    else this.#bindings.set(aor, bindings);
    return Promise.resolve();
  }

  all(): Promise<readonly BindingRecord[]> {
    return Promise.resolve([...this.#bindings.values()].flat());
  }
}
