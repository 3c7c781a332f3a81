// What bounds the transactions in progress, and what is counted of messages that led to none. A peer influences both.

export interface TransactionLimits {
  /** Requests of peers that are in progress; more are refused with 503. */
  readonly serverTransactions: number;
  /** Requests of ours that are in progress; more end at once with `onTransportError`, code 'overloaded'. */
  readonly clientTransactions: number;
  /** What a 503 tells the peer to wait: this, and a random part of as much again, so that not all come back at once. */
  readonly retryAfterSeconds: number;
}

export const defaultTransactionLimits: TransactionLimits = {
  serverTransactions: 65_536,
  clientTransactions: 65_536,
  retryAfterSeconds: 10,
};

/** What came in and led to nothing, or to a refusal by the layer itself. */
export interface TransactionCounts {
  /** Requests or responses without usable Via, From, To, Call-ID or CSeq. */
  malformed: number;
  /** Responses that match no transaction of ours and are no 2xx to an INVITE. */
  strayResponses: number;
  /** Responses with more than our own Via (§8.1.3.3). */
  misroutedResponses: number;
  /** Copies, ACKs and CANCELs of a live request that came from somebody else than its sender. */
  foreignRequests: number;
  /** 482 (§8.2.2.2). */
  mergedRequests: number;
  /** 481 to a CANCEL (§9.2). */
  unmatchedCancels: number;
  /** 503 to a peer, or 'overloaded' to our own user. */
  overLimit: number;
  /** Calls to the transaction user that threw. */
  userErrors: number;
}

export function zeroTransactionCounts(): TransactionCounts {
  return {
    malformed: 0,
    strayResponses: 0,
    misroutedResponses: 0,
    foreignRequests: 0,
    mergedRequests: 0,
    unmatchedCancels: 0,
    overLimit: 0,
    userErrors: 0,
  };
}
