// One early dialog that an INVITE of a caller has with us (RFC 3261 §12.1.1): its To-tag, provisionals that must arrive
// (RFC 3262 §3), and what the caller asks in it before the answer. Several have different tags, as forks have.
import type { Timer } from '../../core/scheduler.ts';
import { Dialog, type DialogState } from '../dialog/dialog.ts';
import { acknowledgedNumber, hasOption, type ReliableOutput, ReliableSender } from '../dialog/reliable-provisional.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import type { Destination, Flow } from '../transport/transport.ts';
import { allowedMethods, capabilities } from './allowed-methods.ts';
import { type DialogParty, overlapping, type UserAgentGround } from './ground.ts';
import { type OfferingDialog, OfferTurns } from './offer-turns.ts';
import { type Body, bodyOf, type Identity, type IncomingReinvite, type ReinviteHandlers } from './session.ts';

/** The INVITE, as far as its early dialogs need it. */
export interface CallerDialogOwner {
  readonly identity: Identity;
  readonly flow: Flow;
  readonly carried: Headers;
  readonly respond: (response: SipResponse) => void;
  rehome(flow: Flow): void;
  /** A BYE in the early dialog (RFC 3261 §15). */
  cancelled(by: SipRequest): void;
  readonly contact: string;
  /** A PRACK or an UPDATE that makes an offer. */
  offered(dialog: CallerDialog, offer: IncomingReinvite): void;
  offerCancelled(): void;
  /** The PRACK of the provisional that made our offer. */
  offerAnswered(dialog: CallerDialog, body: Body | undefined): void;
  /** A provisional that must arrive was never acknowledged. */
  silent(): void;
}

export class CallerDialog implements DialogParty, OfferingDialog {
  readonly dialog: Dialog;
  readonly #ground: UserAgentGround;
  readonly #owner: CallerDialogOwner;
  readonly #sender: ReliableSender;
  readonly #turns: OfferTurns;
  readonly #allowsUpdate: boolean;
  /** Nothing is repeated in it any more. */
  onStopped: () => void = () => {};
  /** Where the INVITE made no offer, our first provisional that must arrive does. */
  #offer: 'none' | 'made' | 'answered' = 'none';
  #timer: Timer | undefined;
  #onAcknowledged: (() => void) | undefined;
  #onSilent: (() => void) | undefined;

  constructor(ground: UserAgentGround, state: DialogState, invite: SipRequest, owner: CallerDialogOwner) {
    this.dialog = new Dialog(state);
    this.#ground = ground;
    this.#owner = owner;
    this.#sender = new ReliableSender(ground.timers, state.remoteSequence ?? 0, 1 + ground.random.below(2 ** 31 - 1));
    this.#turns = new OfferTurns(ground, this, undefined);
    this.#allowsUpdate = hasOption(invite.headers, 'Allow', 'UPDATE');
    ground.dialogs.set(this.dialog.key, this);
  }

  get peer(): Identity {
    return this.#owner.identity;
  }

  get flow(): Flow {
    return this.#owner.flow;
  }

  get carried(): Headers {
    return this.#owner.carried;
  }

