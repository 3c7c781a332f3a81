// Keeps subscriptions of phones for the process that comes after this one, which tells each phone to subscribe anew. Once a second what was
// granted, refreshed or has ended is written.
import type { FormerSubscriptions } from '../../b2bua/subscription/former-subscriptions.ts';
import type { KeepableSubscription, Subscriptions } from '../../b2bua/subscription/subscriptions.ts';
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { SubscriberSnapshot } from '../../sip/user-agent/subscriptions.ts';
import type { SubscriptionStore } from '../../store/subscription-store.ts';
import { earlierFlow } from './kept-call.ts';

export interface SubscriptionKeeperParts {
  readonly store: SubscriptionStore;
  /** The name of this run of the process. */
  readonly run: string;
  readonly subscriptions: Pick<Subscriptions, 'keepable'>;
  readonly former: Pick<FormerSubscriptions, 'takeUp'>;
  readonly scheduler: Scheduler;
}

export interface KeptSubscription {
  readonly v: 1;
  /** The run of the process that its connection was of. */
  readonly run: string;
  readonly until: EpochMillis;
  readonly subscriber: SubscriberSnapshot;
}

const interval: Millis = 1_000;
/** A refresh moves the end by more than a clock does. */
const sameEnd: Millis = 2_000;
/** A kept one goes on with sequence numbers that cannot have been used (RFC 3261 §12.2.2 allows gaps): it is written again before. */
const sequencesAhead = 1_000;

interface Written {
  readonly until: EpochMillis;
  readonly sequence: number;
}

export class SubscriptionKeeper {
  readonly #parts: SubscriptionKeeperParts;
  readonly #written = new Map<string, Written>();
  #timer: Timer | undefined;
  #isOwner = false;
  #isClosed = false;

  constructor(parts: SubscriptionKeeperParts) {
    this.#parts = parts;
  }

  /** Takes up what an earlier process kept; nothing is said or written before `canSpeak`. */
  resume(canSpeak: Promise<void>): void {
    const { store, former, scheduler } = this.#parts;
    const now = scheduler.clock.wall();
    const over: string[] = [];
    const taken = store.load().flatMap(({ id, document }) => {
      const kept = readKept(document);
      const timeLeft = (kept?.until ?? 0) - now;
      if (kept === undefined || timeLeft <= 0) {
        over.push(id);
        return [];
      }
      return [{ id, timeLeft, subscriber: goingOn(kept) }];
    });
    former.takeUp(taken, canSpeak, (id) => {
      if (this.#isOwner) store.write([], [id]);
    });
    void canSpeak.then(() => {
      if (this.#isClosed) return;
      this.#isOwner = true;
      if (over.length > 0) store.write([], over);
      this.#tick();
    });
  }

  /** An orderly end: those that have ended are forgotten. */
  close(): void {
    this.#isClosed = true;
    if (this.#isOwner) this.#keep();
    this.#isOwner = false;
    this.#timer?.cancel();
  }

  /** What stands is written as it is now, and nothing afterwards: another process goes on with it, or `carryOn` follows. */
  hold(): void {
    if (this.#isOwner) this.#keep();
    this.#isOwner = false;
    this.#timer?.cancel();
  }

  carryOn(): void {
    this.#isOwner = true;
    this.#tick();
  }

  #tick(): void {
    this.#keep();
    this.#timer = this.#parts.scheduler.after(interval, () => this.#tick());
  }

  #keep(): void {
    const { store, subscriptions, run, scheduler } = this.#parts;
    const now = scheduler.clock.wall();
    const open = subscriptions.keepable();
    const put = open.flatMap((one) => {
      const until = now + one.timeLeft;
      const subscriber = this.#hasChanged(one, until) ? one.take() : undefined;
      if (subscriber === undefined) return [];
      this.#written.set(one.id, { until, sequence: one.sequence });
      const kept: KeptSubscription = { v: 1, run, until, subscriber };
      return [{ id: one.id, document: JSON.stringify(kept) }];
    });
    const ids = new Set(open.map(({ id }) => id));
    const gone = [...this.#written.keys()].filter((id) => !ids.has(id));
    for (const id of gone) this.#written.delete(id);
    if (put.length + gone.length > 0) store.write(put, gone);
  }

  #hasChanged({ id, sequence }: KeepableSubscription, until: EpochMillis): boolean {
    const written = this.#written.get(id);
    if (written === undefined || Math.abs(until - written.until) > sameEnd) return true;
    return sequence - written.sequence >= sequencesAhead / 2;
  }
}

/** Undefined for a version that this program does not know; what is inside was written by us. */
function readKept(document: string): KeptSubscription | undefined {
  const value: unknown = JSON.parse(document);
  return isKept(value) ? value : undefined;
}

function isKept(value: unknown): value is KeptSubscription {
  return typeof value === 'object' && value !== null && 'v' in value && value.v === 1 && 'subscriber' in value;
}

function goingOn({ run, subscriber }: KeptSubscription): SubscriberSnapshot {
  const { dialog, flow } = subscriber;
  const ahead = { ...dialog, localSequence: dialog.localSequence + sequencesAhead };
  return { ...subscriber, dialog: ahead, flow: earlierFlow(flow, run) };
}
