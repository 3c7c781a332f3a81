// The INVITE server transaction: RFC 3261 §17.2.1 with the Accepted state and timer L of RFC 6026 §8.7.
// Its user retransmits a 2xx (§13.3.1.4); a failure it retransmits itself until the ACK or timer H.
import type { Millis } from '../../core/clock.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import { lifetime, type SipTimers, type TimerName, tryingDelay } from './timers.ts';
import {
  deliver,
  type InviteServerState,
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

export class InviteServerTransaction implements ServerMachine {
  readonly #invite: SipRequest;
  readonly #isReliable: boolean;
  readonly #timers: SipTimers;
  #state: InviteServerState = 'proceeding';
  #isDelivered = false;
  /** The latest that was sent. */
  #response: SipResponse | undefined;
  #timerG: Millis;

  constructor(invite: SipRequest, isReliable: boolean, timers: SipTimers) {
    this.#invite = invite;
    this.#isReliable = isReliable;
    this.#timers = timers;
    this.#timerG = timers.t1;
  }

  get state(): InviteServerState {
    return this.#state;
  }

  handle(input: ServerInput): readonly TransactionOutput[] {
    switch (input.type) {
      case 'request':
        return input.request.method === 'ACK' ? this.#onAck(input.request) : this.#onInvite();
      case 'respond':
        return this.#onRespond(input.response);
      case 'timer':
        return this.#onTimer(input.timer);
      case 'transport-error':
        // RFC 6026 §8.8: the state stays, so that a retransmitted INVITE is not taken for a new one.
        return this.#state === 'terminated' ? nothing : [{ type: 'transport-error', error: input.error }];
    }
  }

  #onInvite(): readonly TransactionOutput[] {
    if (!this.#isDelivered) {
      this.#isDelivered = true;
      return [start('100', tryingDelay), deliver(this.#invite)];
    }
    const isAnswerable = this.#state === 'proceeding' || this.#state === 'completed';
    return isAnswerable && this.#response !== undefined ? [send(this.#response)] : nothing;
  }

  #onAck(ack: SipRequest): readonly TransactionOutput[] {
    // Only an old or a wrong client puts the INVITE's branch on the ACK to a 2xx; its user waits for that ACK (RFC 6026 §6).
    if (this.#state === 'accepted') return [deliver(ack)];
    if (this.#state !== 'completed') return nothing;
    if (this.#isReliable) {
      this.#state = 'terminated';
      return [stopH, terminated];
    }
    this.#state = 'confirmed';
    return [stopG, stopH, start('I', this.#timers.t4)];
  }

  #onRespond(response: SipResponse): readonly TransactionOutput[] {
    const isSuccess = response.status >= 200 && response.status < 300;
    if (this.#state === 'accepted') return isSuccess ? [send(response)] : nothing;
    if (this.#state !== 'proceeding') return nothing;
    this.#response = response;
    if (response.status < 200) return [stop100, send(response)];
    if (isSuccess) {
      this.#state = 'accepted';
      return [stop100, send(response), start('L', lifetime(this.#timers))];
    }
    this.#state = 'completed';
    const timerH = start('H', lifetime(this.#timers));
    if (this.#isReliable) return [stop100, send(response), timerH];
    return [stop100, send(response), start('G', this.#timerG), timerH];
  }

  #onTimer(timer: TimerName): readonly TransactionOutput[] {
    switch (this.#state) {
      case 'proceeding':
        if (timer !== '100' || this.#response !== undefined) return nothing;
        this.#response = responseTo(this.#invite, 100);
        return [send(this.#response)];
      case 'completed':
        if (timer === 'H') return this.#terminate(timedOut);
        if (timer !== 'G' || this.#response === undefined) return nothing;
        this.#timerG = Math.min(2 * this.#timerG, this.#timers.t2);
        return [send(this.#response), start('G', this.#timerG)];
      case 'accepted':
        return timer === 'L' ? this.#terminate([terminated]) : nothing;
      case 'confirmed':
        return timer === 'I' ? this.#terminate([terminated]) : nothing;
      case 'terminated':
        return nothing;
    }
  }

  #terminate(outputs: readonly TransactionOutput[]): readonly TransactionOutput[] {
    this.#state = 'terminated';
    return outputs;
  }
}

const stop100 = stop('100');
const stopG = stop('G');
const stopH = stop('H');
