// A subscription of ours in its dialog (RFC 6665 §4.1): runs the subscriber's machine over transactions and timers.
import { token } from '../../core/random.ts';
import type { Timer } from '../../core/scheduler.ts';
import {
  Subscriber,
  type SubscriberInput,
  type SubscriberOutput,
  type SubscriptionTimer,
} from '../dialog/subscription.ts';
import { formatEvent, parseEvent, parseSubscriptionState, sameEvent } from '../message/event.ts';
import { parseSeconds } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import { EventDialog } from './event-dialog.ts';
import { callIdBytes, newTag, type UserAgentGround } from './ground.ts';
import type {
  OutgoingSubscription,
  OutgoingSubscriptionHandlers,
  OutgoingSubscriptionOptions,
} from './subscriptions.ts';

export class SubscriberDialog implements OutgoingSubscription {
  readonly #ground: UserAgentGround;
  readonly #options: OutgoingSubscriptionOptions;
  readonly #machine: Subscriber;
  readonly #dialog: EventDialog;
  readonly #timers = new Map<SubscriptionTimer, Timer>();
  #handlers: OutgoingSubscriptionHandlers;
  #isOpen = false;
  #isReleased = false;

  constructor(ground: UserAgentGround, options: OutgoingSubscriptionOptions, handlers: OutgoingSubscriptionHandlers) {
    const { random } = ground;
    const { requestUri, from, to, peer, destination, contactUser, credentials, followTarget } = options;
    this.#ground = ground;
    this.#options = options;
    this.#handlers = handlers;
    this.#machine = new Subscriber(ground.timers);
    this.#dialog = new EventDialog(ground, {
      state: {
        role: 'uac',
        callId: token(random, callIdBytes),
        localTag: newTag(ground),
        remoteTag: '',
        localAddress: from,
        remoteAddress: to,
        remoteTarget: requestUri,
        routeSet: options.headers.all('Route'),
        localSequence: 0,
        remoteSequence: undefined,
      },
      peer,
      flow: destination.kind === 'flow' ? destination.flow : undefined,
      hop: destination,
      followTarget: followTarget === true,
      contactUser,
      credentials,
      method: 'NOTIFY',
      onRequest: (request, answer) => this.#onNotify(request, answer),
    });
    this.#subscribe(options.seconds, options.headers.without('Route'));
  }

  refresh(seconds: number, headers: Headers): void {
    this.#subscribe(seconds, headers);
  }

  release(isExpired: boolean): void {
    if (this.#isReleased || this.#machine.state === 'terminated') return;
    this.#isReleased = true;
    this.#handlers = nobody;
    if (isExpired) this.#feed({ type: 'timer', timer: 'expiry' });
    // Else the answer that is awaited makes the dialog in which it can be ended.
    else if (!this.#isOpen) this.#subscribe(0, Headers.empty);
  }

  #subscribe(seconds: number, headers: Headers): void {
    this.#isOpen = true;
    this.#feed({ type: 'subscribing', seconds });
    const fields = Headers.of(
      ['Event', formatEvent(this.#options.event)],
      ['Expires', String(seconds)],
      ...headers.entries(),
    );
    this.#dialog.send(
      'SUBSCRIBE',
      { headers: fields },
      {
        onFinal: (response, flow) => {
          this.#isOpen = false;
          // Timer N has ended it, and nobody waits any more.
          if (this.#machine.state === 'terminated') return;
          if (response.status >= 300) this.#refused(response);
          else if (this.#dialog.establish(response, flow)) this.#accepted(response, seconds);
          else this.#refused({ ...response, status: 481 });
        },
        onFailed: (failure) => {
          this.#isOpen = false;
          if (this.#machine.state === 'terminated') return;
          this.#handlers.onRefused(failure);
          this.#feed({ type: 'unanswered' });
        },
      },
    );
  }

  #accepted(response: SipResponse, asked: number): void {
    const seconds = Math.min(parseSeconds(response.headers.get('Expires')) ?? asked, asked);
    this.#feed({ type: 'accepted', seconds, isSilent: response.status === 204 });
    if (this.#isReleased && seconds > 0) this.#subscribe(0, Headers.empty);
    else this.#handlers.onAccepted(seconds);
  }

  #refused(response: SipResponse): void {
    const { status } = response;
    this.#handlers.onRefused({ status, cause: 'response', response });
    this.#feed({ type: 'refused', status });
  }

  #onNotify(request: SipRequest, answer: (response: SipResponse) => void): void {
    const event = parseEvent(request.headers.get('Event'));
    const state = parseSubscriptionState(request.headers.get('Subscription-State'));
    if (event === undefined || state === undefined) answer(responseTo(request, 400));
    else if (!sameEvent(event, this.#options.event)) answer(responseTo(request, 481));
    else {
      // The owner hears it before the end that it may tell.
      this.#handlers.onNotify(request, state, (status, headers) => answer(responseTo(request, status, { headers })));
      this.#feed({ type: 'notified', state });
    }
  }

  #feed(input: SubscriberInput): void {
    for (const output of this.#machine.handle(input)) this.#carryOut(output);
  }

  #carryOut(output: SubscriberOutput): void {
    switch (output.type) {
      case 'start': {
        const { timer, delay } = output;
        this.#timers.get(timer)?.cancel();
        this.#timers.set(
          timer,
          this.#ground.scheduler.after(delay, () => this.#feed({ type: 'timer', timer })),
        );
        break;
      }
      case 'stop':
        this.#timers.get(output.timer)?.cancel();
        this.#timers.delete(output.timer);
        break;
      case 'ended':
        this.#dialog.close();
        this.#handlers.onEnded(output.end);
        break;
      default:
        output satisfies never;
    }
  }
}

/** Of one that was released: what still comes is answered and forgotten. */
const nobody: OutgoingSubscriptionHandlers = {
  onAccepted: () => {},
  onRefused: () => {},
  onNotify: (_request, _state, respond) => respond(200),
  onEnded: () => {},
};
