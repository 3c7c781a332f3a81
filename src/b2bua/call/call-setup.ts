// From admission to answer: attempts at targets, in parallel within a stage and stage after stage, until one answers
// (RFC 3261 §13, §16.7). What is heard and agreed before is early-media.ts. Pure, driven by `call.ts`.
import { type Millis, shorter } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { OpenedEndpoint } from '../../media/plane/messages.ts';
import type { SessionDescription } from '../../media/sdp/session-description.ts';
import type { Headers } from '../../sip/message/headers.ts';
import type { Body } from '../../sip/user-agent/session.ts';
import { reasonOf } from '../headers/header-policy.ts';
import type { Callee } from '../routing/target.ts';
import { type Attempt, cancelling, giveBack, outcomeOf, targetName } from './attempt.ts';
import type { Admission, CallInput, CallOutput, Instant } from './call-event.ts';
import type { CallHistory } from './call-history.ts';
import { EarlyMedia, type EarlyStep, type Provisional } from './early-media.ts';
import { received } from './exchange.ts';
import {
  betterFailure,
  type Failure,
  failureOf,
  isGlobal,
  mayFailOver,
  reachedOrNot,
  refusedLocally,
  relayedStatus,
} from './failure.ts';
import { Itinerary } from './itinerary.ts';
import { LateAnswer, type LateAnswerStep } from './late-answer.ts';
import { Leg, relay } from './leg.ts';
import { PickUp, type PickUpStep, rejected } from './pick-up.ts';
import { ackAndBye, noMedia, notAcceptable, reasonFor, statusReason } from './reason.ts';
import { sdpBody } from './sdp-body.ts';
import { after, type SetupStep, waiting } from './setup-step.ts';

export class CallSetup {
  readonly #admission: Admission;
  /** The caller's; undefined: the callee is invited without one too, and makes it (RFC 3264 §5). */
  readonly #offer: SessionDescription | undefined;
  readonly #random: Random;
  readonly #history: CallHistory;
  readonly #attempts: Attempt[] = [];
  #failure: Failure | undefined;
  #ringing = false;
  /** Provisional statuses that the caller was already told. */
  readonly #told = new Set<number>();
  readonly #early: EarlyMedia;
  readonly #itinerary: Itinerary;
  readonly #callerAcknowledges: boolean;
  #late: LateAnswer | undefined;
  #pickUp: PickUp | undefined;

  constructor(
    caller: Leg,
    admission: Admission,
    offer: SessionDescription | undefined,
    parts: { readonly random: Random; readonly history: CallHistory; readonly callerAcknowledges: boolean },
  ) {
    this.#admission = admission;
    this.#offer = offer;
    this.#random = parts.random;
    this.#history = parts.history;
    const { callerAcknowledges } = parts;
    this.#callerAcknowledges = callerAcknowledges;
    this.#early = new EarlyMedia(caller, { callerAcknowledges, timeout: admission.limits.earlyMediaTimeout });
    this.#itinerary = new Itinerary(admission);
  }

  get isRinging(): boolean {
    return this.#ringing;
  }