  /** The next provisional makes our offer. */
  offers(): void {
    if (this.#offer === 'none') this.#offer = 'made';
  }

  get hasOffered(): boolean {
    return this.#offer !== 'none';
  }

  /** A provisional that is repeated until its PRACK comes, behind those that wait already. */
  sendReliably(response: SipResponse): void {
    this.#apply(this.#sender.send(response));
  }

  /** A 2xx may not overtake a description that is not acknowledged (§3). `onSilent`: it never was. */
  whenAcknowledged(then: () => void, onSilent: () => void): void {
    if (!this.#sender.isWaiting) {
      then();
      return;
    }
    this.#onAcknowledged = then;
    this.#onSilent = onSilent;
  }

  /** No provisional is sent in it any more, and nobody finds it: the INVITE is over, or its session has taken its place. */
  close(): void {
    if (this.#ground.dialogs.get(this.dialog.key) === this) this.#ground.dialogs.delete(this.dialog.key);
    this.stop();
  }

  stop(): void {
    this.#onAcknowledged = undefined;
    this.#onSilent = undefined;
    this.#apply(this.#sender.stop());
    this.#turns.close();
    this.onStopped();
  }

  onRequest(request: SipRequest, answer: (response: SipResponse) => void): void {
    if (!this.dialog.accept(request)) {
      answer(responseTo(request, 500));
      return;
    }
    switch (request.method) {
      case 'BYE':
        answer(responseTo(request, 200));
        this.#owner.cancelled(request);
        break;
      case 'PRACK':
        this.acknowledge(request, answer, () => this.#turns.receive(request, answer));
        break;
      case 'UPDATE':
        // What the INVITE offered is answered once the provisional that says so is acknowledged (RFC 3311 §5.2).
        if (request.body.length === 0) this.#turns.refresh(request, answer);
        else this.#turns.receive(request, answer, this.#sender.isWaiting);
        break;
      case 'INVITE':
        answer(overlapping(request, this.#ground.random));
        break;
      case 'OPTIONS':
        answer(responseTo(request, 200, { headers: capabilities(this.#ground.sessionTimers()) }));
        break;
      default:
        answer(responseTo(request, 405, { headers: Headers.of(['Allow', allowedMethods]) }));
    }
  }

  /** A PRACK (§3): 481 when it acknowledges nothing; the offer that it may make is the owner's affair. */
  acknowledge(request: SipRequest, answer: (response: SipResponse) => void, offered: () => void): void {
    const number = acknowledgedNumber(request.headers);
    const outputs = number === undefined ? undefined : this.#sender.acknowledge(number);
    if (outputs === undefined) {
      answer(responseTo(request, number === undefined ? 400 : 481));
      return;
    }
    const isAnswer = this.#offer === 'made';
    if (isAnswer) this.#offer = 'answered';
    if (isAnswer || request.body.length === 0) answer(responseTo(request, 200));
    else offered();
    this.#apply(outputs);
    if (isAnswer) this.#owner.offerAnswered(this, bodyOf(request));
    if (this.#sender.isWaiting) return;
    const then = this.#onAcknowledged;
    this.#onAcknowledged = undefined;
    then?.();
  }

  /** An UPDATE of ours. */
  update(body: Body, handlers: ReinviteHandlers, maxForwards?: number): void {
    if (this.#allowsUpdate && !this.#sender.isWaiting && !this.#turns.isOpen)
      this.#turns.send({ method: 'UPDATE', body, maxForwards }, handlers);
    else this.#ground.scheduler.after(0, () => handlers.onFailed({ status: 488, cause: 'response' }));
  }

  get contact(): string {
    return this.#owner.contact;
  }

  get destination(): Destination {
    return { kind: 'flow', flow: this.flow };
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
    this.#owner.offered(this, offer);
  }

  onOfferCancelled(): void {
    this.#owner.offerCancelled();
  }

  ackAgain(): void {
    // No INVITE of ours is in this dialog.
  }

  onAck(): void {
    // An ACK before an answer acknowledges nothing.
  }

  onCancel(): void {
    // Only an INVITE is cancelled; that of this dialog is found by its transaction.
  }

  rehome(flow: Flow): void {
    this.#owner.rehome(flow);
  }

  #apply(outputs: readonly ReliableOutput[]): void {
    for (const output of outputs) {
      switch (output.type) {
        case 'start':
          this.#timer = this.#ground.scheduler.after(output.delay, () => this.#apply(this.#sender.timer()));
          break;
        case 'stop':
          this.#timer?.cancel();
          break;
        case 'failed':
          (this.#onSilent ?? this.#owner.silent)();
          break;
        default:
          this.#owner.respond(output.response);
      }
    }
  }
}
