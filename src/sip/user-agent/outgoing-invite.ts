// An INVITE of ours until its final answer (RFC 3261 §13.2): early dialogs, forks, CANCEL, a challenge of the peer.
// One 2xx becomes the session; those of other forks, and one that crosses a CANCEL, are acknowledged and ended.

import { token } from '../../core/random.ts';
import type { Timer } from '../../core/scheduler.ts';
import { type DialogState, dialogKey, uacDialog, uacHalf } from '../dialog/dialog.ts';
import { hasOption, reliableSequence, reliableTag } from '../dialog/reliable-provisional.ts';
import { intervalAfter422, timerOf, timerRequest } from '../dialog/session-timer.ts';
import { essentialsOf } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import { noBody, type SipRequest, type SipResponse } from '../message/message.ts';
import type { Flow } from '../transport/transport.ts';
import { AuthenticatedRequest } from './authenticated-request.ts';
import { CalleeDialog } from './callee-dialog.ts';
import { halfDialogKey } from './event-dialog.ts';
import { callIdBytes, newTag, type RingingInvite, type UserAgentGround } from './ground.ts';
import { InviteSession } from './invite-session.ts';
import { LateAnswers, maxForks } from './late-answers.ts';
import { ignoring, nobody } from './no-owner.ts';
import type {
  Body,
  CallFailure,
  Identity,
  OutgoingCall,
  OutgoingCallHandlers,
  OutgoingCallOptions,
  ReinviteHandlers,
  SessionHandlers,
} from './session.ts';
import type { SessionParts } from './session-parts.ts';

export class OutgoingInvite implements OutgoingCall, RingingInvite {
  readonly id: string;
  readonly #ground: UserAgentGround;
  #options: OutgoingCallOptions;
  #handlers: OutgoingCallHandlers;
  #request: AuthenticatedRequest;
  readonly callId: string;
  readonly #localTag: string;
  #sequence = 0;
  /** What a 422 asked for (RFC 4028 §7.3). */
  #leastInterval: number | undefined;
  #isCancelled = false;
  /** Timer C (§16.6 step 11). */
  #silence: Timer | undefined;
  #outcome: 'open' | 'answered' | 'failed' = 'open';
  /** Sessions of 2xx, by To-tag: the one that was handed out and those that are being ended. */
  readonly #forks = new Map<string, InviteSession>();
  /** Of those. */
  #running = 0;
  /** To-tags of provisionals: whoever has one rings. */
  readonly #ringing = new Set<string>();
  /** By To-tag: dialogs in which we have acknowledged provisionals. */
  readonly #early = new Map<string, CalleeDialog>();

  constructor(ground: UserAgentGround, options: OutgoingCallOptions, handlers: OutgoingCallHandlers) {
    this.id = token(ground.random, 8);
    this.#ground = ground;
    this.#options = options;
    this.#handlers = handlers;
    this.callId = token(ground.random, callIdBytes);
    this.#localTag = newTag(ground);
    ground.invites.set(this.#key, this);
    this.#request = this.#send();
    this.#awaitMore();
  }

  get peer(): Identity {
    return this.#options.peer;
  }

  rings(remoteTag: string): boolean {
    return !this.#isCancelled && this.#ringing.has(remoteTag);
  }

  get #key(): string {
    return halfDialogKey(this.callId, this.#localTag);
  }

  cancel(headers?: Headers): void {
    if (this.#outcome !== 'open') return;
    this.#isCancelled = true;
    this.#silence?.cancel();
    this.#request.cancel(headers);
  }

  update(earlyId: string, body: Body, handlers: ReinviteHandlers, maxForwards?: number): void {
    const early = this.#early.get(earlyId);
    if (early !== undefined && this.#outcome === 'open') early.update(body, handlers, maxForwards);
    else this.#ground.scheduler.after(0, () => handlers.onFailed({ status: 488, cause: 'response' }));
  }

  prack(earlyId: string, answer: Body): void {
    if (this.#outcome === 'open') this.#early.get(earlyId)?.prack(answer);
  }

  #send(): AuthenticatedRequest {
    const request = new AuthenticatedRequest(this.#ground, this.#options.credentials, {
      onProvisional: (response, flow, sent) => this.#onProvisional(response, flow, sent),
      onFinal: (response, flow, sent) => this.#onFinal(response, flow, sent),
      onFailed: (failure) => this.#fail(failure),
    });
    request.send(() => this.#compose(), this.#options.destination);
    return request;
  }

  /** §16.7 step 2, §16.8: whoever rings says so again within three minutes, or is given up; what it still answers is ended. */
  #awaitMore(): void {
    this.#silence?.cancel();
    if (this.#isCancelled || this.#outcome !== 'open') return;
    this.#silence = this.#ground.scheduler.after(this.#ground.timerC(), () => {
      this.#request.cancel(Headers.of(['Reason', 'SIP;cause=408;text="Request Timeout"']));
      this.#fail({ status: 408, cause: 'timeout' });
    });
  }

  /** A 422 is answered once, with the interval that it asks for (RFC 4028 §7.3). */
  #mayAskLonger(response: SipResponse): boolean {
    if (response.status !== 422 || this.#isCancelled || this.#leastInterval !== undefined) return false;
    this.#leastInterval = intervalAfter422(response);
    return this.#leastInterval !== undefined;
  }

  get #isReliable(): boolean {
    return this.#options.isReliable ?? this.#options.body !== undefined;
  }

