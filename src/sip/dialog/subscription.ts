// The subscriber's side of one subscription (RFC 6665 §4.1.2, figure 1). Pure: what happened goes in, timers to start and the end
// come out. Whoever sends SUBSCRIBE and answers NOTIFY is the user agent.
import { assertNever } from '../../core/assert-never.ts';
import type { Millis } from '../../core/clock.ts';
import type { SubscriptionState } from '../message/event.ts';
import { lifetime, type SipTimers } from '../transaction/timers.ts';

/** N: no NOTIFY after a SUBSCRIBE. `expiry`: nothing was heard for as long as was granted. */
export type SubscriptionTimer = 'N' | 'expiry';

export type SubscriberInput =
  /** A SUBSCRIBE of ours goes out: the first one, a refresh, or for 0 seconds the last one (§4.1.2.2, §4.1.2.3). */
  | { readonly type: 'subscribing'; readonly seconds: number }
  /** Its 2xx. `isSilent`: no NOTIFY will follow (RFC 5839, 204). */
  | { readonly type: 'accepted'; readonly seconds: number; readonly isSilent: boolean }
  | { readonly type: 'refused'; readonly status: number }
  /** No answer, or no way there. */
  | { readonly type: 'unanswered' }
  | { readonly type: 'notified'; readonly state: SubscriptionState }
  | { readonly type: 'timer'; readonly timer: SubscriptionTimer };

/** `notified`: the notifier said so. `silent`: it said nothing. `refused`: it knows of no such subscription. */
export type SubscriptionEnd = 'notified' | 'silent' | 'expired' | 'refused';

export type SubscriberOutput =
  | { readonly type: 'start'; readonly timer: SubscriptionTimer; readonly delay: Millis }
  | { readonly type: 'stop'; readonly timer: SubscriptionTimer }
  | { readonly type: 'ended'; readonly end: SubscriptionEnd };

export class Subscriber {
  readonly #timers: Pick<SipTimers, 't1'>;
  #state: 'idle' | 'notify-wait' | 'pending' | 'active' | 'terminated' = 'idle';

  constructor(timers: Pick<SipTimers, 't1'>) {
    this.#timers = timers;
  }

  get state(): 'idle' | 'notify-wait' | 'pending' | 'active' | 'terminated' {
    return this.#state;
  }

  handle(input: SubscriberInput): readonly SubscriberOutput[] {
    if (this.#state === 'terminated') return [];
    switch (input.type) {
      case 'subscribing':
        if (this.#state === 'idle') this.#state = 'notify-wait';
        // The expiry of what was granted before is that of whoever wants no more of it, too.
        return [{ type: 'start', timer: 'N', delay: lifetime(this.#timers) }];
      case 'accepted':
        return this.#accepted(input.seconds, input.isSilent);
      case 'refused':
        return this.#refused(input.status);
      case 'unanswered':
        // A refresh that is lost leaves what was granted before, until it is over (§4.1.2.2).
        return this.#isEstablished ? [{ type: 'stop', timer: 'N' }] : this.#end('silent');
      case 'notified':
        return this.#notified(input.state);
      case 'timer':
        return this.#end(input.timer === 'N' ? 'silent' : 'expired');
      default:
        return assertNever(input);
    }
  }

  get #isEstablished(): boolean {
    return this.#state === 'pending' || this.#state === 'active';
  }

  #accepted(seconds: number, isSilent: boolean): readonly SubscriberOutput[] {
    const outputs: SubscriberOutput[] = [];
    if (isSilent) outputs.push({ type: 'stop', timer: 'N' });
    // The last word of one that was ended is a NOTIFY, which timer N waits for.
    if (seconds > 0) outputs.push(this.#expiry(seconds));
    else if (isSilent) return this.#end('expired');
    return outputs;
  }

  #refused(status: number): readonly SubscriberOutput[] {
    if (!this.#isEstablished || endsUsage(status)) return this.#end('refused');
    return [{ type: 'stop', timer: 'N' }];
  }

  #notified(state: SubscriptionState): readonly SubscriberOutput[] {
    if (state.kind === 'terminated') return this.#end('notified');
    this.#state = state.kind;
    const stop: SubscriberOutput = { type: 'stop', timer: 'N' };
    return state.expires === undefined ? [stop] : [stop, this.#expiry(state.expires)];
  }

  /** The notifier's own last NOTIFY may be on its way. */
  #expiry(seconds: number): SubscriberOutput {
    return { type: 'start', timer: 'expiry', delay: seconds * 1_000 + lifetime(this.#timers) };
  }

  #end(end: SubscriptionEnd): readonly SubscriberOutput[] {
    this.#state = 'terminated';
    return [
      { type: 'stop', timer: 'N' },
      { type: 'stop', timer: 'expiry' },
      { type: 'ended', end },
    ];
  }
}

/** Answers to SUBSCRIBE or NOTIFY after which the subscription is no more (§4.1.2.2, §4.2.2; RFC 5057 §5.1). */
export function endsUsage(status: number): boolean {
  return usageEnding.has(status);
}

const usageEnding: ReadonlySet<number> = new Set([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]);
