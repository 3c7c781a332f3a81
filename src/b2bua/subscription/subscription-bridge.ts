// One subscription of a phone and ours with the PBX behind it (RFC 6665), as a back-to-back user agent: two dialogs, and what is
// asked on one is asked on the other. SUBSCRIBE and NOTIFY are answered with what the far end says.
import type { Clock, Millis } from '../../core/clock.ts';
import { type EventName, parseEvent, type SubscriptionState, sameEvent } from '../../sip/message/event.ts';
import { parseSeconds } from '../../sip/message/header-fields.ts';
import { Headers } from '../../sip/message/headers.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { bodyOf, type CallFailure, type Identity } from '../../sip/user-agent/session.ts';
import type {
  IncomingSubscription,
  IncomingSubscriptionHandlers,
  NotifierEnd,
  OutgoingSubscription,
  OutgoingSubscriptionHandlers,
  SubscriberSnapshot,
  SubscriptionEnd,
  SubscriptionMaker,
} from '../../sip/user-agent/subscriptions.ts';
import { relayedStatus } from '../call/failure.ts';
import { statusReason } from '../call/reason.ts';
import { forwardsAfter } from '../headers/forwards.ts';
import { relayedFinal } from '../requests/relayed-answer.ts';
import type { EventPackage, SubscriptionPolicy } from '../routing/method-policy.ts';
import type { Party, Target } from '../routing/target.ts';
import { bodyForPhone, eventContentTypes } from './event-bodies.ts';

export type Subscribing = Extract<Identity, { readonly kind: 'user' }>;

export interface SubscriptionBridgeParts {
  readonly maker: SubscriptionMaker;
  readonly user: Subscribing;
  readonly event: EventName;
  readonly name: EventPackage;
  readonly policy: () => SubscriptionPolicy;
  /** Whether that user may still subscribe: nobody has locked it. Rejects when the store cannot answer. */
  readonly mayStand: (user: Subscribing) => Promise<boolean>;
  readonly onRefused: (code: string) => void;
  /** Seconds until a subscriber that we lost may come back, each time others. */
  readonly retryAfter: () => number;
  readonly onOver: (end: NotifierEnd) => void;
  readonly clock: Clock;
  /** What dialogs are called; undefined: nothing of them is told. */
  readonly nameOf: () => ((callId: string) => string) | undefined;
}

/** How long a SUBSCRIBE asks for; undefined: too briefly. */
export function secondsAsked({ headers }: SipRequest, policy: SubscriptionPolicy): number | undefined {
  const asked = parseSeconds(headers.get('Expires')) ?? policy.maxSeconds;
  if (asked > 0 && asked < policy.minSeconds) return undefined;
  return Math.min(asked, policy.maxSeconds);
}

export class SubscriptionBridge {
  readonly #parts: SubscriptionBridgeParts;
  #incoming: IncomingSubscription | undefined;
  #outgoing: OutgoingSubscription | undefined;
  #source: Party | undefined;
  /** By the monotonic clock; undefined: the PBX has not granted it yet. */
  #until: Millis | undefined;
  #isOver = false;

  constructor(parts: SubscriptionBridgeParts) {
    this.#parts = parts;
  }

  get user(): Subscribing {
    return this.#parts.user;
  }

  /** Whose events they are; undefined: nobody was asked yet. */
  get source(): Party | undefined {
    return this.#source;
  }

  /** How long it has to live unless it is refreshed; undefined: the PBX has not granted it yet. */
  get timeLeft(): Millis | undefined {
    return this.#until === undefined ? undefined : Math.max(0, this.#until - this.#parts.clock.now());
  }

  /** Of the phone's side. */
  get sequence(): number {
    return this.#incoming?.sequence ?? 0;
  }

  /** What is left of the phone's side for another process; undefined before it is granted, and once it ends. */
  snapshot(): SubscriberSnapshot | undefined {
    return this.#until === undefined ? undefined : this.#incoming?.snapshot();
  }

  /** What the phone's side tells. */
  readonly handlers: IncomingSubscriptionHandlers = {
    onRefresh: (request) => this.#onRefresh(request),
    onExpired: () => this.#outgoing?.release(true),
    onEnded: (end) => {
      this.#isOver = true;
      this.#outgoing?.release(false);
      this.#parts.onOver(end);
    },
  };

  attach(incoming: IncomingSubscription): void {
    this.#incoming = incoming;
  }

