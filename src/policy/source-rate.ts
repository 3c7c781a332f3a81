// How often one source may ask (requirements of an edge: a flood of one address must not be everybody's problem).
// The limiter itself lives in `store`, since it counts by the clock; this says what it promises and what a source is.

export interface SourceRateLimiter {
  /** Settles in the same turn: true when the source may go on. Never rejects. */
  allow(source: string): Promise<boolean>;
}

/** What counts as one source: an IPv4 address, or the /64 that an IPv6 host can choose its addresses from. */
export function sourceKey(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    while (groups.length + rest.length < 8) groups.push('0');
    groups.push(...rest);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
