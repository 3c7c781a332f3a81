// What the rooms above see of SIP: calls that come in, calls that go out, and the sessions they become (RFC 3261 §12–§15).
// `user-agent.ts` implements these interfaces over transactions and dialogs; scenario tests drive them through fake transports.

import type { EpochMillis } from '../../core/clock.ts';
import type { Result } from '../../core/result.ts';
import type { Identity } from '../auth/identity.ts';
import type { DialogState } from '../dialog/dialog.ts';
import type { SessionTimer } from '../dialog/session-timer.ts';
import type { Headers } from '../message/headers.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import type { ServerTransaction } from '../transaction/transaction-user.ts';
import type { Destination, Flow } from '../transport/transport.ts';

export type { Identity } from '../auth/identity.ts';
export type { ServerTransaction } from '../transaction/transaction-user.ts';
export type { Destination, Flow } from '../transport/transport.ts';
/** A body and what it is. Absent means no body and no Content-Type. */
export interface Body {
  readonly contentType: string;
  /** Content-Disposition and Content-Encoding where the message has them (§20.11, §20.12). */
  readonly contentDisposition?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly bytes: Uint8Array;
}

/** How an offer of ours is sent in a dialog (RFC 3261 §14, RFC 3311). */
export type OfferMethod = 'INVITE' | 'UPDATE';

export interface OfferOptions {
  /** UPDATE: where the peer has it in its Allow; there is nothing to acknowledge then. INVITE when absent. */
  readonly prefer?: OfferMethod;
  /** How many hops are left to a request that is passed on (RFC 3261 §16.6 step 3); 70 when absent. */
  readonly maxForwards?: number | undefined;
}

/** What the user agent reports to the one owner that compose gives it. */
export interface UserAgentEvents {
  /** A new INVITE outside a dialog that the gate let pass. The owner sets `handlers` before it returns. */
  onInvite(call: IncomingCall): void;
  /** Any other request outside a dialog (REGISTER, OPTIONS, MESSAGE …). The owner answers through `transaction`. */
  onRequest(request: SipRequest, transaction: ServerTransaction, identity: Identity): void;
}

