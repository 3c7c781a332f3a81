// From an INVITE to the targets of its leg B: normalise, route, look up, decide. What policy needs to know of users,
// trunks and PBXs comes from the directory; where a user is reachable comes from the locator.

import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { anyNumber } from '../core/number-pattern.ts';
import { ok, type Result } from '../core/result.ts';
import type { AttemptFacts, PartyFacts, PolicyEngine } from '../policy/policy-engine.ts';
import type { DiallingSide, ReadNumber, SiteNumbers } from '../policy/site-numbers.ts';
import type { Refusal, RuleTrace } from '../policy/verdict.ts';
import { essentialsOf, routes } from '../sip/message/header-fields.ts';
import type { SipRequest } from '../sip/message/message.ts';
import { parseUri, type Uri } from '../sip/message/uri.ts';
import type { Identity } from '../sip/user-agent/session.ts';
import type { Admission } from './call-event.ts';
import type { Directory, Peer, TokenMeaning } from './directory.ts';
import { crossInvite } from './header-policy.ts';
import { outgoingNumbers } from './number-rules.ts';
import { privacyOf } from './privacy.ts';
import { storeFailure } from './reason.ts';
import { diverterOf } from './retargeting.ts';
import type { Route, RouteQuery, Router } from './router.ts';
import { viaName } from './router.ts';
import { signatureTrace } from './signed-identity.ts';
import type { Stages } from './target.ts';
import { callerUser, isSecure, type Origin, peerTarget, userTarget } from './target-builder.ts';

export type AdmissionOutcome =
  | { readonly kind: 'admitted'; readonly admission: Admission }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly trace: readonly RuleTrace[] };

/** How an INVITE came in. */
export interface WayIn {
  readonly listener: string;
}

/** Max-Forwards of a request that came without one (RFC 3261 §8.1.1.6). */
export const defaultMaxForwards = 70;

/** Of the name that a peer gives for who forwarded a call. */
const maxDiverterLength = 64;

export interface AdmissionParts {
  readonly directory: Directory;
  readonly router: Router;
  readonly numbers: SiteNumbers;
  readonly policy: PolicyEngine;
  readonly logger: Logger;
}

export class Admissions {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Never rejects: what fails on the way is a refusal with its reason. */
  async admit(request: SipRequest, identity: Identity, way: WayIn): Promise<AdmissionOutcome> {
    const trace: RuleTrace[] = [];
    try {
      return await this.#admit(request, identity, way, trace);
    } catch (thrown) {
      this.#parts.logger.error('admission-failed', { error: messageOf(thrown) });
      return refused(storeFailure(messageOf(thrown)), trace);
    }
  }

  async #admit(request: SipRequest, identity: Identity, way: WayIn, trace: RuleTrace[]): Promise<AdmissionOutcome> {
    if (identity.kind === 'anonymous') return refused(refusals.anonymous(), trace);
    const uri = this.#dialled(request, identity);
    if (!uri.ok) return refused(refusals.scheme(request.uri), trace);
    const read = readNumber(this.#parts.numbers, uri.value, sides[identity.kind]);
    if (read === undefined) return refused(refusals.scheme(request.uri), trace);
    if (!read.ok) return refused(refusals.number(read.error), trace);
    const number = read.value;
    trace.push({ rule: 'number-plan', answer: numberText(number) });

    const forwards = essentialsOf(request).maxForwards ?? defaultMaxForwards;
    if (forwards <= 0) return refused(refusals.loop(), trace);
    const callerFacts = await this.#parts.directory.factsOf(identity);
    const trusted = this.#parts.directory.trustsIdentityOf(identity);
    const diverter = trusted ? diverterOf(request) : undefined;
    if (diverter !== undefined) trace.push({ rule: 'diverted', answer: `by ${diverter.slice(0, maxDiverterLength)}` });
    const token = this.#tokenOf(request, identity);
    if (token !== undefined && token.aor === undefined) return refused(refusals.notRegistered(number.canonical), trace);
    const registered = token?.aor;
    const at = registered?.lastIndexOf('@') ?? 0;
    const origin: Origin = {
      request,
      identity,
      canonical: registered?.slice(0, at) ?? number.canonical,
      domain: registered?.slice(at + 1) ?? this.#parts.directory.domainOf(uri.value),
      sips: uri.value.scheme === 'sips',
      trusted,
      headers: crossInvite(request, trusted, forwards - 1),
    };
    if (registered !== undefined) {
      trace.push({ rule: 'registered contact', answer: registered });
      const outcome = await this.#follow(toRegistered, origin, callerFacts, trace);
      return outcome === 'pass' ? refused(refusals.unknownUser(registered), trace) : outcome;
    }
    const query = queryOf(identity, identity.kind, way, origin.canonical);
    for (const { route, why } of this.#parts.router.passed(query)) {
      trace.push({ rule: route.name, answer: `passed over: ${why}` });
    }
    for (const route of this.#parts.router.matches(query)) {
      trace.push({ rule: route.name, answer: route.via.map(viaName).join(', then ') });
      const outcome = await this.#follow(route, origin, callerFacts, trace);
      if (outcome !== 'pass') return outcome;
    }
    return refused(refusals.noRoute(identity.kind, origin.canonical), trace);
  }

