// A REFER that is carried out here (RFC 3515): the remaining leg becomes the caller of a new call, which is admitted, routed, counted
// and recorded as a call of the referrer. The target is invited first, without an offer; only when it answers is the remaining leg
// re-INVITEd with what it offers (RFC 3725 §4.2). Whatever fails before that leaves the first call as it was.
import { Headers } from '../../sip/message/headers.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import type {
  AnswerOptions,
  Body,
  Flow,
  Identity,
  IncomingCall,
  IncomingCallHandlers,
  ReinviteHandlers,
  Session,
  SessionHandlers,
} from '../../sip/user-agent/session.ts';
import type { ReferProgress } from './refer-progress.ts';
import { Remaining } from './remaining-leg.ts';

export interface TransferParts {
  /** A name of the new call that no other has. */
  readonly id: string;
  /** The INVITE that the referrer would have sent. */
  readonly request: SipRequest;
  readonly identity: Identity;
  readonly flow: Flow;
  /** The leg that stays. */
  readonly session: Session;
  readonly progress: ReferProgress;
  /** The first call lets go of the leg, and ends. */
  readonly onDone: () => void;
  /** The transfer is over, and the first call goes on if it still can. */
  readonly onFailed: () => void;
}

export class Transfer implements IncomingCall {
  readonly id: string;
  readonly request: SipRequest;
  readonly identity: Identity;
  readonly flow: Flow;
  readonly reliability = 'none';
  readonly dialog = undefined;
  handlers: IncomingCallHandlers = { onCancelled: () => {}, onFlowLost: () => {}, onSilent: () => {} };
  readonly #parts: TransferParts;
  #remaining: Remaining | undefined;
  /** The referrer has hung up: the leg that stays is ours alone. */
  #isOrphaned = false;
  #isOver = false;

  constructor(parts: TransferParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.request = parts.request;
    this.identity = parts.identity;
    this.flow = parts.flow;
  }

  progress(status: number): void {
    if (!this.#isOver && this.#remaining === undefined) this.#parts.progress.tell(status, false);
  }

  answer({ body }: AnswerOptions, handlers: SessionHandlers): Session {
    const { session } = this.#parts;
    this.#remaining = new Remaining(session, body, handlers, {
      onTaken: () => this.#done(),
      onFailed: (status) => this.#fail(status),
    });
    return this.#remaining;
  }

  /** The new call could not be made; the target's or policy's status is what the referrer hears. */
  reject(status: number): void {
    this.#fail(status);
  }

  /** There is no early dialog with a leg that stands already. */
  update(_dialog: number, _body: Body, handlers: ReinviteHandlers): void {
    handlers.onFailed({ status: 488, cause: 'response' });
  }

  /** What the new call says of itself is said to the leg that stays once it is its own. */
  carry(headers: Headers): void {
    if (this.#isOver) this.#parts.session.carry(headers);
  }

  /** The referrer hung up before the target answered: the leg that stays waits for the target alone. */
  orphan(): void {
    if (this.#isOver) return;
    this.#isOrphaned = true;
    this.#parts.session.handOver({
      onReinvite: (reinvite) => reinvite.reject(491),
      onAck: () => {},
      onEnded: () => this.remainingEnded(),
    });
  }

  /** The leg that was to stay is gone. */
  remainingEnded(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.progress.tell(487, true);
    this.#parts.onFailed();
    if (this.#remaining === undefined) this.handlers.onCancelled(undefined);
    else this.#remaining.lost();
  }

  #done(): void {
    this.#isOver = true;
    this.#parts.progress.tell(200, true);
    this.#parts.onDone();
  }

  #fail(status: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.progress.tell(status, true);
    this.#parts.onFailed();
    if (this.#isOrphaned) this.#parts.session.bye(Headers.of(['Reason', 'Q.850;cause=41;text="Transfer failed"']));
  }
}
