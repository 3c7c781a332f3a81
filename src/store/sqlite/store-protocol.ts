// What the thread of the store is told, and what it answers.
import type { WriteBatch } from '../write-behind.ts';
import type { Unwritable } from './applied-batches.ts';

export interface StoreThreadSettings {
  /** `state_dir`. */
  readonly directory: string;
  /** The name of this run of the process. */
  readonly run: string;
}

/** `open`: before there is anything to write; whoever brings the file up to date later is not to find it closed. */
export type StoreRequest =
  | { readonly type: 'open' }
  | { readonly type: 'write'; readonly batch: WriteBatch }
  | { readonly type: 'close' };

export type StoreReply =
  | { readonly type: 'opened' }
  | { readonly type: 'not-opened'; readonly error: string }
  | { readonly type: 'written'; readonly batch: number; readonly unwritable: readonly Unwritable[] }
  | { readonly type: 'not-written'; readonly batch: number; readonly error: string };
