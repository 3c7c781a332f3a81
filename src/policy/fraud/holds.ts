// What the detection of fraud holds against whom: calls that are refused for a while, and users that are locked until somebody
// lifts it. Apart from the windows, so that it outlives a reload and a restart.
import type { EpochMillis } from '../../core/clock.ts';
import type { Restriction } from '../restriction.ts';

export interface Hold extends Restriction {
  readonly action: 'refuse' | 'lock';
  readonly since: EpochMillis;
  /** Undefined: until somebody lifts it. */
  readonly until: EpochMillis | undefined;
}

/** Subjects with holds at once; beyond that the oldest is let go. */
export const mostHeld = 100_000;

export class Holds {
  readonly #most: number;
  /** By subject, then by what is held. */
  readonly #held = new Map<string, Map<string, Hold>>();

  constructor(most = mostHeld) {
    this.#most = most;
  }

  /** In place of one of the same kind, unless that one holds for longer. Returns what was let go to make room. */
  put(hold: Hold): readonly Hold[] {
    const { subject } = hold;
    const held = this.#held.get(subject) ?? new Map<string, Hold>();
    const before = held.get(keyOf(hold));
    if (before === undefined || (before.until ?? Infinity) <= (hold.until ?? Infinity)) held.set(keyOf(hold), hold);
    this.#held.set(subject, held);
    if (this.#held.size <= this.#most) return none;
    this.list(hold.since);
    for (const oldest of this.#held.keys()) return this.#held.size > this.#most ? this.lift(oldest) : none;
    return none;
  }

  /** The calls of `subject` that are refused at `now`. */
  on(subject: string, now: EpochMillis): readonly Restriction[] {
    return this.#live(subject, now).filter(({ action }) => action === 'refuse');
  }

  /** All that holds at `now`; what is over is forgotten. */
  list(now: EpochMillis): readonly Hold[] {
    return [...this.#held.keys()].flatMap((subject) => this.#live(subject, now));
  }

  /** Those against `subject`, and no more. */
  lift(subject: string): readonly Hold[] {
    const held = [...(this.#held.get(subject)?.values() ?? none)];
    this.#held.delete(subject);
    return held;
  }

  /** Lets that one go. */
  drop(hold: Hold): void {
    const held = this.#held.get(hold.subject);
    held?.delete(keyOf(hold));
    if (held?.size === 0) this.#held.delete(hold.subject);
  }

  #live(subject: string, now: EpochMillis): readonly Hold[] {
    const held = this.#held.get(subject);
    if (held === undefined) return none;
    for (const hold of [...held.values()]) if (hold.until !== undefined && hold.until <= now) this.drop(hold);
    return [...held.values()];
  }
}

const none: readonly never[] = [];

function keyOf({ action, of }: Hold): string {
  return `${action} ${of ?? ''}`;
}
