// The gate in front of the transaction layer: nobody makes state behind it who did not prove who it is, or is known by its flow
// (RFC 3261 §8.2.7, §22). 401 for everything, as the answering side of a call is what we are towards everybody (§22.2). It only
// remembers requests whose user is being looked up: they had a nonce of ours, so that a forged source cannot make any.

import { assertNever } from '../../core/assert-never.ts';
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { essentialsOf } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import { serverKey } from '../transaction/key.ts';
import type { Flow } from '../transport/transport.ts';
import { Authenticator } from './authenticator.ts';
import type { CredentialStore, StoreFailure, UserCredentials } from './credentials.ts';
import {
  type AnswerReason,
  type Attempt,
  conclude,
  type DropReason,
  decide,
  type Failure,
  type GateDecision,
  type GateParts,
  type GateView,
} from './gate-decision.ts';
import type { GateRules } from './gate-rules.ts';
import type { Identity } from './identity.ts';
import type { KeptNonces } from './kept-nonces.ts';
import { NonceIssuer } from './nonce.ts';
import { NonceCounter } from './nonce-counter.ts';
import { StatelessTags } from './stateless-tag.ts';

/** Where an admitted request goes next. Exactly one call for each request, now or when its user was looked up. */
export interface GateOutcomes {
  pass(request: SipRequest, flow: Flow, identity: Identity): void;
  /** Send this over the flow that the request came by; keep nothing. */
  answer(response: SipResponse, flow: Flow, reason: AnswerReason): void;
  drop(request: SipRequest, flow: Flow, reason: DropReason): void;
}

/** For metrics, and for whoever scores sources by address, address of record or device. A first challenge is no failure. */
export interface AuthObserver {
  challenged(request: SipRequest, flow: Flow): void;
  /** `username` is what the peer claimed, 255 characters at most; undefined where it could not be read. */
  failed(request: SipRequest, flow: Flow, reason: Failure, username: string | undefined): void;
  accepted(request: SipRequest, flow: Flow, identity: Identity): void;
}

export interface GateLimits {
  /** Requests whose user is being looked up. */
  readonly pendingLookUps: number;
  readonly lookUpDeadline: Millis;
  readonly nonceLifetime: Millis;
  /** Nonces whose counts are remembered. */
  readonly nonceWindows: number;
}

export const defaultGateLimits: GateLimits = {
  pendingLookUps: 4096,
  lookUpDeadline: 3000,
  nonceLifetime: 300_000,
  nonceWindows: 65_536,
};

export interface ChallengeGateOptions {
  readonly rules: GateRules;
  /** 32 bytes or more that outlive a restart, so that phones with an older nonce are told that it is stale. */
  readonly secret: Uint8Array;
  readonly store: CredentialStore;
  readonly view: GateView;
  readonly outcomes: GateOutcomes;
  readonly observer: AuthObserver;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits?: GateLimits | undefined;
  /** What a process before knew of nonces when it ended in order. */
  readonly nonces?: KeptNonces | undefined;
}

interface LookUp {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly attempt: Attempt;
  readonly timer: Timer;
  /** Came while its INVITE was waiting. */
  cancel: SipRequest | undefined;
}

export class ChallengeGate {
  readonly #options: ChallengeGateOptions;
  readonly #limits: GateLimits;
  readonly #parts: GateParts;
  readonly #nonces: NonceIssuer;
  readonly #counter: NonceCounter;
  readonly #lookUps = new Map<string, LookUp>();
  #rules: GateRules;
  #isStoreDown = false;

