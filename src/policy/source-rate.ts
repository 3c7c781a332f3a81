// How often one source may ask: a flood from one address must not be everybody's problem. The limiter itself lives in
// `store`, since it counts by the clock; what one source is says `sourceBlock` of core.

export interface SourceRateLimiter {
  /** Settles in the same turn: true when the source (a numeric address) may go on. Never rejects. */
  allow(source: string): Promise<boolean>;
}
