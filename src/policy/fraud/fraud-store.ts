// What of fraud detection outlives a process. Sums over windows do not: they are counted again from call records.
import type { EpochMillis } from '../../core/clock.ts';
import type { Hold } from './holds.ts';

export type KnownKind = 'called-country' | 'source' | 'source-country';

/** A country that a subject called, or where it registered from, so that it is not new. */
export interface KnownValue {
  readonly subject: string;
  readonly of: KnownKind;
  readonly value: string;
  /** When last. */
  readonly at: EpochMillis;
}

/** Every method may throw. */
export interface FraudStore {
  /** Those that are not over at `now`. */
  holds(now: EpochMillis): readonly Hold[];
  keep(hold: Hold): void;
  forget(hold: Hold): void;
  /** The oldest first. */
  known(): readonly KnownValue[];
  /** All of them in one step; then what was last seen before `oldest` is forgotten. */
  learn(values: readonly KnownValue[], oldest: EpochMillis): void;
}