  /** A trunk that we register with may send to our Contact, which is a token: the number is in To. */
  #dialled(request: SipRequest, identity: Identity): ReturnType<typeof parseUri> {
    const uri = parseUri(request.uri);
    if (!uri.ok || identity.kind !== 'trunk' || (uri.value.scheme !== 'sip' && uri.value.scheme !== 'sips')) return uri;
    const isOurs = this.#parts.directory.isTrunkContact(identity.name, uri.value.user ?? '');
    return isOurs ? ok(essentialsOf(request).to.uri) : uri;
  }

  /** Whom a PBX calls by what we registered with it: our Contact, or our Path that came back as Route (RFC 3327 §5.3). */
  #tokenOf(request: SipRequest, identity: Identity): TokenMeaning | undefined {
    if (identity.kind !== 'pbx') return undefined;
    const way = routes(request.headers);
    const [first] = way.ok ? way.value : [];
    const target = parseUri(request.uri);
    for (const uri of [target.ok ? target.value : undefined, first?.uri]) {
      if (uri?.scheme !== 'sip' && uri?.scheme !== 'sips') continue;
      const meaning = this.#parts.directory.registeredAor(identity.name, uri.user ?? '');
      if (meaning !== undefined) return meaning;
    }
    return undefined;
  }

  async #follow(
    route: Route,
    origin: Origin,
    caller: PartyFacts,
    trace: RuleTrace[],
  ): Promise<AdmissionOutcome | 'pass'> {
    const ways = route.via.filter((via) => via.kind !== 'users');
    if (ways.length > 0) {
      const peers = new Set(ways.flatMap((via) => this.#parts.directory.peersOf(via)));
      return this.#toPeers(peers, origin, caller, trace);
    }
    const aor = `${origin.canonical}@${origin.domain}`;
    const callee = await this.#parts.directory.user(aor);
    if (callee === undefined) return route.passUnknown === true ? 'pass' : refused(refusals.unknownUser(aor), trace);
    noteSignature(origin, undefined, trace);
    const registered = await this.#parts.directory.contacts(aor);
    if (registered.length === 0) return refused(refusals.notRegistered(aor), trace);
    const contacts = origin.sips ? registered.filter(({ destination }) => isSecure(destination)) : registered;
    if (contacts.length === 0) return refused(refusals.sips(aor), trace);
    const stage = contacts.map((contact) => userTarget(aor, contact, origin));
    return this.#decide({ caller, callee }, [stage], origin, trace);
  }

  /** One stage for each peer, in order. A peer that refuses by its rules is left out; the first reason is told when none is left. */
  #toPeers(peers: Iterable<Peer>, origin: Origin, caller: PartyFacts, trace: RuleTrace[]): AdmissionOutcome {
    let outcome: AdmissionOutcome | undefined;
    for (const peer of peers) {
      const next = this.#toPeer(peer, origin, caller, trace);
      outcome = outcome === undefined ? next : joined(outcome, next);
    }
    return outcome ?? refused(refusals.noRoute(origin.identity.kind, origin.canonical), trace);
  }

  #toPeer(peer: Peer, origin: Origin, caller: PartyFacts, trace: RuleTrace[]): AdmissionOutcome {
    if (!peer.isUp()) return refused(refusals.down(viaName(peer)), trace);
    noteSignature(origin, peer, trace);
    if (origin.sips && !isSecure(peer.destination) && !peer.takesSipsWithoutTls) {
      return refused(refusals.sips(viaName(peer)), trace);
    }
    const { canonical, identity } = origin;
    const dialled = { canonical, caller: callerUser(origin), side: sides[identity.kind] };
    const written = outgoingNumbers(peer.numbers, dialled, this.#parts.numbers);
    if (!written.ok) return refused(written.error, trace);
    const { rewritten } = written.value;
    if (rewritten !== undefined) trace.push({ rule: `numbers of ${peer.name}`, answer: numberText(rewritten) });
    return this.#decide({ caller, callee: peer.facts }, [[peerTarget(peer, origin, written.value)]], origin, trace);
  }

  #decide(facts: AttemptFacts, stages: Stages, origin: Origin, trace: RuleTrace[]): AdmissionOutcome {
    const verdict = this.#parts.policy.decide(facts);
    trace.push(...verdict.trace);
    if (verdict.kind === 'refuse') return refused(verdict.refusal, trace);
    const { limits, claims } = verdict;
    return { kind: 'admitted', admission: { stages, claims, limits, canonical: origin.canonical, trace } };
  }
}

