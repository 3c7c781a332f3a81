// The client transaction of every other request: RFC 3261 §17.1.2.
import type { Millis } from '../../core/clock.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { TransportError } from '../transport/transport.ts';
import { lifetime, type SipTimers, type TimerName } from './timers.ts';
import {
  type ClientInput,
  type ClientMachine,
  deliver,
  type NonInviteClientState,
  nothing,
  send,
  start,
  stop,
  type TransactionOutput,
  terminated,
  timedOut,
} from './transaction-machine.ts';

export class NonInviteClientTransaction implements ClientMachine {
  readonly #request: SipRequest;
  readonly #isReliable: boolean;
  readonly #timers: SipTimers;
  #state: NonInviteClientState = 'trying';
  #timerE: Millis;

  constructor(request: SipRequest, isReliable: boolean, timers: SipTimers) {
    this.#request = request;
    this.#isReliable = isReliable;
    this.#timers = timers;
    this.#timerE = timers.t1;
  }

  get state(): NonInviteClientState {
    return this.#state;
  }

  start(): readonly TransactionOutput[] {
    const timerF = start('F', lifetime(this.#timers));
    if (this.#isReliable) return [send(this.#request), timerF];
    return [send(this.#request), start('E', this.#timerE), timerF];
  }

  handle(input: ClientInput): readonly TransactionOutput[] {
    switch (input.type) {
      case 'response':
        return this.#onResponse(input.response);
      case 'timer':
        return this.#onTimer(input.timer);
      case 'transport-error':
        return this.#onTransportError(input.error);
      case 'cancelled':
        return nothing;
    }
  }

  get #isWaiting(): boolean {
    return this.#state === 'trying' || this.#state === 'proceeding';
  }

  #onResponse(response: SipResponse): readonly TransactionOutput[] {
    if (!this.#isWaiting) return nothing;
    if (response.status < 200) {
      this.#state = 'proceeding';
      return [deliver(response)];
    }
    if (this.#isReliable) {
      this.#state = 'terminated';
      return [stopF, deliver(response), terminated];
    }
    this.#state = 'completed';
    return [stopE, stopF, start('K', this.#timers.t4), deliver(response)];
  }

  #onTimer(timer: TimerName): readonly TransactionOutput[] {
    if (timer === 'E' && this.#isWaiting) {
      const { t2 } = this.#timers;
      this.#timerE = this.#state === 'proceeding' ? t2 : Math.min(2 * this.#timerE, t2);
      return [send(this.#request), start('E', this.#timerE)];
    }
    if (timer === 'F' && this.#isWaiting) {
      this.#state = 'terminated';
      return timedOut;
    }
    if (timer === 'K' && this.#state === 'completed') {
      this.#state = 'terminated';
      return [terminated];
    }
    return nothing;
  }

  #onTransportError(error: TransportError): readonly TransactionOutput[] {
    if (!this.#isWaiting) return nothing;
    this.#state = 'terminated';
    return [{ type: 'transport-error', error }, terminated];
  }
}

const stopE = stop('E');
const stopF = stop('F');
