// An INVITE that came in, until its final answer (RFC 3261 §13.3): provisional answers in one early dialog or several, then
// a session, a refusal, or the caller's CANCEL.
import type { Millis } from '../../core/clock.ts';
import { token } from '../../core/random.ts';
import type { Timer } from '../../core/scheduler.ts';
import type { DialogState } from '../dialog/dialog.ts';
import { hasOption, reliableTag } from '../dialog/reliable-provisional.ts';
import { timerAnswer, timerAnswerHeaders } from '../dialog/session-timer.ts';
import { essentialsOf } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import { noBody, responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import type { ServerTransaction, ServerTransactionEnd } from '../transaction/transaction-user.ts';
import type { Flow } from '../transport/transport.ts';
import { allowedMethods } from './allowed-methods.ts';
import { CallerDialog, type CallerDialogOwner } from './caller-dialog.ts';
import { newTag, type UserAgentGround } from './ground.ts';
import { InviteSession } from './invite-session.ts';
import type {
  AnswerOptions,
  Body,
  DialogIds,
  Identity,
  IncomingCall,
  IncomingCallHandlers,
  IncomingReinvite,
  ProgressOptions,
  ReinviteHandlers,
  Session,
  SessionHandlers,
} from './session.ts';

const progressInterval: Millis = 60_000;

export class IncomingInvite implements IncomingCall, CallerDialogOwner {
  readonly id: string;
  readonly request: SipRequest;
  readonly identity: Identity;
  readonly reliability: IncomingCall['reliability'];
  handlers: IncomingCallHandlers = { onCancelled: () => {}, onFlowLost: () => {}, onSilent: () => {} };
  /** Set by the user agent: no final answer is missing any more. */
  onClosed: () => void = () => {};
  carried: Headers = Headers.empty;
  readonly #ground: UserAgentGround;
  readonly #transaction: ServerTransaction;
  readonly #state: DialogState;
  /** By the number that the owner gives them; the first is there from the beginning. */
  readonly #dialogs = new Map<number, CallerDialog>();
  readonly #contactUser: string | undefined;
  #flow: Flow;
  /** Until the latest provisional is sent again. */
  #progress: Timer | undefined;
  #session: InviteSession | undefined;
  #isOver = false;

  constructor(
    ground: UserAgentGround,
    transaction: ServerTransaction,
    identity: Identity,
    dialog: DialogState,
    contactUser: string | undefined,
  ) {
    this.id = token(ground.random, 8);
    this.request = transaction.request;
    this.identity = identity;
    this.#ground = ground;
    this.#transaction = transaction;
    this.#state = dialog;
    this.reliability = reliabilityOf(transaction.request);
    this.#contactUser = contactUser;
    this.#flow = transaction.flow;
    this.#dialogs.set(0, new CallerDialog(ground, dialog, transaction.request, this));
    const onEnded = (end: ServerTransactionEnd): void => {
      if (end === 'timeout') this.cancelled();
    };
    const onTransportError = (): void => this.flowLost();
    transaction.onTransportError = onTransportError;
    transaction.onEnded = onEnded;
  }

  get flow(): Flow {
    return this.#flow;
  }

  get dialog(): DialogIds {
    return this.#state;
  }

  readonly respond = (response: SipResponse): void => this.#transaction.respond(response);

  /** RFC 3262 §3: what the caller requires, and a description that it can acknowledge, must arrive. */
  progress(status: number, options: ProgressOptions = {}): void {
    if (this.#isOver) return;
    const dialog = this.#dialogOf(options.dialog ?? 0);
    if (options.isOffer === true) dialog.offers();
    const response = this.#response(dialog, status, options);
    const isReliable =
      this.reliability === 'required' || (this.reliability === 'supported' && options.body !== undefined);
    if (!isReliable) this.#repeat(response, this.respond);
    // The first that must arrive has to make the offer that an INVITE left to us (§5): what comes before it is left out.
    else if (this.request.body.length > 0 || dialog.hasOffered)
      this.#repeat(response, (one) => dialog.sendReliably(one));
  }

  answer({ dialog: number = 0, ...options }: ProgressOptions, handlers: SessionHandlers): Session {
    const dialog = this.#dialogOf(number);
    const timer = timerAnswer(this.request, this.#ground.sessionTimers());
    const more = timer === undefined ? [] : timerAnswerHeaders(timer).entries();
    const headers = Headers.of(...more, ...(options.headers?.entries() ?? []));
    const response = this.#response(dialog, 200, { ...options, headers });
    this.#close(dialog);
    const session = new InviteSession(
      this.#ground,
      {
        id: this.id,
        dialog: dialog.dialog.state,
        peer: this.identity,
        flow: this.#flow,
        hop: { kind: 'flow', flow: this.#flow },
        followTarget: this.identity.kind === 'pbx',
        contactUser: this.#contactUser,
        credentials: undefined,
        allowsUpdate: hasOption(this.request.headers, 'Allow', 'UPDATE'),
        timer,
      },
      handlers,
    );
    session.carry(this.carried);
    this.#session = session;
    session.answered(this.#transaction, response, dialog);
    return session;
  }

  reject(status: number, options: AnswerOptions = {}): void {
    if (this.#isOver) return;
    this.#close();
    this.#transaction.respond(this.#response(this.#dialogOf(0), status, options));
  }

  carry(headers: Headers): void {
    this.carried = headers;
  }

  /** CANCEL, or a BYE in the early dialog (§15): the INVITE gets its 487. */
  cancelled(by?: SipRequest): void {
    this.#session?.onCancel(this.request);
    if (this.#isOver) return;
    this.#close();
    this.#transaction.respond(this.#response(this.#dialogOf(0), 487, {}));
    this.handlers.onCancelled(by);
  }

  flowLost(): void {
    if (this.#isOver) return;
    this.#close();
    this.#transaction.abandon();
    this.handlers.onFlowLost();
  }

  update(number: number, body: Body, handlers: ReinviteHandlers, maxForwards?: number): void {
    this.#dialogOf(number).update(body, handlers, maxForwards);
  }

  offered(dialog: CallerDialog, offer: IncomingReinvite): void {
    const [number] = [...this.#dialogs].find(([, one]) => one === dialog) ?? [0];
    if (this.#isOver || this.handlers.onOffer === undefined) offer.reject(488);
    else this.handlers.onOffer(number, offer);
  }

  offerAnswered(dialog: CallerDialog, body: Body | undefined): void {
    const [number] = [...this.#dialogs].find(([, one]) => one === dialog) ?? [0];
    if (!this.#isOver) this.handlers.onEarlyAnswer?.(number, body);
  }

  offerCancelled(): void {
    this.handlers.onOfferCancelled?.();
  }

  get contact(): string {
    return this.#ground.transport.contactFor({ kind: 'flow', flow: this.#flow }, this.#contactUser);
  }

  readonly silent = (): void => {
    if (this.#isOver) return;
    this.reject(500);
    this.handlers.onSilent();
  };

  rehome(flow: Flow): void {
    this.#flow = flow;
  }

  #dialogOf(number: number): CallerDialog {
    const known = this.#dialogs.get(number);
    if (known !== undefined) return known;
    const state = { ...this.#state, localTag: newTag(this.#ground) };
    const dialog = new CallerDialog(this.#ground, state, this.request, this);
    this.#dialogs.set(number, dialog);
    return dialog;
  }

  /** §13.3.1.1: every minute, so that no proxy on the way believes that it was lost; what it describes was said before. */
  #repeat(provisional: SipResponse, send: (response: SipResponse) => void): void {
    this.#progress?.cancel();
    const again = send === this.respond ? provisional : withoutBody(provisional);
    this.#progress = this.#ground.scheduler.after(progressInterval, () => this.#repeat(again, send));
    // Last, since it may find the connection gone, and then the timer must be there to be stopped.
    send(provisional);
  }

  /** `kept`: the session of that one waits for what is still to be acknowledged, and may be cancelled until then. */
  #close(kept?: CallerDialog): void {
    this.#isOver = true;
    this.#progress?.cancel();
    if (kept === undefined) this.onClosed();
    else kept.onStopped = this.onClosed;
    for (const dialog of this.#dialogs.values()) if (dialog !== kept) dialog.close();
  }

  #response({ dialog }: CallerDialog, status: number, { reason, headers, body }: AnswerOptions): SipResponse {
    const dialogForming = status < 300;
    const own: [string, string][] = dialogForming
      ? [
          ['Contact', this.contact],
          ['Allow', allowedMethods],
        ]
      : [];
    return responseTo(this.request, status, {
      ...(reason === undefined ? {} : { reason }),
      toTag: dialog.state.localTag,
      headers: Headers.of(...own, ...(headers?.entries() ?? []), ...this.carried.entries()),
      body: body?.bytes,
      contentType: body?.contentType,
    });
  }
}

function reliabilityOf({ headers }: SipRequest): IncomingCall['reliability'] {
  if (hasOption(headers, 'Require', reliableTag)) return 'required';
  return hasOption(headers, 'Supported', reliableTag) ? 'supported' : 'none';
}

function withoutBody(response: SipResponse): SipResponse {
  return { ...response, headers: response.headers.without('Content-Type'), body: noBody };
}

/** The user part that our Contact shows for a request: the one that it asked for. */
export function contactUserOf(request: SipRequest): string | undefined {
  const { to } = essentialsOf(request);
  return to.uri.scheme === 'sip' || to.uri.scheme === 'sips' ? to.uri.user : undefined;
}
