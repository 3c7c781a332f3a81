// The INVITE client transaction: RFC 3261 §17.1.1 with the Accepted state and timer M of RFC 6026 §8.4.
// It ACKs a failure itself; each 2xx goes to its user, who ACKs it. Cancelling only bounds how long it lives (§9.1).
import type { Millis } from '../../core/clock.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { TransportError } from '../transport/transport.ts';
import { ackTo } from './hop-request.ts';
import { completedWait, lifetime, type SipTimers, type TimerName } from './timers.ts';
import {
  type ClientInput,
  type ClientMachine,
  deliver,
  type InviteClientState,
  nothing,
  send,
  start,
  stop,
  type TransactionOutput,
  terminated,
  timedOut,
} from './transaction-machine.ts';

export class InviteClientTransaction implements ClientMachine {
  readonly #request: SipRequest;
  readonly #isReliable: boolean;
  readonly #timers: SipTimers;
  #state: InviteClientState = 'calling';
  #timerA: Millis;
  #ack: SipRequest | undefined;

  constructor(request: SipRequest, isReliable: boolean, timers: SipTimers) {
    this.#request = request;
    this.#isReliable = isReliable;
    this.#timers = timers;
    this.#timerA = timers.t1;
  }

  get state(): InviteClientState {
    return this.#state;
  }

  start(): readonly TransactionOutput[] {
    const timerB = start('B', lifetime(this.#timers));
    if (this.#isReliable) return [send(this.#request), timerB];
    return [send(this.#request), start('A', this.#timerA), timerB];
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
        return this.#state === 'proceeding' ? [start('B', lifetime(this.#timers))] : nothing;
    }
  }

  #onResponse(response: SipResponse): readonly TransactionOutput[] {
    const { status } = response;
    switch (this.#state) {
      case 'calling':
      case 'proceeding':
        if (status < 200) return this.#onProvisional(response);
        return status < 300 ? this.#accept(response) : this.#complete(response);
      case 'accepted':
        return status >= 200 && status < 300 ? [deliver(response)] : nothing;
      case 'completed':
        // A forking proxy may pass a 2xx on after a failure (§16.7): somebody must ACK it and say BYE.
        if (status >= 200 && status < 300) return [{ type: 'stray', response }];
        return status >= 300 && this.#ack !== undefined ? [send(this.#ack)] : nothing;
      case 'terminated':
        return nothing;
    }
  }

  #onProvisional(response: SipResponse): readonly TransactionOutput[] {
    if (this.#state === 'proceeding') return [deliver(response)];
    const stops = this.#stopRequestTimers();
    this.#state = 'proceeding';
    return [...stops, deliver(response)];
  }

  #accept(response: SipResponse): readonly TransactionOutput[] {
    const stops = this.#stopRequestTimers();
    this.#state = 'accepted';
    return [...stops, start('M', lifetime(this.#timers)), deliver(response)];
  }

  #complete(response: SipResponse): readonly TransactionOutput[] {
    const stops = this.#stopRequestTimers();
    const ack = ackTo(this.#request, response);
    if (this.#isReliable) {
      this.#state = 'terminated';
      return [...stops, send(ack), deliver(response), terminated];
    }
    this.#state = 'completed';
    this.#ack = ack;
    return [...stops, send(ack), start('D', completedWait(this.#timers)), deliver(response)];
  }

  /** In Proceeding, B runs only after a CANCEL. */
  #stopRequestTimers(): readonly TransactionOutput[] {
    return this.#state === 'calling' && !this.#isReliable ? stopAAndB : stopB;
  }

  #onTimer(timer: TimerName): readonly TransactionOutput[] {
    if (timer === 'A' && this.#state === 'calling') {
      this.#timerA *= 2;
      return [send(this.#request), start('A', this.#timerA)];
    }
    if (timer === 'B' && (this.#state === 'calling' || this.#state === 'proceeding')) {
      this.#state = 'terminated';
      return timedOut;
    }
    if ((timer === 'D' && this.#state === 'completed') || (timer === 'M' && this.#state === 'accepted')) {
      this.#state = 'terminated';
      return [terminated];
    }
    return nothing;
  }

  /** After a provisional the peer has the INVITE; what fails then is a late report of an old copy. */
  #onTransportError(error: TransportError): readonly TransactionOutput[] {
    if (this.#state !== 'calling' && this.#state !== 'completed') return nothing;
    this.#state = 'terminated';
    return [{ type: 'transport-error', error }, terminated];
  }
}

const stopB: readonly TransactionOutput[] = [stop('B')];
const stopAAndB: readonly TransactionOutput[] = [stop('A'), stop('B')];
