// Where subscriptions of phones are kept for the process that comes after this one.
import type { KeptDocument } from './call-store.ts';

export interface SubscriptionStore {
  /** As a `CallStore` does: soon, in order, and never throws. */
  write(put: readonly KeptDocument[], remove: readonly string[]): void;
  /** What the process before kept, in the order of ids. */
  load(): readonly KeptDocument[];
}
