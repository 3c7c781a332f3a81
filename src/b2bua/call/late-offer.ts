// A caller that offered nothing (RFC 3261 §13.2.1): a 2xx of the callee makes the offer, or a provisional that must arrive (RFC 3262 §5).
// Ports are opened for it on both legs, and ours to the caller is made of it; what answers that is the business of whoever asked.
import type { SessionDescription } from '../../media/sdp/session-description.ts';
import type { Headers } from '../../sip/message/headers.ts';
import type { Body } from '../../sip/user-agent/session.ts';
import type { CallInput, CallOutput, LegId } from './call-event.ts';
import { received } from './exchange.ts';
import { type Failure, failureOf, refusedLocally } from './failure.ts';
import type { Leg } from './leg.ts';
import { noMedia, notAcceptable, statusReason } from './reason.ts';

export type LateOfferStep =
  | { readonly kind: 'waiting'; readonly outputs: readonly CallOutput[] }
  /** The offer of the callee, and ours to the caller. */
  | { readonly kind: 'offered'; readonly toCaller: Uint8Array; readonly offer: SessionDescription }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly outputs: readonly CallOutput[] };

export class LateOffer {
  readonly caller: Leg;
  readonly callee: Leg;
  readonly #offer: SessionDescription;
  readonly #giveUp: (why: Headers) => readonly CallOutput[];
  /** Legs that still need ports for it. */
  readonly #opening = new Set<LegId>();

  private constructor(
    caller: Leg,
    callee: Leg,
    offer: SessionDescription,
    giveUp: (why: Headers) => readonly CallOutput[],
  ) {
    this.caller = caller;
    this.callee = callee;
    this.#offer = offer;
    this.#giveUp = giveUp;
  }

  /** Undefined when that body makes no offer that can be used. `giveUp` ends the callee's side where it leads to nothing. */
  static of(
    caller: Leg,
    callee: Leg,
    body: Body | undefined,
    giveUp: (why: Headers) => readonly CallOutput[],
  ): LateOffer | undefined {
    const offer = received(body, (bytes) => callee.sdp.receiveOffer(bytes));
    if (!offer.ok || !offer.value.media.some((line) => line.accepted)) return undefined;
    return new LateOffer(caller, callee, offer.value, giveUp);
  }

  begin(): LateOfferStep {
    const outputs: CallOutput[] = [];
    for (const leg of [this.caller, this.callee]) {
      const specs = leg.missing(this.#offer);
      // It has ports when an earlier offer was on its way already.
      if (specs.length === 0) continue;
      this.#opening.add(leg.id);
      outputs.push({ type: 'open-media', leg: leg.id, specs });
    }
    return outputs.length > 0 ? { kind: 'waiting', outputs } : this.#passOn();
  }

  /** Undefined when the input does not concern it. */
  handle(input: CallInput): LateOfferStep | undefined {
    if (input.type === 'media-opened' && this.#opening.delete(input.leg)) {
      (input.leg === this.caller.id ? this.caller : this.callee).opened(this.#offer, input.endpoints);
      return this.#opening.size > 0 ? { kind: 'waiting', outputs: [] } : this.#passOn();
    }
    if (input.type === 'media-refused' && this.#opening.delete(input.leg)) {
      const outputs = this.#giveUp(statusReason(500, 'No media'));
      return { kind: 'failed', failure: refusedLocally(noMedia(input.detail)), outputs };
    }
    return undefined;
  }

  #passOn(): LateOfferStep {
    const toCaller = this.caller.sdp.createOffer(this.#offer, this.caller.locals());
    if (toCaller.ok) return { kind: 'offered', toCaller: toCaller.value, offer: this.#offer };
    return { kind: 'failed', failure: failureOf(488), outputs: this.#giveUp(notAcceptable) };
  }
}
