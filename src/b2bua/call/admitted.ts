// A call that policy lets happen, until its slots and the caller's ports are there.
import type { Millis } from '../../core/clock.ts';
import type { SessionDescription } from '../../media/sdp/session-description.ts';
import type { Admission } from './call-event.ts';

export interface Admitted {
  readonly admission: Admission;
  /** Undefined: the caller offers nothing and waits for the callee's offer (RFC 3261 §13.2.1). */
  readonly offer: SessionDescription | undefined;
}

/** What budgets left of its time is all that the call may last. */
export function within(admitted: Admitted, longest: Millis | undefined): Admitted {
  if (longest === undefined) return admitted;
  const { limits } = admitted.admission;
  const maxDuration = Math.min(limits.maxDuration ?? longest, longest);
  return { ...admitted, admission: { ...admitted.admission, limits: { ...limits, maxDuration } } };
}
