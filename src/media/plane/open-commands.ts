// Commands of which it is not known yet that the worker took them, and queries that it has not answered: each in time, or overdue.
import type { Millis } from '../../core/clock.ts';
import type { MediaError } from './messages.ts';
import type { CommandOutcome, SessionCommand } from './worker-protocol.ts';

export interface OpenCommand {
  readonly id: number;
  readonly session: number;
  readonly command: SessionCommand['type'];
  due: Millis;
}

interface OpenQuery extends OpenCommand {
  readonly settle: (outcome: CommandOutcome) => void;
}

export class OpenCommands {
  /** In their order, so that the first is the first to be due. */
  #told: OpenCommand[] = [];
  readonly #asked = new Map<number, OpenQuery>();

  tell(command: OpenCommand): void {
    this.#told.push(command);
  }

  ask(query: OpenQuery): void {
    this.#asked.set(query.id, query);
  }

  /** A reply that missed its deadline finds nobody. */
  answered(id: number, outcome: CommandOutcome): void {
    const query = this.#asked.get(id);
    this.#asked.delete(id);
    query?.settle(outcome);
  }

  /**
   * The worker has taken more than `taken`, a number modulo 2^32, where it was seen last: what was behind that has its time anew, however much
   * stood before it. Hundreds of sessions are resumed at once.
   */
  cameOn(taken: number, dueOf: (command: SessionCommand['type']) => Millis): void {
    for (const one of [...this.#told, ...this.#asked.values()]) {
      if (!isTaken(one, taken)) one.due = dueOf(one.command);
    }
  }

  /** The worker took everything up to `taken`, a number modulo 2^32. Returns what it should have taken by now; that is open no more. */
  overdue(taken: number, now: Millis): readonly OpenCommand[] {
    const open = this.#told.findIndex((one) => !isTaken(one, taken));
    this.#told = open < 0 ? [] : this.#told.slice(open);
    const inTime = this.#told.findIndex(({ due }) => due > now);
    return this.#told.splice(0, inTime < 0 ? this.#told.length : inTime);
  }

  /** Queries that should have been answered by now; they are still open. */
  unanswered(now: Millis): readonly OpenCommand[] {
    return [...this.#asked.values()].filter(({ due }) => due <= now);
  }

  /** Nothing will be taken or answered any more. */
  fail(error: MediaError): void {
    this.#told = [];
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { settle } of asked) settle({ type: 'error', error });
  }
}

function isTaken({ id }: OpenCommand, taken: number): boolean {
  return ((taken - id) | 0) >= 0;
}
