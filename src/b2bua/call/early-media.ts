// What is heard and agreed before the answer: the early dialogs of the caller, at most one attempt whose media it hears, and the offers
// that either side makes in an early dialog (RFC 3261 §13.2.1, RFC 3262 §5, RFC 3311). Pure, driven by `call-setup.ts`.
import type { Millis } from '../../core/clock.ts';
import type { Body } from '../../sip/user-agent/session.ts';
import type { Attempt } from './attempt.ts';
import type { CallInput, CallOutput, LegId } from './call-event.ts';
import { CallerFaces, type Face, maxFaces } from './caller-faces.ts';
import { EarlyExchange } from './early-exchange.ts';
import { EarlyOffers, type EarlyOffersStep } from './early-offers.ts';
import { type ExchangeStep, received } from './exchange.ts';
import { type Failure, failureOf } from './failure.ts';
import { type Leg, relay } from './leg.ts';
import { notAcceptable } from './reason.ts';
import { sdpBody } from './sdp-body.ts';

export type Provisional = Extract<CallInput, { type: 'provisional' }>;

/** `failed`: attempts that cannot go on, and have been cancelled. */
export interface EarlyStep {
  readonly outputs: readonly CallOutput[];
  readonly failed: readonly { readonly attempt: Attempt; readonly failure: Failure }[];
}

export interface EarlyMediaParts {
  /** The caller acknowledges provisionals that describe media: what they say stands (RFC 3262). */
  readonly callerAcknowledges: boolean;
  /** How long the caller may hear an attempt that does not answer. */
  readonly timeout: Millis;
}

export class EarlyMedia {
  readonly #parts: EarlyMediaParts;
  readonly #faces: CallerFaces;
  /** The attempt whose early media the caller hears. */
  #heard: LegId | undefined;
  #exchange: EarlyExchange | undefined;
  readonly #offers = new EarlyOffers();

  constructor(caller: Leg, parts: EarlyMediaParts) {
    this.#parts = parts;
    this.#faces = new CallerFaces(caller);
  }

  /** The caller has acknowledged an answer before the call is answered. */
  get hasAgreed(): boolean {
    return this.#faces.hasAgreed;
  }

  /** The early dialog of the caller that goes with that of a callee. */
  faceOf(attempt: Attempt, earlyId: string): Face {
    return this.#faces.of(attempt, earlyId);
  }

  /** In which early dialog of the caller something is told that describes no media. */
  dialogOf(attempt: Attempt, earlyId: string): number {
    return this.#faces.find(attempt, earlyId)?.number ?? 0;
  }

  /** Undefined when this SDP changes nothing for the caller: it is not readable, agreed before, or another attempt is heard. */
  answered(
    attempt: Attempt,
    { earlyId, isReliable }: Provisional,
    body: Body,
  ): { readonly commands: readonly CallOutput[]; readonly toCaller: Body } | undefined {
    if (this.#heard !== undefined && this.#heard !== attempt.leg.id) return undefined;
    if (attempt.early.get(earlyId)?.phase === 'stable') return undefined;
    const face = this.#faces.of(attempt, earlyId);
    if (face.isAgreed || face.number >= maxFaces) return undefined;
    const early = attempt.leg.sdp.fork();
    const answer = received(body, (bytes) => early.receiveAnswer(bytes));
    if (!answer.ok) return undefined;
    attempt.early.set(earlyId, early);
    this.#faces.keep(face);
    const toCaller = sdpBody(face.leg.sdp.createAnswer(answer.value, face.leg.locals()));
    const commands = relay(face.leg, attempt.leg.withSdp(early));
    if (isReliable) early.commit();
    if (this.#parts.callerAcknowledges) {
      face.leg.sdp.commit();
      face.isAgreed = true;
    }
    return { commands: [...commands, ...this.#hear(attempt)], toCaller };
  }

  /** SDP in a provisional that must arrive, where the caller offered nothing: an offer, the first time. Undefined: it is none. */
  offeredFirst(attempt: Attempt, { earlyId, status }: Provisional, body: Body): EarlyStep | undefined {
    const face = this.#faces.of(attempt, earlyId);
    const isNew = !attempt.early.has(earlyId) && face.number < maxFaces;
    if (!this.#parts.callerAcknowledges || !isNew) return undefined;
    this.#faces.keep(face);
    return this.#offers.offered(face, status, body);
  }

  /** An offer in an early dialog: `attempt` is its callee's, undefined where the caller made it. */
  offered(
    { leg, dialog = '', body }: Extract<CallInput, { type: 'reinvited' }>,
    attempt: Attempt | undefined,
  ): EarlyStep {
    const face = attempt === undefined ? this.#faces.numbered(Number(dialog)) : this.#faces.find(attempt, dialog);
    const isHeard = face?.attempt.leg.id === this.#heard && face?.attempt.phase === 'inviting';
    const exchange = this.#exchange === undefined && isHeard ? EarlyExchange.of(leg, face) : undefined;
    if (exchange === undefined) return { outputs: [{ type: 'reject-reinvite', leg, status: 491 }], failed: [] };
    this.#exchange = exchange;
    return this.#exchanged(exchange.face.attempt, exchange.begin(body));
  }

  /** Undefined when the input does not concern it. */
  handle(input: CallInput): EarlyStep | undefined {
    const offers = this.#offers.handle(input);
    if (offers !== undefined) return this.#agreed(offers);
    const exchange = this.#exchange;
    const step = exchange?.handle(input);
    return exchange === undefined || step === undefined ? undefined : this.#exchanged(exchange.face.attempt, step);
  }

  /** An answer has come: what was being asked in an early dialog is asked too late. */
  giveUp(): readonly CallOutput[] {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    return exchange?.giveUp() ?? [];
  }

  /** That attempt is over; the caller may hear another one. */
  over(attempt: Attempt): readonly CallOutput[] {
    const crossed = this.#exchange?.face.attempt === attempt ? this.giveUp() : [];
    return this.#heard === attempt.leg.id ? [...crossed, ...this.silence()] : crossed;
  }

  /** The caller hears nobody. */
  silence(): readonly CallOutput[] {
    if (this.#heard === undefined) return [];
    this.#heard = undefined;
    return [{ type: 'stop', timer: 'early-media' }];
  }

  #hear(attempt: Attempt): readonly CallOutput[] {
    const isFirst = this.#heard === undefined;
    this.#heard = attempt.leg.id;
    return isFirst ? [{ type: 'start', timer: 'early-media', delay: this.#parts.timeout }] : [];
  }

  #exchanged(attempt: Attempt, { outputs, next }: ExchangeStep): EarlyStep {
    if (next !== 'waiting') this.#exchange = undefined;
    if (next !== 'ends') return { outputs, failed: [] };
    // Its two sides have different sessions now.
    const cancel: CallOutput = { type: 'cancel', leg: attempt.leg.id, headers: notAcceptable };
    return { outputs: [...outputs, cancel], failed: [{ attempt, failure: failureOf(488) }] };
  }

  #agreed({ outputs, failed, agreed }: EarlyOffersStep): EarlyStep {
    const sdp = agreed?.attempt.early.get(agreed.earlyId);
    const isHeard = this.#heard === undefined || this.#heard === agreed?.attempt.leg.id;
    if (agreed === undefined || sdp === undefined || !isHeard) return { outputs, failed };
    const { attempt, leg } = agreed;
    return { outputs: [...outputs, ...relay(leg, attempt.leg.withSdp(sdp)), ...this.#hear(attempt)], failed };
  }
}
