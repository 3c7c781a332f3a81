// A call to a phone of another node of the site is a call at both. The node where it began counts and lists it; the other one is told which it is.

export interface CallHalf {
  /** Where it began. */
  readonly node: string;
  /** Its name there; undefined where an older program did not tell it. */
  readonly call: string | undefined;
}

/** What an INVITE of another node begins, which says `token`. */
export function halfOf(node: string, token: string | undefined): CallHalf {
  return { node, call: token !== undefined && callName.test(token) ? token : undefined };
}

const callName = /^[0-9A-Za-z._-]{1,64}$/;
