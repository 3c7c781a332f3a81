// One offer and answer across both legs: a re-INVITE on one leg becomes a re-INVITE on the other, an UPDATE an UPDATE where
// the other side takes one (RFC 3261 §14, RFC 3264 §8, RFC 3311). Until both sides agree nothing changes: a refusal keeps the old session and the old keys.
import { err, ok, type Result } from '../../core/result.ts';
import type { OpenedEndpoint } from '../../media/plane/messages.ts';
import type { SdpRefusal } from '../../media/sdp/sdp-leg.ts';
import type { SessionDescription } from '../../media/sdp/session-description.ts';
import type { Body, CallFailure, OfferMethod } from '../../sip/user-agent/session.ts';
import type { CallInput, CallOutput, LegId } from './call-event.ts';
import { joinCommands, type Leg } from './leg.ts';
import { sdpBody, sdpBytes } from './sdp-body.ts';

/** `ends`: the exchange left the two sides with different sessions, and the call must end. */
export type ExchangeStep = {
  readonly outputs: readonly CallOutput[];
  readonly next: 'waiting' | 'done' | 'ends';
};

export class Exchange {
  /** Who sent the re-INVITE, and who is asked. */
  readonly from: Leg;
  readonly to: Leg;
  #offer: SessionDescription | undefined;
  readonly #method: OfferMethod;
  readonly #opening = new Set<LegId>();
  /** Our 2xx made the offer. */
  #awaitsAck = false;

  constructor(from: Leg, to: Leg, method: OfferMethod = 'INVITE') {
    this.#method = method;
    this.from = from;
    this.to = to;
  }

  /** The first INVITE came without an offer: that of `to` has been passed on in our 2xx, and the ACK brings the answer. */
  static late(from: Leg, to: Leg, offer: SessionDescription): Exchange {
    const exchange = new Exchange(from, to);
    exchange.#offer = offer;
    exchange.#awaitsAck = true;
    return exchange;
  }