  constructor(options: ChallengeGateOptions) {
    const { secret, random, view, scheduler, limits = defaultGateLimits } = options;
    this.#options = options;
    this.#limits = limits;
    this.#rules = options.rules;
    const { nonceLifetime: lifetime, nonceWindows: capacity } = limits;
    const { nonces: kept } = options;
    const nonces = new NonceIssuer({ secret, clock: scheduler.clock, random, lifetime, knownSince: kept?.startedAt });
    this.#nonces = nonces;
    this.#counter = new NonceCounter({ lifetime, capacity, kept });
    const authenticator = new Authenticator({ nonces, counter: this.#counter, secret });
    this.#parts = { authenticator, tags: new StatelessTags(secret), view };
  }

  /** Requests that wait for a look-up; a gauge. */
  get pending(): number {
    return this.#lookUps.size;
  }

  /** Nonces whose counts are remembered; a gauge. */
  get nonceWindows(): number {
    return this.#counter.size;
  }

  /** What is known of nonces, for the next process: once nothing is served any more. */
  keptNonces(): KeptNonces {
    return { v: 1, startedAt: this.#nonces.knownSince, ...this.#counter.kept(this.#nonces.now()) };
  }

  /** For requests that come from now on; those that wait are finished under the old rules. */
  replaceRules(rules: GateRules): void {
    this.#rules = rules;
  }

  /** The sync part: what becomes of the request, with nothing done yet. */
  decide(request: SipRequest, flow: Flow): GateDecision {
    return decide(request, flow, this.#rules, this.#parts);
  }

  /** Takes a request that came over `flow`; its outcome follows at once or when its user was looked up. */
  admit(request: SipRequest, flow: Flow): void {
    if (!this.#joinsLookUp(request, flow)) this.#carryOut(request, flow, this.decide(request, flow));
  }

  /** Forgets what waits, without an answer: the process ends. */
  close(): void {
    for (const { timer } of this.#lookUps.values()) timer.cancel();
    this.#lookUps.clear();
  }

  /** A retransmission of a request that waits is dropped; a CANCEL waits behind its INVITE. */
  #joinsLookUp(request: SipRequest, flow: Flow): boolean {
    if (this.#lookUps.size === 0) return false;
    const { method } = request;
    const invite = method === 'CANCEL' ? this.#lookUps.get(lookUpKey(request, flow, 'INVITE')) : undefined;
    if (invite !== undefined && invite.cancel === undefined) {
      invite.cancel = request;
      return true;
    }
    if (invite === undefined && !this.#lookUps.has(lookUpKey(request, flow, method))) return false;
    this.#options.outcomes.drop(request, flow, 'lookup-pending');
    return true;
  }

  #carryOut(request: SipRequest, flow: Flow, decision: GateDecision): void {
    const { outcomes, observer } = this.#options;
    switch (decision.kind) {
      case 'pass':
        if (decision.isProven) observer.accepted(request, flow, decision.identity);
        outcomes.pass(request, flow, decision.identity);
        break;
      case 'drop':
        outcomes.drop(request, flow, decision.reason);
        break;
      case 'look-up':
        this.#lookUp(request, flow, decision.attempt);
        break;
      case 'answer': {
        const { status, reason, headers, failure, proven } = decision;
        if (proven !== undefined) observer.accepted(request, flow, proven);
        else if (failure !== undefined) observer.failed(request, flow, failure.reason, failure.username);
        else if (reason === 'challenged') observer.challenged(request, flow);
        const toTag = this.#parts.tags.tagFor(request);
        outcomes.answer(responseTo(request, status, { toTag, headers }), flow, reason);
        break;
      }
      default:
        assertNever(decision);
    }
  }

  #lookUp(request: SipRequest, flow: Flow, attempt: Attempt): void {
    const { pendingLookUps, lookUpDeadline } = this.#limits;
    if (this.#lookUps.size >= pendingLookUps) {
      this.#carryOut(request, flow, this.#later(503, 'lookups-full'));
      return;
    }
    const key = lookUpKey(request, flow, request.method);
    const tooLate = err({ code: 'timeout', detail: `no answer in ${lookUpDeadline} ms` });
    const timer = this.#options.scheduler.after(lookUpDeadline, () => this.#settle(key, lookUp, tooLate));
    const lookUp: LookUp = { request, flow, attempt, timer, cancel: undefined };
    this.#lookUps.set(key, lookUp);
    // Nobody waits for this promise: the outcome is a callback, and `#find` never rejects.
    void this.#find(attempt)
      .then((found) => this.#settle(key, lookUp, found))
      .catch((thrown: unknown) => this.#options.logger.error('gate-outcome-threw', { error: messageOf(thrown) }));
  }

  async #find({ candidate, scope, peer }: Attempt): Promise<Result<UserCredentials | undefined, StoreFailure>> {
    const { username } = candidate;
    if (peer?.account !== undefined) {
      return ok(username === peer.account.username ? peer.account.credentials : undefined);
    }
    try {
      return await this.#options.store.find(username, scope.domain.name);
    } catch (thrown) {
      return err({ code: 'store-threw', detail: messageOf(thrown) });
    }
  }

  #settle(key: string, lookUp: LookUp, found: Result<UserCredentials | undefined, StoreFailure>): void {
    // The deadline or `close` was first.
    if (this.#lookUps.get(key) !== lookUp) return;
    this.#lookUps.delete(key);
    const { request, flow, timer, cancel } = lookUp;
    timer.cancel();
    if (lookUp.attempt.peer === undefined) this.#noteStore(found);
    this.#carryOut(request, flow, this.#decideWith(found, lookUp));
    if (cancel !== undefined) this.admit(cancel, flow);
  }

  #decideWith(
    found: Result<UserCredentials | undefined, StoreFailure>,
    { request, flow, attempt }: LookUp,
  ): GateDecision {
    if (!this.#parts.view.isAlive(flow)) return { kind: 'drop', reason: 'flow-gone' };
    return found.ok
      ? conclude(request, flow, attempt, found.value, this.#parts)
      : this.#later(500, 'store-unavailable');
  }

  /** One line when the store fails and one when it is back, not one for each request. */
  #noteStore(found: Result<UserCredentials | undefined, StoreFailure>): void {
    if (found.ok !== this.#isStoreDown) return;
    this.#isStoreDown = !found.ok;
    const { logger } = this.#options;
    if (found.ok) logger.info('credential-store-back');
    else logger.error('credential-store-unavailable', { code: found.error.code, detail: found.error.detail });
  }

  /** Try again later; spread, so that thousands of phones do not come back in the same second. */
  #later(status: 500 | 503, reason: AnswerReason): GateDecision {
    const seconds = earliestRetry + this.#options.random.below(retrySpread);
    return { kind: 'answer', status, reason, headers: Headers.of(['Retry-After', `${seconds}`]) };
  }
}

const earliestRetry = 5;
const retrySpread = 26;

/** One request and its retransmissions; another flow's request never stands in its way. */
function lookUpKey(request: SipRequest, flow: Flow, method: string): string {
  return `${flow.id}\n${serverKey(request, essentialsOf(request), method)}`;
}
