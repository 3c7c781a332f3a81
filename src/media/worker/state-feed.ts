// Tells the main thread how far sessions have come, so that another worker can go on should this one end: soon after each change,
// and from time to time for what is counted. What changes with each packet stands in the ledger.
import type { Millis } from '../../core/clock.ts';
import type { SessionCommand, SessionState, WorkerMessage } from '../plane/worker-protocol.ts';
import type { MediaSession } from './media-session.ts';

export const stateFeedIntervals = {
  /** A session that nothing happens to is told again this often: counts are at most so old. */
  refresh: 10_000,
} as const;

/** Told in one go, while nothing is relayed: hundreds of sessions that are resumed have all changed. */
export const mostToldAtOnce = 32;

export class StateFeed {
  readonly #sessions: ReadonlyMap<number, MediaSession>;
  readonly #post: (message: WorkerMessage) => void;
  readonly #changed = new Set<number>();
  /** By session: the last command that was carried out. */
  readonly #covers = new Map<number, number>();
  /** The sessions that are still to be told in this round of refreshing. */
  #round: Iterator<number> | undefined;
  #lastTick: Millis = 0;
  /** Sessions to refresh, with their fraction. */
  #due = 0;

  constructor(sessions: ReadonlyMap<number, MediaSession>, post: (message: WorkerMessage) => void) {
    this.#sessions = sessions;
    this.#post = post;
  }

  mark(session: number): void {
    this.#changed.add(session);
  }

  /** A command was carried out. The main thread knows by itself where endpoints are: before a peer is known there is nothing to tell. */
  performed(session: number, command: number, { type }: SessionCommand): void {
    const known = this.#sessions.get(session);
    if (known === undefined) {
      this.#covers.delete(session);
      this.#changed.delete(session);
      return;
    }
    if (type === 'report' || type === 'snapshot') return;
    this.#covers.set(session, command);
    if (known.hasPeers) this.#changed.add(session);
  }

  /** Between batches. */
  tick(now: Millis): void {
    const elapsed = Math.min(now - this.#lastTick, stateFeedIntervals.refresh);
    this.#lastTick = now;
    const count = this.#sessions.size;
    for (this.#due += (count * elapsed) / stateFeedIntervals.refresh; this.#due >= 1; this.#due -= 1)
      this.#refreshOne();
    if (this.#changed.size > 0) this.flush(mostToldAtOnce);
  }

  /** More has changed than was told. */
  get isBehind(): boolean {
    return this.#changed.size > 0;
  }

  #refreshOne(): void {
    this.#round ??= this.#sessions.keys();
    const next = this.#round.next();
    if (next.done === true) this.#round = undefined;
    else this.#changed.add(next.value);
  }

  /** Tells what has changed, of so many sessions. */
  flush(most = Number.POSITIVE_INFINITY): void {
    const states: SessionState[] = [];
    for (const session of this.#changed) {
      if (states.length >= most) break;
      this.#changed.delete(session);
      const snapshot = this.#sessions.get(session)?.snapshot();
      if (snapshot === undefined) continue;
      states.push({ session, covers: this.#covers.get(session) ?? 0, snapshot: JSON.stringify(snapshot) });
    }
    this.#post({ type: 'states', states });
  }
}
