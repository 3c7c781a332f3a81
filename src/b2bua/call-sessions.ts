// The signalling of one call's legs: what is invited, the sessions that come of it, and the offers that they wait for. Each message
// that comes is an input of the call; what a REFER asks for goes to the transfer that the call may have.

import type { Headers } from '../sip/message/headers.ts';
import type { SipMessage } from '../sip/message/message.ts';
import { replacesTag } from '../sip/message/replaces.ts';
import {
  type Body,
  bodyOf,
  type IncomingCall,
  type IncomingDialogRequest,
  type IncomingReinvite,
  type OutgoingCall,
  type OutgoingCallHandlers,
  type ReinviteHandlers,
  type Session,
  type SessionHandlers,
  type SessionSnapshot,
} from '../sip/user-agent/session.ts';
import type { SessionsSnapshot } from './active-call-snapshot.ts';
import type { B2buaParts } from './b2bua-parts.ts';
import type { Call } from './call/call.ts';
import type { CallInput, CallOutput, LegId } from './call/call-event.ts';
import { CallTransfer, type TransferHost } from './call-transfer.ts';
import { forwardsAfter } from './headers/forwards.ts';
import { joined, reasonOf } from './headers/header-policy.ts';
import { IncomingPickUp } from './incoming-pick-up.ts';
import { methodsInCall, relayInDialog } from './requests/dialog-requests.ts';
import { partyOf } from './routing/party.ts';
import { SessionIds } from './session-ids.ts';
import type { ReplacedHalf } from './transfer/replaced-half.ts';
import type { Taking } from './transfer/replacement.ts';

export class CallSessions {
  readonly #parts: B2buaParts;
  /** Undefined: an earlier process has answered it. */
  readonly #incoming: IncomingCall | undefined;
  readonly #call: () => Call;
  readonly #feed: (input: CallInput) => void;
  readonly #onDialog: (callId: string) => void;
  readonly #ids: SessionIds;
  readonly #transfer: CallTransfer;
  readonly #outgoing = new Map<LegId, OutgoingCall>();
  readonly #sessions = new Map<LegId, Session>();
  readonly #reinvites = new Map<LegId, IncomingReinvite>();
  /** What picks the call up (RFC 3891). */
  #picking: IncomingPickUp | undefined;
  /** A leg of another call that is to be this one's (RFC 3891). */
  #half: ReplacedHalf | undefined;

  constructor(
    parts: B2buaParts,
    host: TransferHost,
    from: IncomingCall | SessionsSnapshot,
    owner: {
      readonly call: () => Call;
      readonly feed: (input: CallInput) => void;
      /** A dialog is begun with that Call-ID. */
      readonly onDialog: (callId: string) => void;
    },
  ) {
    this.#parts = parts;
    const kept = 'ids' in from ? from : undefined;
    const incoming = 'ids' in from ? undefined : from;
    this.#incoming = incoming;
    this.#call = owner.call;
    this.#feed = owner.feed;
    this.#onDialog = owner.onDialog;
    this.#ids = new SessionIds(parts.random, kept?.ids);
    this.#transfer = new CallTransfer(host, parts.random);
    for (const { leg, session } of kept?.sessions ?? []) this.#resume(leg, session);
    if (incoming === undefined) return;
    this.heard('a', incoming.request);
    incoming.handlers = {
      onCancelled: (by) => this.#feed({ type: 'cancelled', reason: reasonOf(by) }),
      onFlowLost: () => this.#feed({ type: 'caller-flow-lost' }),
      onSilent: () => this.#feed({ type: 'caller-silent' }),
      onOffer: (dialog, offer) => this.offered('a', offer, String(dialog)),
      onOfferCancelled: () => this.#feed({ type: 'reinvite-cancelled', leg: 'a' }),
      onEarlyAnswer: (dialog, body) => this.#feed({ type: 'early-answer', dialog, body }),
    };
  }

