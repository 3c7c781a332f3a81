// The way in: each message from a socket to whoever owns it. Requests that would make state pass the rate limit, then the
// gate; copies, ACKs, CANCELs and proven peers are not counted, known dialogs apart. What begins something waits for its turn where
// much comes at once, but for calls, which an overloaded node turns away. All else keeps the order of arrival.
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { SourceRateLimiter } from '../../policy/source-rate.ts';
import type { ChallengeGate, GateOutcomes } from '../../sip/auth/challenge-gate.ts';
import type { GateRules } from '../../sip/auth/gate-rules.ts';
import { type Identity, userIdentity } from '../../sip/auth/identity.ts';
import { Headers } from '../../sip/message/headers.ts';
import type { SipMessage, SipRequest } from '../../sip/message/message.ts';
import type { MessageError } from '../../sip/message/message-error.ts';
import { refusalOf, spreadRetryAfter } from '../../sip/transaction/refusal.ts';
import type { Flow, SipTransport, TransportEvents } from '../../sip/transport/transport.ts';
import type { UserAgent } from '../../sip/user-agent/user-agent.ts';
import type { BanGuard } from './ban-guard.ts';
import type { OverloadGuard } from './overload-guard.ts';
import { type WaitingLimits, WaitingRoom } from './waiting-room.ts';

export interface IngressParts {
  readonly userAgent: UserAgent;
  readonly gate: Pick<ChallengeGate, 'admit'>;
  readonly bans: Pick<BanGuard, 'isBanned' | 'malformed' | 'turnedAway'>;
  readonly overload: Pick<OverloadGuard, 'boundOf' | 'turnsAway' | 'tell'>;
  readonly waiting: () => WaitingLimits;
  readonly scheduler: Scheduler;
  /** Runs once what has come by now was read. */
  readonly nextTurn: (run: () => void) => void;
  readonly isEmergency: (request: SipRequest, identity: Identity) => boolean;
  readonly rate: () => SourceRateLimiter;
  readonly rules: () => GateRules;
  readonly transport: SipTransport;
  readonly metrics: Pick<Metrics, 'request' | 'dropped'>;
  readonly logger: Logger;
  readonly onFlowClosed: (flow: Flow) => void;
}

interface Counted {
  readonly message: SipRequest;
  readonly flow: Flow;
  readonly sizeBytes: number;
  /** Undefined while the source is being counted, which takes no longer than this turn. */
  isAllowed: boolean | undefined;
}

export class Ingress implements TransportEvents {
  readonly room: WaitingRoom;
  readonly #parts: IngressParts;
  readonly #queue: Counted[] = [];

  constructor(parts: IngressParts) {
    this.#parts = parts;
    const { waiting: limits, overload, scheduler, nextTurn, transport, gate, metrics, logger } = parts;
    this.room = new WaitingRoom({
      limits,
      overload,
      scheduler,
      nextTurn,
      isAlive: (flow) => transport.isAlive(flow),
      begin: (request, flow) => gate.admit(request, flow),
      turnAway: (request, flow) => this.#shed(request, flow),
      drop: () => metrics.dropped('waiting'),
      logger,
    });
  }

