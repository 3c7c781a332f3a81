// What fraud detection keeps, of one process or over several, for tests.
import type { FraudStore, KnownValue } from '../../src/policy/fraud/fraud-store.ts';
import type { Hold } from '../../src/policy/fraud/holds.ts';

export class MemoryFraudStore implements FraudStore {
  readonly #holds = new Map<string, Hold>();
  readonly #known = new Map<string, KnownValue>();

  holds(now: number): readonly Hold[] {
    return [...this.#holds.values()].filter(({ until }) => until === undefined || until > now);
  }

  keep(hold: Hold): void {
    this.#holds.set(keyOf(hold), hold);
  }

  forget(hold: Hold): void {
    this.#holds.delete(keyOf(hold));
  }

  known(): readonly KnownValue[] {
    return [...this.#known.values()].toSorted((a, b) => a.at - b.at);
  }

  learn(values: readonly KnownValue[], oldest: number): void {
    for (const one of values) this.#known.set(`${one.subject} ${one.of} ${one.value}`, one);
    for (const [key, { at }] of this.#known) if (at < oldest) this.#known.delete(key);
  }
}

function keyOf({ subject, action, of }: Hold): string {
  return `${subject} ${action} ${of ?? ''}`;
}
