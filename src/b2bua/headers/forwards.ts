// How many hops a request that is passed on may still take (RFC 3261 §16.3 step 3, §16.6 step 3). Each leg is a dialog of its own, and
// a loop through both of them is found only because the count goes on.
import { essentialsOf } from '../../sip/message/header-fields.ts';
import type { SipRequest } from '../../sip/message/message.ts';

/** Max-Forwards of a request that came without one (§8.1.1.6). */
export const defaultMaxForwards = 70;

/** Max-Forwards of what goes on from here; undefined: it is used up, and the request deserves a 483. */
export function forwardsAfter(request: SipRequest): number | undefined {
  const left = essentialsOf(request).maxForwards ?? defaultMaxForwards;
  return left > 0 ? left - 1 : undefined;
}
