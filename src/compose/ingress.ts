// The way in: each message from a socket to whoever owns it. Requests that would make state pass the rate limit, then the
// gate; copies, ACKs, CANCELs and proven peers are not counted, known dialogs apart. The order of arrival is kept.
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { SourceRateLimiter } from '../policy/source-rate.ts';
import type { ChallengeGate, GateOutcomes } from '../sip/auth/challenge-gate.ts';
import type { GateRules } from '../sip/auth/gate-rules.ts';
import { Headers } from '../sip/message/headers.ts';
import type { SipMessage, SipRequest } from '../sip/message/message.ts';
import type { MessageError } from '../sip/message/message-error.ts';
import { refusalOf } from '../sip/transaction/refusal.ts';
import type { Flow, SipTransport, TransportEvents } from '../sip/transport/transport.ts';
import type { UserAgent } from '../sip/user-agent/user-agent.ts';
import type { BanGuard } from './ban-guard.ts';

export interface IngressParts {
  readonly userAgent: UserAgent;
  readonly gate: Pick<ChallengeGate, 'admit'>;
  readonly bans: Pick<BanGuard, 'isBanned' | 'malformed'>;
  readonly rate: () => SourceRateLimiter;
  readonly rules: () => GateRules;
  readonly transport: SipTransport;
  readonly metrics: Pick<Metrics, 'request' | 'dropped'>;
  readonly logger: Logger;
  readonly onFlowClosed: (flow: Flow) => void;
}

interface Waiting {
  readonly message: SipRequest;
  readonly flow: Flow;
  /** Undefined while the source is being counted, which takes no longer than this turn. */
  isAllowed: boolean | undefined;
}

export class Ingress implements TransportEvents {
  readonly #parts: IngressParts;
  readonly #queue: Waiting[] = [];

  constructor(parts: IngressParts) {
    this.#parts = parts;
  }

  onMessage(message: SipMessage, flow: Flow): void {
    if (message.kind === 'response') {
      this.#parts.userAgent.receiveResponse(message, flow);
      return;
    }
    this.#parts.metrics.request(message.method);
    if (this.#isBanned(flow)) return;
    const source = this.#sourceOf(message, flow);
    if (source === undefined) this.#take({ message, flow, isAllowed: true });
    else this.#count(message, flow, source);
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

  #count(message: SipRequest, flow: Flow, source: string): void {
    const waiting: Waiting = { message, flow, isAllowed: undefined };
    void this.#allow(source).then((isAllowed) => {
      waiting.isAllowed = isAllowed;
      this.#drain();
    });
    this.#queue.push(waiting);
  }

  #allow(source: string): Promise<boolean> {
    return this.#parts.rate().allow(source);
  }

  /** Behind what is still being counted, so that no CANCEL overtakes its INVITE. */
  #take(arrived: Waiting): void {
    this.#queue.push(arrived);
    this.#drain();
  }

  #drain(): void {
    for (let next = this.#queue[0]; next?.isAllowed !== undefined; next = this.#queue[0]) {
      this.#queue.shift();
      if (next.isAllowed) this.#parts.gate.admit(next.message, next.flow);
      else this.#limit(next.message, next.flow);
    }
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

  /** §21.5.4. Stateless: the answer is all that a flood gets. */
  #limit(request: SipRequest, flow: Flow): void {
    this.#parts.metrics.dropped('rate-limited');
    this.#refuse(request, 503, flow, Headers.of(['Retry-After', '5']));
  }

  /** Copies of a request have the same Via: each gets the same To-tag. */
  #refuse(request: SipRequest, status: number, flow: Flow, headers = Headers.empty): void {
    const response = refusalOf(request, request.headers.get('Via') ?? '', status, headers);
    this.#parts.transport.send(response, { kind: 'flow', flow }, () => {});
  }
}

/** What the gate decides, carried out: into the user agent, or back over the flow. */
export function gateOutcomes(parts: {
  readonly userAgent: () => UserAgent;
  readonly transport: () => SipTransport;
  readonly metrics: Metrics;
}): GateOutcomes {
  return {
    pass: (request, flow, identity) => parts.userAgent().receive(request, flow, identity),
    answer: (response, flow, reason) => {
      if (reason !== 'challenged') parts.metrics.dropped(reason);
      parts.transport().send(response, { kind: 'flow', flow }, () => {});
    },
    drop: (_request, _flow, reason) => {
      if (reason !== 'answered-by-gate') parts.metrics.dropped(reason);
    },
  };
}
