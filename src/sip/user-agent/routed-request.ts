// A request of ours on its way to a next hop: its addresses are found first, and the next one is tried when one does not
// answer, cannot be reached or says 503 (RFC 3263 §4.3). Each try is a transaction of its own. A request that is too long
// for a datagram goes by TCP where the next hop has it (RFC 3261 §18.1.1). An INVITE need not wait for 64·T1: a configured next
// hop that says nothing for so long is given up, and what it says later is cancelled, or ended.
import type { Timer } from '../../core/scheduler.ts';
import { essentialsOf } from '../message/header-fields.ts';
import type { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { approximateSize } from '../message/serializer.ts';
import type { LateAnswerHandler } from '../transaction/settled-client.ts';
import type { ClientTransaction } from '../transaction/transaction-user.ts';
import type { NextHop } from '../transport/hop-locator.ts';
import type { Destination, Flow, TransportError } from '../transport/transport.ts';
import type { UserAgentGround } from './ground.ts';
import { retryAfterOf } from './retry-after.ts';
import type { CallFailure } from './session.ts';

export interface RoutedRequestHandlers {
  /** Every provisional, and the final answer; for an INVITE each 2xx. `request` is as it went out, with our Via. */
  onResponse(response: SipResponse, flow: Flow, request: SipRequest): void;
  /** No hop answered, there is none, or it was cancelled before it was sent. */
  onFailed(failure: CallFailure): void;
}

/** §18.1.1, for a path whose MTU is not known. */
export const longestDatagramBytes = 1_300;
/** What the Via and Content-Length that are still missing add at most. */
const missingBytes = 160;

export class RoutedRequest {
  readonly #ground: UserAgentGround;
  readonly #handlers: RoutedRequestHandlers;
  #request: SipRequest;
  /** Those that were not tried yet. */
  #hops: Destination[] = [];
  #current: Destination | undefined;
  #transaction: ClientTransaction | undefined;
  /** What an earlier try hears is late. */
  #tries = 0;
  /** Runs out when the current hop has said nothing. */
  #silence: Timer | undefined;
  #state: 'locating' | 'sent' | 'over' = 'locating';
  #isCancelled = false;

  constructor(ground: UserAgentGround, request: SipRequest, to: Destination, handlers: RoutedRequestHandlers) {
    this.#ground = ground;
    this.#request = request;
    this.#handlers = handlers;
    if (to.kind === 'flow') this.#begin([to]);
    else this.#locate(to);
  }

  /** The answer to a challenge, to whoever asked it. */
  resend(request: SipRequest): void {
    this.#request = request;
    if (this.#current !== undefined) this.#send(this.#current);
  }

  /** What is not sent yet never will be; else CANCEL once it may be sent (§9.1), and no further hop is tried. */
  cancel(headers?: Headers): void {
    this.#isCancelled = true;
    if (this.#state === 'sent') this.#transaction?.cancel(headers);
    else this.#fail({ status: 487, cause: 'cancelled' });
  }

  /** The INVITE has its 2xx: any that comes yet is for whoever `heir` returns. */
  release(heir: () => LateAnswerHandler): void {
    this.#transaction?.release(heir);
  }

  #locate(hop: NextHop): void {
    let isReturned = false;
    this.#ground.locator.locate(hop, (located) => {
      if (located.kind === 'hops') {
        this.#begin(located.hops);
        return;
      }
      this.#ground.logger.warn('next-hop-not-found', { host: hop.host, reason: located.reason });
      const unreachable: CallFailure = { status: 503, cause: 'transport' };
      // Nobody hears of a failure before the constructor has returned.
      if (isReturned) this.#fail(unreachable);
      else this.#ground.scheduler.after(0, () => this.#fail(unreachable));
    });
    isReturned = true;
  }

  #begin(hops: readonly Destination[]): void {
    if (this.#state !== 'locating') return;
    this.#hops = this.#isLong() ? hops.flatMap((hop) => this.#withTcp(hop)) : [...hops];
    this.#state = 'sent';
    this.#next({ status: 503, cause: 'transport' });
  }

  #next(failure: CallFailure): void {
    const hop = this.#hops.shift();
    if (hop === undefined || this.#isCancelled) this.#fail(failure);
    else this.#send(hop);
  }

  #send(hop: Destination): void {
    this.#current = hop;
    this.#tries += 1;
    const number = this.#tries;
    const isCurrent = (): boolean => number === this.#tries;
    const transaction: ClientTransaction = this.#ground.layer.request(this.#request, hop, {
      onResponse: (response, flow) => {
        if (isCurrent()) this.#onResponse(response, flow, hop, transaction.request);
        else this.#onLate(response, flow, transaction);
      },
      onTimeout: () => {
        if (isCurrent()) this.#onSilent(hop);
      },
      onTransportError: (error) => {
        if (isCurrent()) this.#onTransportError(hop, error);
      },
    });
    if (!isCurrent()) return;
    this.#transaction = transaction;
    this.#awaitResponse(hop, transaction);
  }

  /** In a dialog a request has one way to go, and 408 would end the call (§12.2.1.2). */
  #awaitResponse(hop: Destination, { request }: ClientTransaction): void {
    this.#silence?.cancel();
    if (hop.kind === 'flow' || hop.responseWithin === undefined) return;
    if (request.method !== 'INVITE' || essentialsOf(request).toTag !== undefined) return;
    this.#silence = this.#ground.scheduler.after(hop.responseWithin, () => {
      // It may have heard the INVITE all the same: its first provisional is answered by CANCEL (§9.1).
      this.#transaction?.cancel();
      this.#tries += 1;
      this.#onSilent(hop);
    });
  }

  #onSilent(hop: Destination): void {
    this.#silence?.cancel();
    this.#blame(hop);
    this.#nextServer(hop, { status: 408, cause: 'timeout' });
  }

  /** Of a hop that was given up only a 2xx counts: it is the answer, or acknowledged and ended by whoever has another one. */
  #onLate(response: SipResponse, flow: Flow, transaction: ClientTransaction): void {
    if (response.status < 200 || response.status >= 300) return;
    this.#silence?.cancel();
    this.#hops = [];
    if (this.#transaction !== transaction) this.#transaction?.cancel();
    this.#transaction = transaction;
    this.#handlers.onResponse(response, flow, transaction.request);
  }

  #onResponse(response: SipResponse, flow: Flow, hop: Destination, request: SipRequest): void {
    this.#silence?.cancel();
    if (response.status === 503 && hop.kind === 'next-hop') {
      const retryAfter = retryAfterOf(response);
      if (retryAfter !== undefined) this.#ground.locator.refused(hop, retryAfter);
      else this.#blame(hop);
      if (this.#hasOtherServer(hop)) {
        this.#nextServer(hop, { status: 503, cause: 'response', response });
        return;
      }
    }
    this.#handlers.onResponse(response, flow, request);
  }

  #onTransportError(hop: Destination, error: TransportError): void {
    this.#silence?.cancel();
    if (hop.kind === 'next-hop') {
      const { listener, host, port } = hop;
      this.#ground.logger.warn('next-hop-failed', { listener, host, port, ...error });
    }
    const [next] = this.#hops;
    if (isSameServer(next, hop) && hop.kind === 'next-hop') this.#ground.locator.lacksTcp(hop);
    else this.#blame(hop);
    this.#next({ status: 503, cause: 'transport' });
  }

  /** A server that has failed is not asked again by its other transport. */
  #nextServer(hop: Destination, failure: CallFailure): void {
    this.#hops = this.#hops.filter((other) => !isSameServer(other, hop));
    this.#next(failure);
  }

  #hasOtherServer(hop: Destination): boolean {
    return !this.#isCancelled && this.#hops.some((other) => !isSameServer(other, hop));
  }

  #blame(hop: Destination): void {
    if (hop.kind === 'next-hop') this.#ground.locator.failed(hop);
  }

  #fail(failure: CallFailure): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#handlers.onFailed(failure);
  }

  #isLong(): boolean {
    return approximateSize(this.#request) + missingBytes > longestDatagramBytes;
  }

  #withTcp(hop: Destination): readonly Destination[] {
    if (hop.kind === 'flow' || hop.transport !== 'udp') return [hop];
    const tcp: NextHop = { ...hop, transport: 'tcp' };
    return this.#ground.locator.mayHaveTcp(tcp) ? [tcp, hop] : [hop];
  }
}

function isSameServer(a: Destination | undefined, b: Destination): boolean {
  return a?.kind === 'next-hop' && b.kind === 'next-hop' && a.host === b.host && a.port === b.port;
}
