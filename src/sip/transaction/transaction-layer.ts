// The one runner of transactions: finds the transaction of a message, makes new ones, and keeps their number bounded
// (RFC 3261 §17, §9 for CANCEL, §8.2.2.2 for merged requests). What it refuses itself it refuses without state (§8.2.7).
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { type Random, token } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import { type Essentials, essentials } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipMessage, type SipRequest, type SipResponse } from '../message/message.ts';
import type { Destination, Flow, SipTransport, TransportError } from '../transport/transport.ts';
import { cancelOf } from './hop-request.ts';
import { branchCookie, clientKey, hasUniqueBranch, isSameSource, originKey, serverKey } from './key.ts';
import { KnownClients } from './known-clients.ts';
import { type KnownServer, KnownServers } from './known-servers.ts';
import { refusalOf } from './refusal.ts';
import { RunningClient } from './running-client.ts';
import { RunningServer, type RunningServerOptions } from './running-server.ts';
import { defaultSipTimers, type SipTimers } from './timers.ts';
import type { TransactionGround } from './transaction-ground.ts';
import {
  defaultTransactionLimits,
  type TransactionCounts,
  type TransactionLimits,
  zeroTransactionCounts,
} from './transaction-limits.ts';
import type { ClientHandlers, ClientTransaction, ServerTransaction, TransactionUser } from './transaction-user.ts';
import { Turns } from './turns.ts';

export type { ClientHandlers, ClientTransaction, ServerTransaction, TransactionUser } from './transaction-user.ts';

export interface TransactionLayerOptions {
  readonly scheduler: Scheduler;
  readonly transport: SipTransport;
  readonly random: Random;
  /** What our branches begin with after the cookie; absent: nothing. */
  readonly mark?: string | undefined;
  readonly logger: Logger;
  readonly user: TransactionUser;
  readonly timers?: SipTimers;
  readonly limits?: TransactionLimits;
}

export class TransactionLayer {
  readonly #ground: TransactionGround;
  readonly #transport: SipTransport;
  readonly #random: Random;
  readonly #mark: string;
  readonly #logger: Logger;
  readonly #user: TransactionUser;
  readonly #limits: TransactionLimits;
  readonly #turns: Turns;
  readonly #servers: KnownServers;
  readonly #clients: KnownClients;
  readonly #counts = zeroTransactionCounts();
  #serial = 0;
  #isShut = false;

