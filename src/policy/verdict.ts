// What policy says of one attempt: allowed within limits and against reservations, or refused with the true reason.
import type { EpochMillis, Millis } from '../core/clock.ts';

/** Every refusal that this program can give, as it stands in logs, call records and the label of a metric. */
export type RefusalCode =
  | 'user-cap'
  | 'trunk-cap'
  | 'peer-down'
  | 'total-cap'
  | 'no-route'
  | 'unknown-user'
  | 'not-registered'
  | 'limit-cap'
  | 'call-rate'
  | 'minutes-used'
  | 'caller-not-allowed'
  | 'rule-denied'
  | 'zone-denied'
  | 'device-denied'
  | 'fraud'
  | 'number-not-valid'
  | 'not-replaceable'
  | 'scheme-not-supported'
  | 'sips-not-possible'
  | 'media-not-acceptable'
  | 'media-not-available'
  | 'rate-limited'
  | 'banned'
  | 'store-not-available'
  | 'store-lost'
  | 'loop'
  | 'overload'
  | 'draining'
  | 'internal';

/** Why an attempt may not happen. `status` and `text` go on the wire; `detail` stays in the log and the call record. */
export interface Refusal {
  readonly code: RefusalCode;
  /** SIP status: a user's cap 486, a trunk's 480, a rule 403, the whole node 503. */
  readonly status: number;
  /** The text of the Reason header (RFC 3326). Says nothing that a stranger should not learn. */
  readonly text: string;
  readonly detail: string;
  /** Seconds for Retry-After; only with 503. */
  readonly retryAfterSeconds?: number;
}

/** The limits that an admitted call lives with. They are kept through a reload. */
export interface CallLimits {
  /** Undefined for an emergency call, which no limit ends. */
  readonly maxDuration: Millis | undefined;
  readonly ringTimeout: Millis;
  readonly earlyMediaTimeout: Millis;
}

/** What a call asks of the store before it may go on: all of its claims are granted, or none. */
export type Claim = SlotClaim | RateClaim | BudgetClaim;

/** One slot of something countable: a user, a trunk, the whole node. Held until it is returned. */
export interface SlotClaim {
  readonly kind: 'slot';
  /** What is counted: `user:alice@pbx.test`, `trunk:carrier`, `total`. */
  readonly key: string;
  /** How many may be held at once. */
  readonly cap: number;
  /** What the caller is told when all are taken. */
  readonly refusal: Refusal;
}

/** One call of so many within any `window`. It is used up when it is granted, and never returned. */
export interface RateClaim {
  readonly kind: 'rate';
  readonly key: string;
  readonly cap: number;
  readonly window: Millis;
  readonly refusal: Refusal;
}

/**
 * Talking time out of a period's budget. What is left, `wanted` at most, is leased to the call, which may last no longer;
 * what it did not use is returned. The key names the period, so that the store needs no calendar.
 */
export interface BudgetClaim {
  readonly kind: 'budget';
  readonly key: string;
  /** Of all calls of the period together. */
  readonly cap: Millis;
  readonly wanted: Millis;
  /** When nobody will ask for this period any more. */
  readonly until: EpochMillis;
  readonly refusal: Refusal;
}

/** One question that policy asked and its answer, kept for the call record so that a refusal can be explained. */
export interface RuleTrace {
  readonly rule: string;
  /** What the rule looked at, where its name does not say so. */
  readonly input?: string | undefined;
  readonly answer: string;
}

export type Verdict =
  | {
      readonly kind: 'allow';
      readonly limits: CallLimits;
      readonly claims: readonly Claim[];
      readonly trace: readonly RuleTrace[];
    }
  | { readonly kind: 'refuse'; readonly refusal: Refusal; readonly trace: readonly RuleTrace[] };
