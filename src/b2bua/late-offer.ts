// A caller that offered nothing (RFC 3261 §13.2.1): the callee's 2xx makes the offer, ports are opened for it on both legs, our
// own 2xx passes it on, and its ACK brings the answer. Until then the 2xx of the callee waits for its ACK.
import type { SessionDescription } from '../media/sdp/session-description.ts';
import type { Body } from '../sip/user-agent/session.ts';
import type { Attempt } from './attempt.ts';
import type { CallInput, CallOutput, LegId } from './call-event.ts';
import { Exchange, received } from './exchange.ts';
import { type Failure, failureOf, refusedLocally } from './failure.ts';
import type { Leg } from './leg.ts';
import { ackAndBye, noMedia, notAcceptable, statusReason } from './reason.ts';

export type LateOfferStep =
  | { readonly kind: 'waiting' }
  /** The caller's offer, and what its ACK goes to. */
  | { readonly kind: 'offered'; readonly toCaller: Uint8Array; readonly exchange: Exchange }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly outputs: readonly CallOutput[] };

export class LateOffer {
  readonly attempt: Attempt;
  readonly #caller: Leg;
  readonly #offer: SessionDescription;
  /** Legs that still need ports for it. */
  readonly #opening = new Set<LegId>();

  private constructor(caller: Leg, attempt: Attempt, offer: SessionDescription) {
    this.attempt = attempt;
    this.#caller = caller;
    this.#offer = offer;
  }

  /** Undefined when the 2xx with that body makes no offer that can be used. */
  static of(caller: Leg, attempt: Attempt, body: Body | undefined): LateOffer | undefined {
    const offer = received(body, (bytes) => attempt.leg.sdp.receiveOffer(bytes));
    if (!offer.ok || attempt.leg.missing(offer.value).length === 0) return undefined;
    return new LateOffer(caller, attempt, offer.value);
  }

  begin(): readonly CallOutput[] {
    const outputs: CallOutput[] = [];
    for (const leg of [this.#caller, this.attempt.leg]) {
      const specs = leg.missing(this.#offer);
      // The caller has ports when an earlier attempt's offer was on its way to it already.
      if (specs.length === 0) continue;
      this.#opening.add(leg.id);
      outputs.push({ type: 'open-media', leg: leg.id, specs });
    }
    return outputs;
  }

  /** Undefined when the input does not concern it. */
  handle(input: CallInput): LateOfferStep | undefined {
    const { leg } = this.attempt;
    if (input.type === 'media-opened' && this.#opening.delete(input.leg)) {
      (input.leg === this.#caller.id ? this.#caller : leg).opened(this.#offer, input.endpoints);
      return this.#opening.size > 0 ? { kind: 'waiting' } : this.#passOn();
    }
    if (input.type === 'media-refused' && this.#opening.has(input.leg)) {
      const outputs = ackAndBye(leg.id, statusReason(500, 'No media'));
      return { kind: 'failed', failure: refusedLocally(noMedia(input.detail)), outputs };
    }
    if (input.type === 'leg-ended' && input.leg === leg.id) {
      return { kind: 'failed', failure: failureOf(480), outputs: [] };
    }
    return undefined;
  }

  #passOn(): LateOfferStep {
    const { leg } = this.attempt;
    const toCaller = this.#caller.sdp.createOffer(this.#offer, this.#caller.locals());
    if (!toCaller.ok) {
      return { kind: 'failed', failure: failureOf(488), outputs: ackAndBye(leg.id, notAcceptable) };
    }
    const exchange = Exchange.late(this.#caller, leg, this.#offer);
    return { kind: 'offered', toCaller: toCaller.value, exchange };
  }
}
