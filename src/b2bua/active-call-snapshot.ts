// A running call as whoever keeps it for a process that follows sees it.
import type { Millis } from '../core/clock.ts';
import type { SessionSnapshot } from '../sip/user-agent/session.ts';
import type { CallSnapshot } from './call/call.ts';
import type { LegId } from './call/call-event.ts';
import type { SessionIdsSnapshot } from './session-ids.ts';

/** A running call with everything that outlives a process. Holds keys: seal it. */
export interface ActiveCallSnapshot {
  readonly v: 1;
  readonly call: CallSnapshot;
  readonly signalling: SessionsSnapshot;
  /** A `MediaSnapshot` as JSON, its keys sealed; undefined: no worker has told one. */
  readonly media: string | undefined;
  /** Until the longest duration is reached; undefined: there is none. */
  readonly durationLeft: Millis | undefined;
}

/** Compared, never read. */
export interface CallStamp {
  readonly signalling: string;
  readonly media: string | undefined;
}

export interface LegSession {
  readonly leg: LegId;
  readonly session: SessionSnapshot;
}

/** What signalling knows of a running call. */
export interface SessionsSnapshot {
  readonly sessions: readonly LegSession[];
  readonly ids: SessionIdsSnapshot;
}
