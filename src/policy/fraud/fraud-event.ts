// What the detection of fraud is told, and what it asks for. One call gives `attempted` when policy was asked, and `ended`
// with its outcome; a past call record gives the same two.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { NumberClass } from '../number-class.ts';
import type { KnownValue } from './fraud-store.ts';

export interface FraudCall {
  readonly id: string;
  /** Who pays: `user:alice@pbx.test`, `trunk:carrier`, `pbx:main`. */
  readonly subject: string;
  readonly number: string;
  readonly country: string | undefined;
  readonly classes: readonly NumberClass[];
  /** Outside of the hours that the operator calls normal. */
  readonly isOutOfHours: boolean;
}

export type FraudEvent =
  | {
      readonly type: 'attempted';
      readonly at: EpochMillis;
      readonly call: FraudCall;
      readonly admitted: boolean;
      /** Where it came from, when nobody else can have claimed so: it came over a connection. */
      readonly address?: string | undefined;
    }
  /** `duration`: since the answer; 0 when it was never answered. */
  | { readonly type: 'ended'; readonly at: EpochMillis; readonly call: FraudCall; readonly duration: Millis }
  | {
      readonly type: 'registered';
      readonly at: EpochMillis;
      readonly subject: string;
      /** Address block of the source. */
      readonly source: string;
      /** As of a call. */
      readonly address?: string | undefined;
      /** Country of the source's network, where the operator gave a table. */
      readonly country: string | undefined;
    }
  /** Of a process before: it is not new, and nothing follows from it. */
  | ({ readonly type: 'known' } & KnownValue);

/** What a rule may do beside the alert. */
export const fraudActions = ['refuse-class', 'refuse-all', 'end-calls', 'lock-user', 'ban-source'] as const;
export type FraudAction = (typeof fraudActions)[number];

export type FraudOutput =
  | { readonly type: 'alert'; readonly finding: FraudFinding }
  /** `of` undefined: calls of every class. */
  | {
      readonly type: 'restrict';
      readonly subject: string;
      readonly of: NumberClass | undefined;
      readonly rule: string;
      readonly since: EpochMillis;
      readonly until: EpochMillis;
    }
  | { readonly type: 'end-calls'; readonly subject: string; readonly calls: readonly string[]; readonly rule: string }
  | { readonly type: 'lock-user'; readonly subject: string; readonly rule: string }
  | { readonly type: 'ban-source'; readonly source: string; readonly rule: string };

export interface FraudFinding {
  readonly rule: string;
  readonly kind: FraudKind;
  readonly subject: string;
  readonly level: 'warn' | 'act';
  readonly at: EpochMillis;
  /** What was reached, and the threshold. */
  readonly value: number;
  readonly threshold: number;
  readonly detail: string;
  /** What follows from it: nothing of a warning. */
  readonly actions: readonly FraudAction[];
  /** Shadow: what would have been done was not. */
  readonly isShadow: boolean;
}

export const fraudKinds = [
  'out-of-hours-calls',
  'foreign-calls',
  'new-country',
  'new-source-country',
  'short-calls',
  'sequential-numbers',
  'premium-range',
  'simultaneous-calls',
  'foreign-minutes',
  'spend',
  'refused-attempts',
  'registration-places',
] as const;
export type FraudKind = (typeof fraudKinds)[number];
