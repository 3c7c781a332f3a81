// A confirmed INVITE dialog (RFC 3261 §13–§15): 2xx until ACK, ACK of theirs, re-INVITE and UPDATE both ways, BYE.
import { Dialog } from '../dialog/dialog.ts';
import { hasOption } from '../dialog/reliable-provisional.ts';
import { essentialsOf } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipMessage, type SipRequest, type SipResponse } from '../message/message.ts';
import type { ServerTransaction } from '../transaction/transaction-user.ts';
import type { Destination, Flow } from '../transport/transport.ts';
import { allowedMethods, capabilities } from './allowed-methods.ts';
import { AuthenticatedRequest } from './authenticated-request.ts';
import type { CallerDialog } from './caller-dialog.ts';
import type { DialogParty, UserAgentGround } from './ground.ts';
import { HeldAnswer } from './held-answer.ts';
import { OwedAcks, type SentAck, UnackedAnswer } from './invite-acks.ts';
import { ignoring } from './no-owner.ts';
import { dialogResponse, type OfferingDialog, OfferTurns } from './offer-turns.ts';
import { PeerReturn } from './peer-return.ts';
import {
  type Body,
  bodyOf,
  type Identity,
  type IncomingReinvite,
  type OfferOptions,
  type OutsideRequestHandlers,
  type ReinviteHandlers,
  type Session,
  type SessionEnd,
  type SessionHandlers,
  type SessionSnapshot,
} from './session.ts';
import { type SessionParts, sessionSnapshot } from './session-parts.ts';
import { type RefreshingDialog, SessionRefresh } from './session-refresh.ts';
import { dialogHop } from './target-hop.ts';

export class InviteSession implements Session, DialogParty, OfferingDialog, RefreshingDialog {
  readonly id: string;
  readonly peer: Identity;
  readonly dialog: Dialog;
  readonly #ground: UserAgentGround;
  readonly #parts: SessionParts;
  #handlers: SessionHandlers;
  readonly #onOver: (() => void) | undefined;
  #flow: Flow | undefined;
  readonly #answer: UnackedAnswer;
  readonly #acks: OwedAcks;
  readonly #turns: OfferTurns;
  readonly #timer: SessionRefresh;
  #allowsUpdate: boolean;
  /** Our 2xx that may not leave before the PRACK of what was said in the early dialog (RFC 3262 §3). */
  #held: HeldAnswer | undefined;
  #byeWaits: Headers | undefined;
  readonly #return: PeerReturn;
  #state: 'running' | 'ending' | 'ended' = 'running';
  #isEndTold = false;

  /** `onOver`: once, when its dialog has ended; only ACKs of 2xx that come again may be sent yet. */
  constructor(ground: UserAgentGround, parts: SessionParts, handlers: SessionHandlers, onOver?: () => void) {
    this.id = parts.id;
    this.peer = parts.peer;
    this.dialog = new Dialog(parts.dialog);
    this.#ground = ground;
    this.#parts = parts;
    this.#handlers = handlers;
    this.#onOver = onOver;
    this.#flow = parts.flow;
    this.#answer = new UnackedAnswer(ground, () => this.#neverAcked());
    this.#acks = new OwedAcks(ground, this);
    this.#turns = new OfferTurns(ground, this, parts.credentials);
    this.#allowsUpdate = parts.allowsUpdate;
    this.#timer = new SessionRefresh(ground, this, parts.timer, parts.timerStartedAt);
    this.#return = new PeerReturn(ground, parts.isResumed === true);
    ground.dialogs.set(this.dialog.key, this);
  }

  get callId(): string {
    return this.dialog.state.callId;
  }

  get carried(): Headers {
    return this.dialog.carried;
  }

  get flow(): Flow | undefined {
    return this.#flow;
  }

  get contact(): string {
    return this.#ground.transport.contactFor(this.destination, this.#parts.contactUser);
  }

  get destination(): Destination {
    return dialogHop(this.#parts, this.#flow, this.dialog, this.#ground.transport);
  }

  /** Our 2xx to the INVITE: sent once what `early` said is acknowledged, and again until the ACK comes. */
  answered(transaction: ServerTransaction, response: SipResponse, early: CallerDialog): void {
    this.#held = new HeldAnswer(transaction, early, this.dialog.state.localTag);
    const send = (): void => {
      this.#held = undefined;
      early.stop();
      this.#answer.send(
        essentialsOf(transaction.request).cseq.sequence,
        () => transaction.respond(response),
        () => transaction.acknowledged(),
      );
    };
    this.#held.whenAcknowledged(send, () => this.#withdraw(500, 'no-ack'));
  }

  /** The peer's 2xx to our INVITE of that sequence number: `ack` is owed. */
  accepted(sequence: number): void {
    this.#acks.owe(sequence);
  }

