// What is needed to make a session again should its worker end: its last state, and the commands that came after. Kept only where
// workers tell states; commands carry keys, and stay here no longer than until the next state has come.
import type { CommandOutcome, SessionCommand } from './worker-protocol.ts';

export interface JournalEntry {
  readonly command: SessionCommand;
  /** The worker's number for it; undefined: it was not sent yet. */
  number: number | undefined;
  outcome: CommandOutcome | undefined;
  readonly settle: (outcome: CommandOutcome) => void;
}

export class SessionJournal {
  #state: string | undefined;
  /** The last command in it, by the number of the worker that told it. */
  #covers = 0;
  #entries: JournalEntry[] = [];

  /** The last state, a `MediaSnapshot` as JSON; undefined before the first. */
  get state(): string | undefined {
    return this.#state;
  }

  /** Commands that the state does not hold, in their order. */
  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  add(entry: JournalEntry): void {
    this.#entries.push(entry);
  }

  /** The worker, or whoever speaks for it, has answered. Returns false when that was done before. */
  answer(entry: JournalEntry, outcome: CommandOutcome, keepsStates: boolean): boolean {
    if (entry.outcome !== undefined) return false;
    entry.outcome = outcome;
    entry.settle(outcome);
    const isHeld = entry.number !== undefined && entry.number <= this.#covers;
    if (!keepsStates || isHeld || outcome.type === 'error' || changesNothing(entry.command)) this.#drop(entry);
    return true;
  }

  /** A state that holds every command up to `covers`. */
  reached(state: string, covers: number): void {
    this.#state = state;
    this.#covers = covers;
    this.#entries = this.#entries.filter(
      ({ number, outcome }) => outcome === undefined || number === undefined || number > covers,
    );
  }

  /** Another worker numbers commands in its own way. */
  moved(): void {
    this.#covers = 0;
  }

  #drop(entry: JournalEntry): void {
    const at = this.#entries.indexOf(entry);
    if (at >= 0) this.#entries.splice(at, 1);
  }
}

function changesNothing({ type }: SessionCommand): boolean {
  return type === 'report' || type === 'snapshot' || type === 'close-session';
}
