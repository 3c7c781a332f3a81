// The leg that stays in a transfer, as the session of the new call's caller: from the re-INVITE that gives it the target's media on.
// Until its answer it still belongs to the first call.
import { Headers } from '../../sip/message/headers.ts';
import {
  type Body,
  bodyOf,
  type Flow,
  type Identity,
  type OfferOptions,
  type OutsideRequestHandlers,
  type ReinviteHandlers,
  type Session,
  type SessionHandlers,
  type SessionSnapshot,
} from '../../sip/user-agent/session.ts';

export interface RemainingEvents {
  /** It has the target's media: it is the new call's. */
  onTaken(): void;
  onFailed(status: number): void;
}

export class Remaining implements Session {
  readonly #session: Session;
  #handlers: SessionHandlers;
  #state: 'asking' | 'taken' | 'gone' = 'asking';
  /** The new call ended while the leg was still being asked. */
  #bye: Headers | undefined;

  constructor(session: Session, offer: Body | undefined, handlers: SessionHandlers, events: RemainingEvents) {
    this.#session = session;
    this.#handlers = handlers;
    session.reinvite(offer, {
      onAnswered: (response) => {
        if (this.#state !== 'asking') return;
        this.#state = 'taken';
        session.ack();
        session.handOver(this.#handlers);
        events.onTaken();
        if (this.#bye === undefined) this.#handlers.onAck(bodyOf(response));
        else session.bye(this.#bye);
      },
      onFailed: ({ status }) => {
        if (this.#state !== 'asking') return;
        events.onFailed(status);
        this.lost();
      },
    });
  }

  get id(): string {
    return this.#session.id;
  }

  get peer(): Identity {
    return this.#session.peer;
  }

  get callId(): string {
    return this.#session.callId;
  }

  get flow(): Flow | undefined {
    return this.#session.flow;
  }

  /** It does not become the new call's: that one has lost its caller. */
  lost(): void {
    if (this.#state !== 'asking') return;
    this.#state = 'gone';
    this.#handlers.onEnded('local', undefined);
  }

  ack(body?: Body): void {
    if (this.#state === 'taken') this.#session.ack(body);
  }

  reinvite(body: Body | undefined, handlers: ReinviteHandlers, options?: OfferOptions): void {
    if (this.#state === 'taken') this.#session.reinvite(body, handlers, options);
    else handlers.onFailed({ status: 491, cause: 'response' });
  }

  request(
    method: string,
    options: { readonly headers?: Headers; readonly body?: Body | undefined },
    handlers: OutsideRequestHandlers,
  ): void {
    if (this.#state === 'taken') this.#session.request(method, options, handlers);
    else handlers.onFailed({ status: 480, cause: 'response' });
  }

  cancelReinvite(): void {
    if (this.#state === 'taken') this.#session.cancelReinvite();
  }

  bye(headers: Headers = Headers.empty): void {
    if (this.#state === 'taken') this.#session.bye(headers);
    else if (this.#state === 'asking') this.#bye ??= headers;
  }

  carry(headers: Headers): void {
    if (this.#state === 'taken') this.#session.carry(headers);
  }

  handOver(handlers: SessionHandlers): void {
    this.#handlers = handlers;
    if (this.#state === 'taken') this.#session.handOver(handlers);
  }

  get stamp(): string {
    return this.#session.stamp;
  }

  snapshot(): SessionSnapshot {
    return this.#session.snapshot();
  }
}
