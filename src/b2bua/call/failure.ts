// What a caller is told when leg B fails (RFC 3261 §16.7 as far as a B2BUA follows it). Nothing of the inside leaks out:
// a challenge, an option refusal or a 503 is between us and the next hop.
import type { Refusal } from '../../policy/verdict.ts';
import type { CallFailure } from '../../sip/user-agent/session.ts';
import type { Party } from '../routing/target.ts';

/** `refusal`: the attempt failed on our side, and the caller is told our reason. */
export type Failure = CallFailure & { readonly refusal?: Refusal };

/** A failure that no wire told us, such as SDP that cannot be used. */
export function failureOf(status: number): Failure {
  return { status, cause: 'response' };
}

/** A full trunk, a store that fails, no port. */
export function refusedLocally(refusal: Refusal): Failure {
  return { status: refusal.status, cause: 'response', refusal };
}

/** A user whose phone cannot be reached, or says nothing, is not available (RFC 3261 §21.4.18); a next hop is out of order. */
export function reachedOrNot(failure: Failure, party: Party): Failure {
  const isSilent = failure.cause === 'timeout' || failure.cause === 'transport';
  return isSilent && party.kind === 'user' ? failureOf(480) : failure;
}

/** The status that leg A gets for a failed attempt. */
export function relayedStatus(failure: Failure): number {
  if (failure.refusal !== undefined) return failure.refusal.status;
  if (failure.cause === 'timeout') return 504;
  if (failure.cause === 'transport') return 500;
  const { status } = failure;
  if (status >= 300 && status < 400) return 480;
  // The flow to a phone has failed: a word between proxies, which no caller is to hear (RFC 5626 §11.5).
  if (status === 430 || status === 487) return 480;
  if (hopOnly.has(status)) return 500;
  return status >= 400 && status < 700 ? status : 500;
}

/** True when another next hop may do better: this one is full, did not answer, could not be reached, or is out of service. */
export function mayFailOver(failure: Failure): boolean {
  if (failure.refusal !== undefined) return true;
  if (failure.cause === 'timeout' || failure.cause === 'transport') return true;
  return failure.status === 408 || failure.status === 430 || (failure.status >= 500 && failure.status < 600);
}

/** True when no other phone of the same stage needs to be asked (RFC 3261 §16.7: 6xx). */
export function isGlobal(failure: Failure): boolean {
  return failure.cause === 'response' && failure.status >= 600;
}

/** The better answer to give of two failures: 6xx, then busy, then any other 4xx, then the rest; what a target said before what we did. */
export function betterFailure(a: Failure | undefined, b: Failure): Failure {
  return a !== undefined && rank(a) <= rank(b) ? a : b;
}

/** Statuses that speak of our request to the next hop, not of the call. */
const hopOnly: ReadonlySet<number> = new Set([401, 407, 420, 421, 422, 423, 430, 439, 481, 491, 503, 505]);

function rank(failure: Failure): number {
  const { status } = failure;
  if (failure.refusal !== undefined) return 4;
  if (isGlobal(failure)) return 0;
  if (failure.cause !== 'response') return 5;
  if (status === 486) return 1;
  if (hopOnly.has(status)) return 4;
  return status < 500 ? 2 : 3;
}
