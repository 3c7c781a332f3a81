// The border between transactions and their user, the user agent (RFC 3261 §17): what each tells and asks the other.
import type { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { Flow, TransportError } from '../transport/transport.ts';
import type { LateAnswerHandler } from './settled-client.ts';

/** Who owns the transactions. Every call comes alone: what it causes is handled after it returned. */
export interface TransactionUser {
  /** A new request other than ACK and CANCEL. It must be answered through `transaction`; when this throws, 500 is sent. */
  onRequest(request: SipRequest, transaction: ServerTransaction): void;
  /** The INVITE was cancelled before its final answer. The CANCEL is answered; the INVITE needs a 487 (§9.2). At most once. */
  onCancel(invite: ServerTransaction, cancel: SipRequest): void;
  /** An ACK that ends no failed INVITE here: for a 2xx, each time it comes, or for nothing at all. Never answered. */
  onAck(ack: SipRequest, flow: Flow): void;
  /** A 2xx to an INVITE whose transaction is over (RFC 6026 §8.3). It may be ACKed and ended, never forwarded. */
  onStrayResponse(response: SipResponse, flow: Flow): void;
}

/** How a server transaction ended. `timeout`: no ACK to a failed INVITE (timer H), or no answer of ours in 64 · T1. */
export type ServerTransactionEnd = 'completed' | 'timeout' | 'abandoned';

/** A request that somebody sent us. */
export interface ServerTransaction {
  /** Unique in the process. */
  readonly id: string;
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly cancelled: boolean;
  /** Sends a provisional or the final response; a 2xx to an INVITE may be sent again. Ignored where §17.2 has no place for it. */
  respond(response: SipResponse): void;
  /**
   * The ACK to the 2xx is there: what is left of the INVITE is that copies of it are no new ones (RFC 6026 §8.7), and `onEnded` follows.
   * Without an effect before a 2xx. A CANCEL that comes later finds nothing.
   */
  acknowledged(): void;
  /** Forgets the transaction without sending anything: its flow is gone, or the process ends. */
  abandon(): void;
  /** Set by the owner. The first response that could not be sent; the transaction lives on (RFC 6026 §8.8). */
  onTransportError: ((error: TransportError) => void) | undefined;
  /** Set by the owner. Exactly once, last. */
  onEnded: ((end: ServerTransactionEnd) => void) | undefined;
}

/** A request of ours. */
export interface ClientTransaction {
  /** As it went out, with our Via. */
  readonly request: SipRequest;
  /**
   * Cancels an INVITE that has no final answer: at once, or when the first provisional comes (§9.1). `headers` (Reason) go
   * into the CANCEL. `onTimeout` follows when no final answer came 64 · T1 later. Idempotent; no effect on other methods.
   */
  cancel(headers?: Headers): void;
  /**
   * An INVITE that has a 2xx needs its handlers no more: `onTerminated` follows, and each 2xx that comes yet, until 64 · T1 after the first, is
   * told whoever `heir` returns alone, which is asked once. Without an effect before a 2xx, and on other methods.
   */
  release(heir: () => LateAnswerHandler): void;
  /** Forgets the transaction without sending anything; only `onTerminated` follows. */
  abandon(): void;
}

/**
 * What becomes of a request. Exactly one outcome unless abandoned: a final response, `onTimeout` or `onTransportError`. None
 * of these runs before `TransactionLayer.request` returned.
 */
export interface ClientHandlers {
  /** Each provisional, 100 too; the final one; and each 2xx to an INVITE, repeated or from another fork (RFC 6026 §8.4). */
  onResponse(response: SipResponse, flow: Flow): void;
  /** As a 408 would (§8.1.3.1). */
  onTimeout(): void;
  /** As a 503 would (§8.1.3.1). Code 'overloaded' when the layer took no more transactions. */
  onTransportError(error: TransportError): void;
  /** Exactly once, last: nothing more is told, though copies of the answer may be dropped for some time. */
  onTerminated?(): void;
}
