// Carries out what one `Call` asks for: SIP through the user agent, media through the plane, slots through the store.
// Inputs that arrive while outputs are being applied are queued: one input, all of its outputs, then the next.
import { assertNever } from '../core/assert-never.ts';
import type { Millis } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Timer } from '../core/scheduler.ts';
import type { MediaEvent } from '../media/plane/messages.ts';
import { bodyOf, type IncomingCall, type Session } from '../sip/user-agent/session.ts';
import type { AdmissionOutcome } from './admission-parts.ts';
import { refusals } from './admission-refusals.ts';
import type { B2buaParts } from './b2bua-parts.ts';
import { Call, type CallSnapshot } from './call.ts';
import type { CallInput, CallOutput, CallTimer, Instant } from './call-event.ts';
import { CallMedia } from './call-media.ts';
import type { CallPath } from './call-paths.ts';
import type { CallRecord, MediaRecord } from './call-record.ts';
import { CallSessions, type SessionsSnapshot } from './call-sessions.ts';
import { CallSlots } from './call-slots.ts';
import type { TransferHost, TransferOrigin } from './call-transfer.ts';
import { partyOf } from './party.ts';
import { redirected } from './redirection.ts';
import { passedOn, type Taking } from './replacement.ts';
import type { Party } from './target.ts';

/** A running call with everything that outlives a process. Holds keys: seal it. */
export interface ActiveCallSnapshot {
  readonly v: 1;
  readonly call: CallSnapshot;
  readonly signalling: SessionsSnapshot;
  /** A `MediaSnapshot` as JSON, its keys sealed; undefined: no worker has told one. */
  readonly media: string | undefined;
  /** Until the longest duration is reached; undefined: there is none. */
  readonly durationLeft: Millis | undefined;
}

/** How a call begins: by an INVITE, or by a transfer out of another call. */
export interface Begun {
  readonly caller: Party;
  /** The Request-URI's user part as it came. */
  readonly dialled: string;
  readonly from: TransferOrigin | undefined;
}

/** Compared, never read. */
export interface CallStamp {
  readonly signalling: string;
  readonly media: string | undefined;
}

interface Origin {
  readonly id: string;
  readonly incoming: IncomingCall | undefined;
  readonly from: TransferOrigin | undefined;
  readonly call: Call;
  readonly signalling: IncomingCall | SessionsSnapshot;
}

export class ActiveCall {
  readonly call: Call;
  readonly #parts: B2buaParts;
  /** Undefined: an earlier process has answered it. */
  readonly #incoming: IncomingCall | undefined;
  readonly #logger: Logger;
  readonly #onEnded: () => void;
  readonly #media: CallMedia;
  readonly #slots: CallSlots;
  readonly #sessions: CallSessions;
  readonly #host: TransferHost;
  readonly #from: TransferOrigin | undefined;
  readonly #queue: CallInput[] = [];
  #draining = false;
  readonly #noted: string[] = [];
  #path: CallPath = [];
  readonly #timers = new Map<CallTimer, Timer>();
  #durationEnds: Millis | undefined;
  /** Inputs that were taken. */
  #inputs = 0;
  #toldState: Call['state'] = 'admitting';

