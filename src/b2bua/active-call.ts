// Carries out what one `Call` asks for: SIP through the user agent, media through the plane, slots through the store.
// Inputs that arrive while outputs are being applied are queued: one input, all of its outputs, then the next.
import { assertNever } from '../core/assert-never.ts';
import type { Millis } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Timer } from '../core/scheduler.ts';
import type { MediaEvent } from '../media/plane/messages.ts';
import type { Headers } from '../sip/message/headers.ts';
import type { SipMessage } from '../sip/message/message.ts';
import {
  type Body,
  bodyOf,
  type IncomingCall,
  type IncomingDialogRequest,
  type IncomingReinvite,
  type OutgoingCall,
  type OutgoingCallHandlers,
  type ReinviteHandlers,
  type Session,
  type SessionHandlers,
  type SessionSnapshot,
} from '../sip/user-agent/session.ts';
import type { B2buaParts } from './b2bua-parts.ts';
import { Call, type CallSnapshot } from './call.ts';
import type { CallInput, CallOutput, CallTimer, LegId } from './call-event.ts';
import { CallMedia } from './call-media.ts';
import type { CallRecord, MediaRecord } from './call-record.ts';
import { CallSlots } from './call-slots.ts';
import { CallTransfer, type TransferHost, type TransferOrigin } from './call-transfer.ts';
import { methodsInCall, relayInDialog } from './dialog-requests.ts';
import { joined, reasonOf } from './header-policy.ts';
import { SessionIds } from './session-ids.ts';
import type { Party, Target } from './target.ts';

/** A running call with everything that outlives a process. Holds keys: seal it. */
export interface ActiveCallSnapshot {
  readonly v: 1;
  readonly call: CallSnapshot;
  readonly sessions: readonly { readonly leg: LegId; readonly session: SessionSnapshot }[];
  /** Until the longest duration is reached. */
  readonly durationLeft: Millis;
}

/** How a call begins: by an INVITE, or by a transfer out of another call. */
export interface Begun {
  readonly caller: Party;
  /** The Request-URI's user part as it came. */
  readonly dialled: string;
  readonly from: TransferOrigin | undefined;
}

export class ActiveCall {
  readonly call: Call;
  readonly #parts: B2buaParts;
  readonly #incoming: IncomingCall;
  readonly #logger: Logger;
  readonly #onEnded: () => void;
  readonly #media: CallMedia;
  readonly #slots: CallSlots;
  readonly #ids: SessionIds;
  readonly #transfer: CallTransfer;
  readonly #queue: CallInput[] = [];
  #draining = false;
  readonly #outgoing = new Map<LegId, OutgoingCall>();
  readonly #sessions = new Map<LegId, Session>();
  readonly #reinvites = new Map<LegId, IncomingReinvite>();
  readonly #timers = new Map<CallTimer, Timer>();
  #durationEnds: Millis = 0;

  constructor(parts: B2buaParts, host: TransferHost, incoming: IncomingCall, begun: Begun, onEnded: () => void) {
    const { caller, dialled, from } = begun;
    this.#transfer = new CallTransfer(host, parts.random);
    this.#parts = parts;
    this.#incoming = incoming;
    this.#onEnded = onEnded;
    this.#logger = parts.logger.child({ call: incoming.id });
    this.#media = new CallMedia(parts.media, incoming.id, (event) => this.#onMedia(event));
    this.#slots = new CallSlots(incoming.id, { ...parts, logger: this.#logger });
    this.#ids = new SessionIds(parts.random);
    const { request } = incoming;
    this.#heard('a', request);
    this.call = new Call(
      {
        id: incoming.id,
        caller,
        dialled,
        media: parts.directory.mediaOf(incoming.flow),
        offer: bodyOf(request),
        sdp: from?.sdp,
        transferOf: from?.call,
        callerAcknowledges: incoming.reliability !== 'none',
        random: parts.random,
      },
      this.#instant(),
    );
    incoming.handlers = {
      onCancelled: (by) => this.feed({ type: 'cancelled', reason: reasonOf(by) }),
      onFlowLost: () => this.feed({ type: 'caller-flow-lost' }),
      onSilent: () => this.feed({ type: 'caller-silent' }),
      onOffer: (dialog, offer) => this.#offered('a', offer, String(dialog)),
      onOfferCancelled: () => this.feed({ type: 'reinvite-cancelled', leg: 'a' }),
    };
  }