  ack(body?: Body): void {
    this.#acks.pay(body);
  }

  /** The ACK of the INVITE of that sequence number, and where it goes. */
  ackOf(sequence: number): SentAck {
    return { ack: this.#acks.of(sequence), hop: this.destination };
  }

  ackAgain(response: SipResponse): void {
    this.#acks.again(response, this.#state !== 'running');
  }

  reinvite(body: Body | undefined, handlers: ReinviteHandlers, options: OfferOptions = {}): void {
    this.#return.whenReachable(this.destination, () => this.#reinvite(body, handlers, options));
  }

  #reinvite(body: Body | undefined, handlers: ReinviteHandlers, options: OfferOptions): void {
    const { prefer = 'INVITE', maxForwards } = options;
    const method = prefer === 'UPDATE' && this.#allowsUpdate ? 'UPDATE' : 'INVITE';
    // No INVITE before the ACK of our 2xx: until it comes, the peer's is in progress (§14.1).
    const isOpen = this.#turns.isOpen || (method === 'INVITE' && this.#answer.isWaiting);
    if (this.#state !== 'running' || this.#held !== undefined || isOpen) {
      this.#ground.scheduler.after(0, () => handlers.onFailed({ status: 491, cause: 'response' }));
      return;
    }
    const offer = { method, body, maxForwards } as const;
    this.#turns.send(offer, {
      onAccepted: (sequence) => this.accepted(sequence),
      onAnswered: (response) => {
        this.#heard(response);
        this.#timer.answered(response);
        handlers.onAnswered(response);
      },
      onFailed: (failure) => {
        handlers.onFailed(failure);
        if (failure.status === 481 || failure.status === 408 || failure.cause === 'timeout') this.#end('timeout');
      },
    });
  }

  request(
    method: string,
    { headers, body }: { readonly headers?: Headers; readonly body?: Body | undefined },
    handlers: OutsideRequestHandlers,
  ): void {
    const request = new AuthenticatedRequest(this.#ground, this.#parts.credentials, {
      onFinal: (response) => handlers.onFinal(response),
      onFailed: (failure) => handlers.onFailed(failure),
    });
    this.#return.whenReachable(this.destination, () =>
      request.send(
        () => this.dialog.request(method, { contact: this.contact, headers: headers ?? Headers.empty, body }),
        this.destination,
      ),
    );
  }

  cancelReinvite(): void {
    this.#turns.cancel();
  }

  bye(headers: Headers = Headers.empty): void {
    if (this.#state !== 'running') return;
    if (this.#held !== undefined) {
      this.#withdraw(480, 'local');
      return;
    }
    this.#state = 'ending';
    this.#timer.stop();
    this.ack();
    this.#turns.close();
    if (this.#answer.isWaiting) this.#byeWaits = headers;
    else this.#sendBye(headers);
  }

  handOver(handlers: SessionHandlers): void {
    this.#handlers = handlers;
  }

  carry(headers: Headers): void {
    this.dialog.carried = headers;
  }

  get stamp(): string {
    const { localSequence, remoteSequence, remoteTarget } = this.dialog.state;
    return `${localSequence} ${remoteSequence} ${remoteTarget} ${this.#flow?.id} ${this.#timer.startedAt}`;
  }

  snapshot(): SessionSnapshot {
    const current = { dialog: this.dialog.state, flow: this.#flow, allowsUpdate: this.#allowsUpdate };
    const { timer, startedAt } = this.#timer;
    return sessionSnapshot({ ...this.#parts, ...current, timer, timerStartedAt: startedAt });
  }

  onRequest(request: SipRequest, answer: (response: SipResponse) => void): void {
    if (!this.dialog.accept(request)) {
      answer(responseTo(request, 500));
      return;
    }
    if (request.method === 'BYE') {
      answer(responseTo(request, 200));
      this.#held?.refuse(487);
      this.#turns.refuse();
      this.#end('bye', request);
    } else if (request.method === 'INVITE' || request.method === 'UPDATE') {
      this.#onOffer(request, answer);
    } else if (request.method === 'OPTIONS') {
      answer(responseTo(request, 200, { headers: capabilities(this.#ground.sessionTimers()) }));
    } else if (request.method === 'PRACK') {
      if (this.#held === undefined) answer(responseTo(request, 481));
      else this.#held.onPrack(request, answer);
    } else if (this.#handlers.onRequest !== undefined && this.#state === 'running') {
      this.#handlers.onRequest({
        request,
        respond: (status, options = {}) =>
          answer(dialogResponse(request, status, options, status < 300 ? this.answerHeaders() : Headers.empty)),
      });
    } else {
      answer(responseTo(request, 405, { headers: Headers.of(['Allow', allowedMethods]) }));
    }
  }

  onCancel(request: SipRequest): void {
    if (this.#held?.request === request) {
      this.#withdraw(487, 'bye');
      return;
    }
    this.#turns.cancelled(request);
  }

  onAck(ack: SipRequest): void {
    if (!this.#answer.acked(ack)) return;
    if (this.#byeWaits !== undefined) {
      this.#sendBye(this.#byeWaits);
      return;
    }
    this.#handlers.onAck(bodyOf(ack));
  }

  rehome(flow: Flow): void {
    this.#flow = flow;
    this.#return.sendAll();
  }

  /** Forgets everything without sending anything: the process ends. */
  abandon(): void {
    this.#end('local');
  }

  answerHeaders(request?: SipRequest): Headers {
    const timer = request === undefined ? Headers.empty : this.#timer.answering(request);
    return Headers.of(['Contact', this.contact], ['Allow', allowedMethods], ...timer.entries());
  }

  accepting(request: SipRequest, send: () => void): void {
    if (request.method === 'INVITE') this.#answer.send(essentialsOf(request).cseq.sequence, send);
    else send();
  }

  onOffer(offer: IncomingReinvite): void {
    this.#handlers.onReinvite(offer);
  }

  /** §9.2: 487 at once, or, where the owner must ask elsewhere first, whatever it answers then. */
  onOfferCancelled(): void {
    if (this.#handlers.onReinviteCancelled === undefined) this.#turns.refuse();
    else this.#handlers.onReinviteCancelled();
  }

  /** §14.2, RFC 3311 §5.2. */
  #onOffer(request: SipRequest, answer: (response: SipResponse) => void): void {
    this.#heard(request);
    const refusal = this.#timer.refusal(request);
    if (refusal !== undefined) answer(refusal);
    else if (request.method === 'UPDATE' && request.body.length === 0) this.#turns.refresh(request, answer);
    else if (this.#state !== 'running' || this.#held !== undefined) answer(responseTo(request, 491));
    else this.#turns.receive(request, answer, request.method === 'INVITE' && this.#answer.isWaiting);
  }

  #heard({ headers }: SipMessage): void {
    if (headers.has('Allow')) this.#allowsUpdate = hasOption(headers, 'Allow', 'UPDATE');
  }

  get requestHeaders(): Headers {
    return this.#timer.requestHeaders;
  }

  /** RFC 4028 §7.4. One that meets an open offer is not needed: the offer refreshes. */
  refresh(): void {
    if (this.#state !== 'running' || this.#turns.isOpen) return;
    if (this.#allowsUpdate)
      this.reinvite(undefined, { onAnswered: () => {}, onFailed: () => {} }, { prefer: 'UPDATE' });
    else this.#handlers.onRefreshDue?.();
  }

  /** RFC 4028 §10: nobody refreshed in time. */
  expire(): void {
    this.#tellEnded('timeout');
    this.bye(Headers.of(['Reason', 'SIP;cause=408;text="Session expired"']));
  }

  /** The 2xx that was held is not sent: the INVITE fails after all. */
  #withdraw(status: number, cause: SessionEnd): void {
    this.#held?.refuse(status);
    this.#end(cause);
  }

  /** §13.3.1.4: without an ACK the session is over; the BYE says so. */
  #neverAcked(): void {
    const headers = this.#byeWaits ?? Headers.empty;
    this.#state = 'ending';
    this.#timer.stop();
    this.#tellEnded('no-ack');
    this.#sendBye(headers);
  }

  #sendBye(headers: Headers): void {
    this.#byeWaits = undefined;
    const ended = (): void => this.#end('local');
    const handlers = { onFinal: ended, onFailed: ended };
    const bye = new AuthenticatedRequest(this.#ground, this.#parts.credentials, handlers);
    this.#return.whenReachable(this.destination, () =>
      bye.send(() => this.dialog.request('BYE', { headers }), this.destination),
    );
  }

  #end(cause: SessionEnd, request?: SipRequest): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#answer.stop();
    this.#held?.stop();
    this.#held = undefined;
    this.#timer.stop();
    this.#turns.close();
    this.#return.forget();
    if (this.#ground.dialogs.get(this.dialog.key) === this) this.#ground.dialogs.delete(this.dialog.key);
    this.#tellEnded(cause, request);
    // The transaction of an INVITE may outlive it, and with that the session, but not the call.
    this.#handlers = ignoring;
    this.#onOver?.();
  }

  #tellEnded(cause: SessionEnd, request?: SipRequest): void {
    if (this.#isEndTold) return;
    this.#isEndTold = true;
    this.#handlers.onEnded(cause, request);
  }
}