  private constructor(parts: B2buaParts, host: TransferHost, origin: Origin, onEnded: () => void) {
    const { id, incoming, from, call, signalling } = origin;
    this.#parts = parts;
    this.#host = host;
    this.#from = from;
    this.#incoming = incoming;
    this.#onEnded = onEnded;
    this.#logger = parts.logger.child({ call: id });
    this.#media = new CallMedia(parts.media, id, (event) => this.#onMedia(event));
    this.#slots = new CallSlots(id, { ...parts, logger: this.#logger });
    this.call = call;
    this.#sessions = new CallSessions(parts, host, signalling, {
      call: () => this.call,
      feed: (input) => this.feed(input),
      onDialog: (callId) => this.#dialog(callId),
    });
  }

  static begin(
    parts: B2buaParts,
    host: TransferHost,
    incoming: IncomingCall,
    { caller, dialled, from }: Begun,
    onEnded: () => void,
  ): ActiveCall {
    const { id } = incoming;
    const call = new Call(
      {
        id,
        caller,
        dialled,
        media: parts.directory.mediaOf(incoming.flow, incoming.identity),
        offer: bodyOf(incoming.request),
        sdp: from?.sdp,
        transferOf: from?.call,
        callerAcknowledges: incoming.reliability !== 'none',
        random: parts.random,
      },
      instantOf(parts),
    );
    return new ActiveCall(parts, host, { id, incoming, from, call, signalling: incoming }, onEnded);
  }

  /**
   * Goes on with a call of an earlier process. Its dialogs are known at once; what it has to say waits until `canSpeak`. Throws
   * SbcError when the snapshot cannot be used.
   */
  static resume(
    parts: B2buaParts,
    host: TransferHost,
    snapshot: ActiveCallSnapshot,
    canSpeak: Promise<void>,
    onEnded: () => void,
  ): ActiveCall {
    const { signalling, media, durationLeft } = snapshot;
    const call = Call.restore(snapshot.call, parts.random, instantOf(parts));
    const origin = { id: call.id, incoming: undefined, from: undefined, call, signalling };
    const active = new ActiveCall(parts, host, origin, onEnded);
    active.#resume(media, durationLeft, canSpeak);
    return active;
  }

  #resume(media: string | undefined, durationLeft: Millis | undefined, canSpeak: Promise<void>): void {
    this.#toldState = this.call.state;
    if (durationLeft !== undefined) this.#durationEnds = this.#instant().now + durationLeft;
    void canSpeak.then(() => {
      const ends = this.#durationEnds;
      if (ends !== undefined && this.call.state === 'connected') {
        this.#start('duration', Math.max(0, ends - this.#instant().now));
      }
    });
    this.#media.resume(media, (resumed) => {
      void canSpeak.then(() => {
        if (!resumed.ok) {
          this.#logger.error('call-lost', { detail: resumed.error });
          this.feed({ type: 'end', cause: 'lost' });
          return;
        }
        this.#logger.info('call-resumed');
        // The process ended before its worker had told what the answer brought.
        if (resumed.value.isBehind) for (const output of this.call.mediaCommands()) this.#apply(output);
      });
    });
  }

  /** How the media of each leg is until now. */
  async media(): Promise<readonly MediaRecord[]> {
    return this.call.mediaRecords(await this.#media.report());
  }

  holds(session: Session): boolean {
    return this.#sessions.legOf(session) !== undefined;
  }

  /** Readies the half beside that session of ours for another call. */
  takeHalf(session: Session): Taking {
    return this.#sessions.takeHalf(session);
  }

  /** Undefined unless the call runs. */
  snapshot(): ActiveCallSnapshot | undefined {
    const at = this.#instant();
    const call = this.call.snapshot(at);
    if (call === undefined) return undefined;
    const durationLeft = this.#durationEnds === undefined ? undefined : Math.max(0, this.#durationEnds - at.now);
    return { v: 1, call, signalling: this.#sessions.snapshot(), media: this.#media.state, durationLeft };
  }

  /** Others whenever the snapshot says something else, but for the time that passes. */
  get stamp(): CallStamp {
    return { signalling: `${this.#inputs} ${this.#sessions.stamp}`, media: this.#media.state };
  }

  /** A defect of ours ends this call, with BYE on both legs, and no other. */
  feed(input: CallInput): void {
    this.#queue.push(input);
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#take(next);
    } finally {
      this.#draining = false;
    }
    const { state } = this.call;
    if (state === this.#toldState) return;
    this.#toldState = state;
    if (state === 'trying' || state === 'connected') this.#parts.observer.onReached(this.call.id, state);
  }

  #take(input: CallInput): void {
    this.#inputs += 1;
    try {
      for (const output of this.call.handle(input, this.#instant())) this.#apply(output);
    } catch (thrown) {
      this.#logger.error('call-defect', { input: input.type, error: messageOf(thrown) });
      const { state } = this.call;
      if (state === 'ending' || state === 'ended') this.#abandon();
      else this.#queue.push({ type: 'end', cause: 'internal' });
    }
  }

  /** Not even the orderly end worked: nothing of this call may stay behind, and its record is still written. */
  #abandon(): void {
    for (const timer of [...this.#timers.keys()]) this.#stop(timer);
    this.#slots.release();
    this.#media.close((report) => this.feed({ type: 'media-closed', report }));
  }

  /** The last step. What a defect left standing is let go of; all of it is ignored where it is over. */
  #end(record: CallRecord): void {
    try {
      this.#sessions.dropAll();
      this.#host.paths.forget(this.#noted);
      this.#parts.observer.onCallEnded(record);
    } finally {
      this.#onEnded();
    }
  }

  #instant(): Instant {
    return instantOf(this.#parts);
  }

  #apply(output: CallOutput): void {
    switch (output.type) {
      case 'admit':
        this.#admit();
        break;
      case 'reserve':
        this.#slots.reserve(output.claims, (refusal, longest) =>
          this.feed(
            refusal === undefined
              ? { type: 'reserved', leg: output.leg, claims: output.claims, longest }
              : { type: 'reservation-refused', leg: output.leg, refusal },
          ),
        );
        break;
      case 'redirect':
        this.#redirect(output);
        break;
      case 'follow':
        if (this.#incoming !== undefined) this.#parts.observer.onRedirected(this.#incoming, output.admission);
        break;
      case 'release':
        this.#slots.release(output.claims, output.used);
        break;
      case 'open-media':
        this.#media.open(output.specs, (result) =>
          this.feed(
            result.ok
              ? { type: 'media-opened', leg: output.leg, endpoints: result.value }
              : { type: 'media-refused', leg: output.leg, detail: `${result.error.code}: ${result.error.detail}` },
          ),
        );
        break;
      case 'set-remote':
        this.#media.setRemote(output.endpoint, output.remote, (detail) => this.#mediaFailed(detail));
        break;
      case 'join':
        this.#media.join(output.a, output.b, (detail) => this.#mediaFailed(detail));
        break;
      case 'close-endpoints':
        this.#media.closeEndpoints(output.endpoints, (detail) => this.#mediaFailed(detail));
        break;
      case 'pause-media-timeout':
        this.#media.pauseTimeout(output.paused);
        break;
      case 'close-media':
        this.#media.close((report) => this.feed({ type: 'media-closed', report }));
        break;
      case 'invite':
        this.#sessions.invite(output.leg, output.target, output.body);
        break;
      case 'cancel':
        this.#sessions.cancel(output.leg, output.headers);
        break;
      case 'progress':
        this.#incoming?.progress(output.status, { body: output.body, dialog: output.dialog });
        break;
      case 'answer':
        this.#sessions.answer(output.body, output.dialog);
        break;
      case 'reject':
        this.#incoming?.reject(output.status, { headers: output.headers });
        break;
      case 'ack':
        this.#sessions.get(output.leg)?.ack(output.body);
        break;
      case 'bye':
        this.#sessions.get(output.leg)?.bye(output.headers);
        break;
      case 'reinvite':
        this.#sessions.reinvite(output);
        break;
      case 'cancel-reinvite':
        this.#sessions.get(output.leg)?.cancelReinvite();
        break;
      case 'accept-reinvite':
        this.#sessions.takeOffer(output.leg)?.accept({ body: output.body });
        break;
      case 'reject-reinvite':
        this.#sessions.takeOffer(output.leg)?.reject(output.status);
        break;
      case 'start':
        this.#start(output.timer, output.delay);
        break;
      case 'stop':
        this.#stop(output.timer);
        break;
      case 'tell':
        this.#logger.info(`call-${output.event}`, { detail: output.detail });
        break;
      case 'ended':
        this.#end(output.record);
        break;
      default:
        assertNever(output);
    }
  }

  // Asked elsewhere, answered by a later input.

  #admit(): void {
    if (this.#incoming === undefined) return;
    const { request, identity, flow, id } = this.#incoming;
    const way = { listener: flow.listener, call: id, from: { flow } };
    const { admissions } = this.#parts;
    const replacement = this.#host.replacement(request, identity, this.#from?.call);
    if (replacement.kind === 'none') {
      void admissions.admit(request, identity, way).then((outcome) => this.#decided(outcome));
    } else if (replacement.kind === 'matched') {
      const { leg, half } = replacement.replaced;
      this.#sessions.takesHalf(half);
      void admissions.admitStanding(request, identity, way, leg).then((outcome) => this.#decided(outcome));
    } else if (replacement.kind === 'unknown' && identity.kind === 'pbx' && this.#from !== undefined) {
      const { name } = identity;
      void admissions.admit(request, identity, way).then((outcome) => this.#decided(passedOn(outcome, request, name)));
    } else {
      this.#decided({ kind: 'refused', refusal: replacement.refusal, trace: [] });
    }
  }

  #redirect(redirect: Extract<CallOutput, { type: 'redirect' }>): void {
    const incoming = this.#incoming;
    if (incoming === undefined) return;
    void redirected(this.#parts, incoming, redirect).then(({ admissions, trace, refusals }) => {
      const { leg, by } = redirect;
      for (const code of refusals) this.#parts.observer.onRedirectRefused(incoming, partyOf(by), code);
      this.feed({ type: 'redirected', leg, admissions, trace });
    });
  }

  #dialog(callId: string): void {
    this.#parts.observer.onDialog(this.call.id, callId);
    this.#cameBy(callId);
  }

  #cameBy(name: string): void {
    this.#noted.push(name);
    this.#host.paths.note(name, this.#path);
  }

  #decided(decided: AdmissionOutcome): void {
    const outcome = this.#unlessLoop(decided);
    // A caller who gave up meanwhile is no call any more, and nothing may be kept of it.
    const isWanted = this.call.state === 'admitting';
    if (outcome.kind === 'admitted' && isWanted && this.#incoming)
      this.#parts.observer.onAdmitted(this.#incoming, outcome.admission);
    this.feed(
      outcome.kind === 'admitted'
        ? { type: 'admitted', admission: outcome.admission }
        : { type: 'refused', refusal: outcome.refusal, trace: outcome.trace },
    );
  }

  /** §16.3 step 4 of RFC 3261: from the same sender to the same number a second time. */
  #unlessLoop(outcome: AdmissionOutcome): AdmissionOutcome {
    const canonical = outcome.kind === 'admitted' ? outcome.admission.canonical : undefined;
    if (outcome.kind === 'refused' || canonical === undefined || this.#incoming === undefined) return outcome;
    const { id, request, identity } = this.#incoming;
    const { kind, name } = partyOf(identity);
    const step = `${kind}:${name} to ${canonical}`;
    const before = this.#host.paths.of(request, kind === 'pbx');
    if (before.includes(step)) {
      return { kind: 'refused', refusal: refusals.looped(step), trace: outcome.admission.trace };
    }
    this.#path = [...before, step];
    if (kind === 'user') this.#cameBy(id);
    return outcome;
  }

  #onMedia(event: MediaEvent): void {
    switch (event.type) {
      case 'timeout':
        this.feed({ type: 'media-timeout' });
        break;
      case 'lost':
        this.feed({ type: 'media-lost', detail: event.reason });
        break;
      case 'keying-failed':
        this.#logger.warn('media-keying-failed', { endpoint: event.endpoint, reason: event.reason });
        this.feed({ type: 'keying-failed', detail: event.reason });
        break;
      case 'latched':
        this.#logger.info('media-latched', { endpoint: event.endpoint });
        break;
      case 'one-way':
      case 'over-limit':
        this.#logger.warn(`media-${event.type}`, { endpoint: event.endpoint });
        break;
      default:
        assertNever(event);
    }
  }

  #mediaFailed(detail: string): void {
    this.#logger.error('media-failed', { detail });
    this.feed({ type: 'media-failed', detail });
  }

  #start(timer: CallTimer, delay: number): void {
    this.#stop(timer);
    if (timer === 'duration') this.#durationEnds = this.#instant().now + delay;
    const fire = (): void => {
      this.#timers.delete(timer);
      this.feed({ type: 'timer', timer });
    };
    this.#timers.set(timer, this.#parts.scheduler.after(delay, fire));
  }

  #stop(timer: CallTimer): void {
    this.#timers.get(timer)?.cancel();
    this.#timers.delete(timer);
  }
}

function instantOf({ scheduler: { clock } }: B2buaParts): Instant {
  return { now: clock.now(), wall: clock.wall() };
}
