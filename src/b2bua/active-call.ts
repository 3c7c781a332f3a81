// Carries out what one `Call` asks for: SIP through the user agent, media through the plane, slots through the store.
// Inputs that arrive while outputs are being applied are queued: one input, all of its outputs, then the next.
import { assertNever } from '../core/assert-never.ts';
import type { Millis } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { MediaReport } from '../media/plane/messages.ts';
import { bodyOf, type IncomingCall } from '../sip/user-agent/session.ts';
import type { ActiveCallSnapshot, CallStamp, SessionsSnapshot } from './active-call-snapshot.ts';
import type { B2buaParts } from './b2bua-parts.ts';
import { Call } from './call/call.ts';
import type { CallInput, CallOutput, Instant } from './call/call-event.ts';
import type { CallHalf } from './call/call-half.ts';
import type { CallRecord } from './call/call-record.ts';
import { CallAdmission } from './call-admission.ts';
import { CallMedia } from './call-media.ts';
import { CallSessions } from './call-sessions.ts';
import { CallSlots } from './call-slots.ts';
import { CallTimers } from './call-timers.ts';
import type { TransferHost, TransferOrigin } from './call-transfer.ts';
import { mediaHearers } from './media-inputs.ts';
import type { Party } from './routing/target.ts';

/** How a call begins: by an INVITE, or by a transfer out of another call. */
export interface Begun {
  readonly caller: Party;
  /** The Request-URI's user part as it came. */
  readonly dialled: string;
  readonly halfOf: CallHalf | undefined;
  readonly from: TransferOrigin | undefined;
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
  readonly sessions: CallSessions;
  readonly #parts: B2buaParts;
  /** Undefined: an earlier process has answered it. */
  readonly #incoming: IncomingCall | undefined;
  readonly #logger: Logger;
  readonly #onEnded: () => void;
  readonly #media: CallMedia;
  readonly #slots: CallSlots;
  readonly #admission: CallAdmission;
  readonly #timers: CallTimers;
  readonly #queue: CallInput[] = [];
  #draining = false;
  /** Inputs that were taken. */
  #inputs = 0;
  #toldState: Call['state'] = 'admitting';

  private constructor(parts: B2buaParts, host: TransferHost, origin: Origin, onEnded: () => void) {
    const { id, incoming, from, call, signalling } = origin;
    this.#parts = parts;
    this.#incoming = incoming;
    this.#onEnded = onEnded;
    this.#logger = parts.logger.child({ call: id });
    this.call = call;
    const feed = (input: CallInput): void => this.feed(input);
    this.#timers = new CallTimers(parts.scheduler, (timer) => feed({ type: 'timer', timer }));
    const hearers = mediaHearers({ call, logger: this.#logger, observer: parts.observer }, feed);
    this.#media = new CallMedia(parts.media, id, hearers);
    this.#slots = new CallSlots(id, { ...parts, logger: this.#logger });
    this.#admission = new CallAdmission(parts, host, {
      id,
      incoming,
      from,
      isWanted: () => call.state === 'admitting',
      feed,
      takesHalf: (half) => this.sessions.takesHalf(half),
    });
    this.sessions = new CallSessions(parts, host, signalling, {
      call: () => call,
      feed,
      onDialog: (callId) => this.#admission.onDialog(callId),
    });
  }

  static begin(
    parts: B2buaParts,
    host: TransferHost,
    incoming: IncomingCall,
    { caller, dialled, halfOf, from }: Begun,
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
        halfOf,
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
    this.#timers.takeUpDuration(durationLeft);
    void canSpeak.then(() => {
      if (this.call.state === 'connected') this.#timers.startDuration();
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
  media(): Promise<MediaReport> {
    return this.#media.report();
  }

  /** Undefined unless the call runs. */
  snapshot(): ActiveCallSnapshot | undefined {
    const call = this.call.snapshot(this.#instant());
    if (call === undefined) return undefined;
    const { durationLeft } = this.#timers;
    return { v: 1, call, signalling: this.sessions.snapshot(), media: this.#media.state, durationLeft };
  }

  /** Others whenever the snapshot says something else, but for the time that passes. */
  get stamp(): CallStamp {
    return { signalling: `${this.#inputs} ${this.sessions.stamp}`, media: this.#media.state };
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
    if (state === 'connected') this.#admission.answered();
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
    this.#timers.stopAll();
    this.#slots.release();
    this.#media.close((report) => this.feed({ type: 'media-closed', report }));
  }

  /** The last step. What a defect left standing is let go of; all of it is ignored where it is over. */
  #end(record: CallRecord): void {
    try {
      this.sessions.dropAll();
      this.#admission.forget();
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
        this.#admission.admit();
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
        this.#admission.redirect(output);
        break;
      case 'follow':
        this.#admission.follow(output.admission);
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
        this.#media.setRemote(output.endpoint, output.remote);
        break;
      case 'join':
        this.#media.join(output.a, output.b);
        break;
      case 'close-endpoints':
        this.#media.closeEndpoints(output.endpoints);
        break;
      case 'pause-media-timeout':
        this.#media.pauseTimeout(output.paused);
        break;
      case 'close-media':
        this.#media.close((report) => this.feed({ type: 'media-closed', report }));
        break;
      case 'invite':
        this.sessions.invite(output);
        break;
      case 'prack':
        this.sessions.prack(output);
        break;
      case 'cancel':
        this.sessions.cancel(output.leg, output.headers);
        break;
      case 'progress':
        this.#incoming?.progress(output.status, output);
        break;
      case 'answer':
        this.sessions.answer(output.body, output.dialog);
        break;
      case 'reject':
        this.#incoming?.reject(output.status, { headers: output.headers });
        break;
      case 'accept-pick-up':
        this.sessions.acceptPickUp(output);
        break;
      case 'reject-pick-up':
        this.sessions.rejectPickUp(output.status);
        break;
      case 'ack':
        this.sessions.get(output.leg)?.ack(output.body);
        break;
      case 'bye':
        this.sessions.get(output.leg)?.bye(output.headers);
        break;
      case 'reinvite':
        this.sessions.reinvite(output);
        break;
      case 'cancel-reinvite':
        this.sessions.get(output.leg)?.cancelReinvite();
        break;
      case 'accept-reinvite':
        this.sessions.takeOffer(output.leg)?.accept({ body: output.body });
        break;
      case 'reject-reinvite':
        this.sessions.takeOffer(output.leg)?.reject(output.status);
        break;
      case 'start':
        this.#timers.start(output.timer, output.delay);
        break;
      case 'stop':
        this.#timers.stop(output.timer);
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
}

function instantOf({ scheduler: { clock } }: B2buaParts): Instant {
  return { now: clock.now(), wall: clock.wall() };
}
