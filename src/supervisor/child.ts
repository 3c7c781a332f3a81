// A process that a supervisor runs, as far as it is used.
import type { ToChild } from './messages.ts';

/**
 * `serve`: it begins by itself. `succeed`: it goes on with what the one that serves hands over. `spare`: it goes on with what that one
 * left when it crashed.
 */
export type ChildRole = 'serve' | 'succeed' | 'spare';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildEvents {
  onMessage(message: unknown): void;
  /** Once; also where it could not be started. */
  onExit(exit: ChildExit): void;
}

export interface Child {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined;
  send(message: ToChild): void;
  kill(signal: NodeJS.Signals): void;
}
