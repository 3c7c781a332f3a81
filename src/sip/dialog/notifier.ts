// The notifier's side of one subscription (RFC 6665 §4.2, figure 2). Pure: notifications are told one after the other, none before
// the SUBSCRIBE has its answer, and the last one ends it.
import { assertNever } from '../../core/assert-never.ts';
import type { Millis } from '../../core/clock.ts';
import type { SubscriptionState } from '../message/event.ts';
import { lifetime, type SipTimers } from '../transaction/timers.ts';
import { endsUsage } from './subscription.ts';

/** `notification` is the owner's own; one without is the machine's, and nobody waits for its answer. */
export interface Told<N> {
  readonly state: SubscriptionState;
  readonly notification: N | undefined;
}

export type NotifierInput<N> =
  /** The SUBSCRIBE is answered 2xx with that Expires; 0: it was a fetch, or is over (§4.4.3). */
  | { readonly type: 'granted'; readonly seconds: number }
  /** It is answered otherwise. */
  | { readonly type: 'refused'; readonly status: number }
  | { readonly type: 'notify'; readonly told: Told<N> }
  /** The NOTIFY that is out has its final answer; undefined: none came, or there was no way. */
  | { readonly type: 'answered'; readonly status: number | undefined }
  | { readonly type: 'expired' }
  /** The owner ends it. */
  | { readonly type: 'terminate'; readonly state: Extract<SubscriptionState, { readonly kind: 'terminated' }> }
  /** Nobody can be told anything any more. */
  | { readonly type: 'lost' };

export type NotifierEnd = 'told' | 'refused' | 'unreachable' | 'lost';

export type NotifierOutput<N> =
  | { readonly type: 'send'; readonly told: Told<N> }
  /** What became of an owner's notification: its answer; 481: there is no subscription any more, 500: too many wait. */
  | { readonly type: 'outcome'; readonly notification: N; readonly status: number | undefined }
  | { readonly type: 'start'; readonly delay: Millis }
  | { readonly type: 'stop' }
  /** It has expired: the subscriber is told, and the owner should let go of its source. */
  | { readonly type: 'expired' }
  | { readonly type: 'ended'; readonly end: NotifierEnd };

/** Notifications that wait for the answer to the one before. */
export const maxWaitingNotifications = 8;

type Output<N> = readonly NotifierOutput<N>[];

export class Notifier<N> {
  readonly #timers: Pick<SipTimers, 't1'>;
  /** `closing`: the last NOTIFY waits or is out. */
  #state: 'answering' | 'open' | 'closing' | 'over' = 'answering';
  #waiting: Told<N>[] = [];
  #current: Told<N> | undefined;

  constructor(timers: Pick<SipTimers, 't1'>) {
    this.#timers = timers;
  }

  get state(): 'answering' | 'open' | 'closing' | 'over' {
    return this.#state;
  }

  handle(input: NotifierInput<N>): Output<N> {
    if (this.#state === 'over') return input.type === 'notify' ? tell(input.told, 481) : [];
    switch (input.type) {
      case 'granted':
        return this.#granted(input.seconds);
      case 'refused':
        // A refresh that is refused leaves what was granted before.
        return this.#state === 'answering' ? this.#end('refused') : [];
      case 'notify':
        return this.#notify(input.told);
      case 'answered':
        return this.#answered(input.status);
      case 'expired':
        if (this.#state !== 'open') return [];
        return [{ type: 'expired' }, ...this.#last({ kind: 'terminated', reason: 'timeout', retryAfter: undefined })];
      case 'terminate':
        if (this.#state === 'answering') return this.#end('refused');
        return this.#state === 'open' ? [{ type: 'stop' }, ...this.#last(input.state)] : [];
      case 'lost':
        return this.#end('lost');
      default:
        return assertNever(input);
    }
  }

  #granted(seconds: number): Output<N> {
    if (this.#state === 'answering') this.#state = 'open';
    if (this.#state !== 'open') return [];
    // What ends it now is the owner's last notification; where none comes, the owner says so.
    const timer: NotifierOutput<N> =
      seconds === 0 ? { type: 'stop' } : { type: 'start', delay: seconds * 1_000 + lifetime(this.#timers) };
    return [timer, ...this.#next()];
  }

  #notify(told: Told<N>): Output<N> {
    if (this.#state === 'closing') return tell(told, 481);
    if (this.#waiting.length >= maxWaitingNotifications) return tell(told, 500);
    this.#waiting.push(told);
    return this.#next();
  }

  #next(): Output<N> {
    if (this.#state === 'answering' || this.#current !== undefined) return [];
    const told = this.#waiting.shift();
    if (told === undefined) return [];
    this.#current = told;
    if (told.state.kind !== 'terminated') return [{ type: 'send', told }];
    this.#state = 'closing';
    return [{ type: 'stop' }, { type: 'send', told }, ...this.#drop(481)];
  }

  #answered(status: number | undefined): Output<N> {
    const told = this.#current;
    if (told === undefined) return [];
    this.#current = undefined;
    const outcome = tell(told, status);
    if (told.state.kind === 'terminated') return [...outcome, ...this.#end('told')];
    // No answer at all is as good as 481 (§4.2.2).
    if (status === undefined || status === 408 || endsUsage(status)) return [...outcome, ...this.#end('unreachable')];
    return [...outcome, ...this.#next()];
  }

  /** Behind the one that is out; what waits is not news any more. */
  #last(state: SubscriptionState): Output<N> {
    const dropped = this.#drop(481);
    this.#waiting.push({ state, notification: undefined });
    this.#state = 'closing';
    return [...dropped, ...this.#next()];
  }

  #end(end: NotifierEnd): Output<N> {
    this.#state = 'over';
    const current = this.#current === undefined ? [] : tell(this.#current, 481);
    this.#current = undefined;
    return [{ type: 'stop' }, ...current, ...this.#drop(481), { type: 'ended', end }];
  }

  #drop(status: number): Output<N> {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.flatMap((told) => tell(told, status));
  }
}

function tell<N>({ notification }: Told<N>, status: number | undefined): Output<N> {
  return notification === undefined ? [] : [{ type: 'outcome', notification, status }];
}
