// What each way to end a call means: its cause in records, the status that a waiting caller hears.
import { assertNever } from '../../core/assert-never.ts';
import type { SessionEnd } from '../../sip/user-agent/session.ts';
import type { CallTimer, LegId } from './call-event.ts';
import type { EndCause } from './end-cause.ts';

/** What runs of a call that must not fire after its end. */
export const callTimers: readonly CallTimer[] = ['ring', 'stage', 'early-media', 'duration'];

export const timerCauses: Readonly<Record<CallTimer, EndCause>> = {
  ring: 'no-answer',
  stage: 'no-answer',
  'early-media': 'early-media-limit',
  duration: 'duration-limit',
};

/** What a caller that still waits hears of an end that comes from us. */
export const endStatus = {
  operator: 480,
  draining: 480,
  internal: 500,
  transferred: 200,
  fraud: 403,
  lost: 500,
} as const;

/** Of a running call whose leg has ended itself. */
export function legEndCause(leg: LegId, end: SessionEnd): EndCause {
  switch (end) {
    case 'bye':
      return leg === 'a' ? 'caller-hung-up' : 'callee-hung-up';
    case 'no-ack':
      return 'no-ack';
    case 'timeout':
    case 'local':
      return 'signalling-timeout';
    default:
      return assertNever(end);
  }
}
