// A 2xx that makes the offer, since the caller made none (RFC 3261 §13.2.1): ours passes it on, and its ACK brings the answer. Until then
// the 2xx of the callee waits for its ACK.
import type { Body } from '../../sip/user-agent/session.ts';
import type { Attempt } from './attempt.ts';
import type { CallInput } from './call-event.ts';
import type { Face } from './caller-faces.ts';
import { Exchange } from './exchange.ts';
import { failureOf } from './failure.ts';
import { LateOffer, type LateOfferStep } from './late-offer.ts';
import { ackAndBye } from './reason.ts';
import type { SetupStep } from './setup-step.ts';

export type LateAnswerStep =
  | Exclude<LateOfferStep, { kind: 'offered' }>
  | { readonly kind: 'answered'; readonly next: SetupStep['next'] };

export class LateAnswer {
  readonly attempt: Attempt;
  readonly #dialog: number;
  readonly #offer: LateOffer;

  private constructor(attempt: Attempt, dialog: number, offer: LateOffer) {
    this.attempt = attempt;
    this.#dialog = dialog;
    this.#offer = offer;
  }

  /** Undefined when that 2xx makes no offer that can be used: one that waits for its PRACK cannot be made again (RFC 3262 §3). */
  static of({ attempt, earlyId, leg: caller, number }: Face, body: Body | undefined): LateAnswer | undefined {
    if (attempt.early.has(earlyId)) return undefined;
    const { leg } = attempt;
    const offer = LateOffer.of(caller, leg, body, (why) => ackAndBye(leg.id, why));
    return offer === undefined ? undefined : new LateAnswer(attempt, number, offer);
  }

  begin(): LateAnswerStep {
    return this.#after(this.#offer.begin());
  }

  /** Undefined when the input does not concern it. */
  handle(input: CallInput): LateAnswerStep | undefined {
    if (this.attempt.phase !== 'answering') return undefined;
    if (input.type === 'leg-ended' && input.leg === this.attempt.leg.id) {
      return { kind: 'failed', failure: failureOf(480), outputs: [] };
    }
    const step = this.#offer.handle(input);
    return step === undefined ? undefined : this.#after(step);
  }

  #after(step: LateOfferStep): LateAnswerStep {
    if (step.kind !== 'offered') return step;
    const { toCaller, offer } = step;
    const { caller, callee } = this.#offer;
    const exchange = Exchange.late(caller, callee, offer);
    return { kind: 'answered', next: { kind: 'answered', caller, callee, dialog: this.#dialog, toCaller, exchange } };
  }
}
