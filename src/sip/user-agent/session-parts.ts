// What a session is made of, and the record of it that outlives a process.
import type { EpochMillis } from '../../core/clock.ts';
import type { DialogState } from '../dialog/dialog.ts';
import type { SessionTimer } from '../dialog/session-timer.ts';
import type { Destination, Flow } from '../transport/transport.ts';
import type { ChallengeAnswerer, Identity, SessionSnapshot } from './session.ts';

export interface SessionParts {
  readonly id: string;
  readonly dialog: DialogState;
  readonly peer: Identity;
  readonly flow: Flow | undefined;
  /** Where its requests go when the flow is gone. */
  readonly hop: Destination;
  readonly followTarget: boolean;
  readonly contactUser: string | undefined;
  readonly credentials: ChallengeAnswerer | undefined;
  /** The peer has UPDATE in its Allow (RFC 3311 §4). */
  readonly allowsUpdate: boolean;
  readonly timer: SessionTimer | undefined;
  /** When `timer` was agreed on, where not now. */
  readonly timerStartedAt?: EpochMillis | undefined;
  /** It was begun by an earlier process: a peer whose connection went with that one is waited for. */
  readonly isResumed?: boolean;
}

/** Credentials are configuration. */
export function sessionSnapshot(parts: SessionParts): SessionSnapshot {
  const { id, dialog, peer, flow, hop, followTarget, contactUser, allowsUpdate, timer, timerStartedAt } = parts;
  return {
    v: 1,
    id,
    dialog,
    peer,
    contactUser,
    followTarget,
    allowsUpdate,
    timer,
    timerStartedAt,
    flow,
    hop: hop.kind === 'flow' ? { kind: 'flow', flow: flow ?? hop.flow } : hop,
  };
}
