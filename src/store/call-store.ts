// Where running calls are kept for the process that comes after this one.

/** One call, as a document that only its writer understands. It may hold keys: whoever writes it down seals it. */
export interface KeptDocument {
  readonly id: string;
  readonly document: string;
}

export interface LoadedCalls {
  readonly calls: readonly KeptDocument[];
  /** Calls that no key opens. */
  readonly unreadable: readonly string[];
}

export interface CallStore {
  /** The name of this run of the process: no other one has it. */
  readonly run: string;
  /**
   * Written soon, all of it or nothing, in the order of calls to this; never throws. A document takes the place of an earlier one with
   * its id; an id that is not there is ignored.
   */
  write(put: readonly KeptDocument[], remove: readonly string[]): void;
  /** What the process before kept, in the order of ids. Throws when nothing can be read. */
  load(): LoadedCalls;
}
