// Offers within a dialog, in either direction and one at a time: re-INVITE (RFC 3261 §14) and UPDATE (RFC 3311 §5). Who
// comes second hears 491 when ours is open (glare), and 500 with Retry-After when its own is.
import type { Millis } from '../../core/clock.ts';
import type { Timer } from '../../core/scheduler.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import { overlapping, type UserAgentGround } from './ground.ts';
import { type OutgoingOffer, OutgoingReinvite, type ReinvitingSession } from './outgoing-reinvite.ts';
import type { AnswerOptions, CallFailure, ChallengeAnswerer, IncomingReinvite, ReinviteHandlers } from './session.ts';

/** How long the other leg may take over an UPDATE, whose sender waits 64 · T1 in all. */
export const maxUpdateWait: Millis = 20_000;

/** The dialog whose turns these are. */
export interface OfferingDialog extends ReinvitingSession {
  /** What each 2xx to an INVITE or UPDATE carries: Contact, Allow … */
  answerHeaders(request: SipRequest): Headers;
  /** Our 2xx with the answer: sent by `send`, for an INVITE again until the ACK comes. */
  accepting(request: SipRequest, send: () => void): void;
  onOffer(offer: IncomingReinvite): void;
  /** The peer, or the time that an UPDATE may take, ends the offer, which must still be answered. */
  onOfferCancelled(): void;
}

interface Incoming {
  readonly request: SipRequest;
  readonly answer: (response: SipResponse) => void;
  readonly limit: Timer | undefined;
}

export class OfferTurns {
  readonly #ground: UserAgentGround;
  readonly #dialog: OfferingDialog;
  readonly #credentials: ChallengeAnswerer | undefined;
  #incoming: Incoming | undefined;
  #outgoing: OutgoingReinvite | undefined;

  constructor(ground: UserAgentGround, dialog: OfferingDialog, credentials: ChallengeAnswerer | undefined) {
    this.#ground = ground;
    this.#dialog = dialog;
    this.#credentials = credentials;
  }

  /** An offer of either side has no answer yet. */
  get isOpen(): boolean {
    return this.#incoming !== undefined || this.#outgoing !== undefined;
  }

  /** A re-INVITE, or an UPDATE with an offer. `isBusy`: an answer of ours to the peer is not acknowledged yet. */
  receive(request: SipRequest, answer: (response: SipResponse) => void, isBusy = false): void {
    if (this.#incoming !== undefined || isBusy) {
      answer(overlapping(request, this.#ground.random));
      return;
    }
    if (this.#outgoing !== undefined) {
      answer(responseTo(request, 491));
      return;
    }
    const limit =
      request.method === 'INVITE'
        ? undefined
        : this.#ground.scheduler.after(maxUpdateWait, () => this.#dialog.onOfferCancelled());
    this.#incoming = { request, answer, limit };
    this.#dialog.onOffer({
      request,
      accept: (options) => this.#accept(request, options),
      reject: (status, options) => this.#reject(request, status, options ?? {}),
    });
  }

  /** A request without an offer, such as a refresh: it is in nobody's way, but for another one of its kind (RFC 3311 §5.2). */
  refresh(request: SipRequest, answer: (response: SipResponse) => void): void {
    if (this.#incoming?.request.method === request.method) {
      answer(overlapping(request, this.#ground.random));
      return;
    }
    this.#dialog.dialog.refreshTarget(request);
    answer(this.#response(request, 200, {}));
  }

  /** The caller has made sure that `isOpen` is false. */
  send(offer: OutgoingOffer, handlers: ReinviteHandlers & { onAccepted?(sequence: number): void }): void {
    const done = (): void => {
      this.#outgoing = undefined;
    };
    this.#outgoing = new OutgoingReinvite(this.#ground, this.#dialog, offer, this.#credentials, {
      onAnswered: (response, sequence) => {
        done();
        if (offer.method === 'INVITE') handlers.onAccepted?.(sequence);
        this.#dialog.dialog.refreshTarget(response);
        handlers.onAnswered(response);
      },
      onFailed: (failure: CallFailure) => {
        done();
        handlers.onFailed(failure);
      },
    });
  }

  cancel(): void {
    this.#outgoing?.cancel();
  }

  /** Whether the CANCEL was for the offer that is open (RFC 3261 §9.2). */
  cancelled(request: SipRequest): void {
    if (this.#incoming?.request === request) this.#dialog.onOfferCancelled();
  }

  /** The open offer of the peer gets its 487. */
  refuse(): void {
    const incoming = this.#take();
    incoming?.answer(responseTo(incoming.request, 487));
  }

  /** The dialog ends. */
  close(): void {
    this.refuse();
    this.#outgoing?.abandon();
  }

  #accept(request: SipRequest, options: AnswerOptions): void {
    if (this.#incoming?.request !== request) return;
    const incoming = this.#take();
    if (request.method !== 'PRACK') this.#dialog.dialog.refreshTarget(request);
    const response = this.#response(request, 200, options);
    this.#dialog.accepting(request, () => incoming?.answer(response));
  }

  /** There is no 487 to an UPDATE; that it needs somebody's time is 504 (RFC 3311 §5.2). */
  #reject(request: SipRequest, status: number, options: AnswerOptions): void {
    if (this.#incoming?.request !== request) return;
    const told = request.method === 'INVITE' || status !== 487 ? status : 504;
    this.#take()?.answer(this.#response(request, told, options));
  }

  #take(): Incoming | undefined {
    const incoming = this.#incoming;
    this.#incoming = undefined;
    incoming?.limit?.cancel();
    return incoming;
  }

  #response(request: SipRequest, status: number, options: AnswerOptions): SipResponse {
    return dialogResponse(request, status, options, status < 300 ? this.#dialog.answerHeaders(request) : Headers.empty);
  }
}

/** An answer in a dialog: `own` stands before what the owner adds. */
export function dialogResponse(
  request: SipRequest,
  status: number,
  { reason, headers, body }: AnswerOptions,
  own: Headers,
): SipResponse {
  return responseTo(request, status, {
    reason,
    headers: Headers.of(...own.entries(), ...(headers?.entries() ?? [])),
    body: body?.bytes,
    contentType: body?.contentType,
  });
}