  snapshot(): SessionsSnapshot {
    const sessions = Array.from(this.#sessions, ([leg, session]) => ({ leg, session: session.snapshot() }));
    return { sessions, ids: this.#ids.snapshot() };
  }

  /** Another one whenever a session has moved, or has sent or taken a request. */
  get stamp(): string {
    return Array.from(this.#sessions, ([leg, session]) => `${leg} ${session.stamp}`).join(' ');
  }

  #resume(leg: LegId, snapshot: SessionSnapshot): void {
    const { dialog } = snapshot;
    const ahead = { ...dialog, localSequence: dialog.localSequence + sequencesAhead };
    const session = this.#parts.userAgent.restore({ ...snapshot, dialog: ahead }, this.#sessionHandlers(leg));
    this.#sessions.set(leg, session);
    session.carry(this.#carried(leg));
    this.#onDialog(session.callId);
  }

  get(leg: LegId): Session | undefined {
    return this.#sessions.get(leg);
  }

  answer(body: Body | undefined, dialog: number): void {
    const session = this.#incoming?.answer({ body, dialog }, this.#sessionHandlers('a'));
    if (session !== undefined) this.#sessions.set('a', session);
  }

  cancel(leg: LegId, headers: Headers): void {
    this.#outgoing.get(leg)?.cancel(joined(headers, this.#ids.towards(leg)));
  }

  takesHalf(half: ReplacedHalf): void {
    this.#half = half;
  }

  legOf(session: Session): LegId | undefined {
    return [...this.#sessions].find(([, one]) => one.id === session.id)?.[0];
  }

  /** Readies the half beside that session for another call. */
  takeHalf(session: Session): Taking {
    const matched = this.legOf(session);
    const call = this.#call();
    if (call.state === 'ending' || call.state === 'ended') return 'ending';
    const [id, remaining] = (matched === undefined ? undefined : this.#beside(matched)) ?? [];
    const leg = id === undefined ? undefined : call.leg(id);
    const { number } = call.history;
    if (!matched || !id || remaining === undefined || leg === undefined || number === undefined) return 'busy';
    const half = this.#transfer.replace(matched, { leg: id, session: remaining }, (gone) => this.#transferred(gone));
    if (half === undefined) return 'busy';
    const { peer } = remaining;
    const standing = { call: call.id, party: partyOf(peer), peer, media: leg.terms, sdp: leg.sdp.successor(), number };
    return { leg: standing, half };
  }

  /** What the call began with; undefined: an earlier process has answered it. */
  get incoming(): IncomingCall | undefined {
    return this.#incoming;
  }

  /** The attempt that this INVITE of ours is, while it has no answer. */
  attemptOf(outgoing: string): LegId | undefined {
    return [...this.#outgoing].find(([, one]) => one.id === outgoing)?.[0];
  }

  /** An INVITE takes the place of an attempt that rings. `onDone`: once, with the status that it had. */
  pickUp(leg: LegId, incoming: IncomingCall, onDone: (status: number) => void): void {
    const picking = new IncomingPickUp(incoming, onDone, () => {
      this.#picking = undefined;
      this.#feed({ type: 'pick-up-cancelled' });
    });
    if (this.#picking !== undefined) {
      picking.reject(491);
      return;
    }
    this.#picking = picking;
    const callId = incoming.request.headers.get('Call-ID');
    if (callId !== undefined) this.#onDialog(callId);
    this.#feed({ type: 'picked-up', leg, body: bodyOf(incoming.request) });
  }

  acceptPickUp({ leg, body }: Extract<CallOutput, { type: 'accept-pick-up' }>): void {
    const picking = this.#picking;
    this.#picking = undefined;
    if (picking === undefined) return;
    this.heard(leg, picking.request);
    this.#sessions.set(leg, picking.answer(body, this.#carried(leg), this.#sessionHandlers(leg)));
  }

  rejectPickUp(status: number): void {
    this.#picking?.reject(status);
    this.#picking = undefined;
  }

  /** Whatever still stands of any leg is let go of; what is over ignores it. */
  dropAll(): void {
    for (const session of [...this.#sessions.values()]) session.bye();
    for (const outgoing of [...this.#outgoing.values()]) outgoing.cancel();
    this.#half?.drop();
    this.rejectPickUp(481);
    this.#incoming?.reject(500);
  }

  prack({ leg, dialog, body }: Extract<CallOutput, { type: 'prack' }>): void {
    this.#outgoing.get(leg)?.prack(dialog, body);
  }

  invite({ leg, target, body, isReliable }: Extract<CallOutput, { type: 'invite' }>): void {
    const handlers: OutgoingCallHandlers = {
      session: this.#sessionHandlers(leg),
      onProvisional: (response, earlyId, isReliable) => {
        this.heard(leg, response);
        const { status } = response;
        this.#feed({ type: 'provisional', leg, earlyId, status, body: bodyOf(response), isReliable });
      },
      onOffer: (earlyId, offer) => this.offered(leg, offer, earlyId),
      onOfferCancelled: () => this.#feed({ type: 'reinvite-cancelled', leg }),
      onAnswered: (session, response, earlyId) => {
        this.#outgoing.delete(leg);
        this.#sessions.set(leg, session);
        this.heard(leg, response);
        this.#feed({ type: 'answered', leg, earlyId, body: bodyOf(response) });
      },
      onFailed: (failure) => {
        this.#outgoing.delete(leg);
        if (failure.response !== undefined) this.heard(leg, failure.response);
        this.#feed({ type: 'attempt-failed', leg, failure });
      },
    };
    if ('sdp' in target) {
      if (this.#half === undefined) return;
      this.#outgoing.set(leg, this.#half);
      this.#half.invite(body, handlers);
      return;
    }
    const { destination, requestUri, from, to, contactUser, credentials } = target;
    const headers = joined(target.headers, this.#carried(leg));
    const { peer, followTarget } = target;
    const addressed = { destination, requestUri, from, to, contactUser, credentials, peer, followTarget };
    const outgoing = this.#parts.userAgent.invite({ ...addressed, headers, body, isReliable }, handlers);
    this.#onDialog(outgoing.callId);
    this.#outgoing.set(leg, outgoing);
  }

  #sessionHandlers(leg: LegId): SessionHandlers {
    return {
      onReinvite: (reinvite) => this.offered(leg, reinvite),
      onReinviteCancelled: () => this.#feed({ type: 'reinvite-cancelled', leg }),
      onRefreshDue: () => this.#feed({ type: 'refresh-due', leg }),
      onAck: (body) => this.#feed({ type: 'acked', leg, body }),
      onRequest: (incoming) => this.#onRequest(leg, incoming),
      onEnded: (cause, request) => {
        this.#sessions.delete(leg);
        const orphan = this.#transfer.legEnded(leg);
        if (orphan !== undefined) this.#sessions.delete(orphan);
        this.#feed({ type: 'leg-ended', leg, cause, reason: reasonOf(request) });
      },
    };
  }

  /** A re-INVITE, or an offer in an UPDATE or PRACK. */
  offered(leg: LegId, offer: IncomingReinvite, dialog?: string): void {
    this.heard(leg, offer.request);
    // Another early dialog of this leg is being asked already.
    if (dialog !== undefined && this.#reinvites.has(leg)) {
      offer.reject(491);
      return;
    }
    if (forwardsAfter(offer.request) === undefined) {
      offer.reject(483);
      return;
    }
    this.#reinvites.set(leg, offer);
    const method = offer.request.method === 'INVITE' ? 'INVITE' : 'UPDATE';
    const input = { type: 'reinvited', leg, method, body: bodyOf(offer.request) } as const;
    this.#feed(dialog === undefined ? input : { ...input, dialog });
  }

  reinvite({ leg, body, method, dialog }: Extract<CallOutput, { type: 'reinvite' }>): void {
    const handlers: ReinviteHandlers = {
      onAnswered: (response) => {
        this.heard(leg, response);
        this.#feed({ type: 'reinvite-answered', leg, body: bodyOf(response) });
      },
      onFailed: (failure) => this.#feed({ type: 'reinvite-failed', leg, failure }),
    };
    // Who asked on the other leg; a refresh of ours is nobody's.
    const [, asked] = [...this.#reinvites].find(([id]) => id !== leg) ?? [];
    const maxForwards = asked === undefined ? undefined : forwardsAfter(asked.request);
    if (dialog === undefined || body === undefined) {
      this.#sessions.get(leg)?.reinvite(body, handlers, { prefer: method, maxForwards });
    } else if (leg === 'a') this.#incoming?.update(Number(dialog), body, handlers, maxForwards);
    else this.#outgoing.get(leg)?.update(dialog, body, handlers, maxForwards);
  }

  /** What changes nothing of the session: it goes to the leg that this one is joined to, as far as policy lets it. */
  #onRequest(leg: LegId, incoming: IncomingDialogRequest): void {
    const other = this.#beside(leg);
    const policy = this.#parts.directory.methodPolicy();
    const isTransfer = incoming.request.method === 'REFER' && policy.refer === 'handle';
    if (isTransfer && other !== undefined) this.#refer(leg, incoming, ...other);
    else relayInDialog(incoming, other?.[1], policy);
  }

  /** The other leg gets to whom the referrer would have called, as a new call of the referrer. */
  #refer(leg: LegId, incoming: IncomingDialogRequest, remaining: LegId, other: Session): void {
    const session = this.#sessions.get(leg);
    const sdp = this.#call().leg(remaining)?.sdp.successor();
    if (session === undefined || sdp === undefined) {
      incoming.respond(491);
      return;
    }
    this.#transfer.refer({
      incoming,
      referrer: { leg, session, identity: session.peer },
      remaining: { leg: remaining, session: other },
      origin: { call: this.#call().id, listener: session.flow?.listener, sdp },
      // A PBX may name itself, or the address that it knows us by.
      isOurs: (host) => session.peer.kind === 'pbx' || this.#parts.directory.isOurs(host),
      onTransferred: (transferred) => this.#transferred(transferred),
    });
  }

  /** That leg is another call's now. */
  #transferred(leg: LegId): void {
    this.#sessions.delete(leg);
    this.#feed({ type: 'end', cause: 'transferred' });
  }

  #beside(leg: LegId): readonly [LegId, Session] | undefined {
    return [...this.#sessions].find(([id]) => (id === 'a') !== (leg === 'a'));
  }

  /** Notes the half of a side, and lets what goes to both from now on carry both (RFC 7989). */
  heard(leg: LegId, message: SipMessage): void {
    this.#ids.heard(leg, message);
    this.#incoming?.carry(this.#carried('a'));
    for (const [id, session] of this.#sessions) session.carry(this.#carried(id));
  }

  /** With what policy lets through beside the session, so that phones know that they may try it (RFC 3261 §20.5). */
  #carried(leg: LegId): Headers {
    const policy = this.#parts.directory.methodPolicy();
    const methods = methodsInCall(policy);
    const ids = this.#ids.towards(leg);
    const told = policy.refer === 'handle' ? ids.append('Supported', replacesTag) : ids;
    return methods.length === 0 ? told : told.append('Allow', methods.join(', '));
  }

  takeOffer(leg: LegId): IncomingReinvite | undefined {
    const reinvite = this.#reinvites.get(leg);
    this.#reinvites.delete(leg);
    return reinvite;
  }
}

/**
 * What is kept may be a second old: a session goes on with sequence numbers that cannot have been used since. Gaps are allowed
 * (RFC 3261 §12.2.2).
 */
const sequencesAhead = 1_000;