/** A dialog by its identifiers: our tag is the local one. */
export interface DialogIds {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

/** An INVITE that came in and has no final answer yet. After `answer`, `reject` or a CANCEL every call here is ignored. */
export interface IncomingCall {
  readonly id: string;
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly identity: Identity;
  handlers: IncomingCallHandlers;
  /** Whether the caller acknowledges provisionals (RFC 3262): descriptions then go that way; all of them when it requires so. */
  readonly reliability: 'none' | 'supported' | 'required';
  /** Its dialog with us as it is known first; undefined: it has none of its own. */
  readonly dialog: DialogIds | undefined;
  /** A provisional answer other than 100, repeated every minute. The first one creates our early dialog. */
  progress(status: number, options?: ProgressOptions): void;
  /**
   * 200, once each description that was sent in that early dialog is acknowledged, and retransmitted until the ACK comes
   * (§13.3.1.4); the session ends with `no-ack` when one of the two does not.
   */
  answer(options: ProgressOptions, handlers: SessionHandlers): Session;
  reject(status: number, options?: AnswerOptions): void;
  /** An UPDATE in that early dialog; 488 when the caller cannot take one there now (RFC 3311 §5.1). */
  update(dialog: number, body: Body, handlers: ReinviteHandlers, maxForwards?: number): void;
  /** What each answer, and each message of the session that follows, carries from now on. */
  carry(headers: Headers): void;
}

export interface IncomingCallHandlers {
  /** The caller gave up by CANCEL or BYE. The 200 to it and the 487 to the INVITE are already sent. */
  onCancelled(by: SipRequest | undefined): void;
  /** The flow that the INVITE came over is gone before a final answer. The user agent has ended its transaction. */
  onFlowLost(): void;
  /** An offer in that early dialog, in an UPDATE or a PRACK. The owner answers it later. Absent: 488. */
  onOffer?(dialog: number, offer: IncomingReinvite): void;
  /** That offer has waited for long; it must still be answered. */
  onOfferCancelled?(): void;
  /** The PRACK of a provisional that made an offer; without a body it does not answer, as it must (RFC 3262 §5). */
  onEarlyAnswer?(dialog: number, body: Body | undefined): void;
  /** A provisional that must arrive was not acknowledged in 64 · T1; the INVITE has had its 500 (RFC 3262 §3). */
  onSilent(): void;
}

export interface ProgressOptions extends AnswerOptions {
  /** Which early dialog towards the caller, each with a To-tag of its own; 0 when absent. */
  readonly dialog?: number | undefined;
  /** Of a provisional to an INVITE that made no offer, from a caller that acknowledges it: the body is our offer. */
  readonly isOffer?: true | undefined;
}

export interface AnswerOptions {
  /** Reason phrase of the status line; the standard one when absent. */
  readonly reason?: string;
  readonly headers?: Headers;
  readonly body?: Body | undefined;
}

/** Answers challenges of one configured peer with our credentials for it; `sip/auth/digest-client` does. */
export interface ChallengeAnswerer {
  answer(
    request: SipRequest,
    response: SipResponse,
  ): Result<{ readonly header: string; readonly value: string }, string>;
}

export interface OutgoingCallOptions {
  readonly destination: Destination;
  /** The Request-URI as it goes on the wire. */
  readonly requestUri: string;
  /** From and To as they go on the wire, without tag. */
  readonly from: string;
  readonly to: string;
  /** User part of our Contact. */
  readonly contactUser?: string | undefined;
  /** Headers beyond those that a dialog needs: Allow, Supported, P-Asserted-Identity, Max-Forwards … */
  readonly headers: Headers;
  readonly body?: Body | undefined;
  /**
   * Whether the callee may send provisionals that must arrive (RFC 3262); absent: where we make the offer. Where we do not, the first
   * one with a body in each early dialog makes it, and is acknowledged by `prack`.
   */
  readonly isReliable?: boolean | undefined;
  /** Absent: a challenge is a failure, and nothing of ours is ever hashed for the one who asks. */
  readonly credentials?: ChallengeAnswerer | undefined;
  /** The peer stands inside: in-dialog requests may go to the address that its Contact or Record-Route names. */
  readonly followTarget?: boolean | undefined;
  /** Who the other end is, for requests that it sends in this dialog. */
  readonly peer: Identity;
}

/** An INVITE of ours without a final answer. */
export interface OutgoingCall {
  readonly id: string;
  readonly callId: string;
  /** CANCEL, once a provisional came (§9.1). A 2xx that crosses it is ACKed and ended by the user agent; `onFailed` then tells 487. */
  cancel(headers?: Headers): void;
  /** An UPDATE in that early dialog; 488 when the callee cannot take one there now (RFC 3311 §5.1). */
  update(earlyId: string, body: Body, handlers: ReinviteHandlers, maxForwards?: number): void;
  /** The PRACK with our answer to the offer that a provisional of that early dialog made (RFC 3262 §5). */
  prack(earlyId: string, answer: Body): void;
}

/** A request of ours outside a dialog that makes none. */
export interface OutsideRequestOptions {
  readonly method: string;
  readonly destination: Destination;
  /** The Request-URI as it goes on the wire. */
  readonly requestUri: string;
  /** From and To as they go on the wire, without tag. */
  readonly from: string;
  readonly to: string;
  /** Fresh when absent. Requests that share one need rising sequences, `sequencesOfRequest` apart. */
  readonly callId?: string | undefined;
  readonly sequence?: number | undefined;
  /** Everything else: Contact, Expires, Supported … */
  readonly headers: Headers;
  readonly body?: Body | undefined;
  /** Absent: a challenge is the final answer. */
  readonly credentials?: ChallengeAnswerer | undefined;
}

/** Exactly one of them is called, once. */
export interface OutsideRequestHandlers {
  onFinal(response: SipResponse): void;
  /** No answer, or no way there. */
  onFailed(failure: CallFailure): void;
}

/** What sends requests outside dialogs: the user agent. */
export interface OutsideRequester {
  request(options: OutsideRequestOptions, handlers: OutsideRequestHandlers): void;
  /** Our Contact towards that destination, in angle brackets. */
  contactFor(destination: Destination, user?: string): string;
}

/** An early dialog that we began. */
export interface EarlyDialog {
  /** The id of the call that began it. */
  readonly outgoing: string;
  /** Whoever asks was proven to be its other end. */
  readonly isOfAsker: boolean;
}

/** What makes calls: the user agent. */
export interface CallMaker {
  invite(options: OutgoingCallOptions, handlers: OutgoingCallHandlers): OutgoingCall;
  /** The confirmed dialog with exactly these identifiers whose other end was proven to be `peer`. */
  sessionOf(callId: string, localTag: string, remoteTag: string, peer: Identity): Session | undefined;
  /** The INVITE of ours without a final answer that has an early dialog with exactly these identifiers. */
  earlyOf(dialog: DialogIds, asker: Identity): EarlyDialog | undefined;
  /**
   * Takes up a session of an earlier process. What we send to a peer whose connection ended with that process waits for it to come
   * back, `returnPatience` at most.
   */
  restore(snapshot: SessionSnapshot, handlers: SessionHandlers): Session;
}

export interface OutgoingCallHandlers {
  /** Handles what happens to the session once `onAnswered` gave it. */
  readonly session: SessionHandlers;
  /**
   * 101–199. `earlyId` names the early dialog by the To-tag; the same downstream phone keeps its id. `isReliable`: it came
   * once and in order, and is acknowledged by the user agent (RFC 3262 §4).
   */
  onProvisional(response: SipResponse, earlyId: string, isReliable: boolean): void;
  /** An UPDATE with an offer in that early dialog. The owner answers it later. Absent: 488. */
  onOffer?(earlyId: string, offer: IncomingReinvite): void;
  /** That offer has waited for long; it must still be answered. */
  onOfferCancelled?(): void;
  /** The first 2xx. The owner must call `session.ack`. 2xx of other forks are ACKed and ended by the user agent. */
  onAnswered(session: Session, response: SipResponse, earlyId: string): void;
  /** Exactly once instead of `onAnswered`. A challenge that credentials could not answer arrives here with its status. */
  onFailed(failure: CallFailure): void;
}

export interface CallFailure {
  readonly status: number;
  readonly cause: 'response' | 'timeout' | 'transport' | 'cancelled';
  readonly response?: SipResponse;
}

/** Why a session ended. `bye`: the peer's BYE, already answered. */
export type SessionEnd = 'bye' | 'no-ack' | 'timeout' | 'local';

export interface SessionHandlers {
  /** A re-INVITE, or an UPDATE with an offer, from the peer. The owner answers it later through `reinvite`. Glare and overlap are handled before (§14). */
  onReinvite(reinvite: IncomingReinvite): void;
  /** The ACK of our 2xx (initial or re-INVITE); its body answers an offer that the 2xx made. */
  onAck(body: Body | undefined): void;
  /** The peer cancels its re-INVITE, or its UPDATE has waited for long; it must still be answered (§9.2). Absent: it is answered 487 at once. */
  onReinviteCancelled?(): void;
  /**
   * The session must be refreshed by a re-INVITE that describes it as it is, since the peer takes no UPDATE (RFC 4028 §7.4).
   * Absent: it is not, and ends.
   */
  onRefreshDue?(): void;
  /** Any other request in the dialog (INFO, MESSAGE, REFER, NOTIFY …), in its order. Absent: 405. */
  onRequest?(incoming: IncomingDialogRequest): void;
  /** Exactly once, also after our own `bye`. */
  onEnded(cause: SessionEnd, request: SipRequest | undefined): void;
}

export interface IncomingReinvite {
  readonly request: SipRequest;
  accept(options: AnswerOptions): void;
  reject(status: number, options?: AnswerOptions): void;
}

/** A request in the dialog that changes nothing of the session. It is answered once, sooner or later. */
export interface IncomingDialogRequest {
  readonly request: SipRequest;
  respond(status: number, options?: AnswerOptions): void;
}

export interface ReinviteHandlers {
  /** 2xx. The owner must call `session.ack`. */
  onAnswered(response: SipResponse): void;
  /** Any other end; the dialog goes on unless the status ends it (481, 408), in which case `onEnded` follows. 491 is retried before (§14.1). */
  onFailed(failure: CallFailure): void;
}

/** A confirmed INVITE dialog: one leg of a call. */
export interface Session {
  readonly id: string;
  readonly callId: string;
  /** The flow of this leg, when it has one. */
  readonly flow: Flow | undefined;
  /** ACK to the last 2xx that we received: required once after `onAnswered`; repeated 2xx are re-ACKed by the user agent. */
  ack(body?: Body): void;
  /** An offer of ours, or the wish for one. */
  reinvite(body: Body | undefined, handlers: ReinviteHandlers, options?: OfferOptions): void;
  /** A request of ours in the dialog that changes nothing of the session: INFO, MESSAGE, REFER, NOTIFY. */
  request(
    method: string,
    options: { readonly headers?: Headers; readonly body?: Body | undefined },
    handlers: OutsideRequestHandlers,
  ): void;
  /** CANCEL of the re-INVITE that is out (§9.1); `onFailed` tells 487, unless a 2xx crosses it. */
  cancelReinvite(): void;
  /** Idempotent. Sends an ACK that is owed. On a 2xx of ours that is not yet ACKed, waits for the ACK first (§15). */
  bye(headers?: Headers): void;
  /** The session goes on under another owner, who hears all that comes from now on. */
  handOver(handlers: SessionHandlers): void;
  /** Who the other end was proven to be. */
  readonly peer: Identity;
  /** What each message of ours in the dialog carries from now on. Not in the snapshot: the owner says it again. */
  carry(headers: Headers): void;
  /** Another one whenever the snapshot is: cheap to ask. */
  readonly stamp: string;
  /** A versioned plain record from which `UserAgent.restore` makes this session again. */
  snapshot(): SessionSnapshot;
}

/** Everything of a session that outlives a process. Connections do not: `flow` says which one its requests came over. */
export interface SessionSnapshot {
  readonly v: 1;
  readonly id: string;
  readonly dialog: DialogState;
  readonly peer: Identity;
  readonly contactUser: string | undefined;
  readonly followTarget: boolean;
  readonly allowsUpdate: boolean;
  /** Restored, it goes on from `timerStartedAt` (RFC 4028). */
  readonly timer?: SessionTimer | undefined;
  readonly timerStartedAt?: EpochMillis | undefined;
  readonly flow: Flow | undefined;
  readonly hop: Destination;
}

/** The body of a message, or undefined when it has none. */
export function bodyOf({ headers, body }: SipMessage): Body | undefined {
  if (body.length === 0) return undefined;
  return {
    contentType: headers.get('Content-Type') ?? '',
    contentDisposition: headers.get('Content-Disposition'),
    contentEncoding: headers.get('Content-Encoding'),
    bytes: body,
  };
}