  /** Asks the PBX what the phone has asked. */
  open(target: Target, seconds: number): void {
    if (this.#isOver) return;
    const { maker, event, name } = this.#parts;
    this.#source = target.party;
    // Allow speaks of calls.
    const headers = target.headers.without('Allow').append('Accept', eventContentTypes[name]);
    this.#outgoing = maker.subscribe({ ...target, headers, event, seconds }, this.#outgoingHandlers);
  }

  refuse(status: number, headers: Headers): void {
    this.#incoming?.refuse(status, headers);
  }

  /** Ends both sides: the phone is told why, and what to do about it. */
  end(reason: 'rejected' | 'probation'): void {
    if (this.#until !== undefined) this.#terminate(reason);
    else this.#incoming?.refuse(reason === 'rejected' ? 403 : 503);
  }

  readonly #outgoingHandlers: OutgoingSubscriptionHandlers = {
    onAccepted: (seconds) => {
      this.#until = this.#parts.clock.now() + seconds * 1_000;
      this.#incoming?.grant(seconds);
    },
    onRefused: (failure) => this.#onRefused(failure),
    onNotify: (request, state, respond) => this.#onNotify(request, state, respond),
    onEnded: (end) => this.#onSourceEnded(end),
  };

  #onRefresh(request: SipRequest): void {
    const { policy, event, name, mayStand, user, onRefused } = this.#parts;
    const seconds = secondsAsked(request, policy());
    const forwards = forwardsAfter(request);
    if (!isFor(request, event)) {
      this.#incoming?.refuse(481);
    } else if (forwards === undefined) {
      onRefused('loop');
      this.#incoming?.refuse(483);
    } else if (seconds === undefined) {
      onRefused('interval-too-brief');
      this.#incoming?.refuse(423, Headers.of(['Min-Expires', String(policy().minSeconds)]));
    } else if (seconds === 0) {
      this.#outgoing?.refresh(0, Headers.of(['Max-Forwards', String(forwards)]));
    } else {
      const headers = Headers.of(['Max-Forwards', String(forwards)], ['Accept', eventContentTypes[name]]);
      mayStand(user).then(
        (may) => {
          if (this.#isOver) return;
          if (may) this.#outgoing?.refresh(seconds, headers);
          else this.#reject();
        },
        () => this.#incoming?.refuse(500),
      );
    }
  }

  #reject(): void {
    this.#parts.onRefused('user-locked');
    this.#incoming?.refuse(403, statusReason(403, 'Not allowed'));
    this.#terminate('rejected');
  }

  #onRefused(failure: CallFailure): void {
    const { policy } = this.#parts;
    const { status, cause, response } = failure;
    const least = response?.headers.get('Min-Expires');
    if (cause === 'timeout') this.#incoming?.refuse(undefined);
    else if (status === 423 && parseSeconds(least) !== undefined)
      this.#incoming?.refuse(423, Headers.of(['Min-Expires', String(parseSeconds(least))]));
    else if (status === 489) this.#incoming?.refuse(489, Headers.of(['Allow-Events', policy().packages.join(', ')]));
    else this.#incoming?.refuse(status === 481 && this.#until !== undefined ? 481 : relayedStatus(failure));
  }

  #onNotify(request: SipRequest, state: SubscriptionState, respond: (status: number, headers?: Headers) => void): void {
    const { policy, name, user } = this.#parts;
    const { maxBytes } = policy();
    const maxForwards = forwardsAfter(request);
    if (maxForwards === undefined) {
      this.#parts.onRefused('loop');
      respond(483);
      if (state.kind === 'terminated') this.#incoming?.terminate(state);
      return;
    }
    const read = bodyForPhone(bodyOf(request), { name, domain: user.domain, maxBytes, nameOf: this.#parts.nameOf() });
    if (read.kind === 'refused') {
      this.#parts.onRefused('notification-refused');
      const accept = read.status === 415 ? Headers.of(['Accept', eventContentTypes[name]]) : Headers.empty;
      respond(read.status, accept);
      // That it has ended is told all the same.
      if (state.kind === 'terminated') this.#incoming?.terminate(state);
      return;
    }
    this.#incoming?.notify({ state, body: read.body, maxForwards }, (status) => {
      respond(status === undefined || status === 481 ? 481 : relayedFinal(status));
    });
  }

  /** Of our own subscription. What the PBX told of its end is on its way to the phone. */
  #onSourceEnded(end: SubscriptionEnd): void {
    if (this.#isOver || end === 'notified') return;
    if (this.#until === undefined) this.#incoming?.refuse(end === 'silent' ? undefined : 500);
    else if (end === 'expired')
      this.#incoming?.terminate({ kind: 'terminated', reason: 'timeout', retryAfter: undefined });
    else this.#terminate('probation');
  }

  #terminate(reason: 'rejected' | 'probation'): void {
    const retryAfter = reason === 'probation' ? this.#parts.retryAfter() : undefined;
    this.#incoming?.terminate({ kind: 'terminated', reason, retryAfter });
  }
}

/** One that names no event is for the only one of its dialog. */
function isFor({ headers }: SipRequest, event: EventName): boolean {
  const text = headers.get('Event');
  const asked = parseEvent(text);
  return text === undefined || (asked !== undefined && sameEvent(asked, event));
}
