// From an INVITE to the targets of its leg B: normalise, route, look up, decide. What policy needs to know of users,
// trunks and PBXs comes from the directory; where a user is reachable comes from the locator.

import { messageOf } from '../../core/errors.ts';
import { anyNumber } from '../../core/number-pattern.ts';
import { type AttemptFacts, isEmergency, subjectOf } from '../../policy/policy-engine.ts';
import type { RuleTrace, Verdict } from '../../policy/verdict.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { parseUri } from '../../sip/message/uri.ts';
import type { Identity } from '../../sip/user-agent/session.ts';
import { storeFailure } from '../call/reason.ts';
import { forwardsAfter } from '../headers/forwards.ts';
import { crossInvite } from '../headers/header-policy.ts';
import { privacyOf } from '../headers/privacy.ts';
import { signatureTrace } from '../headers/signed-identity.ts';
import { shared } from '../routing/breadth.ts';
import type { Peer, ReachableContact } from '../routing/directory.ts';
import { outgoingNumbers } from '../routing/number-rules.ts';
import { diverterOf } from '../routing/retargeting.ts';
import type { Route, RouteQuery } from '../routing/router.ts';
import { viaName } from '../routing/router.ts';
import type { Stages, Target } from '../routing/target.ts';
import { callerUser, isSecure, type Origin, peerTarget, userTarget } from '../routing/target-builder.ts';
import type { AdmissionOutcome, AdmissionParts, WayIn } from './admission-parts.ts';
import { refusals } from './admission-refusals.ts';
import { type Attempted, attemptFacts } from './attempt-facts.ts';
import { tokenHeader } from './charging.ts';
import { admitElsewhere, type ElsewhereDialog } from './elsewhere-admission.ts';
import { numberText, ordinary, readNumber, sides } from './read-number.ts';
import { askedByToken, dialledUri } from './registered-token.ts';
import { bounds, byPriority, joined, type Routed, refused, united } from './routed.ts';
import { admitStanding, type StandingLeg } from './standing-admission.ts';

/** Of the name that a peer gives for who forwarded a call. */
const maxDiverterLength = 64;

export class Admissions {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Such a call is taken where others are turned away. */
  isEmergency(request: SipRequest, identity: Identity): boolean {
    if (identity.kind === 'anonymous' || identity.kind === 'trunk') return false;
    const uri = parseUri(request.uri);
    const read = uri.ok ? readNumber(this.#parts.numbers, uri.value, sides[identity.kind]) : undefined;
    return read?.ok === true && read.value.kind === 'emergency';
  }

  /** Never rejects: what fails on the way is a refusal with its reason. */
  async admit(request: SipRequest, identity: Identity, way: WayIn): Promise<Routed> {
    const trace: RuleTrace[] = [];
    try {
      return await this.#admit(request, identity, way, trace);
    } catch (thrown) {
      this.#parts.logger.error('admission-failed', { error: messageOf(thrown) });
      return refused(storeFailure(messageOf(thrown)), trace);
    }
  }

  /** A call to a leg that stands already. Never rejects either. */
  admitStanding(request: SipRequest, identity: Identity, way: WayIn, leg: StandingLeg): Promise<AdmissionOutcome> {
    return this.#orRefused(admitStanding(this.#parts, request, identity, way, leg));
  }

  /** A call to one that stands at another process of this machine. Never rejects either. */
  admitElsewhere(
    request: SipRequest,
    identity: Identity,
    way: WayIn,
    dialog: ElsewhereDialog,
  ): Promise<AdmissionOutcome> {
    return this.#orRefused(admitElsewhere(this.#parts, request, identity, way, dialog));
  }

  async #orRefused(admitted: Promise<AdmissionOutcome>): Promise<AdmissionOutcome> {
    try {
      return await admitted;
    } catch (thrown) {
      this.#parts.logger.error('admission-failed', { error: messageOf(thrown) });
      return refused(storeFailure(messageOf(thrown)), []);
    }
  }

