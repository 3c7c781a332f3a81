// What the thread that keeps call records is told, and what it answers.
import type { EpochMillis } from '../../core/clock.ts';
import type { KeptRecord, RecordRetention } from '../call-records.ts';

export interface RecordThreadSettings {
  readonly file: string;
  readonly retention: RecordRetention;
}

export type RecordRequest =
  | { readonly type: 'add'; readonly id: number; readonly records: readonly KeptRecord[]; readonly now: EpochMillis }
  | { readonly type: 'close' };

/** `error`: none of them was taken. */
export interface RecordReply {
  readonly id: number;
  readonly error: string | undefined;
}
