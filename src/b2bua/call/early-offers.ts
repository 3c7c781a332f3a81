// Offers of callees in provisionals that must arrive, to a caller that made none (RFC 3262 §5): each goes on in a provisional of ours,
// whose PRACK brings the answer, and the PRACK of the callee waits for that. One after the other, as all need the caller's ports.
import type { Body } from '../../sip/user-agent/session.ts';
import type { Attempt } from './attempt.ts';
import type { CallInput, CallOutput } from './call-event.ts';
import type { Face } from './caller-faces.ts';
import { received } from './exchange.ts';
import { type Failure, failureOf } from './failure.ts';
import { LateOffer, type LateOfferStep } from './late-offer.ts';
import { notAcceptable } from './reason.ts';
import { sdpBody } from './sdp-body.ts';

interface EarlyOffer {
  readonly face: Face;
  /** Of the provisional. */
  readonly status: number;
  readonly late: LateOffer;
}

export interface EarlyOffersStep {
  readonly outputs: readonly CallOutput[];
  readonly failed: readonly { readonly attempt: Attempt; readonly failure: Failure }[];
  /** Both sides of that early dialog have the same session now. */
  readonly agreed?: Face;
}

export class EarlyOffers {
  /** Those that wait for ports: the first one has asked. */
  #waiting: readonly EarlyOffer[] = [];
  /** What the caller was told and has not answered, by the number of its early dialog. */
  readonly #told = new Map<number, EarlyOffer>();

  /** The offer in a provisional of that early dialog, which has made none before. */
  offered(face: Face, status: number, body: Body): EarlyOffersStep {
    const { attempt, earlyId } = face;
    const sdp = attempt.leg.sdp.fork();
    const late = LateOffer.of(face.leg, attempt.leg.withSdp(sdp), body, (headers) => [
      { type: 'cancel', leg: attempt.leg.id, headers },
    ]);
    if (late === undefined) return unusable(attempt);
    attempt.early.set(earlyId, sdp);
    this.#waiting = [...this.#waiting, { face, status, late }];
    return this.#waiting.length === 1 ? this.#begin() : nothing;
  }

  /** Undefined when the input does not concern them. */
  handle(input: CallInput): EarlyOffersStep | undefined {
    if (input.type === 'early-answer') return this.#answered(input.dialog, input.body);
    const [first] = this.#waiting;
    const step = first?.late.handle(input);
    if (first === undefined || step === undefined) return undefined;
    const { attempt } = first.face;
    // The caller's ports serve the next one too; the callee's have nobody any more.
    const isLost = attempt.phase === 'over' && input.type === 'media-opened' && input.leg === attempt.leg.id;
    const closing: readonly CallOutput[] = isLost
      ? [{ type: 'close-endpoints', endpoints: input.endpoints.map(({ endpoint }) => endpoint) }]
      : [];
    return before(closing, this.#settle(first, step));
  }

  #begin(): EarlyOffersStep {
    const [first] = this.#waiting;
    return first === undefined ? nothing : this.#settle(first, first.late.begin());
  }

  #settle(offer: EarlyOffer, step: LateOfferStep): EarlyOffersStep {
    if (step.kind === 'waiting') return { outputs: step.outputs, failed: [] };
    const { face, status } = offer;
    const { attempt } = face;
    this.#waiting = this.#waiting.slice(1);
    const next = this.#begin();
    if (attempt.phase !== 'inviting') return next;
    if (step.kind === 'failed') {
      const failed = [{ attempt, failure: step.failure }, ...next.failed];
      return { outputs: [...step.outputs, ...next.outputs], failed };
    }
    this.#told.set(face.number, offer);
    const body = sdpBody(step.toCaller);
    return before([{ type: 'progress', status, body, dialog: face.number, isOffer: true }], next);
  }

  /** The caller's PRACK. */
  #answered(dialog: number, body: Body | undefined): EarlyOffersStep {
    const told = this.#told.get(dialog);
    this.#told.delete(dialog);
    if (told?.face.attempt.phase !== 'inviting') return nothing;
    const { face, late } = told;
    const { caller, callee } = late;
    const answer = received(body, (bytes) => caller.sdp.receiveAnswer(bytes));
    if (!answer.ok) return unusable(face.attempt);
    const toCallee = sdpBody(callee.sdp.createAnswer(answer.value, callee.locals()));
    caller.sdp.commit();
    callee.sdp.commit();
    face.isAgreed = true;
    const prack: CallOutput = { type: 'prack', leg: callee.id, dialog: face.earlyId, body: toCallee };
    return { outputs: [prack], failed: [], agreed: face };
  }
}

const nothing: EarlyOffersStep = { outputs: [], failed: [] };

function unusable(attempt: Attempt): EarlyOffersStep {
  const cancel: CallOutput = { type: 'cancel', leg: attempt.leg.id, headers: notAcceptable };
  return { outputs: [cancel], failed: [{ attempt, failure: failureOf(488) }] };
}

function before(outputs: readonly CallOutput[], step: EarlyOffersStep): EarlyOffersStep {
  return { ...step, outputs: [...outputs, ...step.outputs] };
}
