// The border between whoever sends a request and DNS (RFC 3263): one configured next hop becomes the addresses to try, in order.
import type { Millis } from '../../core/clock.ts';
import type { Destination } from './transport.ts';

export type NextHop = Extract<Destination, { readonly kind: 'next-hop' }>;

export type Located =
  /** At least one; hosts are numeric. */
  { readonly kind: 'hops'; readonly hops: readonly NextHop[] } | { readonly kind: 'nowhere'; readonly reason: string };

export interface HopLocator {
  /** `onLocated` runs exactly once, within this call where the answer is known. */
  locate(hop: NextHop, onLocated: (located: Located) => void): void;
  /** Nothing answered there: for a while it is tried after the others. */
  failed(hop: NextHop): void;
  /** It said 503 with Retry-After: until then nothing is sent there (RFC 3261 §21.5.4). */
  refused(hop: NextHop, retryAfter: Millis): void;
  /** It refused TCP, and is asked by UDP however long a request is (§18.1.1). */
  lacksTcp(hop: NextHop): void;
  mayHaveTcp(hop: NextHop): boolean;
}

/** Takes each hop as it is: the transport finds its address. */
export const unresolvedHops: HopLocator = {
  locate: (hop, onLocated) => onLocated({ kind: 'hops', hops: [hop] }),
  failed: () => {},
  refused: () => {},
  lacksTcp: () => {},
  mayHaveTcp: () => false,
};