  constructor(options: TransactionLayerOptions) {
    const { scheduler, transport, random, logger, user } = options;
    this.#transport = transport;
    this.#random = random;
    this.#mark = options.mark ?? '';
    this.#logger = logger;
    this.#user = user;
    this.#limits = options.limits ?? defaultTransactionLimits;
    this.#turns = new Turns(scheduler, (thrown) => this.#onUserError(thrown));
    this.#ground = {
      scheduler,
      transport,
      timers: options.timers ?? defaultSipTimers,
      turns: this.#turns,
      logger,
      callUser: (call) => this.#callUser(call),
      lingering: { count: 0 },
    };
    this.#servers = new KnownServers(this.#ground, this.#tellAck);
    this.#clients = new KnownClients(this.#ground);
  }

  /** Transactions in any state, both sides. */
  get active(): number {
    return this.#servers.size + this.#clients.size;
  }

  /** Those of `active` that are over for their users and wait for copies alone, each with one timer. */
  get lingering(): number {
    return this.#ground.lingering.count;
  }

  get counts(): Readonly<TransactionCounts> {
    return this.#counts;
  }

  /** A request that the gate let pass, or any response. */
  receive(message: SipMessage, flow: Flow): void {
    this.#turns.take(() => {
      if (this.#isShut) return;
      const read = essentials(message);
      if (!read.ok) this.#counts.malformed += 1;
      else if (message.kind === 'response') this.#onResponse(message, read.value, flow);
      else this.#onRequest(message, read.value, flow);
    });
  }

  /** Whether the request repeats, acknowledges or cancels one that is in progress, so that no gate need look at it again. */
  matches(request: SipRequest): boolean {
    const read = essentials(request);
    if (!read.ok) return false;
    const { method } = request;
    if (this.#servers.has(serverKey(request, read.value, method))) return true;
    const isOfInvite = method === 'ACK' || method === 'CANCEL';
    return isOfInvite && this.#servers.has(serverKey(request, read.value, 'INVITE'));
  }

  /** Sends a request other than ACK and CANCEL under a Via of ours. What becomes of it, `handlers` hear later. */
  request(request: SipRequest, to: Destination, handlers: ClientHandlers): ClientTransaction {
    const branch = this.#newBranch();
    const sent = this.#withVia(request, to, branch);
    const transaction = this.#newClient(branch, sent, to, handlers);
    if (this.#isShut || this.#clients.size >= this.#limits.clientTransactions) {
      this.#refuseClient(transaction);
      return transaction;
    }
    this.#clients.add(transaction);
    this.#turns.takeAlone(() => transaction.start());
    return transaction;
  }

  /** Sends the ACK to a 2xx: under a branch of its own, once, outside any transaction (§13.2.2.4). */
  sendAck(ack: SipRequest, to: Destination): void {
    const sent = this.#withVia(ack, to, this.#newBranch());
    this.#turns.takeAlone(() => {
      if (!this.#isShut) this.#transport.send(sent, to, this.#onUnwatchedSent);
    });
  }

  /** Ends all transactions without sending, and takes no more. */
  shutdown(): void {
    this.#turns.take(() => {
      this.#isShut = true;
      for (const transaction of this.#servers.all) transaction.end('abandoned');
      for (const transaction of this.#clients.all) transaction.end();
    });
  }

  #onResponse(response: SipResponse, { via, cseq }: Essentials, flow: Flow): void {
    if (response.headers.values('Via').length > 1) {
      this.#counts.misroutedResponses += 1;
      return;
    }
    const transaction = via.branch === undefined ? undefined : this.#clients.get(clientKey(via.branch, cseq.method));
    if (transaction !== undefined) transaction.handle({ type: 'response', response }, flow);
    else this.#onStray(response, cseq.method, flow);
  }

  #onStray(response: SipResponse, method: string, flow: Flow): void {
    if (method === 'INVITE' && response.status >= 200 && response.status < 300) {
      this.#callUser(() => this.#user.onStrayResponse(response, flow));
    } else {
      this.#counts.strayResponses += 1;
    }
  }

  #onRequest(request: SipRequest, read: Essentials, flow: Flow): void {
    const { method } = request;
    if (method === 'ACK') {
      this.#onAck(request, read, flow);
      return;
    }
    const key = serverKey(request, read, method);
    const transaction = this.#servers.get(key);
    if (transaction !== undefined) this.#onMatch(transaction, request, flow);
    else if (method === 'CANCEL') this.#onCancel(request, read, key, flow);
    else this.#onNewRequest(request, originKey(read), key, flow);
  }

  #onNewRequest(request: SipRequest, origin: string | undefined, key: string, flow: Flow): void {
    if (origin !== undefined && this.#servers.hasOrigin(origin)) {
      this.#counts.mergedRequests += 1;
      this.#refuse(request, key, flow, 482);
    } else if (this.#servers.size >= this.#limits.serverTransactions) {
      this.#counts.overLimit += 1;
      this.#refuse(request, key, flow, 503, Headers.of(['Retry-After', `${this.#retryAfter()}`]));
    } else {
      this.#newServer(request, key, origin, flow, this.#deliver).handle({ type: 'request', request }, flow);
    }
  }

  #onMatch(transaction: KnownServer, request: SipRequest, flow: Flow): void {
    if (isSameSource(transaction.flow, flow)) transaction.handle({ type: 'request', request }, flow);
    else this.#counts.foreignRequests += 1;
  }

  #onAck(ack: SipRequest, read: Essentials, flow: Flow): void {
    const invite = this.#servers.get(serverKey(ack, read, 'INVITE'));
    // Without a unique branch, the tag of our answer tells whose ACK it is (§17.2.3).
    const tag = invite instanceof RunningServer ? tagOf(invite.lastResponse) : undefined;
    const isOfInvite = hasUniqueBranch(read.via) || tag === read.toTag;
    if (invite !== undefined && isOfInvite) this.#onMatch(invite, ack, flow);
    else this.#callUser(() => this.#user.onAck(ack, flow));
  }

  /** §9.2. The CANCEL has a transaction of its own, which repeats the 200; the INVITE keeps its own. */
  #onCancel(cancel: SipRequest, read: Essentials, key: string, flow: Flow): void {
    const invite = this.#servers.get(serverKey(cancel, read, 'INVITE'));
    if (!(invite instanceof RunningServer && this.#mayCancel(invite, read, flow))) {
      this.#counts.unmatchedCancels += 1;
      this.#refuse(cancel, key, flow, 481);
      return;
    }
    const transaction = this.#newServer(cancel, key, undefined, flow, ignoreDelivery);
    transaction.handle({ type: 'request', request: cancel }, flow);
    const toTag = tagOf(invite.lastResponse) ?? token(this.#random, tagBytes);
    transaction.handle({ type: 'respond', response: responseTo(cancel, 200, { toTag }) }, flow);
    if (invite.cancelled || !invite.isPending) return;
    invite.cancelled = true;
    this.#callUser(() => this.#user.onCancel(invite, cancel));
  }

  /** The branch alone can be seen by others on an open transport. */
  #mayCancel(invite: RunningServer, { callId, fromTag }: Essentials, flow: Flow): boolean {
    const read = essentials(invite.request);
    if (!isSameSource(invite.flow, flow)) {
      this.#counts.foreignRequests += 1;
      return false;
    }
    return read.ok && read.value.callId === callId && read.value.fromTag === fromTag;
  }

  #refuse(request: SipRequest, key: string, flow: Flow, status: number, headers = Headers.empty): void {
    this.#transport.send(refusalOf(request, key, status, headers), { kind: 'flow', flow }, this.#onUnwatchedSent);
  }

  #retryAfter(): number {
    const { retryAfterSeconds } = this.#limits;
    return retryAfterSeconds + this.#random.below(retryAfterSeconds + 1);
  }

  #newServer(
    request: SipRequest,
    key: string,
    origin: string | undefined,
    flow: Flow,
    onDeliver: RunningServerOptions['onDeliver'],
  ): RunningServer {
    this.#serial += 1;
    const transaction = new RunningServer({
      id: `server-${this.#serial}`,
      key,
      originKey: origin,
      request,
      flow,
      ground: this.#ground,
      onDeliver,
      onAcknowledged: this.#servers.acknowledge,
      onGone: this.#servers.remove,
    });
    this.#servers.add(transaction);
    return transaction;
  }

  /** A request whose owner failed is answered all the same: fail closed, and leave nothing that waits for ever. */
  readonly #deliver = (transaction: ServerTransaction, request: SipRequest, flow: Flow): void => {
    if (request.method === 'ACK') {
      this.#tellAck(request, flow);
    } else if (!this.#callUser(() => this.#user.onRequest(request, transaction))) {
      transaction.respond(responseTo(request, 500, { toTag: token(this.#random, tagBytes) }));
    }
  };

  readonly #tellAck = (ack: SipRequest, flow: Flow): void => {
    this.#callUser(() => this.#user.onAck(ack, flow));
  };

  #newClient(branch: string, request: SipRequest, to: Destination, handlers: ClientHandlers): RunningClient {
    return new RunningClient({
      branch,
      request,
      to,
      handlers,
      ground: this.#ground,
      onCancel: this.#sendCancel,
      onStray: this.#onStrayOfClient,
      onSettled: this.#clients.settle,
      onGone: this.#clients.remove,
    });
  }

  /** The CANCEL needs no place under the limit: there is one for each INVITE at most. */
  readonly #sendCancel = (invite: RunningClient, headers: Headers): void => {
    const cancel = this.#newClient(invite.branch, cancelOf(invite.request, headers), invite.route, unwatched);
    this.#clients.add(cancel);
    cancel.start();
  };

  readonly #onStrayOfClient = (response: SipResponse, flow: Flow): void => {
    this.#onStray(response, 'INVITE', flow);
  };

  #refuseClient(transaction: RunningClient): void {
    this.#counts.overLimit += 1;
    const error: TransportError = {
      code: 'overloaded',
      detail: `${this.#clients.size} client transactions of ${this.#limits.clientTransactions} are in progress`,
    };
    const fail = (): void => transaction.handle({ type: 'transport-error', error }, undefined);
    this.#ground.scheduler.after(0, () => this.#turns.take(fail));
  }

  #newBranch(): string {
    return branchCookie + this.#mark + token(this.#random, branchBytes);
  }

  #withVia(request: SipRequest, to: Destination, branch: string): SipRequest {
    const { transport, sentBy } = this.#transport.viaFor(to);
    const via = `SIP/2.0/${transport.toUpperCase()} ${sentBy};branch=${branch};rport`;
    return { ...request, headers: request.headers.prepend('Via', via) };
  }

  readonly #onUnwatchedSent = (error: TransportError | undefined): void => {
    if (error !== undefined) this.#logger.debug('sip-message-not-sent', { code: error.code, detail: error.detail });
  };

  /** False when the user threw. */
  #callUser(call: () => void): boolean {
    try {
      call();
      return true;
    } catch (thrown) {
      this.#onUserError(thrown);
      return false;
    }
  }

  #onUserError(thrown: unknown): void {
    this.#counts.userErrors += 1;
    this.#logger.error('transaction-user-failed', { error: messageOf(thrown) });
  }
}

/** 128 and 64 bits: nobody guesses a branch, and no two tags of a Call-ID are alike. */
const branchBytes = 16;
const tagBytes = 8;

const ignoreDelivery = (): void => {};

/** Whatever becomes of a CANCEL, its INVITE ends by its own response or timer (§9.1). */
const unwatched: ClientHandlers = { onResponse: () => {}, onTimeout: () => {}, onTransportError: () => {} };

function tagOf(response: SipResponse | undefined): string | undefined {
  const read = response === undefined ? undefined : essentials(response);
  return read?.ok === true ? read.value.toTag : undefined;
}
