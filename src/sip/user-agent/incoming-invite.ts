// An INVITE that came in, until its final answer (RFC 3261 §13.3): provisional answers under one To-tag, then a session,
// a refusal, or the caller's CANCEL.
import type { Millis } from '../../core/clock.ts';
import { type Random, token } from '../../core/random.ts';
import type { Timer } from '../../core/scheduler.ts';
import { type DialogState, dialogKey } from '../dialog/dialog.ts';
import { essentialsOf } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import type { ServerTransaction } from '../transaction/transaction-user.ts';
import type { Flow } from '../transport/transport.ts';
import { allowedMethods, capabilities } from './allowed-methods.ts';
import { type DialogParty, overlapping, tagBytes, type UserAgentGround } from './ground.ts';
import { InviteSession } from './invite-session.ts';
import type {
  AnswerOptions,
  Identity,
  IncomingCall,
  IncomingCallHandlers,
  Session,
  SessionHandlers,
} from './session.ts';

const progressInterval: Millis = 60_000;

export class IncomingInvite implements IncomingCall, DialogParty {
  readonly id: string;
  readonly request: SipRequest;
  readonly identity: Identity;
  handlers: IncomingCallHandlers = { onCancelled: () => {}, onFlowLost: () => {} };
  /** Set by the user agent: no final answer is missing any more. */
  onClosed: () => void = () => {};
  carried: Headers = Headers.empty;
  readonly #ground: UserAgentGround;
  readonly #transaction: ServerTransaction;
  readonly #dialog: DialogState;
  readonly #contactUser: string | undefined;
  #flow: Flow;
  /** Until the latest provisional is sent again. */
  #progress: Timer | undefined;
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
    this.#dialog = dialog;
    this.#contactUser = contactUser;
    this.#flow = transaction.flow;
    ground.dialogs.set(this.#key, this);
    transaction.onTransportError = () => this.flowLost();
    transaction.onEnded = (end) => {
      if (end === 'timeout') this.cancelled();
    };
  }

  /** A fresh To-tag for a dialog of ours. */
  static newTag(random: Random): string {
    return token(random, tagBytes);
  }

  get flow(): Flow {
    return this.#flow;
  }

  get peer(): Identity {
    return this.identity;
  }

  progress(status: number, options: AnswerOptions = {}): void {
    if (!this.#isOver) this.#repeat(this.#response(status, options));
  }

  answer(options: AnswerOptions, handlers: SessionHandlers): Session {
    const response = this.#response(200, options);
    this.#close();
    const session = new InviteSession(
      this.#ground,
      {
        id: this.id,
        dialog: this.#dialog,
        peer: this.identity,
        flow: this.#flow,
        hop: { kind: 'flow', flow: this.#flow },
        followTarget: this.identity.kind === 'pbx',
        contactUser: this.#contactUser,
        credentials: undefined,
      },
      handlers,
    );
    session.carry(this.carried);
    session.answered(this.#transaction, response);
    return session;
  }

  reject(status: number, options: AnswerOptions = {}): void {
    if (this.#isOver) return;
    this.#close();
    this.#transaction.respond(this.#response(status, options));
  }

  carry(headers: Headers): void {
    this.carried = headers;
  }

  /** CANCEL, or a BYE in the early dialog (§15): the INVITE gets its 487. */
  cancelled(by?: SipRequest): void {
    if (this.#isOver) return;
    this.#close();
    this.#transaction.respond(this.#response(487, {}));
    this.handlers.onCancelled(by);
  }

  flowLost(): void {
    if (this.#isOver) return;
    this.#close();
    this.#transaction.abandon();
    this.handlers.onFlowLost();
  }

  /** Requests in the early dialog. */
  onRequest(request: SipRequest, answer: (response: SipResponse) => void): void {
    switch (request.method) {
      case 'BYE':
        answer(responseTo(request, 200));
        this.cancelled(request);
        break;
      case 'INVITE':
        answer(overlapping(request, this.#ground.random));
        break;
      case 'OPTIONS':
        answer(responseTo(request, 200, { headers: capabilities }));
        break;
      default:
        answer(responseTo(request, 405, { headers: Headers.of(['Allow', allowedMethods]) }));
    }
  }

  onAck(): void {
    // An ACK before an answer acknowledges nothing.
  }

  onCancel(): void {
    // No request in the early dialog is left without its answer.
  }

  rehome(flow: Flow): void {
    this.#flow = flow;
  }

  get #key(): string {
    return dialogKey(this.#dialog.callId, this.#dialog.localTag, this.#dialog.remoteTag);
  }

  /** §13.3.1.1: every minute, so that no proxy on the way believes that it was lost. */
  #repeat(provisional: SipResponse): void {
    this.#progress?.cancel();
    this.#progress = this.#ground.scheduler.after(progressInterval, () => this.#repeat(provisional));
    // Last, since it may find the connection gone, and then the timer must be there to be stopped.
    this.#transaction.respond(provisional);
  }

  #close(): void {
    this.#isOver = true;
    this.#progress?.cancel();
    this.onClosed();
    if (this.#ground.dialogs.get(this.#key) === this) this.#ground.dialogs.delete(this.#key);
  }

  #response(status: number, { reason, headers, body }: AnswerOptions): SipResponse {
    const dialogForming = status < 300;
    const own: [string, string][] = dialogForming
      ? [
          ['Contact', this.#ground.transport.contactFor({ kind: 'flow', flow: this.#flow }, this.#contactUser)],
          ['Allow', allowedMethods],
        ]
      : [];
    return responseTo(this.request, status, {
      ...(reason === undefined ? {} : { reason }),
      toTag: this.#dialog.localTag,
      headers: Headers.of(...own, ...(headers?.entries() ?? []), ...this.carried.entries()),
      body: body?.bytes,
      contentType: body?.contentType,
    });
  }
}

/** The user part that our Contact shows for a request: the one that it asked for. */
export function contactUserOf(request: SipRequest): string | undefined {
  const { to } = essentialsOf(request);
  return to.uri.scheme === 'sip' || to.uri.scheme === 'sips' ? to.uri.user : undefined;
}
