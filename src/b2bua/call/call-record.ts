// What is written down about a call when it is over: one record for each INVITE that the gate let pass, admitted or refused.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { EndpointReport } from '../../media/plane/messages.ts';
import type { RefusalCode, RuleTrace } from '../../policy/verdict.ts';
import type { Party } from '../routing/target.ts';
import type { CallHalf } from './call-half.ts';
import type { EndCause } from './end-cause.ts';

export interface CallRecord {
  readonly callId: string;
  /** The call that a transfer made this one of. */
  readonly transferOf: string | undefined;
  /** The call of another node that this one is the other half of. */
  readonly halfOf?: CallHalf | undefined;
  readonly caller: Party;
  /** The last target that was tried; absent when the attempt was refused before. */
  readonly callee: Party | undefined;
  /** The Request-URI's user part as the caller sent it. */
  readonly dialled: string;
  /** The number after normalisation, when it is one. */
  readonly canonical: string | undefined;
  readonly startedAt: EpochMillis;
  readonly ringingAt: EpochMillis | undefined;
  readonly answeredAt: EpochMillis | undefined;
  readonly endedAt: EpochMillis;
  /** From answer to end on the monotonic clock; 0 when it was never answered. */
  readonly duration: Millis;
  readonly cause: EndCause;
  /** The final status that the caller got. */
  readonly status: number;
  readonly refusal: { readonly code: RefusalCode; readonly detail: string } | undefined;
  readonly trace: readonly RuleTrace[];
  readonly attempts: readonly AttemptRecord[];
  /** Per leg: `a` is what the caller's phone sent and got. Empty when no media was opened. */
  readonly media: readonly MediaRecord[];
}

export interface AttemptRecord {
  readonly target: string;
  readonly status: number;
  readonly outcome: 'answered' | 'failed' | 'cancelled' | 'not-sent';
}

export interface MediaRecord {
  readonly leg: string;
  readonly encryption: string;
  readonly report: EndpointReport;
}
