// Call records as they are asked for: what each is found by, and the record itself (docs/cdr.md).
import type { EpochMillis, Millis } from '../core/clock.ts';

export interface KeptRecord {
  readonly call: string;
  readonly startedAt: EpochMillis;
  readonly endedAt: EpochMillis;
  /** `user:alice@pbx.test`, `trunk:NAME`, `pbx:NAME`. */
  readonly caller: string;
  /** Who pays, where that is not the caller. */
  readonly payer: string | undefined;
  readonly callee: string | undefined;
  readonly number: string | undefined;
  readonly dialled: string;
  readonly verdict: CallVerdict;
  readonly decidedBy: string | undefined;
  /** The record as one line of JSON. */
  readonly line: string;
}

export const callVerdicts = ['admitted', 'refused'] as const;
export type CallVerdict = (typeof callVerdicts)[number];

/** Every condition that is given must hold. */
export interface RecordQuery {
  /** By the start of the call, both inclusive. */
  readonly since?: EpochMillis | undefined;
  readonly until?: EpochMillis | undefined;
  /** Who called, paid or was called. */
  readonly party?: string | undefined;
  /** A canonical number, or the beginning of one before a `*`; what was dialled where that was no number. */
  readonly number?: string | undefined;
  readonly verdict?: CallVerdict | undefined;
  readonly limit: number;
}

/** What is kept: calls that began within `keepFor`, the newest `keepRows` of them. */
export interface RecordRetention {
  readonly keepFor: Millis;
  readonly keepRows: number;
}
