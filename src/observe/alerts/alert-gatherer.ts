// The first alert of a kind and subject goes out at once; those that follow are gathered and go out as one when the window is
// over. Beyond so many notices a minute, the rest are gathered too: nobody reads a thousand mails. Nothing is dropped: each
// notice says for how many alerts it stands.
import type { Clock, EpochMillis, Millis } from '../../core/clock.ts';
import { type Random, token } from '../../core/random.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { Alert } from '../../policy/alert.ts';
import { describe, type Notice } from './notice.ts';

export interface GatheringRules {
  readonly window: Millis;
  readonly noticesPerMinute: number;
}

export interface AlertGathererOptions {
  readonly node: string;
  readonly rules: GatheringRules;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly onNotice: (notice: Notice) => void;
}

/** Subjects that are gathered apart; what comes beyond them is gathered by its kind. */
const mostSubjects = 1_000;
const minute: Millis = 60_000;

interface Gathered {
  readonly timer: Timer;
  /** What came since the last notice; undefined when nothing did. */
  waiting: { readonly last: Alert; readonly firstAt: EpochMillis; lastAt: EpochMillis; count: number } | undefined;
}

export class AlertGatherer {
  readonly #options: AlertGathererOptions;
  readonly #clock: Clock;
  readonly #gathered = new Map<string, Gathered>();
  #minuteBegan: Millis = 0;
  #sentThisMinute = 0;

  constructor(options: AlertGathererOptions) {
    this.#options = options;
    this.#clock = options.scheduler.clock;
  }

  take(alert: Alert): void {
    const key = this.#keyOf(alert);
    const at = this.#clock.wall();
    const found = this.#gathered.get(key);
    if (found !== undefined) {
      const { waiting } = found;
      found.waiting = { last: alert, firstAt: waiting?.firstAt ?? at, lastAt: at, count: (waiting?.count ?? 0) + 1 };
      return;
    }
    const isSent = this.#maySend();
    this.#gathered.set(key, {
      timer: this.#afterWindow(key),
      waiting: isSent ? undefined : { last: alert, firstAt: at, lastAt: at, count: 1 },
    });
    if (isSent) this.#send(alert, at, at, 1);
  }

  /** What was gathered goes out now. */
  flush(): void {
    for (const [key, gathered] of [...this.#gathered]) {
      gathered.timer.cancel();
      this.#gathered.delete(key);
      this.#sendWaiting(gathered);
    }
  }

  #afterWindow(key: string): Timer {
    return this.#options.scheduler.after(this.#options.rules.window, () => {
      const gathered = this.#gathered.get(key);
      this.#gathered.delete(key);
      if (gathered?.waiting === undefined) return;
      this.#sendWaiting(gathered);
      // It goes on: what follows is gathered again.
      this.#gathered.set(key, { timer: this.#afterWindow(key), waiting: undefined });
    });
  }

  #sendWaiting({ waiting }: Gathered): void {
    if (waiting !== undefined) this.#send(waiting.last, waiting.firstAt, waiting.lastAt, waiting.count);
  }

  #send(alert: Alert, firstAt: EpochMillis, lastAt: EpochMillis, count: number): void {
    const { node, random, onNotice } = this.#options;
    onNotice({ v: 1, id: token(random, 12), node, kind: alert.kind, ...describe(alert), firstAt, lastAt, count });
  }

  #keyOf(alert: Alert): string {
    const key = `${alert.kind} ${describe(alert).subject}`;
    return this.#gathered.has(key) || this.#gathered.size < mostSubjects ? key : alert.kind;
  }

  #maySend(): boolean {
    const now = this.#clock.now();
    if (now - this.#minuteBegan >= minute) {
      this.#minuteBegan = now;
      this.#sentThisMinute = 0;
    }
    this.#sentThisMinute += 1;
    return this.#sentThisMinute <= this.#options.rules.noticesPerMinute;
  }
}
