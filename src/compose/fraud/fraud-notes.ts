// What fraud detection writes down for the process after this one. Holds are written when they begin and end, which is seldom; what
// is known of subjects is gathered, off the path of calls. A store that fails costs the memory of the next process, and no call.
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { FraudRule } from '../../policy/fraud/fraud-rule.ts';
import type { FraudStore, KnownValue } from '../../policy/fraud/fraud-store.ts';
import type { Hold } from '../../policy/fraud/holds.ts';

/** Values are written when so many are gathered, or when the first has waited for so long. */
export const gatheredValues = 200;
export const gatherTime: Millis = 10_000;

export class FraudNotes {
  readonly #store: FraudStore;
  readonly #scheduler: Scheduler;
  readonly #logger: Logger;
  readonly #gathered = new Map<string, KnownValue>();
  #timer: Timer | undefined;
  /** How far back a rule looks at what is known; 0: none does. */
  #remembered: Millis = 0;

  constructor(parts: { readonly store: FraudStore; readonly scheduler: Scheduler; readonly logger: Logger }) {
    this.#store = parts.store;
    this.#scheduler = parts.scheduler;
    this.#logger = parts.logger;
  }

  /** What these rules should know, the oldest first. Throws what the store throws. */
  known(rules: readonly FraudRule[]): readonly KnownValue[] {
    this.#flush();
    const windows = rules.filter(({ kind }) => isAboutKnown(kind)).map(({ window }) => window);
    this.#remembered = Math.max(0, ...windows);
    return this.#remembered === 0 ? [] : this.#store.known();
  }

  saw(value: KnownValue): void {
    if (this.#remembered === 0) return;
    this.#gathered.set(`${value.of} ${value.value} ${value.subject}`, value);
    if (this.#gathered.size >= gatheredValues) this.#flush();
    else this.#timer ??= this.#scheduler.after(gatherTime, () => this.#flush());
  }

  keep(hold: Hold, letGo: readonly Hold[]): void {
    this.#try(() => this.#store.keep(hold));
    this.forget(letGo);
  }

  forget(holds: readonly Hold[]): void {
    for (const hold of holds) this.#try(() => this.#store.forget(hold));
  }

  close(): void {
    this.#flush();
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#gathered.size === 0) return;
    const values = [...this.#gathered.values()];
    this.#gathered.clear();
    this.#try(() => this.#store.learn(values, this.#scheduler.clock.wall() - this.#remembered));
  }

  #try(write: () => void): void {
    try {
      write();
    } catch (thrown) {
      this.#logger.error('fraud-not-kept', { error: messageOf(thrown) });
    }
  }
}

function isAboutKnown(kind: FraudRule['kind']): boolean {
  return kind === 'new-country' || kind === 'new-source-country' || kind === 'registration-places';
}
