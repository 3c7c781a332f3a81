// Admission of a call whose callee is a leg that stands at another node of the site (RFC 3891). That one knows what was called there,
// decides, and counts it for whoever asks; here it is asked where that is, and takes what any relayed call takes.
import type { Headers } from '../../sip/message/headers.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { parseUri } from '../../sip/message/uri.ts';
import type { Identity } from '../../sip/user-agent/session.ts';
import { forwardsAfter } from '../headers/forwards.ts';
import { crossInvite, joined } from '../headers/header-policy.ts';
import type { ReachableContact } from '../routing/directory.ts';
import { userTarget } from '../routing/target-builder.ts';
import type { AdmissionOutcome, AdmissionParts, WayIn } from './admission-parts.ts';
import { refusals } from './admission-refusals.ts';
import { attemptFacts } from './attempt-facts.ts';
import { tokenHeader } from './charging.ts';
import { numberText, ordinary, readNumber, sides } from './read-number.ts';
import { refused } from './routed.ts';

/** Another node, as a contact of whoever is called there. */
export interface ElsewhereDialog {
  readonly contactOf: (aor: string) => ReachableContact;
  /** What that node is told of the dialog, and of who wishes to replace it. */
  readonly headers: Headers;
}

/** Rejects when a store cannot answer. */
export async function admitElsewhere(
  parts: AdmissionParts,
  request: SipRequest,
  identity: Identity,
  way: WayIn,
  { contactOf, headers }: ElsewhereDialog,
): Promise<AdmissionOutcome> {
  const { directory, policy, numbers } = parts;
  const uri = parseUri(request.uri);
  const read = uri.ok ? readNumber(numbers, uri.value, sides[identity.kind]) : undefined;
  if (!uri.ok || read === undefined) return refused(refusals.scheme(request.uri), []);
  if (!read.ok) return refused(refusals.number(read.error), []);
  const forwards = forwardsAfter(request);
  if (forwards === undefined) return refused(refusals.loop(), []);
  const number = ordinary(read.value);
  const { canonical } = number;
  const domain = directory.domainOf(uri.value);
  const aor = `${canonical}@${domain}`;
  const contact = contactOf(aor);
  const trace = [
    { rule: 'number-plan', answer: numberText(number) },
    { rule: 'replaces', answer: 'a dialog of another node, which is asked' },
  ];
  const crossing = joined(crossInvite(request, false, forwards), headers);
  const sips = uri.value.scheme === 'sips';
  const origin = { request, identity, canonical, domain, sips, trusted: false, headers: crossing };
  const facts = await attemptFacts(parts, way, number, origin, await directory.factsOf(identity));
  const verdict = policy.relayed({ ...facts, callee: await directory.factsOf(contact.identity) });
  trace.push(...verdict.trace);
  if (verdict.kind === 'refuse') return refused(verdict.refusal, trace);
  const { limits, claims } = verdict;
  const target = userTarget(aor, contact, origin);
  // It learns which call its own one is the half of.
  const half = facts.id === undefined ? target.headers : target.headers.append(tokenHeader, facts.id);
  const stages = [[{ ...target, headers: half }]];
  return { kind: 'admitted', admission: { stages, claims, limits, canonical, number, trace } };
}
