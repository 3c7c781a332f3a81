// The server transaction of every other request: RFC 3261 §17.2.2 as RFC 4320 §4 changes it.
// No provisional but 100, that not before the client's timer E reached T2 (over UDP) but then surely; never a 408; and no
// answer at all after 64 · T1, when the client has given up.
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import { lifetime, type SipTimers, type TimerName, timerEReachesT2 } from './timers.ts';
import {
  deliver,
  type NonInviteServerState,
  nothing,
  type ServerInput,
  type ServerMachine,
  send,
  start,
  stop,
  type TransactionOutput,
  terminated,
  timedOut,
} from './transaction-machine.ts';

export class NonInviteServerTransaction implements ServerMachine {
  readonly #request: SipRequest;
  readonly #isReliable: boolean;
  readonly #timers: SipTimers;
  #state: NonInviteServerState = 'trying';
  #isDelivered = false;
  /** The latest that was sent. */
  #response: SipResponse | undefined;

  constructor(request: SipRequest, isReliable: boolean, timers: SipTimers) {
    this.#request = request;
    this.#isReliable = isReliable;
    this.#timers = timers;
  }

  get state(): NonInviteServerState {
    return this.#state;
  }

  handle(input: ServerInput): readonly TransactionOutput[] {
    switch (input.type) {
      case 'request':
        return this.#onRequest();
      case 'respond':
        return this.#onRespond(input.response);
      case 'timer':
        return this.#onTimer(input.timer);
      case 'transport-error':
        // RFC 6026 §8.8: the state stays, so that a retransmission is not taken for a new request.
        return this.#state === 'terminated' ? nothing : [{ type: 'transport-error', error: input.error }];
    }
  }

  #onRequest(): readonly TransactionOutput[] {
    if (!this.#isDelivered) {
      this.#isDelivered = true;
      return [start('100', timerEReachesT2(this.#timers)), deliver(this.#request)];
    }
    return this.#response === undefined || this.#state === 'terminated' ? nothing : [send(this.#response)];
  }

  #onRespond(response: SipResponse): readonly TransactionOutput[] {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return nothing;
    if (response.status < 200) return this.#onProvisional(response);
    const sent = response.status === 408 ? nothing : [send(response)];
    this.#response = response.status === 408 ? undefined : response;
    if (this.#isReliable) {
      this.#state = 'terminated';
      return [stop100, stopF, ...sent, terminated];
    }
    this.#state = 'completed';
    return [stop100, stopF, ...sent, start('J', lifetime(this.#timers))];
  }

  /** Over UDP a 100 of the user is early until timer '100' sent ours; only then is the state Proceeding. */
  #onProvisional(response: SipResponse): readonly TransactionOutput[] {
    const isEarly = !this.#isReliable && this.#state === 'trying';
    if (response.status !== 100 || isEarly) return nothing;
    this.#state = 'proceeding';
    this.#response = response;
    return [send(response)];
  }

  #onTimer(timer: TimerName): readonly TransactionOutput[] {
    if (timer === '100' && (this.#state === 'trying' || this.#state === 'proceeding')) return this.#onTrying();
    if (timer === 'F' && this.#state === 'proceeding') {
      this.#state = 'terminated';
      return timedOut;
    }
    if (timer === 'J' && this.#state === 'completed') {
      this.#state = 'terminated';
      return [terminated];
    }
    return nothing;
  }

  /** From here on the transaction has what is left of the client's timer F. */
  #onTrying(): readonly TransactionOutput[] {
    const timerF = start('F', lifetime(this.#timers) - timerEReachesT2(this.#timers));
    if (this.#state === 'proceeding') return [timerF];
    this.#state = 'proceeding';
    this.#response = responseTo(this.#request, 100);
    return [send(this.#response), timerF];
  }
}

const stop100 = stop('100');
const stopF = stop('F');
