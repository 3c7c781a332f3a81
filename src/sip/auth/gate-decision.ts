// What becomes of a request before any state is made for it: it passes, is answered or dropped, or its credentials must be looked
// up first. Pure, and without memory but for nonce counts (RFC 3261 §8.2.7, §22.1, §26.3.2).
import { assertNever } from '../../core/assert-never.ts';
import { essentialsOf } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import type { Flow } from '../transport/transport.ts';
import { mayClaim } from './asserted-address.ts';
import type { Authenticator, AuthFailure, AuthScope, Candidate } from './authenticator.ts';
import type { UserAccess, UserCredentials } from './credentials.ts';
import type { GateRules, PeerRule } from './gate-rules.ts';
import { type Identity, userIdentity } from './identity.ts';
import type { StatelessTags } from './stateless-tag.ts';

/** What the gate must ask about what is already going on. */
export interface GateView {
  /** Whether the request repeats, acknowledges or cancels one in progress; the transaction layer checks where it comes from. */
  matchesTransaction(request: SipRequest): boolean;
  /** Whose dialog the request is inside of, if its tags fit and the flow is the one that the dialog is known to use. */
  knowsDialog(request: SipRequest, flow: Flow): Identity | undefined;
  isAlive(flow: Flow): boolean;
  /** Whether that account may not even try from there: too much was wrong before. Asked before anybody is looked up. */
  isBarred(flow: Flow, username: string): boolean;
  /**
   * Why somebody may not do this from there, though it is who it says. `access` is what a user who has just been looked up is held to;
   * absent inside a dialog, for whoever the dialog is with. The word is for the log and metrics; `text` for the wire.
   */
  barrier(request: SipRequest, flow: Flow, identity: Identity, access?: UserAccess): Barrier | undefined;
}

export interface Barrier {
  readonly code: 'zone-denied' | 'device-denied';
  /** Says nothing that a stranger should not learn. */
  readonly text: string;
}

export type Failure = AuthFailure | 'address-not-owned';

/** Why a request was answered by the gate. Stable, for logs and metrics. */
export type AnswerReason =
  | Failure
  | 'challenged'
  | 'banned'
  | 'nonce-stale'
  | 'not-listed'
  | 'no-domain'
  | 'no-transaction'
  | 'lookups-full'
  | Barrier['code']
  | 'store-unavailable';

/** Why a request was dropped without an answer. */
export type DropReason = 'answered-by-gate' | 'stray-ack' | 'listener-unknown' | 'lookup-pending' | 'flow-gone';

/** Credentials whose user must be looked up. */
export interface Attempt {
  readonly scope: AuthScope;
  readonly candidate: Candidate;
  /** The peer that is challenged in spite of its address or certificate. */
  readonly peer: PeerRule | undefined;
}

export type GateDecision =
  /** What belongs to a transaction in progress passes as anonymous: its identity is that of the transaction. */
  | { readonly kind: 'pass'; readonly identity: Identity; readonly isProven: boolean }
  | {
      readonly kind: 'answer';
      readonly status: 400 | 401 | 403 | 481 | 500 | 503;
      readonly reason: AnswerReason;
      readonly headers?: Headers;
      /** Present: credentials were right all the same. */
      readonly proven?: Identity;
      /** Present: credentials were wrong, and for whom they claimed to be. */
      readonly failure?: { readonly reason: Failure; readonly username: string | undefined };
    }
  | { readonly kind: 'drop'; readonly reason: DropReason }
  | { readonly kind: 'look-up'; readonly attempt: Attempt };

export interface GateParts {
  readonly authenticator: Authenticator;
  readonly tags: StatelessTags;
  readonly view: GateView;
}

