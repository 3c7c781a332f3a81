// What of nonces outlives the process: how far the counts of each were used, so that phones need not be challenged anew. Only a process that
// ended in order can say so of all; after any other end every nonce is stale.
import type { EpochMillis } from '../../core/clock.ts';

export interface KeptNonces {
  readonly v: 1;
  /** Nonces that were given out before are stale. */
  readonly startedAt: EpochMillis;
  /** Of nonces up to that time those without a window are stale; absent: of none. */
  readonly forgottenUpTo?: EpochMillis | undefined;
  /** The least recently used first. */
  readonly windows: readonly KeptWindow[];
}

export interface KeptWindow {
  readonly nonce: string;
  readonly issuedAt: EpochMillis;
  readonly highest: number;
  /** In hexadecimal; bit n is set when the count `highest - n` was used. */
  readonly seen: string;
}

/** Where they are kept. */
export interface NonceStore {
  /** What a process left that ended in order; the next one does not find it again. */
  load(): KeptNonces | undefined;
  /** At an orderly end, after the last request. */
  keep(nonces: KeptNonces): void;
}
