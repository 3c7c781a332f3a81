// What fraud detection keeps, in memory and in a queue of writes.
import type { EpochMillis } from '../core/clock.ts';
import type { FraudStore, KnownValue } from '../policy/fraud/fraud-store.ts';
import type { Hold } from '../policy/fraud/holds.ts';
import type { LoadedState } from './loaded-state.ts';
import { mostKnown } from './most-known.ts';
import type { WriteSink } from './store-write.ts';

export class WrittenFraudStore implements FraudStore {
  readonly #sink: WriteSink;
  readonly #mostKnown: number;
  readonly #holds = new Map<string, Hold>();
  /** The oldest first. */
  readonly #known = new Map<string, KnownValue>();

  constructor({ holds, known }: Pick<LoadedState, 'holds' | 'known'>, sink: WriteSink, most = mostKnown) {
    this.#sink = sink;
    this.#mostKnown = most;
    for (const hold of holds) this.#holds.set(holdKey(hold), hold);
    for (const value of known) this.#known.set(knownKey(value), value);
  }

  holds(now: EpochMillis): readonly Hold[] {
    return [...this.#holds.values()].filter(({ until }) => until === undefined || until > now);
  }

  keep(hold: Hold): void {
    this.#holds.set(holdKey(hold), hold);
    this.#sink.put({ kind: 'hold', hold });
  }

  forget(hold: Hold): void {
    this.#holds.delete(holdKey(hold));
    this.#sink.put({ kind: 'hold-gone', hold });
  }

  known(): readonly KnownValue[] {
    return [...this.#known.values()].toSorted((a, b) => a.at - b.at);
  }

  learn(values: readonly KnownValue[], oldest: EpochMillis): void {
    for (const value of values) {
      this.#known.delete(knownKey(value));
      this.#known.set(knownKey(value), value);
    }
    // In the order in which they were learned, which is that of their time but for what is learned at once.
    for (const [key, { at }] of this.#known) {
      if (at >= oldest && this.#known.size <= this.#mostKnown) break;
      this.#known.delete(key);
    }
    this.#sink.put({ kind: 'known', values, oldest });
  }
}

function holdKey({ subject, action, of }: Hold): string {
  return `${action} ${of ?? ''} ${subject}`;
}

function knownKey({ subject, of, value }: KnownValue): string {
  return `${of} ${value} ${subject}`;
}
