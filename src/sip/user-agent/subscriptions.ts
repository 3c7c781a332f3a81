// What the rooms above see of subscriptions (RFC 6665): one that a peer asks for, one that we ask for. `user-agent.ts` makes them.
import type { DialogState } from '../dialog/dialog.ts';
import type { NotifierEnd } from '../dialog/notifier.ts';
import type { SubscriptionEnd } from '../dialog/subscription.ts';
import type { EventName, SubscriptionState } from '../message/event.ts';
import type { Headers } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import type { Body, CallFailure, Flow, Identity, OutgoingCallOptions, ServerTransaction } from './session.ts';

export type { NotifierEnd } from '../dialog/notifier.ts';
export type { SubscriptionEnd } from '../dialog/subscription.ts';

/** What a subscriber is told. */
export interface Notice {
  readonly state: SubscriptionState;
  readonly body: Body | undefined;
  /** How many hops are left to a NOTIFY that is passed on (RFC 3261 §16.6 step 3); 70 when absent. */
  readonly maxForwards?: number | undefined;
}

/** A subscription of a peer: we are its notifier. */
export interface IncomingSubscription {
  readonly peer: Identity;
  /** Answers the SUBSCRIBE that is open with 200, for so many seconds. */
  grant(seconds: number): void;
  /** Answers it with anything else. The first one ends with it. Undefined: it is left without an answer (RFC 4320 §4.2). */
  refuse(status: number | undefined, headers?: Headers): void;
  /** Tells the subscriber, behind what it is being told. `onAnswered` once: its status, undefined when there was none. */
  notify(notice: Notice, onAnswered: (status: number | undefined) => void): void;
  /** The last NOTIFY; no subscription is left of it whatever becomes of that. */
  terminate(state: Extract<SubscriptionState, { readonly kind: 'terminated' }>): void;
  /** Our sequence number in its dialog. */
  readonly sequence: number;
  /** Undefined before it is granted, and once it ends. */
  snapshot(): SubscriberSnapshot | undefined;
}

/** What of a subscription of a peer is enough for another process to tell the peer something in its dialog. */
export interface SubscriberSnapshot {
  readonly v: 1;
  readonly dialog: DialogState;
  readonly flow: Flow;
  readonly event: EventName;
  readonly identity: Identity;
  readonly contactUser: string | undefined;
}

export interface IncomingSubscriptionHandlers {
  /** A refresh, or for 0 seconds the wish to end it. It waits for `grant` or `refuse`. */
  onRefresh(request: SipRequest): void;
  /** It has lived as long as was granted. The subscriber is being told, and `onEnded` follows. */
  onExpired(): void;
  /** The subscriber is there over another flow now. */
  onMoved?(): void;
  /** Exactly once. */
  onEnded(end: NotifierEnd): void;
}

export interface OutgoingSubscriptionOptions extends Omit<OutgoingCallOptions, 'body'> {
  readonly event: EventName;
  /** 0: a fetch. */
  readonly seconds: number;
}

/** A subscription of ours. */
export interface OutgoingSubscription {
  /** Another SUBSCRIBE: its answer comes as that of the first did. 0 seconds end it. Without Max-Forwards in `headers` it has 70. */
  refresh(seconds: number, headers: Headers): void;
  /** Nobody wants it any more: the notifier is told so unless `isExpired`, and what it still says is answered here. */
  release(isExpired: boolean): void;
}

export interface OutgoingSubscriptionHandlers {
  /** The 2xx of a SUBSCRIBE: for how long, at most what was asked for. */
  onAccepted(seconds: number): void;
  /** It failed. The first one ends with it, a refresh only by what says that there is no such subscription. */
  onRefused(failure: CallFailure): void;
  /** A NOTIFY, to be answered once, sooner or later. */
  onNotify(request: SipRequest, state: SubscriptionState, respond: (status: number, headers?: Headers) => void): void;
  /** Exactly once; behind the NOTIFY that says so. */
  onEnded(end: SubscriptionEnd): void;
}

/** What makes them: the user agent. */
export interface SubscriptionMaker {
  /** A SUBSCRIBE outside a dialog. Undefined: it cannot make one, and is answered 400. */
  subscribed(
    request: SipRequest,
    transaction: ServerTransaction,
    options: {
      readonly identity: Identity;
      readonly event: EventName;
      readonly handlers: IncomingSubscriptionHandlers;
    },
  ): (IncomingSubscription & { readonly flow: Flow | undefined }) | undefined;
  /** A subscription of a peer that an earlier process granted, for so many seconds more. */
  resumeSubscriber(
    snapshot: SubscriberSnapshot,
    seconds: number,
    handlers: IncomingSubscriptionHandlers,
  ): IncomingSubscription;
  subscribe(options: OutgoingSubscriptionOptions, handlers: OutgoingSubscriptionHandlers): OutgoingSubscription;
}
