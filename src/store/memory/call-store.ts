// Calls in memory: for a process whose successor is in the same one, as in tests.
import type { CallStore, KeptDocument } from '../call-store.ts';

export class MemoryCallStore implements CallStore {
  readonly run: string;
  readonly #documents: Map<string, string>;

  /** `of`: the run before this one. */
  constructor(run: string, of?: MemoryCallStore) {
    this.run = run;
    this.#documents = of === undefined ? new Map<string, string>() : of.#documents;
  }

  write(put: readonly KeptDocument[], remove: readonly string[]): void {
    for (const { id, document } of put) this.#documents.set(id, document);
    for (const id of remove) this.#documents.delete(id);
  }

  load(): ReturnType<CallStore['load']> {
    const calls = Array.from(this.#documents, ([id, document]) => ({ id, document }));
    return { calls: calls.toSorted((a, b) => (a.id < b.id ? -1 : 1)), unreadable: [] };
  }
}
