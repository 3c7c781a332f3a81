// A server transaction at work: applies the outputs of its machine to the transport, the scheduler and its owner.
import { assertNever } from '../../core/assert-never.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { Destination, Flow, TransportError } from '../transport/transport.ts';
import { InviteServerTransaction } from './invite-server.ts';
import { NonInviteServerTransaction } from './non-invite-server.ts';
import { TimerSet } from './timer-set.ts';
import type { TransactionGround } from './transaction-ground.ts';
import type { ServerInput, ServerMachine, TransactionOutput } from './transaction-machine.ts';
import type { ServerTransaction, ServerTransactionEnd } from './transaction-user.ts';

export interface RunningServerOptions {
  readonly id: string;
  readonly key: string;
  readonly originKey: string | undefined;
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly ground: TransactionGround;
  /** The request itself, and each ACK that is the user's. */
  readonly onDeliver: (transaction: RunningServer, request: SipRequest, flow: Flow) => void;
  /** Its 2xx is acknowledged; it ends afterwards. */
  readonly onAcknowledged: (transaction: RunningServer) => void;
  /** It is over: nothing may lead to it any more. */
  readonly onGone: (transaction: RunningServer) => void;
}

export class RunningServer implements ServerTransaction {
  readonly id: string;
  readonly key: string;
  readonly originKey: string | undefined;
  readonly request: SipRequest;
  readonly flow: Flow;
  cancelled = false;
  /** The latest that was sent. */
  lastResponse: SipResponse | undefined;
  onTransportError: ((error: TransportError) => void) | undefined;
  onEnded: ((end: ServerTransactionEnd) => void) | undefined;
  readonly #ground: TransactionGround;
  readonly #machine: ServerMachine;
  readonly #timers: TimerSet;
  readonly #to: Destination;
  readonly #onDeliver: RunningServerOptions['onDeliver'];
  readonly #onAcknowledged: RunningServerOptions['onAcknowledged'];
  readonly #onGone: RunningServerOptions['onGone'];
  #end: ServerTransactionEnd = 'completed';
  #isLingering = false;
  #isGone = false;
  #hasFailed = false;

  constructor(options: RunningServerOptions) {
    const { id, key, originKey, request, flow, ground, onDeliver, onAcknowledged, onGone } = options;
    this.id = id;
    this.key = key;
    this.originKey = originKey;
    this.request = request;
    this.flow = flow;
    this.#ground = ground;
    this.#onDeliver = onDeliver;
    this.#onAcknowledged = onAcknowledged;
    this.#onGone = onGone;
    const Machine = request.method === 'INVITE' ? InviteServerTransaction : NonInviteServerTransaction;
    this.#machine = new Machine(request, flow.reliable, ground.timers);
    this.#to = { kind: 'flow', flow };
    this.#timers = new TimerSet(ground.scheduler, (timer) => this.#take({ type: 'timer', timer }));
  }

  /** Whether the final answer is still owed. */
  get isPending(): boolean {
    return this.#machine.state === 'proceeding' || this.#machine.state === 'trying';
  }

  /** Whether it is over for its user, and only answers copies until its last timer: I, J or L. */
  get #lingers(): boolean {
    const { state } = this.#machine;
    return state === 'accepted' || state === 'confirmed' || (state === 'completed' && this.request.method !== 'INVITE');
  }

  respond(response: SipResponse): void {
    this.#take({ type: 'respond', response });
  }

  acknowledged(): void {
    this.#ground.turns.take(() => {
      if (this.#isGone || this.#machine.state !== 'accepted') return;
      this.end('completed');
      this.#onAcknowledged(this);
    });
  }

  abandon(): void {
    this.#ground.turns.take(() => this.end('abandoned'));
  }

  readonly #onSent = (error: TransportError | undefined): void => {
    if (error !== undefined) this.#take({ type: 'transport-error', error });
  };

  /** One input; `flow` is the one that a request came over. Only within a turn. */
  handle(input: ServerInput, flow: Flow): void {
    if (this.#isGone) return;
    for (const output of this.#machine.handle(input)) this.#apply(output, flow);
    if (this.#isLingering || this.#isGone || !this.#lingers) return;
    this.#isLingering = true;
    this.#ground.lingering.count += 1;
  }

  /** Only within a turn. */
  end(end: ServerTransactionEnd): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#isLingering) this.#ground.lingering.count -= 1;
    this.#timers.stopAll();
    this.#onGone(this);
    const { onEnded } = this;
    if (onEnded !== undefined) this.#ground.callUser(() => onEnded(end));
  }

  #take(input: ServerInput): void {
    this.#ground.turns.take(() => this.handle(input, this.flow));
  }

  #apply(output: TransactionOutput, flow: Flow): void {
    switch (output.type) {
      case 'send':
        if (output.message.kind === 'response') this.lastResponse = output.message;
        this.#ground.transport.send(output.message, this.#to, this.#onSent);
        return;
      case 'deliver':
        if (output.message.kind === 'request') this.#onDeliver(this, output.message, flow);
        return;
      case 'start':
        this.#timers.start(output.timer, output.delay);
        return;
      case 'stop':
        this.#timers.stop(output.timer);
        return;
      case 'timeout':
        this.#end = 'timeout';
        return;
      case 'transport-error':
        this.#fail(output.error);
        return;
      case 'terminated':
        this.end(this.#end);
        return;
      case 'stray':
        return;
      default:
        assertNever(output);
    }
  }

  #fail(error: TransportError): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#ground.logger.debug('sip-response-not-sent', {
      transaction: this.id,
      code: error.code,
      detail: error.detail,
    });
    const { onTransportError } = this;
    if (onTransportError !== undefined) this.#ground.callUser(() => onTransportError(error));
  }
}
