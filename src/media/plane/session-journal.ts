// What is needed to make a session again should its worker end: its last state, and the commands that came after. Kept only where
// workers tell states; commands carry keys, and stay here no longer than until the next state has come.
import type { CommandOutcome, SessionCommand, SessionQuery } from './worker-protocol.ts';

/** Something that a worker was told, and does not answer. */
export interface ToldEntry {
  readonly command: SessionCommand;
  readonly isUrgent: boolean;
  /** The worker's number for it; undefined: it was not sent yet. */
  number: number | undefined;
}

/** Something that a worker was asked, and has not answered. */
export interface AskedEntry {
  readonly command: SessionQuery;
  readonly settle: (outcome: CommandOutcome) => void;
}

export type JournalEntry = ToldEntry | AskedEntry;

export class SessionJournal {
  #state: string | undefined;
  #entries: JournalEntry[] = [];

  /** The last state, a `MediaSnapshot` as JSON; undefined before the first. */
  get state(): string | undefined {
    return this.#state;
  }

  /** Commands that the state does not hold, and queries that wait, in their order. */
  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  add(entry: JournalEntry): void {
    this.#entries.push(entry);
  }

  /** Nothing is to be done about it any more. */
  drop(entry: JournalEntry): void {
    const at = this.#entries.indexOf(entry);
    if (at >= 0) this.#entries.splice(at, 1);
  }

  /** The worker did not carry it out: another one need not either. */
  refused(number: number): void {
    this.#entries = this.#entries.filter((entry) => 'settle' in entry || entry.number !== number);
  }

  /** A state that holds every command up to `covers`, a number of the worker that told it. */
  reached(state: string, covers: number): void {
    this.#state = state;
    this.#entries = this.#entries.filter(
      (entry) => 'settle' in entry || entry.number === undefined || entry.number > covers,
    );
  }
}
