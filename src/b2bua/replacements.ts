// Which of the calls that run an INVITE with Replaces means (RFC 3891 §3): one of its sender's that goes on with another half, one that rings, one of
// a PBX behind us, or one of another node of the site.
import type { SipRequest } from '../sip/message/message.ts';
import type { Replaces } from '../sip/message/replaces.ts';
import type { Identity, Session } from '../sip/user-agent/session.ts';
import type { B2buaParts } from './b2bua-parts.ts';
import type { LegId } from './call/call-event.ts';
import type { CallSessions } from './call-sessions.ts';
import type { MethodPolicy } from './routing/method-policy.ts';
import {
  callerDialog,
  elsewhereDialog,
  type ForeignDialog,
  onBehalfOf,
  toldDialog,
} from './transfer/replaced-dialog.ts';
import { type Replacement, replacementOf, replacesIn, type Taking } from './transfer/replacement.ts';

export interface ReplacementsParts extends Pick<B2buaParts, 'toldDialog' | 'nodeOfTag'> {
  readonly directory: Pick<B2buaParts['directory'], 'nodeOf'> & { methodPolicy(): Pick<MethodPolicy, 'refer'> };
  readonly userAgent: Pick<B2buaParts['userAgent'], 'sessionOf' | 'earlyOf'>;
}

/** A call that runs. */
export interface ReplaceableCall {
  readonly call: { readonly id: string };
  readonly sessions: Pick<CallSessions, 'legOf' | 'takeHalf' | 'attemptOf' | 'incoming'>;
}

/** An attempt that rings, begun by us. */
interface Ringing<T> {
  readonly active: T;
  readonly leg: LegId;
  /** It rings at whoever asks. */
  readonly isOfAsker: boolean;
}

export class Replacements<T extends ReplaceableCall> {
  readonly #parts: ReplacementsParts;
  readonly #calls: () => Iterable<T>;

  constructor(parts: ReplacementsParts, calls: () => Iterable<T>) {
    this.#parts = parts;
    this.#calls = calls;
  }

  /** As `TransferHost.replacement`. */
  of(request: SipRequest, identity: Identity, from: string | undefined): Replacement {
    if (!this.#isHandled) return { kind: 'none' };
    const isOfNode = this.#parts.directory.nodeOf(identity) !== undefined;
    const onBehalf = isOfNode ? onBehalfOf(request) : undefined;
    return replacementOf(request, onBehalf ?? identity, this.#parts.userAgent, {
      take: (session) => this.#take(session, from),
      // Of what another node asks for only what is here.
      foreign: (replaces) => (onBehalf === undefined ? this.#foreign(replaces, identity) : undefined),
      elsewhere: (replaces) =>
        onBehalf === undefined ? elsewhereDialog(replaces, identity, this.#parts.nodeOfTag) : undefined,
    });
  }

  /** The attempt that rings whose dialog the INVITE would replace. */
  ringingOf(request: SipRequest, asker: Identity): Ringing<T> | undefined {
    const replaces = this.#isHandled ? replacesIn(request) : 'none';
    return typeof replaces === 'string' ? undefined : this.#ringing(replaces, asker);
  }

  get #isHandled(): boolean {
    return this.#parts.directory.methodPolicy().refer === 'handle';
  }

  /** The half beside that session, unless both are of the call `from`: it cannot be joined to itself. */
  #take(session: Session, from: string | undefined): Taking {
    const active = [...this.#calls()].find(({ sessions }) => sessions.legOf(session) !== undefined);
    if (active === undefined) return 'ending';
    return active.call.id === from ? undefined : active.sessions.takeHalf(session);
  }

  /** A user's Replaces that names no dialog of its own: one that a PBX told it of, or the PBX's side of one that rings here. */
  #foreign(replaces: Replaces, identity: Identity): ForeignDialog | undefined {
    if (identity.kind !== 'user') return undefined;
    const told = toldDialog(replaces, identity, this.#parts.toldDialog);
    return told ?? callerDialog(replaces, this.#ringing(replaces, identity)?.active.sessions.incoming);
  }

  #ringing({ callId, toTag, fromTag }: Replaces, asker: Identity): Ringing<T> | undefined {
    const early = this.#parts.userAgent.earlyOf({ callId, localTag: toTag, remoteTag: fromTag }, asker);
    if (early === undefined) return undefined;
    for (const active of this.#calls()) {
      const leg = active.sessions.attemptOf(early.outgoing);
      if (leg !== undefined) return { active, leg, isOfAsker: early.isOfAsker };
    }
    return undefined;
  }
}