/** Undefined for a URI that no telephone dials. */
export function readNumber(numbers: SiteNumbers, uri: Uri, side: DiallingSide): Result<ReadNumber, string> | undefined {
  switch (uri.scheme) {
    case 'sip':
    case 'sips':
      return numbers.read(uri.user ?? '', uri.parameters.get('phone-context'), side);
    case 'tel':
      return numbers.read(uri.number, uri.parameters.get('phone-context'), side);
    case 'other': {
      const emergency = numbers.readUrn(uri.text);
      return emergency === undefined ? undefined : ok(emergency);
    }
    default:
      return uri satisfies never;
  }
}

export const sides: Readonly<Record<Identity['kind'], DiallingSide>> = {
  user: 'phone',
  pbx: 'pbx',
  trunk: 'trunk',
  anonymous: 'trunk',
};

function numberText({ kind, canonical, country, classes }: ReadNumber): string {
  return `${kind} ${canonical} (${[...(country === undefined ? [] : [country]), ...classes].join(', ')})`;
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

function queryOf(identity: Identity, from: Route['from'], { listener }: WayIn, canonical: string): RouteQuery {
  const caller = identity.kind === 'user' ? identity.aor : identity.kind === 'anonymous' ? 'anonymous' : identity.name;
  return { from, caller, listener, canonical };
}

/** The stages of both; of two refusals the first, and of one that of the other. Limits are the stricter ones. */
function joined(a: AdmissionOutcome, b: AdmissionOutcome): AdmissionOutcome {
  if (b.kind === 'refused') return a;
  if (a.kind === 'refused') return b;
  const [{ limits, claims, ...admission }, next] = [a.admission, b.admission];
  const added = next.claims.filter(({ key }) => claims.every((claim) => claim.key !== key));
  return {
    kind: 'admitted',
    admission: {
      ...admission,
      stages: [...admission.stages, ...next.stages],
      claims: [...claims, ...added],
      limits: {
        maxDuration: Math.min(limits.maxDuration, next.limits.maxDuration),
        ringTimeout: Math.min(limits.ringTimeout, next.limits.ringTimeout),
        earlyMediaTimeout: Math.min(limits.earlyMediaTimeout, next.limits.earlyMediaTimeout),
      },
    },
  };
}

function refused(refusal: Refusal, trace: readonly RuleTrace[]): AdmissionOutcome {
  return { kind: 'refused', refusal, trace };
}

const refusals = {
  anonymous: (): Refusal => ({
    code: 'caller-not-allowed',
    status: 403,
    text: 'Not allowed',
    detail: 'the caller proved no identity',
  }),
  scheme: (uri: string): Refusal => ({
    code: 'scheme-not-supported',
    status: 416,
    text: 'URI scheme not supported',
    detail: `expected sip, sips or tel, got ${uri.slice(0, 80)}`,
  }),
  down: (target: string): Refusal => ({
    code: 'peer-down',
    status: 480,
    text: 'Out of service',
    detail: `${target} does not answer its pings`,
  }),
  sips: (target: string): Refusal => ({
    code: 'sips-not-possible',
    status: 480,
    text: 'Not reachable over TLS',
    detail: `a call to a sips URI leaves over TLS only, and ${target} is not reached that way`,
  }),
  number: (detail: string): Refusal => ({ code: 'number-not-valid', status: 484, text: 'Address incomplete', detail }),
  loop: (): Refusal => ({ code: 'loop', status: 483, text: 'Too many hops', detail: 'Max-Forwards is used up' }),
  noRoute: (from: string, canonical: string): Refusal => ({
    code: 'no-route',
    status: 404,
    text: 'No route',
    detail: `no route from ${from} to ${canonical}`,
  }),
  unknownUser: (aor: string): Refusal => ({
    code: 'unknown-user',
    status: 404,
    text: 'Unknown user',
    detail: `${aor} is no user here`,
  }),
  notRegistered: (aor: string): Refusal => ({
    code: 'not-registered',
    status: 480,
    text: 'Not registered',
    detail: `${aor} has no live registration`,
  }),
};
