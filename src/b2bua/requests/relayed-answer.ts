// What the sender of a request that was relayed is told of its end: a success is 200 (202 stays 202), a failure is what it means on this
// side, and a time-out is no answer at all, as it would come too late (RFC 4320 §4.2).
import type { CallFailure } from '../../sip/user-agent/session.ts';
import { relayedStatus } from '../call/failure.ts';

export function relayedFinal(status: number): number {
  if (status < 300) return status === 202 ? 202 : 200;
  return relayedStatus({ status, cause: 'response' });
}

/** Undefined: nothing is to be said any more. */
export function relayedFailure(failure: CallFailure): number | undefined {
  return failure.cause === 'timeout' ? undefined : relayedStatus(failure);
}
