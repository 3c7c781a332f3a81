// The life of one call: one A leg, a set of B attempts, at most one of them joined to it (RFC 7092). Pure: what happens
// comes in as CallInput, what must be done goes out as CallOutput. `admitting` asks policy, store and ports;
// `trying`/`ringing` is call-setup.ts; `connected` relays re-INVITEs through exchange.ts; every end, from whatever
// state, goes through `#finish` exactly once.
import { assertNever } from '../../core/assert-never.ts';
import { SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { MediaReport } from '../../media/plane/messages.ts';
import type { Refusal, RuleTrace } from '../../policy/verdict.ts';
import { Headers } from '../../sip/message/headers.ts';
import type { Body, SessionEnd } from '../../sip/user-agent/session.ts';
import type { Party } from '../routing/target.ts';
import { type Admitted, within } from './admitted.ts';
import { callTimers, endStatus, legEndCause, timerCauses } from './call-ends.ts';
import type { Admission, CallInput, CallOutput, Instant, LegId } from './call-event.ts';
import { CallHistory, type HistorySnapshot } from './call-history.ts';
import type { CallOptions } from './call-options.ts';
import type { MediaRecord } from './call-record.ts';
import { CallSetup } from './call-setup.ts';
import type { EndCause } from './end-cause.ts';
import { Exchange, type ExchangeStep, receivedOffer } from './exchange.ts';
import { lateOutputs } from './late-outputs.ts';
import { Leg, type LegSnapshot, relay } from './leg.ts';
import { noMedia, reasonFor, statusReason, unusableOffer } from './reason.ts';
import { Refresh } from './refresh.ts';
import { sdpBody } from './sdp-body.ts';
import type { SetupStep } from './setup-step.ts';

/** Everything of a running call that outlives a process, but for its sessions (SessionSnapshot). Holds keys: seal it. */
export interface CallSnapshot {
  readonly v: 1;
  readonly id: string;
  readonly caller: LegSnapshot;
  readonly callee: LegSnapshot;
  readonly history: HistorySnapshot;
}

type CallState =
  | { readonly name: 'admitting'; readonly admitted: Admitted | undefined }
  | { readonly name: 'setting-up'; readonly setup: CallSetup }
  | Connected
  | { readonly name: 'ending' }
  | { readonly name: 'ended' };

type Answered = Extract<SetupStep['next'], { kind: 'answered' }>;

interface Gone {
  readonly leg: LegId | undefined;
  readonly reason: string | undefined;
}

interface Connected {
  readonly name: 'connected';
  readonly callee: Leg;
  exchange: Exchange | Refresh | undefined;
}

export class Call {
  readonly id: string;
  #caller: Leg;
  readonly #offer: Body | undefined;
  readonly #callerAcknowledges: boolean;
  readonly #random: Random;
  #history: CallHistory;
  #state: CallState = { name: 'admitting', admitted: undefined };

  constructor(options: CallOptions, at: Instant) {
    this.id = options.id;
    this.#offer = options.offer;
    this.#callerAcknowledges = options.callerAcknowledges === true;
    this.#random = options.random;
    const from = options.sdp === undefined ? undefined : { sdp: options.sdp, endpoints: [] };
    this.#caller = new Leg('a', options.caller, options.media, options.random, from);
    this.#history = new CallHistory(options, at);
  }

  /** A running call of another process. Throws SbcError `call-snapshot-version` when it is of an unknown version. */
  static restore(snapshot: CallSnapshot, random: Random, at: Instant): Call {
    const { v, id, caller, callee, history } = snapshot;
    if (v !== 1)
      throw new SbcError('call-snapshot-version', 'unknown version of a call snapshot', { version: String(v) });
    const { party, terms } = caller;
    const call = new Call(
      { id, caller: party, dialled: history.call.dialled, media: terms, offer: undefined, random },
      at,
    );
    call.#caller = Leg.restore(caller, random);
    call.#history = CallHistory.restore(history, at);
    const restored = Leg.restore(callee, random);
    // Who asked for a change that was under way asks again, or keeps what was agreed before (§14.1).
    for (const leg of [call.#caller, restored]) leg.sdp.rollback();
    call.#state = { name: 'connected', callee: restored, exchange: undefined };
    return call;
  }

  /** Undefined unless the call runs: one that is not answered yet ends with its process. */
  snapshot(at: Instant): CallSnapshot | undefined {
    if (this.#state.name !== 'connected') return undefined;
    return {
      v: 1,
      id: this.id,
      caller: this.#caller.snapshot(),
      callee: this.#state.callee.snapshot(),
      history: this.#history.snapshot(at),
    };
  }

  /** What each endpoint must know of its peer, and which are joined. */
  mediaCommands(): readonly CallOutput[] {
    return this.#state.name === 'connected' ? relay(this.#caller, this.#state.callee) : [];
  }

  /** It is answered, and nothing is being agreed on in it. */
  get isSettled(): boolean {
    return this.#state.name === 'connected' && this.#state.exchange === undefined;
  }

  get state(): 'admitting' | 'trying' | 'ringing' | 'connected' | 'ending' | 'ended' {
    if (this.#state.name !== 'setting-up') return this.#state.name;
    return this.#state.setup.isRinging ? 'ringing' : 'trying';
  }

  get caller(): Party {
    return this.#caller.party;
  }

  /** Of a call that is connected. */
  leg(id: LegId): Leg | undefined {
    if (this.#state.name !== 'connected') return undefined;
    return [this.#caller, this.#state.callee].find((leg) => leg.id === id);
  }

  get history(): CallHistory {
    return this.#history;
  }

  /** Takes one input and returns what must be done, in order. All of it is applied before the next input. */
  handle(input: CallInput, at: Instant): readonly CallOutput[] {
    const state = this.#state;
    switch (state.name) {
      case 'admitting':
        return this.#admitting(input, state.admitted, at);
      case 'setting-up': {
        const step = state.setup.handle(input, at);
        return step === undefined ? this.#interrupted(input, at) : this.#afterSetup(step, at);
      }
      case 'connected':
        return this.#connected(input, state, at);
      case 'ending':
        return this.#ending(input, at);
      case 'ended':
        return lateOutputs(input);
      default:
        return assertNever(state);
    }
  }

  // Admitting: policy, the store and the first ports are asked for; nobody's phone has rung.

  #admitting(input: CallInput, admitted: Admitted | undefined, at: Instant): readonly CallOutput[] {
    switch (input.type) {
      case 'started':
        return [{ type: 'admit' }];
      case 'refused':
        return this.#refuse(input.refusal, input.trace, at);
      case 'admitted':
        return this.#reserve(input.admission, at);
      case 'reservation-refused':
        return this.#refuse(input.refusal, [], at);
      case 'media-refused':
        return this.#refuse(noMedia(input.detail), [], at);
      case 'reserved':
        return admitted === undefined ? lateOutputs(input) : this.#openCaller(within(admitted, input.longest), at);
      case 'media-opened':
        if (admitted?.offer === undefined) return lateOutputs(input);
        this.#caller.opened(admitted.offer, input.endpoints);
        return this.#setUp(admitted, at);
      default:
        return this.#interrupted(input, at);
    }
  }

  #reserve(admission: Admission, at: Instant): readonly CallOutput[] {
    this.#history.admitted(admission);
    const offer = receivedOffer(this.#offer, (bytes) => this.#caller.sdp.receiveOffer(bytes));
    if (!offer.ok) return this.#refuse(unusableOffer(offer.error.status, offer.error.detail), [], at);
    this.#state = { name: 'admitting', admitted: { admission, offer: offer.value } };
    return [{ type: 'reserve', leg: 'a', claims: admission.claims }];
  }

  #openCaller(admitted: Admitted, at: Instant): readonly CallOutput[] {
    this.#state = { name: 'admitting', admitted };
    if (admitted.offer === undefined) return this.#setUp(admitted, at);
    const specs = this.#caller.missing(admitted.offer);
    if (specs.length === 0) return this.#refuse(unusableOffer(488, 'no m-line of the offer is in use'), [], at);
    return [{ type: 'open-media', leg: 'a', specs }];
  }

  #setUp(admitted: Admitted, at: Instant): readonly CallOutput[] {
    const setup = new CallSetup(this.#caller, admitted.admission, admitted.offer, {
      random: this.#random,
      history: this.#history,
      callerAcknowledges: this.#callerAcknowledges,
    });
    this.#state = { name: 'setting-up', setup };
    return this.#afterSetup(setup.begin(), at);
  }

  #afterSetup(step: SetupStep, at: Instant): readonly CallOutput[] {
    switch (step.next.kind) {
      case 'waiting':
        return step.outputs;
      case 'answered':
        return [...step.outputs, this.#connect(step.next)];
      case 'failed': {
        const { status, refusal, reason } = step.next;
        const gone = { leg: undefined, reason };
        const end = refusal === undefined ? this.#finish('failed', status, at, gone) : this.#refuse(refusal, [], at);
        return [...step.outputs, ...end];
      }
      default:
        return assertNever(step.next);
    }
  }

  #connect({ caller, callee, exchange, toCaller, dialog }: Answered): CallOutput {
    this.#caller = caller;
    this.#state = { name: 'connected', callee, exchange };
    return { type: 'answer', body: toCaller === undefined ? undefined : sdpBody(toCaller), dialog };
  }

  // Connected: two legs are one call.

  #connected(input: CallInput, state: Connected, at: Instant): readonly CallOutput[] {
    const { exchange } = state;
    if (input.type === 'reinvited' && exchange === undefined) {
      const [from, to] = input.leg === 'a' ? [this.#caller, state.callee] : [state.callee, this.#caller];
      state.exchange = new Exchange(from, to, input.method);
      return this.#afterExchange(state, state.exchange.begin(input.body), at);
    }
    if (input.type === 'refresh-due' && exchange === undefined) {
      const refresh =
        input.leg === 'a' ? new Refresh(this.#caller, state.callee) : new Refresh(state.callee, this.#caller);
      state.exchange = refresh;
      return this.#afterExchange(state, refresh.begin(), at);
    }
    const step = exchange?.handle(input);
    return step === undefined ? this.#interrupted(input, at) : this.#afterExchange(state, step, at);
  }

  #afterExchange(state: Connected, step: ExchangeStep, at: Instant): readonly CallOutput[] {
    if (step.next !== 'waiting') state.exchange = undefined;
    if (step.next === 'ends') return [...step.outputs, ...this.#finish('failed', 488, at)];
    return step.outputs;
  }

  // The ends.

  /** Inputs that mean the same in every state that is not over. */
  #interrupted(input: CallInput, at: Instant): readonly CallOutput[] {
    switch (input.type) {
      case 'cancelled':
        return this.#finish('caller-cancelled', 487, at, { leg: undefined, reason: input.reason });
      case 'caller-silent':
        return this.#finish('signalling-timeout', 500, at);
      case 'caller-flow-lost':
        return this.#finish('caller-flow-lost', 480, at);
      case 'leg-ended':
        return this.#legEnded(input.leg, input.cause, input.reason, at);
      case 'timer':
        return this.#finish(timerCauses[input.timer], 480, at);
      case 'media-timeout':
        return this.#finish('media-timeout', 480, at);
      case 'media-lost':
      case 'media-failed':
        return this.#finish('media-lost', 500, at);
      case 'keying-failed':
        // A phone that still rings may not have begun its handshake yet.
        return this.#state.name === 'connected' ? this.#finish('keying-failed', 488, at) : [];
      case 'end':
        return this.#finish(input.cause, endStatus[input.cause], at);
      default:
        return lateOutputs(input);
    }
  }

  #legEnded(leg: LegId, cause: SessionEnd, reason: string | undefined, at: Instant): readonly CallOutput[] {
    const isCallee = this.#state.name === 'connected' && this.#state.callee.id === leg;
    if (leg !== 'a' && !isCallee) return [];
    return this.#finish(legEndCause(leg, cause), 200, at, { leg, reason });
  }

  #refuse(refusal: Refusal, trace: readonly RuleTrace[], at: Instant): readonly CallOutput[] {
    this.#history.refused(refusal, trace);
    return this.#finish('refused', refusal.status, at);
  }

  /** The one way out. `gone` is the leg that needs no BYE because it ended itself, and the Reason that its side gave. */
  #finish(cause: EndCause, status: number, at: Instant, gone?: Gone): readonly CallOutput[] {
    const state = this.#state;
    this.#state = { name: 'ending' };
    this.#history.ended(cause, status, at);
    const why = gone?.reason === undefined ? reasonFor(cause) : Headers.of(['Reason', gone.reason]);
    const outputs: CallOutput[] = [{ type: 'tell', event: 'ending', detail: cause }];
    for (const timer of callTimers) outputs.push({ type: 'stop', timer });
    if (state.name === 'connected') {
      this.#history.encryption(this.#caller, state.callee);
      for (const leg of ['a', state.callee.id] as const) {
        if (leg !== gone?.leg) outputs.push({ type: 'bye', leg, headers: why });
      }
    } else {
      if (state.name === 'setting-up') outputs.push(...state.setup.drop(why));
      const headers = gone?.reason === undefined ? this.#rejectHeaders(status) : why;
      if (cause !== 'caller-cancelled') outputs.push({ type: 'reject', status, headers });
    }
    return [...outputs, { type: 'release', used: this.#history.talked(at) }, { type: 'close-media' }];
  }

  /** The account of each leg's media while the call runs; empty before the answer. */
  mediaRecords(report: MediaReport): readonly MediaRecord[] {
    if (this.#state.name === 'connected') this.#history.encryption(this.#caller, this.#state.callee);
    return this.#history.mediaRecords(report);
  }

  #rejectHeaders(status: number): Headers {
    const { refusal } = this.#history;
    if (refusal === undefined) return reasonFor(this.#history.cause);
    const headers = statusReason(status, refusal.text);
    const { retryAfterSeconds } = refusal;
    return retryAfterSeconds === undefined ? headers : headers.append('Retry-After', String(retryAfterSeconds));
  }

  #ending(input: CallInput, at: Instant): readonly CallOutput[] {
    if (input.type !== 'media-closed') return lateOutputs(input);
    this.#state = { name: 'ended' };
    return [{ type: 'ended', record: this.#history.record(input.report, at) }];
  }
}