  /** How the media of each leg is until now. */
  async media(): Promise<readonly MediaRecord[]> {
    return this.call.mediaRecords(await this.#media.report());
  }

  /** Undefined unless the call runs. */
  snapshot(): ActiveCallSnapshot | undefined {
    const at = this.#instant();
    const call = this.call.snapshot(at);
    if (call === undefined) return undefined;
    const sessions = Array.from(this.#sessions, ([leg, session]) => ({ leg, session: session.snapshot() }));
    return { v: 1, call, sessions, durationLeft: Math.max(0, this.#durationEnds - at.now) };
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
  }

  #take(input: CallInput): void {
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
      for (const session of [...this.#sessions.values()]) session.bye();
      for (const outgoing of [...this.#outgoing.values()]) outgoing.cancel();
      this.#incoming.reject(500);
      this.#parts.observer.onCallEnded(record);
    } finally {
      this.#onEnded();
    }
  }

  #instant(): { now: number; wall: number } {
    const { clock } = this.#parts.scheduler;
    return { now: clock.now(), wall: clock.wall() };
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
        this.#invite(output.leg, output.target, output.body);
        break;
      case 'cancel':
        this.#outgoing.get(output.leg)?.cancel(joined(output.headers, this.#ids.towards(output.leg)));
        break;
      case 'progress':
        this.#incoming.progress(output.status, { body: output.body, dialog: output.dialog });
        break;
      case 'answer':
        this.#answer(output.body, output.dialog);
        break;
      case 'reject':
        this.#incoming.reject(output.status, { headers: output.headers });
        break;
      case 'ack':
        this.#sessions.get(output.leg)?.ack(output.body);
        break;
      case 'bye':
        this.#sessions.get(output.leg)?.bye(output.headers);
        break;
      case 'reinvite':
        this.#reinvite(output);
        break;
      case 'cancel-reinvite':
        this.#sessions.get(output.leg)?.cancelReinvite();
        break;
      case 'accept-reinvite':
        this.#takeReinvite(output.leg)?.accept({ body: output.body });
        break;
      case 'reject-reinvite':
        this.#takeReinvite(output.leg)?.reject(output.status);
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
    const { request, identity, flow } = this.#incoming;
    void this.#parts.admissions
      .admit(request, identity, { listener: flow.listener, call: this.#incoming.id })
      .then((outcome) => {
        this.feed(
          outcome.kind === 'admitted'
            ? { type: 'admitted', admission: outcome.admission }
            : { type: 'refused', refusal: outcome.refusal, trace: outcome.trace },
        );
      });
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

  #answer(body: Body | undefined, dialog: number): void {
    this.#sessions.set('a', this.#incoming.answer({ body, dialog }, this.#sessionHandlers('a')));
  }

  // Leg B and the sessions of both legs.

  #invite(leg: LegId, target: Target, body: Body | undefined): void {
    const handlers: OutgoingCallHandlers = {
      session: this.#sessionHandlers(leg),
      onProvisional: (response, earlyId, isReliable) => {
        this.#heard(leg, response);
        const { status } = response;
        this.feed({ type: 'provisional', leg, earlyId, status, body: bodyOf(response), isReliable });
      },
      onOffer: (earlyId, offer) => this.#offered(leg, offer, earlyId),
      onOfferCancelled: () => this.feed({ type: 'reinvite-cancelled', leg }),
      onAnswered: (session, response, earlyId) => {
        this.#outgoing.delete(leg);
        this.#sessions.set(leg, session);
        this.#heard(leg, response);
        this.feed({ type: 'answered', leg, earlyId, body: bodyOf(response) });
      },
      onFailed: (failure) => {
        this.#outgoing.delete(leg);
        if (failure.response !== undefined) this.#heard(leg, failure.response);
        this.feed({ type: 'attempt-failed', leg, failure });
      },
    };
    const { destination, requestUri, from, to, contactUser, credentials } = target;
    const headers = joined(target.headers, this.#carried(leg));
    const { peer, followTarget } = target;
    const options = { destination, requestUri, from, to, contactUser, headers, body, credentials, peer, followTarget };
    this.#outgoing.set(leg, this.#parts.userAgent.invite(options, handlers));
  }

  #sessionHandlers(leg: LegId): SessionHandlers {
    return {
      onReinvite: (reinvite) => this.#offered(leg, reinvite),
      onReinviteCancelled: () => this.feed({ type: 'reinvite-cancelled', leg }),
      onRefreshDue: () => this.feed({ type: 'refresh-due', leg }),
      onAck: (body) => this.feed({ type: 'acked', leg, body }),
      onRequest: (incoming) => this.#onRequest(leg, incoming),
      onEnded: (cause, request) => {
        this.#sessions.delete(leg);
        const orphan = this.#transfer.legEnded(leg);
        if (orphan !== undefined) this.#sessions.delete(orphan);
        this.feed({ type: 'leg-ended', leg, cause, reason: reasonOf(request) });
      },
    };
  }

  /** A re-INVITE, or an offer in an UPDATE or PRACK. */
  #offered(leg: LegId, offer: IncomingReinvite, dialog?: string): void {
    this.#heard(leg, offer.request);
    // Another early dialog of this leg is being asked already.
    if (dialog !== undefined && this.#reinvites.has(leg)) {
      offer.reject(491);
      return;
    }
    this.#reinvites.set(leg, offer);
    const method = offer.request.method === 'INVITE' ? 'INVITE' : 'UPDATE';
    const input = { type: 'reinvited', leg, method, body: bodyOf(offer.request) } as const;
    this.feed(dialog === undefined ? input : { ...input, dialog });
  }

  #reinvite({ leg, body, method, dialog }: Extract<CallOutput, { type: 'reinvite' }>): void {
    const handlers: ReinviteHandlers = {
      onAnswered: (response) => {
        this.#heard(leg, response);
        this.feed({ type: 'reinvite-answered', leg, body: bodyOf(response) });
      },
      onFailed: (failure) => this.feed({ type: 'reinvite-failed', leg, failure }),
    };
    if (dialog === undefined || body === undefined) this.#sessions.get(leg)?.reinvite(body, handlers, method);
    else if (leg === 'a') this.#incoming.update(Number(dialog), body, handlers);
    else this.#outgoing.get(leg)?.update(dialog, body, handlers);
  }

  /** What changes nothing of the session: it goes to the leg that this one is joined to, as far as policy lets it. */
  #onRequest(leg: LegId, incoming: IncomingDialogRequest): void {
    const other = [...this.#sessions].find(([id]) => (id === 'a') !== (leg === 'a'));
    const policy = this.#parts.directory.methodPolicy();
    const isTransfer = incoming.request.method === 'REFER' && policy.refer === 'handle';
    if (isTransfer && other !== undefined) this.#refer(leg, incoming, ...other);
    else relayInDialog(incoming, other?.[1], policy);
  }

  /** The other leg gets to whom the referrer would have called, as a new call of the referrer. */
  #refer(leg: LegId, incoming: IncomingDialogRequest, remaining: LegId, other: Session): void {
    const session = this.#sessions.get(leg);
    const sdp = this.call.leg(remaining)?.sdp.successor();
    if (session === undefined || sdp === undefined) {
      incoming.respond(491);
      return;
    }
    this.#transfer.refer({
      incoming,
      referrer: { leg, session, identity: session.peer },
      remaining: { leg: remaining, session: other },
      origin: { call: this.call.id, sdp },
      // A PBX may name itself, or the address that it knows us by.
      isOurs: (host) => session.peer.kind === 'pbx' || this.#parts.directory.isOurs(host),
      onTransferred: (transferred) => {
        this.#sessions.delete(transferred);
        this.feed({ type: 'end', cause: 'transferred' });
      },
    });
  }

  /** Notes the half of a side, and lets what goes to both from now on carry both (RFC 7989). */
  #heard(leg: LegId, message: SipMessage): void {
    this.#ids.heard(leg, message);
    this.#incoming.carry(this.#carried('a'));
    for (const [id, session] of this.#sessions) session.carry(this.#carried(id));
  }

  /** With what policy lets through beside the session, so that phones know that they may try it (RFC 3261 §20.5). */
  #carried(leg: LegId): Headers {
    const methods = methodsInCall(this.#parts.directory.methodPolicy());
    const ids = this.#ids.towards(leg);
    return methods.length === 0 ? ids : ids.append('Allow', methods.join(', '));
  }

  #takeReinvite(leg: LegId): IncomingReinvite | undefined {
    const reinvite = this.#reinvites.get(leg);
    this.#reinvites.delete(leg);
    return reinvite;
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
