// A client transaction at work: applies the outputs of its machine, and sends the CANCEL as soon as it may (RFC 3261 §9.1).
// When its user needs no more of it, it makes room for a SettledClient.
import { assertNever } from '../../core/assert-never.ts';
import type { Millis } from '../../core/clock.ts';
import { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { Destination, Flow, TransportError } from '../transport/transport.ts';
import { InviteClientTransaction } from './invite-client.ts';
import { clientKey } from './key.ts';
import { NonInviteClientTransaction } from './non-invite-client.ts';
import type { LateAnswerHandler } from './settled-client.ts';
import { TimerSet } from './timer-set.ts';
import { lifetime } from './timers.ts';
import type { TransactionGround } from './transaction-ground.ts';
import type { ClientInput, ClientMachine, TransactionOutput } from './transaction-machine.ts';
import type { ClientHandlers, ClientTransaction } from './transaction-user.ts';

export interface RunningClientOptions {
  readonly branch: string;
  /** With its Via. */
  readonly request: SipRequest;
  readonly to: Destination;
  readonly handlers: ClientHandlers;
  readonly ground: TransactionGround;
  /** The time has come to send the CANCEL of this INVITE. */
  readonly onCancel: (transaction: RunningClient, headers: Headers) => void;
  readonly onStray: (response: SipResponse, flow: Flow) => void;
  /** It ended before its last timer: copies of its answer are for somebody else for so long. */
  readonly onSettled: (transaction: RunningClient, wait: Millis, onLate?: LateAnswerHandler) => void;
  /** It is over: nothing may lead to it any more. */
  readonly onGone: (transaction: RunningClient) => void;
}

export class RunningClient implements ClientTransaction {
  readonly branch: string;
  readonly key: string;
  readonly request: SipRequest;
  readonly #to: Destination;
  readonly #handlers: ClientHandlers;
  readonly #ground: TransactionGround;
  readonly #onCancel: RunningClientOptions['onCancel'];
  readonly #onStray: RunningClientOptions['onStray'];
  readonly #onSettled: RunningClientOptions['onSettled'];
  readonly #onGone: RunningClientOptions['onGone'];
  readonly #machine: ClientMachine;
  readonly #timers: TimerSet;
  /** Where the request went: its ACK, its CANCEL and its copies go there too (§9.1, §17.1.1.3). */
  #sentOver: (Destination & { readonly kind: 'flow' }) | undefined;
  #cancelHeaders: Headers | undefined;
  #isCancelSent = false;
  #hasOutcome = false;
  /** It is over for its user, and only takes copies of the answer until its last timer: D or M. */
  #isLingering = false;
  #lingersSince: Millis = 0;
  #isGone = false;

  constructor(options: RunningClientOptions) {
    const { branch, request, to, handlers, ground, onCancel, onStray, onSettled, onGone } = options;
    this.branch = branch;
    this.key = clientKey(branch, request.method);
    this.request = request;
    this.#to = to;
    this.#handlers = handlers;
    this.#ground = ground;
    this.#onCancel = onCancel;
    this.#onStray = onStray;
    this.#onSettled = onSettled;
    this.#onGone = onGone;
    const Machine = request.method === 'INVITE' ? InviteClientTransaction : NonInviteClientTransaction;
    this.#machine = new Machine(request, ground.transport.reliable(to), ground.timers);
    this.#timers = new TimerSet(ground.scheduler, (timer) => this.#take({ type: 'timer', timer }));
  }

  /** The flow that the request went over while that lives, else its destination. */
  get route(): Destination {
    const over = this.#sentOver;
    return over !== undefined && this.#ground.transport.isAlive(over.flow) ? over : this.#to;
  }

  cancel(headers: Headers = Headers.empty): void {
    this.#ground.turns.take(() => {
      if (this.request.method !== 'INVITE' || this.#cancelHeaders !== undefined) return;
      this.#cancelHeaders = headers;
      this.#cancelWhenAllowed();
    });
  }

  release(heir: () => LateAnswerHandler): void {
    this.#ground.turns.take(() => {
      if (this.#isGone || this.#machine.state !== 'accepted') return;
      const { scheduler, timers } = this.#ground;
      this.#settle(lifetime(timers) - (scheduler.clock.now() - this.#lingersSince), heir());
    });
  }

  abandon(): void {
    this.#ground.turns.take(() => this.end());
  }

  readonly #onSent = (error: TransportError | undefined, flow: Flow | undefined): void => {
    if (error !== undefined) this.#take({ type: 'transport-error', error });
    else if (flow !== undefined && this.#sentOver?.flow !== flow) this.#sentOver = { kind: 'flow', flow };
  };

  /** Only within a turn. */
  start(): void {
    if (!this.#isGone) this.#applyAll(this.#machine.start(), undefined);
  }

  /** One input; `flow` is the one that a response came over. Only within a turn. */
  handle(input: ClientInput, flow: Flow | undefined): void {
    if (this.#isGone) return;
    this.#applyAll(this.#machine.handle(input), flow);
    this.#cancelWhenAllowed();
    const { state } = this.#machine;
    if (this.#isLingering || this.#isGone || (state !== 'accepted' && state !== 'completed')) return;
    if (this.request.method !== 'INVITE') {
      this.#settle(this.#ground.timers.t4);
      return;
    }
    this.#isLingering = true;
    this.#lingersSince = this.#ground.scheduler.clock.now();
    this.#ground.lingering.count += 1;
  }

  #settle(wait: Millis, onLate?: LateAnswerHandler): void {
    this.end();
    this.#onSettled(this, wait, onLate);
  }

  /** Only within a turn. */
  end(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#isLingering) this.#ground.lingering.count -= 1;
    this.#timers.stopAll();
    this.#onGone(this);
    this.#ground.callUser(() => this.#handlers.onTerminated?.());
  }

  #take(input: ClientInput): void {
    this.#ground.turns.take(() => this.handle(input, undefined));
  }

  /** Not before a provisional: an INVITE that the peer does not have cannot be cancelled (§9.1). */
  #cancelWhenAllowed(): void {
    const headers = this.#cancelHeaders;
    if (headers === undefined || this.#isCancelSent || this.#isGone || this.#machine.state !== 'proceeding') return;
    this.#isCancelSent = true;
    this.#onCancel(this, headers);
    this.#applyAll(this.#machine.handle({ type: 'cancelled' }), undefined);
  }

  #applyAll(outputs: readonly TransactionOutput[], flow: Flow | undefined): void {
    for (const output of outputs) this.#apply(output, flow);
  }

  #apply(output: TransactionOutput, flow: Flow | undefined): void {
    switch (output.type) {
      case 'send':
        this.#ground.transport.send(output.message, this.route, this.#onSent);
        return;
      case 'deliver':
        if (output.message.kind === 'response' && flow !== undefined) this.#deliver(output.message, flow);
        return;
      case 'stray':
        if (flow !== undefined) this.#onStray(output.response, flow);
        return;
      case 'start':
        this.#timers.start(output.timer, output.delay);
        return;
      case 'stop':
        this.#timers.stop(output.timer);
        return;
      case 'timeout':
        this.#fail(() => this.#handlers.onTimeout());
        return;
      case 'transport-error':
        this.#fail(() => this.#handlers.onTransportError(output.error));
        return;
      case 'terminated':
        this.end();
        return;
      default:
        assertNever(output);
    }
  }

  #deliver(response: SipResponse, flow: Flow): void {
    if (response.status >= 200) this.#hasOutcome = true;
    this.#ground.callUser(() => this.#handlers.onResponse(response, flow));
  }

  /** An ACK that could not be sent changes no outcome: the user has the failure already. */
  #fail(tell: () => void): void {
    if (this.#hasOutcome) return;
    this.#hasOutcome = true;
    this.#ground.callUser(tell);
  }
}