  begin(): SetupStep {
    const ring: CallOutput = { type: 'start', timer: 'ring', delay: this.#admission.limits.ringTimeout };
    return after([ring], this.#beginStage());
  }

  /** Undefined when the input does not concern an attempt that is still out. */
  handle(input: CallInput, at: Instant): SetupStep | undefined {
    const late = this.#late?.handle(input);
    if (this.#late !== undefined && late !== undefined) return this.#afterLate(this.#late.attempt, late, at);
    const picking = this.#pickUp?.handle(input);
    if (picking !== undefined) return this.#afterPickUp(picking, at);
    if (input.type === 'picked-up') return this.#pickedUp(input);
    if (input.type === 'reinvited') return this.#offered(input);
    if (input.type === 'timer' && input.timer === 'stage') return this.#nextStage();
    const early = this.#early.handle(input);
    if (early !== undefined) return this.#afterEarly(early);
    const attempt = 'leg' in input ? this.#attempts.find((one) => one.leg.id === input.leg) : undefined;
    if (attempt !== undefined && this.#itinerary.isRedirecting(attempt.leg.id)) return this.#redirected(attempt, input);
    if (attempt === undefined || attempt.phase === 'over') return undefined;
    switch (input.type) {
      case 'reserved':
        attempt.longest = shorter(attempt.longest, input.longest);
        return this.#offer === undefined ? this.#invite(attempt) : waiting([this.#openMedia(attempt.leg, this.#offer)]);
      case 'reservation-refused':
        return this.#failed(attempt, refusedLocally(input.refusal), []);
      case 'media-opened':
        return this.#opened(attempt, input.endpoints);
      case 'media-refused':
        return this.#failed(attempt, refusedLocally(noMedia(input.detail)), []);
      case 'provisional':
        return this.#provisional(attempt, input, at);
      case 'answered':
        if (this.#offer === undefined && attempt.early.get(input.earlyId)?.phase !== 'stable') {
          return this.#answeredWithOffer(attempt, input.earlyId, input.body, at);
        }
        return this.#answered(attempt, input.earlyId, input.body, at);
      case 'attempt-failed':
        return this.#failed(attempt, input.failure, []);
      default:
        return undefined;
    }
  }

  /** Ends every attempt that is still out; `why` (Reason) is told to their phones. */
  drop(why: Headers): readonly CallOutput[] {
    const outputs: CallOutput[] = [...(this.#pickUp?.giveUp(481) ?? [])];
    this.#pickUp = undefined;
    for (const attempt of this.#attempts) {
      if (attempt.phase === 'over') continue;
      outputs.push(...cancelling(attempt, why), ...giveBack(attempt));
      this.#history.attempted(outcomeOf(attempt, 487, attempt.phase === 'preparing' ? 'not-sent' : 'cancelled'));
      attempt.phase = 'over';
    }
    return outputs;
  }

  #beginStage(): SetupStep {
    const stage = this.#itinerary.next();
    if (stage === undefined) return this.#exhausted([]);
    const steps = stage.map((target) => this.#prepare(target));
    return waiting([...this.#stageTimer(), ...steps.flatMap(({ outputs }) => outputs)]);
  }

  #stageTimer(): readonly CallOutput[] {
    const { stageTimeout } = this.#admission;
    if (stageTimeout === undefined) return [];
    return [
      this.#itinerary.hasMore
        ? { type: 'start', timer: 'stage', delay: stageTimeout }
        : { type: 'stop', timer: 'stage' },
    ];
  }

  /** §16.6 step 7: who has not answered by now is cancelled, and the phones of the next q ring. What is being settled is waited for. */
  #nextStage(): SetupStep {
    const isSettling = this.#itinerary.isOpen || this.#attempts.some(({ phase }) => phase === 'answering');
    if (isSettling || !this.#itinerary.hasMore) return waiting(this.#stageTimer());
    const outputs = [...this.#early.giveUp(), ...this.drop(unanswered), ...this.#early.silence()];
    return after(outputs, this.#beginStage());
  }

  #prepare(target: Callee): SetupStep {
    const attempt = this.#attempt(target, 'preparing', this.#itinerary.boundOf(target));
    const { leg } = attempt;
    this.#history.tried(target);
    const admission = this.#itinerary.follow(target);
    const followed: readonly CallOutput[] = admission === undefined ? [] : [{ type: 'follow', admission }];
    if (target.claims.length > 0) {
      return waiting([...followed, { type: 'reserve', leg: leg.id, claims: target.claims }]);
    }
    if (this.#offer !== undefined) return waiting([...followed, this.#openMedia(leg, this.#offer)]);
    return waiting([...followed, ...this.#invite(attempt).outputs]);
  }

  #attempt(target: Callee, phase: Attempt['phase'], longest: Millis | undefined): Attempt {
    const from = 'sdp' in target ? { sdp: target.sdp, endpoints: [] } : undefined;
    const leg = new Leg(`b${this.#attempts.length + 1}`, target.party, target.media, this.#random, from);
    const attempt: Attempt = { leg, target, phase, early: new Map(), longest };
    this.#attempts.push(attempt);
    return attempt;
  }

  #openMedia(leg: Leg, description: SessionDescription): CallOutput {
    return { type: 'open-media', leg: leg.id, specs: leg.missing(description) };
  }

  #opened(attempt: Attempt, endpoints: readonly OpenedEndpoint[]): SetupStep | undefined {
    if (this.#offer === undefined || attempt.phase !== 'preparing') return undefined;
    const { leg } = attempt;
    leg.opened(this.#offer, endpoints);
    const offer = leg.sdp.createOffer(this.#offer, leg.locals());
    if (!offer.ok) return this.#failed(attempt, failureOf(offer.error.status), []);
    return this.#invite(attempt, sdpBody(offer.value));
  }

  #invite(attempt: Attempt, body?: Body): SetupStep {
    attempt.phase = 'inviting';
    // An offer of the callee's that must arrive needs a caller that answers it in a PRACK.
    const isReliable = body !== undefined || this.#callerAcknowledges;
    return waiting([{ type: 'invite', leg: attempt.leg.id, target: attempt.target, body, isReliable }]);
  }

  /** A status is told once; SDP lets the caller hear this attempt, unless another one is heard already. */
  #provisional(attempt: Attempt, input: Provisional, at: Instant): SetupStep {
    const { status, body, earlyId, isReliable } = input;
    const outputs: CallOutput[] = [];
    if (!this.#ringing) {
      this.#ringing = true;
      this.#history.ringing(at);
      outputs.push({ type: 'tell', event: 'ringing', detail: targetName(attempt.target) });
    }
    if (body !== undefined && !this.#offer && isReliable) {
      const offered = this.#early.offeredFirst(attempt, input, body);
      if (offered !== undefined) return after(outputs, this.#afterEarly(offered));
    }
    // Where we offered nothing, SDP before the 2xx is no offer yet unless something makes sure that it arrives (§13.2.1).
    const early = body === undefined || !this.#offer ? undefined : this.#early.answered(attempt, input, body);
    if (early === undefined && this.#told.has(status)) return waiting(outputs);
    this.#told.add(status);
    const dialog = this.#early.dialogOf(attempt, earlyId);
    return waiting([
      ...outputs,
      ...(early?.commands ?? []),
      { type: 'progress', status, body: early?.toCaller, dialog },
    ]);
  }

  /** An offer in an early dialog. */
  #offered(input: Extract<CallInput, { type: 'reinvited' }>): SetupStep {
    const attempt = this.#attempts.find((one) => one.leg.id === input.leg && one.phase === 'inviting');
    return this.#afterEarly(this.#early.offered(input, attempt));
  }

  #afterEarly({ outputs, failed }: EarlyStep): SetupStep {
    return failed.reduce(
      (step, { attempt, failure }) => after(step.outputs, this.#failed(attempt, failure, [])),
      waiting(outputs),
    );
  }

  /** A 2xx may leave its SDP out when the same dialog sent it in a provisional before. */
  #answered(attempt: Attempt, earlyId: string, body: Body | undefined, at: Instant): SetupStep {
    const ack: CallOutput = { type: 'ack', leg: attempt.leg.id, body: undefined };
    const crossed = this.#early.giveUp();
    const early = attempt.early.get(earlyId);
    // What a provisional that had to arrive said, stands (RFC 3262 §5); it is not said again.
    const isSettled = early !== undefined && (body === undefined || early.phase === 'stable');
    const sdp = isSettled ? early : attempt.leg.sdp.fork();
    const answer = isSettled ? undefined : received(body, (bytes) => sdp.receiveAnswer(bytes));
    if (answer?.ok === false) {
      return this.#failed(attempt, failureOf(488), ackAndBye(attempt.leg.id, notAcceptable));
    }
    const callee = attempt.leg.withSdp(sdp);
    const { leg: caller, isAgreed, number: dialog } = this.#early.faceOf(attempt, earlyId);
    const description = answer?.value ?? sdp.remoteDescription();
    const toCaller = isAgreed ? undefined : caller.sdp.createAnswer(description, caller.locals());
    caller.sdp.commit();
    sdp.commit();
    const outputs = [
      ack,
      ...crossed,
      ...relay(caller, callee),
      { type: 'pause-media-timeout', paused: caller.isHeld() || callee.isHeld() } as const,
      ...this.#won(attempt, at),
    ];
    return { outputs, next: { kind: 'answered', caller, dialog, callee, toCaller, exchange: undefined } };
  }

  /** The call is this attempt's from now on. */
  #won(attempt: Attempt, at: Instant): readonly CallOutput[] {
    attempt.phase = 'over';
    this.#history.answered(attempt.target, outcomeOf(attempt, 200, 'answered'), at);
    const longest = Math.min(this.#admission.limits.maxDuration ?? Infinity, attempt.longest ?? Infinity);
    return [
      { type: 'stop', timer: 'ring' },
      { type: 'stop', timer: 'stage' },
      { type: 'stop', timer: 'early-media' },
      ...this.drop(elsewhere),
      ...(longest === Infinity ? [] : [{ type: 'start', timer: 'duration', delay: longest } as const]),
      { type: 'tell', event: 'answered', detail: targetName(attempt.target) },
    ];
  }

  /** A 2xx that makes the offer. */
  #answeredWithOffer(attempt: Attempt, earlyId: string, body: Body | undefined, at: Instant): SetupStep {
    const late = LateAnswer.of(this.#early.faceOf(attempt, earlyId), body);
    if (late === undefined) return this.#failed(attempt, failureOf(488), ackAndBye(attempt.leg.id, notAcceptable));
    attempt.phase = 'over';
    const others = this.drop(elsewhere);
    attempt.phase = 'answering';
    this.#late = late;
    return after(others, this.#afterLate(attempt, late.begin(), at));
  }

  #afterLate(attempt: Attempt, step: LateAnswerStep, at: Instant): SetupStep {
    if (step.kind === 'waiting') return waiting(step.outputs);
    if (step.kind === 'failed') return this.#failed(attempt, step.failure, step.outputs);
    return { outputs: this.#won(attempt, at), next: step.next };
  }

  #pickedUp({ leg, body }: Extract<CallInput, { type: 'picked-up' }>): SetupStep {
    const replaced = this.#attempts.find((one) => one.leg.id === leg && one.phase === 'inviting');
    if (replaced === undefined || this.#pickUp !== undefined) return waiting([rejected(replaced ? 491 : 481)]);
    const attempt = this.#attempt(replaced.target, 'over', replaced.longest);
    // A caller that has agreed on early media, or offered nothing, would have to be asked again first.
    const offer = this.#early.hasAgreed ? undefined : this.#offer;
    this.#pickUp = offer && PickUp.of(this.#early.faceOf(attempt, ''), offer, body);
    return waiting(this.#pickUp?.begin() ?? [rejected(488)]);
  }

  #afterPickUp(step: PickUpStep, at: Instant): SetupStep {
    this.#pickUp = undefined;
    if (step.kind === 'refused') return waiting(step.outputs);
    return { outputs: [...this.#won(step.attempt, at), ...step.outputs], next: step.next };
  }

  #failed(attempt: Attempt, failure: Failure, before: readonly CallOutput[]): SetupStep {
    const outcome = attempt.phase === 'preparing' ? 'not-sent' : 'failed';
    attempt.phase = 'over';
    this.#history.attempted(outcomeOf(attempt, failure.status, outcome));
    this.#failure = betterFailure(this.#failure, reachedOrNot(failure, attempt.target.party));
    const detail = `${targetName(attempt.target)} ${failure.status} ${failure.cause}`;
    const outputs: readonly CallOutput[] = [
      ...before,
      ...this.#early.over(attempt),
      ...giveBack(attempt),
      { type: 'tell', event: 'attempt-failed', detail },
    ];
    const redirect = this.#itinerary.redirect(attempt, failure);
    return redirect === undefined ? this.#goOn(failure, outputs) : waiting([...outputs, redirect]);
  }

  #goOn(failure: Failure, outputs: readonly CallOutput[]): SetupStep {
    if (isGlobal(failure)) return this.#exhausted(outputs);
    if (this.#itinerary.isOpen || this.#attempts.some((other) => other.phase !== 'over')) return waiting(outputs);
    // Another phone of the same user may be free.
    if (this.#admission.stageTimeout === undefined && !mayFailOver(failure)) return this.#exhausted(outputs);
    return after(outputs, this.#beginStage());
  }

  #redirected({ leg: { id } }: Attempt, input: CallInput): SetupStep | undefined {
    const step = this.#itinerary.handle(id, input);
    if (step === undefined) return undefined;
    this.#history.traced(step.trace);
    if (step.kind === 'nowhere') return this.#goOn(failureOf(480), []);
    if (step.kind === 'reserve') return waiting([step.output]);
    return waiting(step.targets.flatMap((target) => this.#prepare(target).outputs));
  }

  #exhausted(outputs: readonly CallOutput[]): SetupStep {
    const failure = this.#failure ?? failureOf(480);
    const { refusal, response } = failure;
    const reason = refusal === undefined ? reasonOf(response) : undefined;
    return { outputs, next: { kind: 'failed', status: relayedStatus(failure), refusal, reason } };
  }
}

const unanswered = reasonFor('no-answer');
const elsewhere = statusReason(200, 'Call completed elsewhere');
