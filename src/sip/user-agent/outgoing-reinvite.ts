// A re-INVITE or an UPDATE of ours (RFC 3261 §14.1, RFC 3311 §5.1). On 491 both sides back off for a random time, the owner of the Call-ID longer,
// and try again a bounded number of times. Its transaction is never forgotten: whatever answer comes must be acknowledged.
import type { Millis } from '../../core/clock.ts';
import type { Timer } from '../../core/scheduler.ts';
import type { Dialog } from '../dialog/dialog.ts';
import { essentialsOf } from '../message/header-fields.ts';
import type { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { AuthenticatedRequest } from './authenticated-request.ts';
import type { UserAgentGround } from './ground.ts';
import type { Body, CallFailure, ChallengeAnswerer, Destination, OfferMethod } from './session.ts';

/** The session that it belongs to, as far as a re-INVITE needs it. */
export interface ReinvitingSession {
  readonly dialog: Dialog;
  readonly contact: string;
  readonly destination: Destination;
  /** What each INVITE or UPDATE of ours carries (RFC 4028 §7.4). */
  readonly requestHeaders: Headers;
  ackAgain(response: SipResponse): void;
}

export interface OutgoingOffer {
  readonly method: OfferMethod;
  readonly body: Body | undefined;
  /** Of an offer that is passed on; 70 when absent. */
  readonly maxForwards?: number | undefined;
}

export interface OutgoingReinviteHandlers {
  onAnswered(response: SipResponse, sequence: number): void;
  onFailed(failure: CallFailure): void;
}

export const maxGlareRetries = 3;

/** How long a peer may think about a re-INVITE before it is cancelled; as long as Timer C lets a call ring (§16.6). */
export const maxReinviteWait: Millis = 180_000;

export class OutgoingReinvite {
  readonly #ground: UserAgentGround;
  readonly #session: ReinvitingSession;
  readonly #content: OutgoingOffer;
  readonly #handlers: OutgoingReinviteHandlers;
  readonly #request: AuthenticatedRequest;
  #retries = 0;
  /** While an answer is awaited, its limit; after a 491, the back-off. */
  #timer: Timer | undefined;
  #isBackingOff = false;
  #isCancelled = false;
  #isOver = false;

  constructor(
    ground: UserAgentGround,
    session: ReinvitingSession,
    content: OutgoingOffer,
    credentials: ChallengeAnswerer | undefined,
    handlers: OutgoingReinviteHandlers,
  ) {
    this.#ground = ground;
    this.#session = session;
    this.#content = content;
    this.#handlers = handlers;
    this.#request = new AuthenticatedRequest(ground, credentials, {
      onFinal: (response, _flow, request) => this.#onFinal(response, request),
      onFailed: (failure) => this.#fail(failure),
    });
    this.#send();
  }

  /** `onFailed` follows, unless a 2xx crosses the CANCEL (§9.1). */
  cancel(): void {
    if (this.#isOver || this.#isCancelled) return;
    this.#isCancelled = true;
    this.#timer?.cancel();
    if (this.#isBackingOff) this.#fail(cancelled);
    else this.#request.cancel();
  }

  /** Nobody wants to hear of it any more: the session ends. */
  abandon(): void {
    this.#isOver = true;
    this.#isCancelled = true;
    this.#timer?.cancel();
    if (!this.#isBackingOff) this.#request.cancel();
  }

  #send(): void {
    this.#isBackingOff = false;
    this.#timer = this.#ground.scheduler.after(maxReinviteWait, () => this.cancel());
    const { method, body, maxForwards } = this.#content;
    const make = (): SipRequest => {
      const { dialog, contact, requestHeaders } = this.#session;
      const headers =
        maxForwards === undefined ? requestHeaders : requestHeaders.with('Max-Forwards', String(maxForwards));
      return dialog.request(method, { contact, headers, body });
    };
    this.#request.send(make, this.#session.destination);
  }

  #onFinal(response: SipResponse, request: SipRequest): void {
    this.#timer?.cancel();
    if (response.status < 300) {
      if (this.#isOver) {
        if (this.#content.method === 'INVITE') this.#session.ackAgain(response);
        return;
      }
      this.#isOver = true;
      this.#handlers.onAnswered(response, essentialsOf(request).cseq.sequence);
    } else if (response.status === 491 && this.#retries < maxGlareRetries && !this.#isCancelled) {
      this.#retries += 1;
      this.#isBackingOff = true;
      this.#timer = this.#ground.scheduler.after(this.#glareDelay(), () => this.#send());
    } else {
      this.#fail(this.#isCancelled ? cancelled : { status: response.status, cause: 'response', response });
    }
  }

  #fail(failure: CallFailure): void {
    this.#timer?.cancel();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.onFailed(failure);
  }

  /** In units of 10 ms: 2.1 to 4 s for who made the Call-ID, up to 2 s for the other. */
  #glareDelay(): Millis {
    const { random } = this.#ground;
    return this.#session.dialog.state.role === 'uac' ? 2_100 + 10 * random.below(191) : 10 * random.below(201);
  }
}

const cancelled: CallFailure = { status: 487, cause: 'cancelled' };