  /** The re-INVITE, with its offer or without one (then the other side is asked for an offer). */
  begin(body: Body | undefined): ExchangeStep {
    if (body === undefined) return waiting([this.#ask(undefined)]);
    const offer = received(body, (bytes) => this.from.sdp.receiveOffer(bytes));
    if (!offer.ok) return this.#refuse(offer.error.status);
    this.#offer = offer.value;
    return this.#openOr(offer.value, () => this.#relayOffer(offer.value));
  }

  /** Undefined when the input does not concern this exchange. */
  handle(input: CallInput): ExchangeStep | undefined {
    switch (input.type) {
      case 'reinvite-answered':
        return this.#answered(input.body);
      case 'reinvite-failed':
        return this.#failed(input.failure);
      case 'reinvite-cancelled':
        return input.leg === this.from.id ? this.#cancelled() : undefined;
      case 'acked':
        return input.leg === this.from.id ? this.#acked(input.body) : undefined;
      case 'media-opened':
        return this.#opened(input.leg, input.endpoints);
      case 'media-refused':
        return this.#mediaRefused(input.leg);
      default:
        return undefined;
    }
  }

  /** Undefined when this exchange asked for no such endpoints: they belong to an attempt that is over. */
  #opened(id: LegId, endpoints: readonly OpenedEndpoint[]): ExchangeStep | undefined {
    if (this.#offer === undefined || !this.#opening.delete(id)) return undefined;
    (id === this.from.id ? this.from : this.to).opened(this.#offer, endpoints);
    return this.#opening.size > 0 ? waiting([]) : this.#relayOffer(this.#offer);
  }

  #mediaRefused(id: LegId): ExchangeStep | undefined {
    return this.#opening.delete(id) ? this.#refuse(488) : undefined;
  }

  /** The other side's 2xx: an answer, or the offer that it was asked for. */
  #answered(body: Body | undefined): ExchangeStep {
    if (this.#offer === undefined) return this.#relayLateOffer(body);
    const answer = received(body, (bytes) => this.to.sdp.receiveAnswer(bytes));
    const ack: CallOutput = { type: 'ack', leg: this.to.id, body: undefined };
    if (!answer.ok) return { outputs: [ack, ...this.#refuse(488).outputs], next: 'ends' };
    const toFrom = this.from.sdp.createAnswer(answer.value, this.from.locals());
    const accept: CallOutput = { type: 'accept-reinvite', leg: this.from.id, body: sdpBody(toFrom) };
    return done([ack, ...this.#commit(), accept]);
  }

  /** Nobody waits for the other side any more. */
  giveUp(status: number): ExchangeStep {
    return this.#refuse(status);
  }

  #failed(failure: CallFailure): ExchangeStep {
    return this.#refuse(refusalStatus(failure));
  }

  /** The other side is asked to give up too, and its answer is passed on, so that both still have the same session (§9.2). */
  #cancelled(): ExchangeStep {
    if (this.#opening.size > 0) return this.#refuse(487);
    return waiting([{ type: 'cancel-reinvite', leg: this.to.id }]);
  }

  /** The ACK that answers a late offer. */
  #acked(body: Body | undefined): ExchangeStep {
    if (this.#offer === undefined || !this.#awaitsAck) return waiting([]);
    const answer = received(body, (bytes) => this.from.sdp.receiveAnswer(bytes));
    if (!answer.ok) {
      this.#rollback();
      return { outputs: [{ type: 'ack', leg: this.to.id, body: undefined }], next: 'ends' };
    }
    const toOther = this.to.sdp.createAnswer(answer.value, this.to.locals());
    return done([{ type: 'ack', leg: this.to.id, body: sdpBody(toOther) }, ...this.#commit()]);
  }

  #relayOffer(offer: SessionDescription): ExchangeStep {
    const toOther = this.to.sdp.createOffer(offer, this.to.locals());
    if (!toOther.ok) return this.#refuse(toOther.error.status);
    return waiting([this.#ask(sdpBody(toOther.value))]);
  }

  #ask(body: Body | undefined): CallOutput {
    return { type: 'reinvite', leg: this.to.id, method: this.#method, body };
  }

  /** The peer's 2xx made the offer; it travels in our 2xx, and its answer comes in the ACK. No lines can be added this way. */
  #relayLateOffer(body: Body | undefined): ExchangeStep {
    const offer = received(body, (bytes) => this.to.sdp.receiveOffer(bytes));
    const toFrom =
      offer.ok && this.to.missing(offer.value).length === 0
        ? this.from.sdp.createOffer(offer.value, this.from.locals())
        : undefined;
    if (!offer.ok || toFrom?.ok !== true) {
      const ack: CallOutput = { type: 'ack', leg: this.to.id, body: undefined };
      return { outputs: [ack, ...this.#refuse(488).outputs], next: 'ends' };
    }
    this.#offer = offer.value;
    this.#awaitsAck = true;
    return waiting([{ type: 'accept-reinvite', leg: this.from.id, body: sdpBody(toFrom.value) }]);
  }

  #openOr(offer: SessionDescription, proceed: () => ExchangeStep): ExchangeStep {
    const outputs: CallOutput[] = [];
    for (const leg of [this.from, this.to]) {
      const specs = leg.missing(offer);
      if (specs.length === 0) continue;
      this.#opening.add(leg.id);
      outputs.push({ type: 'open-media', leg: leg.id, specs });
    }
    return outputs.length > 0 ? waiting(outputs) : proceed();
  }

  #refuse(status: number): ExchangeStep {
    this.#rollback();
    return done([{ type: 'reject-reinvite', leg: this.from.id, status }]);
  }

  #rollback(): void {
    this.from.sdp.rollback();
    this.to.sdp.rollback();
  }

  #commit(): readonly CallOutput[] {
    this.from.sdp.commit();
    this.to.sdp.commit();
    return [
      ...this.from.remoteCommands(),
      ...this.to.remoteCommands(),
      ...joinCommands(this.from, this.to),
      { type: 'pause-media-timeout', paused: this.from.isHeld() || this.to.isHeld() },
    ];
  }
}

/** Reads the SDP of a body by `read`; an absent or foreign body is a refusal like any other. */
export function received(
  body: Body | undefined,
  read: (bytes: Uint8Array) => Result<SessionDescription, SdpRefusal>,
): Result<SessionDescription, SdpRefusal> {
  const bytes = sdpBytes(body);
  if (!bytes.ok) return err(bytes.error);
  const description = read(bytes.value);
  return description.ok ? ok(description.value) : err(description.error);
}

/** The offer of an INVITE; undefined where it has none, since its body is absent or no session description (RFC 3264 §5). */
export function receivedOffer(
  body: Body | undefined,
  read: (bytes: Uint8Array) => Result<SessionDescription, SdpRefusal>,
): Result<SessionDescription | undefined, SdpRefusal> {
  const offer = received(body, read);
  return !offer.ok && offer.error.reason === 'no-sdp' ? ok(undefined) : offer;
}

/** Refusals that mean the same to the side that asked. */
const passed: ReadonlySet<number> = new Set([403, 480, 486, 488, 491, 500, 603, 606]);

function refusalStatus({ cause, status }: CallFailure): number {
  if (cause === 'cancelled') return 487;
  return cause === 'response' && passed.has(status) ? status : 488;
}

function waiting(outputs: readonly CallOutput[]): ExchangeStep {
  return { outputs, next: 'waiting' };
}

function done(outputs: readonly CallOutput[]): ExchangeStep {
  return { outputs, next: 'done' };
}