  async #admit(request: SipRequest, identity: Identity, way: WayIn, trace: RuleTrace[]): Promise<Routed> {
    if (identity.kind === 'anonymous') return refused(refusals.anonymous(), trace);
    const payer = way.charged ?? identity;
    if (payer.kind === 'anonymous') return refused(refusals.anonymous(), trace);
    const uri = dialledUri(request, identity, this.#parts.directory);
    if (!uri.ok) return refused(refusals.scheme(request.uri), trace);
    const read = readNumber(this.#parts.numbers, uri.value, sides[payer.kind]);
    if (read === undefined) return refused(refusals.scheme(request.uri), trace);
    if (!read.ok) return refused(refusals.number(read.error), trace);
    const number = way.isNoCall === true ? ordinary(read.value) : read.value;
    trace.push({ rule: 'number-plan', answer: numberText(number) });

    const forwards = forwardsAfter(request);
    if (forwards === undefined) return refused(refusals.loop(), trace);
    const callerFacts = await this.#parts.directory.factsOf(payer);
    const trusted = this.#parts.directory.trustsIdentityOf(identity);
    const diverter = trusted ? diverterOf(request) : undefined;
    if (diverter !== undefined) trace.push({ rule: 'diverted', answer: `by ${diverter.slice(0, maxDiverterLength)}` });
    const token = askedByToken(request, payer, this.#parts.directory);
    const gone = token?.isOfProxy === true ? refusals.flowFailed : refusals.notRegistered;
    if (token !== undefined && token.aor === undefined) return refused(gone(number.canonical), trace);
    const registered = token?.aor;
    const at = registered?.lastIndexOf('@') ?? 0;
    const origin: Origin = {
      request,
      identity,
      canonical: registered?.slice(0, at) ?? number.canonical,
      domain: registered?.slice(at + 1) ?? this.#parts.directory.domainOf(uri.value),
      sips: uri.value.scheme === 'sips',
      trusted,
      headers: crossInvite(request, trusted, forwards),
    };
    const attempt = await attemptFacts(this.#parts, way, number, origin, callerFacts);
    if (this.#parts.directory.nodeOf(identity) !== undefined) {
      trace.push({ rule: 'other node', answer: `admitted by ${viaName({ kind: 'pbx', name: callerFacts.name })}` });
      return this.#relayed(origin, attempt, trace);
    }
    if (registered !== undefined) {
      trace.push({ rule: 'registered contact', answer: registered });
      const outcome = await this.#follow(toRegistered, origin, attempt, trace);
      if (outcome === 'pass') return refused(refusals.unknownUser(registered), trace);
      const isGone = outcome.kind === 'refused' && outcome.refusal.code === 'not-registered';
      return isGone ? refused(gone(registered), trace) : outcome;
    }
    if (way.via !== undefined) {
      const outcome = await this.#follow({ ...noCall, via: [way.via] }, origin, attempt, trace);
      return outcome === 'pass' ? refused(refusals.noRoute(identity.kind, origin.canonical), trace) : outcome;
    }
    if (isEmergency(attempt)) return this.#emergency(way, origin, attempt, trace);
    const query = queryOf(payer, way, origin, attempt);
    for (const { route, why } of this.#parts.router.passed(query)) {
      trace.push({ rule: route.name, answer: `passed over: ${why}` });
    }
    for (const route of this.#parts.router.matches(query)) {
      trace.push({ rule: route.name, answer: route.via.map(viaName).join(', then ') });
      const outcome = await this.#follow(route, origin, attempt, trace);
      if (outcome !== 'pass') return outcome;
    }
    return refused(refusals.noRoute(identity.kind, origin.canonical), trace);
  }

  async #follow(route: Route, origin: Origin, attempt: Attempted, trace: RuleTrace[]): Promise<Routed | 'pass'> {
    const ways = route.via.filter((via) => via.kind !== 'users');
    if (ways.length > 0) {
      const peers = new Set(ways.flatMap((via) => this.#parts.directory.peersOf(via)));
      return this.#toPeers(peers, origin, attempt, trace);
    }
    const aor = `${origin.canonical}@${origin.domain}`;
    const callee = await this.#parts.directory.user(aor);
    if (callee === undefined) return route.passUnknown === true ? 'pass' : refused(refusals.unknownUser(aor), trace);
    noteSignature(origin, undefined, trace);
    // A PBX that knows of a registration knows it of each node: it calls those of the others there.
    const where = route === toRegistered ? 'here' : undefined;
    const registered = await this.#parts.directory.contacts(aor, where);
    if (registered.length === 0) return refused(refusals.notRegistered(aor), trace);
    const contacts = origin.sips ? registered.filter(({ destination }) => isSecure(destination)) : registered;
    if (contacts.length === 0) return refused(refusals.sips(aor), trace);
    const verdict = this.#parts.policy.decide({ ...attempt, callee });
    return this.#toPhones(aor, contacts, { verdict, origin, facts: { ...attempt, callee }, trace });
  }

  /** What another node has admitted: to the phones of this one alone, and nothing is asked or counted again but what this node can carry. */
  async #relayed(origin: Origin, attempt: Attempted, trace: RuleTrace[]): Promise<Routed> {
    const aor = `${origin.canonical}@${origin.domain}`;
    const callee = await this.#parts.directory.user(aor);
    if (callee === undefined) return refused(refusals.unknownUser(aor), trace);
    const contacts = await this.#parts.directory.contacts(aor, 'here');
    if (contacts.length === 0) return refused(refusals.notRegistered(aor), trace);
    const facts = { ...attempt, callee };
    return this.#toPhones(aor, contacts, { verdict: this.#parts.policy.relayed(facts), origin, facts, trace });
  }

  #toPhones(
    aor: string,
    contacts: readonly ReachableContact[],
    {
      verdict,
      origin,
      facts,
      trace,
    }: Omit<Deciding, 'stages' | 'facts'> & { readonly facts: AttemptFacts & Attempted },
  ): Routed {
    const stages = byPriority(contacts).map((some) =>
      some.map((contact) => this.#toldHalf(userTarget(aor, contact, origin), facts.id)),
    );
    const outcome = this.#apply({ verdict, stages, origin, facts, trace });
    if (outcome.kind === 'refused') return outcome;
    const { stageTimeout } = this.#parts.directory.methodPolicy();
    return { kind: 'admitted', admission: { ...outcome.admission, stageTimeout } };
  }

  /** Another node learns which call its own one is the half of. */
  #toldHalf(target: Target, call: string | undefined): Target {
    if (call === undefined || this.#parts.directory.nodeOf(target.peer) === undefined) return target;
    return { ...target, headers: target.headers.append(tokenHeader, call) };
  }

  /**
   * Over its own route where there is one, and never back to where it came from. Routes of other hours come behind those of now: better
   * there than nowhere.
   */
  async #emergency(way: WayIn, origin: Origin, attempt: Attempted, trace: RuleTrace[]): Promise<Routed> {
    const { canonical, identity } = origin;
    const { emergencyVia, router, onAlert } = this.#parts;
    if (identity.kind === 'anonymous') return refused(refusals.anonymous(), trace);
    const { id, caller } = attempt;
    if (id !== undefined) onAlert({ kind: 'emergency-call', call: id, caller: caller.name, number: canonical });
    const query = queryOf(identity, way, origin, attempt);
    const routes =
      emergencyVia === undefined
        ? new Set([...router.matches(query), ...router.matches({ ...query, localTime: undefined })])
        : [{ ...toEmergency, via: [emergencyVia] }];
    for (const route of routes) {
      const via = route.via.filter((one) => one.kind !== identity.kind || one.name !== caller.name);
      if (via.length === 0) continue;
      trace.push({ rule: 'emergency route', answer: via.map(viaName).join(', then ') });
      const outcome = await this.#follow({ ...route, via }, origin, attempt, trace);
      if (outcome !== 'pass') return outcome;
    }
    return refused(refusals.noRoute(identity.kind, canonical), trace);
  }

  /** One stage for each peer, in order. A peer that refuses by its rules is left out; the first reason is told when none is left. */
  #toPeers(peers: Iterable<Peer>, origin: Origin, attempt: Attempted, trace: RuleTrace[]): Routed {
    let outcome: Routed | undefined;
    for (const peer of peers) {
      const next = this.#toPeer(peer, origin, attempt, trace);
      outcome = outcome === undefined ? next : joined(outcome, next);
    }
    return outcome ?? refused(refusals.noRoute(origin.identity.kind, origin.canonical), trace);
  }

  #toPeer(peer: Peer, origin: Origin, attempt: Attempted, trace: RuleTrace[]): Routed {
    if (!peer.isUp()) return refused(refusals.down(viaName(peer)), trace);
    noteSignature(origin, peer, trace);
    if (origin.sips && !isSecure(peer.destination) && !peer.takesSipsWithoutTls) {
      return refused(refusals.sips(viaName(peer)), trace);
    }
    const { canonical, identity } = origin;
    const dialled = { canonical, caller: callerUser(origin), side: sides[identity.kind] };
    const written = outgoingNumbers(peer.numbers, dialled, this.#parts.numbers);
    if (isEmergency(attempt)) return this.#emergencyTo(peer, written, origin, attempt, trace);
    if (!written.ok) return refused(written.error, trace);
    const { rewritten } = written.value;
    if (rewritten !== undefined) trace.push({ rule: `numbers of ${peer.name}`, answer: numberText(rewritten) });
    const sent = rewritten === undefined ? undefined : { ...attempt, call: { ...attempt.call, number: rewritten } };
    const target = this.#claiming(peerTarget(peer, origin, written.value), peer, [attempt, sent ?? attempt]);
    const outcome = this.#decide({ ...attempt, callee: peer.facts }, [[target]], origin, trace);
    if (sent === undefined || outcome.kind === 'refused') return outcome;
    // What is sent is decided on as well: no rewriting makes an allowed number of a denied one, or evades a limit on either.
    const second = this.#decide({ ...sent, callee: peer.facts }, [[target]], origin, trace);
    if (second.kind === 'refused') return second;
    return { kind: 'admitted', admission: { ...second.admission, ...bounds(outcome.admission, second.admission) } };
  }

  /** As the rules of the peer write its numbers; where those make nothing of them, as they are. Nothing else is asked. */
  #emergencyTo(
    peer: Peer,
    written: ReturnType<typeof outgoingNumbers>,
    origin: Origin,
    attempt: Attempted,
    trace: RuleTrace[],
  ): Routed {
    const target = peerTarget(peer, origin, written.ok ? written.value : undefined);
    const claiming = this.#claiming(target, peer, [attempt]);
    return this.#decide({ ...attempt, callee: peer.facts }, [[claiming]], origin, trace);
  }

