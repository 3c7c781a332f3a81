// A subscription of a peer in its dialog (RFC 6665 §4.2): runs the notifier's machine over transactions and timers. It ends with the
// flow of its subscriber, who subscribes anew when it is back.
import type { Timer } from '../../core/scheduler.ts';
import type { DialogState } from '../dialog/dialog.ts';
import { Notifier, type NotifierInput, type NotifierOutput, type Told } from '../dialog/notifier.ts';
import { type EventName, formatEvent, formatSubscriptionState, type SubscriptionState } from '../message/event.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import type { Flow } from '../transport/transport.ts';
import { EventDialog } from './event-dialog.ts';
import { overlapping, type UserAgentGround } from './ground.ts';
import type { Identity } from './session.ts';
import type {
  IncomingSubscription,
  IncomingSubscriptionHandlers,
  Notice,
  SubscriberSnapshot,
} from './subscriptions.ts';

interface Notification extends Pick<Notice, 'body' | 'maxForwards'> {
  readonly onAnswered: (status: number | undefined) => void;
}

export interface OpenSubscribe {
  readonly request: SipRequest;
  readonly answer: (response: SipResponse) => void;
}

export interface NotifierDialogParts {
  /** That its SUBSCRIBE came over. */
  readonly flow: Flow;
  /** The SUBSCRIBE that waits for `grant` or `refuse`; or for how many seconds more an earlier process has granted it. */
  readonly begun: OpenSubscribe | number;
  readonly state: DialogState;
  readonly identity: Identity;
  readonly event: EventName;
  readonly contactUser: string | undefined;
  readonly handlers: IncomingSubscriptionHandlers;
}

export class NotifierDialog implements IncomingSubscription {
  readonly #ground: UserAgentGround;
  readonly #parts: NotifierDialogParts;
  readonly #machine: Notifier<Notification>;
  readonly #dialog: EventDialog;
  #open: OpenSubscribe | undefined;
  #timer: Timer | undefined;
  #watch: () => void;

  constructor(ground: UserAgentGround, parts: NotifierDialogParts) {
    const { flow, begun, state, identity: peer, contactUser } = parts;
    this.#ground = ground;
    this.#parts = parts;
    this.#machine = new Notifier(ground.timers);
    this.#open = typeof begun === 'number' ? undefined : begun;
    this.#watch = ground.flowWatch.add(flow.id, () => this.#feed({ type: 'lost' }));
    this.#dialog = new EventDialog(ground, {
      state,
      peer,
      flow,
      hop: { kind: 'flow', flow },
      followTarget: false,
      contactUser,
      credentials: undefined,
      method: 'SUBSCRIBE',
      onRequest: (again, answer) => this.#onSubscribe(again, answer),
      onRehomed: (moved) => {
        this.#watch();
        this.#watch = ground.flowWatch.add(moved.id, () => this.#feed({ type: 'lost' }));
        parts.handlers.onMoved?.();
      },
    });
    if (typeof begun === 'number') this.#feed({ type: 'granted', seconds: begun });
  }

  get sequence(): number {
    return this.#dialog.state.localSequence;
  }

  snapshot(): SubscriberSnapshot | undefined {
    const { event, identity, contactUser } = this.#parts;
    const { flow, state: dialog } = this.#dialog;
    if (this.#machine.state !== 'open' || flow === undefined) return undefined;
    return { v: 1, dialog, flow, event, identity, contactUser };
  }

  get peer(): Identity {
    return this.#parts.identity;
  }

  get flow(): Flow | undefined {
    return this.#dialog.flow;
  }

  grant(seconds: number): void {
    const contact = this.#dialog.contact;
    this.#answer(200, Headers.of(['Contact', contact], ['Expires', String(seconds)]));
    this.#feed({ type: 'granted', seconds });
  }

  refuse(status: number | undefined, headers: Headers = Headers.empty): void {
    if (status === undefined) this.#open = undefined;
    else this.#answer(status, headers);
    this.#feed({ type: 'refused', status: status ?? 408 });
  }

  notify({ state, ...notice }: Notice, onAnswered: (status: number | undefined) => void): void {
    this.#feed({ type: 'notify', told: { state, notification: { ...notice, onAnswered } } });
  }

  terminate(state: Extract<SubscriptionState, { readonly kind: 'terminated' }>): void {
    this.#feed({ type: 'terminate', state });
  }

  #answer(status: number, headers: Headers): void {
    const open = this.#open;
    this.#open = undefined;
    const { localTag: toTag } = this.#parts.state;
    open?.answer(responseTo(open.request, status, { toTag, headers }));
  }

  #onSubscribe(request: SipRequest, answer: (response: SipResponse) => void): void {
    const { state } = this.#machine;
    if (state === 'closing' || state === 'over') answer(responseTo(request, 481));
    else if (this.#open !== undefined) answer(overlapping(request, this.#ground.random));
    else {
      this.#open = { request, answer };
      this.#parts.handlers.onRefresh(request);
    }
  }

  #feed(input: NotifierInput<Notification>): void {
    for (const output of this.#machine.handle(input)) this.#carryOut(output);
  }

  #carryOut(output: NotifierOutput<Notification>): void {
    const { handlers } = this.#parts;
    switch (output.type) {
      case 'send':
        this.#send(output.told);
        break;
      case 'outcome':
        output.notification.onAnswered(output.status);
        break;
      case 'start':
        this.#timer?.cancel();
        this.#timer = this.#ground.scheduler.after(output.delay, () => this.#feed({ type: 'expired' }));
        break;
      case 'stop':
        this.#timer?.cancel();
        break;
      case 'expired':
        handlers.onExpired();
        break;
      case 'ended':
        this.#watch();
        this.#dialog.close();
        this.#answer(481, Headers.empty);
        handlers.onEnded(output.end);
        break;
      default:
        output satisfies never;
    }
  }

  #send({ state, notification }: Told<Notification>): void {
    const { event } = this.#parts;
    const { maxForwards } = notification ?? {};
    const headers = Headers.of(
      ...(maxForwards === undefined ? [] : [['Max-Forwards', String(maxForwards)] as const]),
      ['Event', formatEvent(event)],
      ['Subscription-State', formatSubscriptionState(state)],
    );
    this.#dialog.send(
      'NOTIFY',
      { headers, body: notification?.body },
      {
        onFinal: ({ status }) => this.#feed({ type: 'answered', status }),
        onFailed: () => this.#feed({ type: 'answered', status: undefined }),
      },
    );
  }
}
