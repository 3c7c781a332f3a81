// One early dialog that an INVITE of ours has with a callee (RFC 3261 §12.1.2), known since a provisional that must arrive:
// its PRACKs (RFC 3262 §4), and what the callee asks in it before its answer.
import { Dialog, type DialogState } from '../dialog/dialog.ts';
import { hasOption, ReliableReceiver } from '../dialog/reliable-provisional.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import type { Destination, Flow } from '../transport/transport.ts';
import { allowedMethods, capabilities } from './allowed-methods.ts';
import { AuthenticatedRequest } from './authenticated-request.ts';
import type { DialogParty, UserAgentGround } from './ground.ts';
import { type OfferingDialog, OfferTurns } from './offer-turns.ts';
import type { Body, Identity, IncomingReinvite, OutgoingCallOptions, ReinviteHandlers } from './session.ts';
import { dialogHop } from './target-hop.ts';

/** What its INVITE's owner hears of it. */
export interface CalleeDialogOwner {
  offered(offer: IncomingReinvite): void;
  offerCancelled(): void;
}

export class CalleeDialog implements DialogParty, OfferingDialog {
  readonly dialog: Dialog;
  readonly #ground: UserAgentGround;
  readonly #options: OutgoingCallOptions;
  readonly #receiver = new ReliableReceiver();
  readonly #inviteSequence: number;
  readonly #owner: CalleeDialogOwner;
  readonly #turns: OfferTurns;
  #allowsUpdate = false;
  /** Where our INVITE made no offer, a provisional did. */
  #hasOffered = false;
  /** The RSeq of the offer that our PRACK has to answer. */
  #unanswered: number | undefined;
  /** PRACKs without a final answer. */
  #pracks = 0;
  /** An UPDATE that waits for them: on UDP it could overtake one, whose sequence number would then be too low. */
  #update: (() => void) | undefined;
  #flow: Flow;

  constructor(
    ground: UserAgentGround,
    state: DialogState,
    options: OutgoingCallOptions,
    flow: Flow,
    owner: CalleeDialogOwner,
  ) {
    this.dialog = new Dialog(state);
    this.#ground = ground;
    this.#options = options;
    this.#inviteSequence = state.localSequence;
    this.#flow = flow;
    this.#owner = owner;
    this.#turns = new OfferTurns(ground, this, options.credentials);
    ground.dialogs.set(this.dialog.key, this);
  }

  get peer(): Identity {
    return this.#options.peer;
  }

  get flow(): Flow {
    return this.#flow;
  }

  get carried(): Headers {
    return this.dialog.carried;
  }

  get destination(): Destination {
    const { destination: hop, followTarget = false } = this.#options;
    return dialogHop({ hop, followTarget }, this.#flow, this.dialog, this.#ground.transport);
  }

  get contact(): string {
    return this.#ground.transport.contactFor(this.destination, this.#options.contactUser);
  }

  /** Whether the callee takes an UPDATE (RFC 3311 §4). */
  get allowsUpdate(): boolean {
    return this.#allowsUpdate;
  }

  /**
   * Acknowledges the provisional with that RSeq; false when it is a copy, or out of order, and must not be heard. The first that
   * `isOffer` waits for `prack`.
   */
  acknowledge(sequence: number, { headers: heard }: SipResponse, isOffer: boolean): boolean {
    if (!this.#receiver.isNext(sequence)) return false;
    if (heard.has('Allow')) this.#allowsUpdate = hasOption(heard, 'Allow', 'UPDATE');
    if (isOffer && !this.#hasOffered) {
      this.#hasOffered = true;
      this.#unanswered = sequence;
    } else this.#prack(sequence);
    return true;
  }

  /** Answers the offer that waits for it. */
  prack(answer: Body): void {
    if (this.#unanswered !== undefined) this.#prack(this.#unanswered, answer);
    this.#unanswered = undefined;
  }

  #prack(sequence: number, body?: Body): void {
    const headers = Headers.of(['RAck', `${sequence} ${this.#inviteSequence} INVITE`]);
    // Whatever becomes of it: a PRACK that fails leaves the INVITE to its own end.
    const over = (): void => this.#pracked();
    this.#pracks += 1;
    new AuthenticatedRequest(this.#ground, this.#options.credentials, { onFinal: over, onFailed: over }).send(
      () => this.dialog.request('PRACK', { headers, body }),
      this.destination,
    );
  }

  /** An UPDATE of ours. */
  update(body: Body, handlers: ReinviteHandlers, maxForwards?: number): void {
    const isOpen = this.#turns.isOpen || this.#update !== undefined;
    const send = (): void => {
      if (this.#turns.isOpen) handlers.onFailed({ status: 491, cause: 'response' });
      else this.#turns.send({ method: 'UPDATE', body, maxForwards }, handlers);
    };
    if (this.#allowsUpdate && !isOpen && this.#pracks > 0) this.#update = send;
    else if (this.#allowsUpdate && !isOpen) send();
    else this.#ground.scheduler.after(0, () => handlers.onFailed({ status: 488, cause: 'response' }));
  }

  close(): void {
    this.#update = undefined;
    this.#turns.close();
    if (this.#ground.dialogs.get(this.dialog.key) === this) this.#ground.dialogs.delete(this.dialog.key);
  }

  onRequest(request: SipRequest, answer: (response: SipResponse) => void): void {
    if (!this.dialog.accept(request)) answer(responseTo(request, 500));
    else if (request.method === 'UPDATE' && request.body.length === 0) this.#turns.refresh(request, answer);
    else if (request.method === 'UPDATE') this.#turns.receive(request, answer);
    else if (request.method === 'OPTIONS')
      answer(responseTo(request, 200, { headers: capabilities(this.#ground.sessionTimers()) }));
    else answer(responseTo(request, 405, { headers: Headers.of(['Allow', allowedMethods]) }));
  }

  #pracked(): void {
    this.#pracks -= 1;
    if (this.#pracks > 0) return;
    const update = this.#update;
    this.#update = undefined;
    update?.();
  }

  /** Only the session has a timer. */
  get requestHeaders(): Headers {
    return Headers.empty;
  }

  answerHeaders(): Headers {
    return Headers.of(['Contact', this.contact], ['Allow', allowedMethods]);
  }

  accepting(_request: SipRequest, send: () => void): void {
    send();
  }

  onOffer(offer: IncomingReinvite): void {
    this.#owner.offered(offer);
  }

  onOfferCancelled(): void {
    this.#owner.offerCancelled();
  }

  ackAgain(): void {
    // Only a session acknowledges an INVITE.
  }

  onAck(): void {
    // The callee has nothing of ours to acknowledge.
  }

  onCancel(): void {
    // It has sent no INVITE.
  }

  rehome(flow: Flow): void {
    this.#flow = flow;
  }
}
