// Subscriptions that an earlier process granted. What they watched nobody watches any more: each subscriber is told to subscribe anew
// (RFC 6665 §4.1.3, `deactivated`), at once where it is reached, else when it is back over another connection. Until then, and until
// it expires, nothing else is served in it.
import type { Millis } from '../../core/clock.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { Flow } from '../../sip/user-agent/session.ts';
import type { SubscriberSnapshot, SubscriptionMaker } from '../../sip/user-agent/subscriptions.ts';

export interface FormerSubscriptionsParts {
  readonly userAgent: Pick<SubscriptionMaker, 'resumeSubscriber'>;
  readonly isAlive: (flow: Flow) => boolean;
  readonly scheduler: Scheduler;
}

export interface FormerSubscription {
  readonly id: string;
  readonly timeLeft: Millis;
  readonly subscriber: SubscriberSnapshot;
}

/** Between what two subscribers are told, so that they do not all come at once. */
export const tellingInterval: Millis = 10;

export class FormerSubscriptions {
  readonly #parts: FormerSubscriptionsParts;
  readonly #timers = new Set<Timer>();
  #waiting = 0;

  constructor(parts: FormerSubscriptionsParts) {
    this.#parts = parts;
  }

  /** Subscribers that were not told yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** `onOver` once for each: that one is told, or is over. Nothing is said before `canSpeak`. */
  takeUp(former: readonly FormerSubscription[], canSpeak: Promise<void>, onOver: (id: string) => void): void {
    const told = former.map((one) => this.#takeUp(one, onOver));
    void canSpeak.then(() => {
      for (const [index, tell] of told.entries()) this.#after(index * tellingInterval, tell);
    });
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** Returns what tells the subscriber, where it is reached by then. */
  #takeUp({ id, timeLeft, subscriber }: FormerSubscription, onOver: (id: string) => void): () => void {
    const { userAgent, isAlive } = this.#parts;
    this.#waiting += 1;
    const dialog = userAgent.resumeSubscriber(subscriber, Math.ceil(timeLeft / 1_000), {
      onRefresh: () => dialog.refuse(481),
      onExpired: () => {},
      onMoved: () => tell(),
      onEnded: () => {
        this.#waiting -= 1;
        onOver(id);
      },
    });
    const tell = (): void => dialog.terminate({ kind: 'terminated', reason: 'deactivated', retryAfter: undefined });
    return () => {
      if (isAlive(subscriber.flow)) tell();
    };
  }

  #after(delay: Millis, fire: () => void): void {
    const timer = this.#parts.scheduler.after(delay, () => {
      this.#timers.delete(timer);
      fire();
    });
    this.#timers.add(timer);
  }
}