  /** With what a trunk asks of the store; a PBX is given the token by which its own call may be told to be this one's. */
  #claiming(target: Target, peer: Peer, attempts: readonly [Attempted, ...Attempted[]]): Target {
    const [{ token }] = attempts;
    if (peer.kind === 'trunk') {
      const claims = attempts.map((attempt) => this.#parts.policy.attemptClaims(peer.facts, attempt));
      return { ...target, claims: claims.reduce(united) };
    }
    if (token === undefined) return target;
    return { ...target, headers: target.headers.append(tokenHeader, token) };
  }

  #decide(facts: AttemptFacts, stages: Stages, origin: Origin, trace: RuleTrace[]): Routed {
    return this.#apply({ verdict: this.#parts.policy.decide(facts), stages, origin, facts, trace });
  }

  #apply({ verdict, stages, origin, facts, trace }: Deciding): Routed {
    trace.push(...verdict.trace);
    if (verdict.kind === 'refuse') return refused(verdict.refusal, trace);
    const shares = shared(origin.request, stages);
    if (shares === undefined) return refused(refusals.breadth(), trace);
    const { limits, claims } = verdict;
    const { number, charge } = facts.call;
    const payer = subjectOf(charge?.party ?? facts.caller);
    const { redirects } = this.#parts.directory.methodPolicy();
    const { canonical } = origin;
    return {
      kind: 'admitted',
      admission: { stages: shares, claims, limits, canonical, number, payer, redirects, trace },
    };
  }
}