  #compose(): SipRequest {
    const { from, to, requestUri, contactUser, headers, body, destination } = this.#options;
    this.#sequence += 1;
    const contact = this.#ground.transport.contactFor(destination, contactUser);
    const fields: [string, string][] = [
      ['From', `${from};tag=${this.#localTag}`],
      ['To', to],
      ['Call-ID', this.callId],
      ['CSeq', `${this.#sequence} INVITE`],
      ['Contact', contact],
    ];
    for (const [name, value] of headers.entries()) fields.push([name, value]);
    if (!headers.has('Max-Forwards')) fields.push(['Max-Forwards', '70']);
    if (this.#isReliable) fields.push(['Supported', reliableTag]);
    const timer = timerRequest(this.#ground.sessionTimers(), undefined, this.#leastInterval);
    for (const [name, value] of timer.entries()) fields.push([name, value]);
    if (body !== undefined) fields.push(['Content-Type', body.contentType]);
    return {
      kind: 'request',
      method: 'INVITE',
      uri: requestUri,
      headers: Headers.of(...fields),
      body: body?.bytes ?? noBody,
    };
  }

  #onProvisional(response: SipResponse, flow: Flow, request: SipRequest): void {
    if (this.#outcome !== 'open' || response.status === 100) return;
    this.#awaitMore();
    const sequence = reliableSequence(response);
    const tag = essentialsOf(response).toTag ?? '';
    if (tag !== '' && this.#ringing.size < maxForks) this.#ringing.add(tag);
    const early = sequence === undefined ? undefined : this.#earlyDialog(tag, response, flow, request);
    const isOffer = this.#options.body === undefined && this.#isReliable && response.body.length > 0;
    if (sequence !== undefined && early?.acknowledge(sequence, response, isOffer) !== true) return;
    if (!this.#isCancelled) this.#handlers.onProvisional(response, tag, sequence !== undefined);
  }

  /** Undefined when the provisional cannot make a dialog, or there are too many. */
  #earlyDialog(tag: string, response: SipResponse, flow: Flow, request: SipRequest): CalleeDialog | undefined {
    const known = this.#early.get(tag);
    if (known !== undefined) return known;
    if (this.#early.size >= maxForks || tag === '') return undefined;
    const dialog = uacDialog(uacHalf(request, this.#options), response);
    if (!dialog.ok) return undefined;
    const early = new CalleeDialog(this.#ground, dialog.value, this.#options, flow, {
      offered: (offer) => {
        if (this.#handlers.onOffer === undefined) offer.reject(488);
        else this.#handlers.onOffer(tag, offer);
      },
      offerCancelled: () => this.#handlers.onOfferCancelled?.(),
    });
    this.#early.set(tag, early);
    return early;
  }

  #onFinal(response: SipResponse, flow: Flow, request: SipRequest): void {
    if (response.status < 300) this.#onAnswer(response, flow, request);
    else if (this.#mayAskLonger(response)) this.#request = this.#send();
    else this.#fail({ status: response.status, cause: 'response', response });
  }

  #onAnswer(response: SipResponse, flow: Flow, request: SipRequest): void {
    const tag = essentialsOf(response).toTag ?? '';
    const known = this.#forks.get(tag);
    if (known !== undefined) {
      known.ackAgain(response);
      return;
    }
    if (this.#forks.size >= maxForks) return;
    const wanted = this.#outcome === 'open' && !this.#isCancelled;
    // The session takes the place of its early dialog; the others are over with the first answer.
    for (const [earlyTag, early] of this.#early) if (wanted || earlyTag === tag) early.close();
    const session = this.#session(response, flow, request, wanted ? this.#handlers.session : ignoring);
    if (session === undefined) {
      if (wanted) this.#fail({ status: 502, cause: 'response', response });
      return;
    }
    this.#forks.set(tag, session);
    if (wanted) {
      this.#outcome = 'answered';
      const handlers = this.#over();
      handlers.onAnswered(session, response, tag);
      return;
    }
    session.ack();
    session.bye();
    if (this.#isCancelled) this.#fail({ status: 487, cause: 'cancelled' });
  }

  /** Undefined when the 2xx cannot make a dialog (§12.1.2). */
  #session(
    response: SipResponse,
    flow: Flow,
    request: SipRequest,
    handlers: SessionHandlers,
  ): InviteSession | undefined {
    const { destination, peer, contactUser, credentials, followTarget } = this.#options;
    const half = uacHalf(request, this.#options);
    const dialog = uacDialog(half, response);
    if (!dialog.ok) return undefined;
    const { callId, localTag, remoteTag, localSequence: inviteSequence } = dialog.value;
    // What was asked in the early dialog counts on in the session (§12.2.1.1, §13.2.2.4).
    const early = this.#early.get(remoteTag)?.dialog.state;
    const { localSequence, remoteSequence } = early ?? dialog.value;
    if (this.#ground.dialogs.has(dialogKey(callId, localTag, remoteTag))) return undefined;
    const parts: SessionParts = {
      id: token(this.#ground.random, 8),
      dialog: { ...dialog.value, localSequence, remoteSequence },
      peer,
      flow,
      hop: destination,
      followTarget: followTarget === true,
      contactUser,
      credentials,
      allowsUpdate: response.headers.has('Allow')
        ? hasOption(response.headers, 'Allow', 'UPDATE')
        : this.#early.get(remoteTag)?.allowsUpdate === true,
      timer: this.#ground.sessionTimers() === undefined ? undefined : timerOf(response),
    };
    const session = new InviteSession(this.#ground, parts, handlers, () => this.#sessionOver(half, parts));
    session.accepted(inviteSequence);
    this.#running += 1;
    return session;
  }

  /** With the last one the transaction need not hold on to all of this any more. */
  #sessionOver(half: DialogState, parts: SessionParts): void {
    this.#running -= 1;
    if (this.#running > 0) return;
    this.#request.release(() => new LateAnswers(this.#ground, half, parts, this.#forks).take);
  }

  /**
   * It has its answer: nobody takes its place any more. Its transaction lives on for other forks (timer M), and holds on to nothing of the call.
   * Returns who hears of it.
   */
  #over(): OutgoingCallHandlers {
    this.#silence?.cancel();
    this.#ground.invites.delete(this.#key);
    const handlers = this.#handlers;
    this.#handlers = nobody;
    this.#options = { ...this.#options, headers: Headers.empty, body: undefined };
    return handlers;
  }

  #fail(failure: CallFailure): void {
    if (this.#outcome !== 'open') return;
    this.#outcome = 'failed';
    const handlers = this.#over();
    for (const early of this.#early.values()) early.close();
    handlers.onFailed(this.#isCancelled ? { ...failure, status: 487, cause: 'cancelled' } : failure);
  }
}
