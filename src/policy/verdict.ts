// What policy says of one attempt: allowed within limits and against reservations, or refused with the true reason.
import type { Millis } from '../core/clock.ts';

/** Every refusal that this program can give, as it stands in logs, call records and the label of a metric. */
export type RefusalCode =
  | 'user-cap'
  | 'trunk-cap'
  | 'peer-down'
  | 'total-cap'
  | 'no-route'
  | 'unknown-user'
  | 'not-registered'
  | 'caller-not-allowed'
  | 'number-not-valid'
  | 'scheme-not-supported'
  | 'sips-not-possible'
  | 'media-not-acceptable'
  | 'media-not-available'
  | 'rate-limited'
  | 'banned'
  | 'store-not-available'
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
  readonly maxDuration: Millis;
  readonly ringTimeout: Millis;
  readonly earlyMediaTimeout: Millis;
}

/** One slot of something countable: a user, a trunk, the whole node. */
export interface Claim {
  /** What is counted: `user:alice@pbx.test`, `trunk:carrier`, `total`. */
  readonly key: string;
  /** How many may be held at once. */
  readonly cap: number;
  /** What the caller is told when all are taken. */
  readonly refusal: Refusal;
}

/** One question that policy asked and its answer, kept for the call record so that a refusal can be explained. */
export interface RuleTrace {
  readonly rule: string;
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
