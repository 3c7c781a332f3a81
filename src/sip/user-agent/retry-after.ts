// Retry-After of a response (RFC 3261 §20.33): seconds, then perhaps a comment and parameters.
import type { Millis } from '../../core/clock.ts';
import type { SipResponse } from '../message/message.ts';

/** Undefined without one that can be read. Whoever uses it bounds it. */
export function retryAfterOf(response: SipResponse): Millis | undefined {
  const digits = /^[0-9]{1,10}/.exec(response.headers.get('Retry-After') ?? '')?.[0];
  return digits === undefined ? undefined : Number(digits) * 1_000;
}
