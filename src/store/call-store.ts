// Where running calls are kept for the process that comes after this one.

/** One call, as a document that only its writer understands. It may hold keys: whoever writes it down seals it. */
export interface KeptDocument {
  readonly id: string;
  readonly document: string;
}

export interface CallStore {
  /** The name of this run of the process: no other one has it. */
  readonly run: string;
  /** All of it or nothing. A document takes the place of an earlier one with its id; an id that is not there is ignored. Throws when it cannot be written. */
  write(put: readonly KeptDocument[], remove: readonly string[]): void;
  /** In the order of ids. `unreadable`: calls that no key opens. Throws when nothing can be read. */
  load(): { readonly calls: readonly KeptDocument[]; readonly unreadable: readonly string[] };
}
