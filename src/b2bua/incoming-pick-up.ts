// The INVITE with Replaces that picks a call up, until it is answered and becomes a leg of that call, or is refused.
import type { Headers } from '../sip/message/headers.ts';
import type { SipRequest } from '../sip/message/message.ts';
import type { Body, IncomingCall, Session, SessionHandlers } from '../sip/user-agent/session.ts';

export class IncomingPickUp {
  readonly #incoming: IncomingCall;
  /** Once, with the status that it had. */
  readonly #onDone: (status: number) => void;
  #isDone = false;

  /** `onGone`: whoever sent it has given up, and has its answer. */
  constructor(incoming: IncomingCall, onDone: (status: number) => void, onGone: () => void) {
    this.#incoming = incoming;
    this.#onDone = onDone;
    const gone = (status: number): void => {
      if (this.#isDone) return;
      this.#done(status);
      onGone();
    };
    incoming.handlers = {
      onCancelled: () => gone(487),
      onFlowLost: () => gone(480),
      onSilent: () => gone(500),
    };
  }

  get request(): SipRequest {
    return this.#incoming.request;
  }

  answer(body: Body, carried: Headers, handlers: SessionHandlers): Session {
    this.#incoming.carry(carried);
    const session = this.#incoming.answer({ body }, handlers);
    this.#done(200);
    return session;
  }

  reject(status: number): void {
    if (this.#isDone) return;
    this.#incoming.reject(status);
    this.#done(status);
  }

  #done(status: number): void {
    this.#isDone = true;
    this.#onDone(status);
  }
}
