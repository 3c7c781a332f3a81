// Admission of a call whose callee is a leg that stands already (RFC 3891). Nothing is dialled and nothing routed, but it is a new
// call: it counts against whoever begins it, and rules are asked about the number that the leg was reached under.
import type { SdpLeg } from '../../media/sdp/sdp-leg.ts';
import { subjectOf } from '../../policy/policy-engine.ts';
import type { ReadNumber } from '../../policy/site-numbers.ts';
import type { Claim } from '../../policy/verdict.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { parseUri } from '../../sip/message/uri.ts';
import type { Identity } from '../../sip/user-agent/session.ts';
import type { MediaTerms, Party } from '../routing/target.ts';
import type { AdmissionOutcome, AdmissionParts, WayIn } from './admission-parts.ts';
import { refusals } from './admission-refusals.ts';
import { attemptFacts } from './attempt-facts.ts';
import { numberText } from './read-number.ts';

export interface StandingLeg {
  /** The call that it is in. */
  readonly call: string;
  readonly party: Party;
  /** Who it was proven to be. */
  readonly peer: Identity;
  readonly media: MediaTerms;
  /** Its description goes on; nothing is agreed in it yet. */
  readonly sdp: SdpLeg;
  /** What was called in that call. */
  readonly number: ReadNumber;
}

/** Rejects when a store cannot answer. */
export async function admitStanding(
  parts: AdmissionParts,
  request: SipRequest,
  identity: Identity,
  way: WayIn,
  { call, party, peer, media, sdp, number }: StandingLeg,
): Promise<AdmissionOutcome> {
  const { directory, policy } = parts;
  const uri = parseUri(request.uri);
  const trace = [
    { rule: 'replaces', answer: `half of call ${call}` },
    { rule: 'number-plan', answer: numberText(number) },
  ];
  if (!uri.ok) return { kind: 'refused', refusal: refusals.scheme(request.uri), trace };
  const origin = { request, identity, domain: directory.domainOf(uri.value) };
  const facts = await attemptFacts(parts, way, number, origin, await directory.factsOf(identity));
  const callee = await directory.factsOf(peer);
  const verdict = policy.decide({ ...facts, callee });
  trace.push(...verdict.trace);
  if (verdict.kind === 'refuse') return { kind: 'refused', refusal: verdict.refusal, trace };
  const attempt = inPlace(peer.kind === 'trunk' ? policy.attemptClaims(callee, facts) : []);
  const { limits } = verdict;
  const claims = inPlace(verdict.claims);
  const stages = [[{ party, media, claims: attempt, sdp }]];
  const { canonical } = number;
  const payer = subjectOf(facts.call.charge?.party ?? facts.caller);
  return { kind: 'admitted', admission: { stages, claims, limits, canonical, number, payer, replaces: call, trace } };
}

/**
 * Until the call before has ended both hold slots for what is one in the end: one more may be taken meanwhile, or a user who has all of
 * them in use could never put two callers together.
 */
function inPlace(claims: readonly Claim[]): readonly Claim[] {
  return claims.map((claim) => (claim.kind === 'slot' ? { ...claim, cap: claim.cap + 1 } : claim));
}