  onMessage(message: SipMessage, flow: Flow, bytes: Uint8Array): void {
    if (message.kind === 'response') {
      this.#parts.userAgent.receiveResponse(message, flow);
      return;
    }
    this.#parts.metrics.request(message.method);
    if (this.#isBanned(flow)) return;
    const source = this.#sourceOf(message, flow);
    const sizeBytes = bytes.length;
    if (source === undefined) this.#take({ message, flow, sizeBytes, isAllowed: true });
    else this.#count({ message, flow, sizeBytes, isAllowed: undefined }, source);
  }

  onUnparsable(error: MessageError, flow: Flow): void {
    this.#parts.metrics.dropped(error.code);
    if (this.#isBanned(flow)) return;
    this.#parts.bans.malformed(flow);
    this.#parts.logger.debug('message-refused', { code: error.code, detail: error.detail, flow: flow.id });
    const { answerable, status } = error;
    if (answerable === undefined || this.#parts.rules().sideOf(flow) === undefined) return;
    // A connection may close behind this answer, and it is its peer's own. Where a datagram came from anybody can claim.
    if (flow.reliable) this.#refuse(answerable, status, flow);
    else void this.#allow(flow.remote.address).then((isAllowed) => isAllowed && this.#refuse(answerable, status, flow));
  }

  onFlowClosed(flow: Flow): void {
    this.room.flowClosed(flow);
    this.#parts.userAgent.flowClosed(flow);
    this.#parts.onFlowClosed(flow);
  }

  /** A datagram of a banned source, or what was under way when it was banned. A peer of ours is never one. */
  #isBanned(flow: Flow): boolean {
    const { bans, rules, metrics } = this.#parts;
    if (!bans.isBanned(flow.remote.address) || rules().peerOf(flow) !== undefined) return false;
    metrics.dropped('banned');
    return true;
  }

  #count(counted: Counted, source: string): void {
    void this.#allow(source).then((isAllowed) => {
      counted.isAllowed = isAllowed;
      this.#drain();
    });
    this.#queue.push(counted);
  }

  #allow(source: string): Promise<boolean> {
    return this.#parts.rate().allow(source);
  }

  /** Behind what is still being counted, so that no CANCEL overtakes its INVITE. */
  #take(arrived: Counted): void {
    this.#queue.push(arrived);
    this.#drain();
  }

  #drain(): void {
    for (let next = this.#queue[0]; next?.isAllowed !== undefined; next = this.#queue[0]) {
      this.#queue.shift();
      if (next.isAllowed) this.#admit(next);
      else this.#turnAway(next.message, next.flow, 'rate-limited');
    }
  }

  /**
   * New work waits for its turn, or is too much while the node has too much on its hands. What belongs to a transaction or to a dialog
   * that there is passes, wherever it comes from, and so do emergency calls and what a peer sends that is no call, such as a ping.
   */
  #admit({ message: request, flow, sizeBytes }: Counted): void {
    const { method } = request;
    const begins = !ofOthers.has(method) && this.#parts.userAgent.peerOf(request) === undefined;
    if (begins && method === 'INVITE' && this.#isTooMuch(request, flow)) this.#shed(request, flow);
    else if (begins && method !== 'INVITE' && this.#mayWait(request, flow) && !this.room.isFree()) {
      this.room.wait({ request, flow, sizeBytes });
    } else {
      this.#parts.gate.admit(request, flow);
    }
  }

  #mayWait(request: SipRequest, flow: Flow): boolean {
    const { userAgent, rules } = this.#parts;
    return !userAgent.layer.matches(request) && rules().peerOf(flow) === undefined;
  }

  #isTooMuch(invite: SipRequest, flow: Flow): boolean {
    const { userAgent, rules, overload, isEmergency } = this.#parts;
    if (!overload.turnsAway('call') || userAgent.layer.matches(invite)) return false;
    return !isEmergency(invite, rules().peerOf(flow)?.identity ?? somebody);
  }

  /**
   * What a request is counted under; undefined: it is not. A phone in a call has a count for its flow, apart from what else
   * comes from its address: each request makes a transaction. Its BYE always passes, as it can end but one call.
   */
  #sourceOf(request: SipRequest, flow: Flow): string | undefined {
    const { userAgent, rules } = this.#parts;
    const { method } = request;
    if (method === 'ACK' || method === 'CANCEL' || userAgent.layer.matches(request)) return undefined;
    const peer = rules().peerOf(flow);
    if (peer !== undefined && peer.account === undefined) return undefined;
    if (userAgent.knowsDialog(request, flow) === undefined) return flow.remote.address;
    return method === 'BYE' || peer !== undefined ? undefined : flow.id;
  }

  /** Whoever was challenged and is turned away when it answers has not left the challenge unanswered. */
  #shed(request: SipRequest, flow: Flow): void {
    this.#parts.bans.turnedAway(flow);
    this.#turnAway(request, flow, 'overload');
  }

  /** §21.5.4. Stateless: the answer is all that a flood gets. */
  #turnAway(request: SipRequest, flow: Flow, reason: 'rate-limited' | 'overload'): void {
    this.#parts.metrics.dropped(reason);
    this.#refuse(request, 503, flow, spreadRetryAfter(request.headers.get('Via') ?? ''));
  }

  /** Copies of a request have the same Via: each gets the same To-tag. */
  #refuse(request: SipRequest, status: number, flow: Flow, headers = Headers.empty): void {
    const response = refusalOf(request, request.headers.get('Via') ?? '', status, headers);
    this.#parts.transport.send(response, { kind: 'flow', flow }, () => {});
  }
}

/** What never begins anything; a BYE can but end one call. */
const ofOthers: ReadonlySet<string> = new Set(['ACK', 'CANCEL', 'BYE']);

/** Who is not known yet dials as a phone does. */
const somebody = userIdentity('somebody', 'invalid');

/** What the gate decides, carried out: into the user agent, or back over the flow. */
export function gateOutcomes(parts: {
  readonly userAgent: () => UserAgent;
  readonly transport: () => SipTransport;
  readonly bans: Pick<BanGuard, 'turnedAway'>;
  readonly metrics: Metrics;
}): GateOutcomes {
  return {
    pass: (request, flow, identity) => parts.userAgent().receive(request, flow, identity),
    answer: (response, flow, reason) => {
      if (reason === 'lookups-full') parts.bans.turnedAway(flow);
      if (reason !== 'challenged') parts.metrics.dropped(reason);
      parts.transport().send(response, { kind: 'flow', flow }, () => {});
    },
    drop: (_request, _flow, reason) => {
      if (reason !== 'answered-by-gate') parts.metrics.dropped(reason);
    },
  };
}