/** The decision on a request that came over `flow`. */
export function decide(request: SipRequest, flow: Flow, rules: GateRules, parts: GateParts): GateDecision {
  const { view, tags } = parts;
  const { method } = request;
  if (view.matchesTransaction(request)) return { kind: 'pass', identity: { kind: 'anonymous' }, isProven: false };
  // A CANCEL cannot be challenged, since it cannot be sent again (§22.1).
  if (method === 'CANCEL') return { kind: 'answer', status: 481, reason: 'no-transaction' };
  if (method === 'ACK' && tags.isOurs(request)) return { kind: 'drop', reason: 'answered-by-gate' };

  const side = rules.sideOf(flow);
  if (side === undefined) return { kind: 'drop', reason: 'listener-unknown' };
  const inDialog = essentialsOf(request).toTag === undefined ? undefined : view.knowsDialog(request, flow);
  if (inDialog !== undefined) {
    // A BYE can but end a call, and an ACK is never answered.
    const isAsked = method !== 'BYE' && method !== 'ACK';
    const barrier = isAsked ? view.barrier(request, flow, inDialog) : undefined;
    return barrier === undefined ? { kind: 'pass', identity: inDialog, isProven: false } : barredBy(barrier);
  }
  const peer = rules.peerOf(flow);
  if (peer !== undefined && peer.account === undefined) {
    return { kind: 'pass', identity: peer.identity, isProven: false };
  }
  // An ACK is never answered (§17.1.1.3), so that nothing could be asked of its sender.
  if (method === 'ACK') return { kind: 'drop', reason: 'stray-ack' };
  if (peer === undefined && side === 'inside') return { kind: 'answer', status: 403, reason: 'not-listed' };
  return authenticate(request, flow, rules, parts, peer);
}

/** The decision once the user of an attempt was looked up; `undefined` when there is none. */
export function conclude(
  request: SipRequest,
  flow: Flow,
  attempt: Attempt,
  user: UserCredentials | undefined,
  { authenticator, view }: GateParts,
): GateDecision {
  const { scope, candidate, peer } = attempt;
  const { username } = candidate;
  const verdict = authenticator.judge(request, candidate, user);
  switch (verdict.kind) {
    case 'stale':
      return challenge(authenticator, scope, 'nonce-stale');
    case 'challenge':
      return { ...challenge(authenticator, scope, verdict.failure), failure: { reason: verdict.failure, username } };
    default:
      break;
  }
  if (peer !== undefined) return { kind: 'pass', identity: peer.identity, isProven: true };
  if (!mayClaim(request, username, scope.domain, user?.aliases)) {
    return {
      kind: 'answer',
      status: 403,
      reason: 'address-not-owned',
      failure: { reason: 'address-not-owned', username },
    };
  }
  const identity = userIdentity(username, scope.domain.name);
  // A call that begins is decided on by policy, which knows emergencies, and whose refusals have a record. A BYE can but end one.
  const { method } = request;
  const isLeft = method === 'BYE' || (method === 'INVITE' && essentialsOf(request).toTag === undefined);
  const barrier = view.barrier(request, flow, identity, user?.access ?? unbound);
  return barrier === undefined || isLeft
    ? { kind: 'pass', identity, isProven: true }
    : { ...barredBy(barrier), proven: identity };
}

const unbound: UserAccess = { zones: [], secondFactor: 'off' };

function barredBy({ code, text }: Barrier): Answer {
  const headers = Headers.of(['Reason', `SIP;cause=403;text="${text}"`]);
  return { kind: 'answer', status: 403, reason: code, headers };
}

function authenticate(
  request: SipRequest,
  flow: Flow,
  rules: GateRules,
  { authenticator, view }: GateParts,
  peer: PeerRule | undefined,
): GateDecision {
  const scope = peer === undefined ? rules.scopeFor(request, flow) : rules.accountScope(flow);
  if (scope === undefined || scope.algorithms.length === 0) return { kind: 'answer', status: 403, reason: 'no-domain' };
  const inspection = authenticator.inspect(request, scope);
  switch (inspection.kind) {
    case 'none':
      return challenge(authenticator, scope, 'challenged');
    case 'candidate':
      if (view.isBarred(flow, inspection.candidate.username)) return { kind: 'answer', status: 403, reason: 'banned' };
      return { kind: 'look-up', attempt: { scope, candidate: inspection.candidate, peer } };
    case 'challenge': {
      const { failure, username } = inspection;
      return { ...challenge(authenticator, scope, failure), failure: { reason: failure, username } };
    }
    case 'refused': {
      const { failure: reason, status } = inspection;
      return { kind: 'answer', status, reason, failure: { reason, username: undefined } };
    }
    default:
      return assertNever(inspection);
  }
}

function challenge(authenticator: Authenticator, scope: AuthScope, reason: AnswerReason): Answer {
  const headers = authenticator.challenge(scope, reason === 'nonce-stale');
  return { kind: 'answer', status: 401, reason, headers };
}

type Answer = Extract<GateDecision, { readonly kind: 'answer' }>;
