// What a session is made of, and the record of it that outlives a process.
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
}

/** A flow is remembered by its name, and credentials are configuration. */
export function sessionSnapshot(parts: SessionParts): SessionSnapshot {
  const { id, dialog, peer, flow, hop, followTarget, contactUser, allowsUpdate, timer } = parts;
  return {
    v: 1,
    id,
    dialog,
    peer,
    contactUser,
    followTarget,
    allowsUpdate,
    timer,
    hop: hop.kind === 'flow' ? { kind: 'flow', flowId: flow?.id ?? hop.flow.id } : hop,
  };
}
