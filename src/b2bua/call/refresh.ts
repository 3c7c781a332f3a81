// A refresh of one leg's session timer by re-INVITE, for a peer that takes no UPDATE (RFC 4028 §7.4): the session as it is is
// offered again, under the version that it has, and the other leg hears nothing of it.
import type { CallInput, CallOutput } from './call-event.ts';
import { type ExchangeStep, received } from './exchange.ts';
import type { Leg } from './leg.ts';
import { sdpBody } from './sdp-body.ts';

export class Refresh {
  readonly #leg: Leg;
  readonly #other: Leg;

  constructor(leg: Leg, other: Leg) {
    this.#leg = leg;
    this.#other = other;
  }

  begin(): ExchangeStep {
    const offer = this.#leg.sdp.createOffer(this.#other.sdp.remoteDescription(), this.#leg.locals());
    if (!offer.ok) return this.#over([]);
    const body = sdpBody(offer.value);
    return { outputs: [{ type: 'reinvite', leg: this.#leg.id, method: 'INVITE', body }], next: 'waiting' };
  }

  /** Undefined when the input does not concern it. */
  handle(input: CallInput): ExchangeStep | undefined {
    if (!('leg' in input) || input.leg !== this.#leg.id) return undefined;
    if (input.type === 'reinvite-failed') return this.#over([]);
    if (input.type !== 'reinvite-answered') return undefined;
    const ack: CallOutput = { type: 'ack', leg: this.#leg.id, body: undefined };
    const answer = received(input.body, (bytes) => this.#leg.sdp.receiveAnswer(bytes));
    // What was in force stays, as after a refusal; the peer has refreshed all the same.
    if (!answer.ok) return this.#over([ack]);
    this.#leg.sdp.commit();
    return { outputs: [ack, ...this.#leg.remoteCommands()], next: 'done' };
  }

  #over(outputs: readonly CallOutput[]): ExchangeStep {
    this.#leg.sdp.rollback();
    return { outputs, next: 'done' };
  }
}
