// What a thread that keeps something is told, and what it answers.
import type { WriteBatch } from '../write-behind.ts';

/** A write that can never be kept, by its place in the batch. */
export interface Unwritable {
  readonly index: number;
  readonly error: string;
}

/** `open`: before there is anything to write; whoever brings a file up to date later is not to find it closed. */
export type StoreRequest =
  | { readonly type: 'open' }
  | { readonly type: 'write'; readonly batch: WriteBatch }
  | { readonly type: 'close' };

export type StoreReply =
  | { readonly type: 'opened' }
  | { readonly type: 'not-opened'; readonly error: string }
  | { readonly type: 'written'; readonly batch: number; readonly unwritable: readonly Unwritable[] }
  | { readonly type: 'not-written'; readonly batch: number; readonly error: string };