/** A verdict on its way to an admission. */
interface Deciding {
  readonly verdict: Verdict;
  readonly stages: Stages;
  readonly origin: Origin;
  readonly facts: AttemptFacts;
  readonly trace: RuleTrace[];
}

/** Says what becomes of a signature, in the record of the call (RFC 8224). To a phone none passes. */
function noteSignature({ request }: Origin, peer: Peer | undefined, trace: RuleTrace[]): void {
  const noted = signatureTrace(request, peer?.signedIdentity ?? 'drop', privacyOf(request).hidesCaller);
  if (noted !== undefined) trace.push(noted);
}

/** Where a call goes whose callee is known by the registration that it was sent to. */
const toRegistered: Route = {
  name: 'registered contact',
  from: 'pbx',
  to: [anyNumber],
  via: [{ kind: 'users' }],
};

/** Where what is no call goes: its kind decides, not the number. */
const noCall: Omit<Route, 'via'> = { name: 'no call', from: 'user', to: [anyNumber] };

/** Where an emergency call goes that has a route of its own. */
const toEmergency: Omit<Route, 'via'> = { name: 'emergency', from: 'user', to: [anyNumber] };

function queryOf(
  identity: Exclude<Identity, { readonly kind: 'anonymous' }>,
  { listener }: WayIn,
  { canonical }: Origin,
  { caller: { group }, call: { localTime } }: Attempted,
): RouteQuery {
  const caller = identity.kind === 'user' ? identity.aor : identity.name;
  return { from: identity.kind, caller, group, listener, canonical, localTime };
}
