// What admission makes of the ways that a call may take: contacts by their q, and the outcomes of several peers as one.
import { shorter } from '../../core/clock.ts';
import type { Claim, Refusal, RuleTrace } from '../../policy/verdict.ts';
import type { Admission } from '../call/call-event.ts';
import type { ReachableContact } from '../routing/directory.ts';
import type { Target } from '../routing/target.ts';
import type { AdmissionOutcome } from './admission-parts.ts';

export type Routed = AdmissionOutcome<Target>;

/** Those of one q ring together, those of a lower one later (RFC 3261 §16.6 step 7). */
export function byPriority(contacts: readonly ReachableContact[]): readonly (readonly ReachableContact[])[] {
  const groups = new Map<number, ReachableContact[]>();
  for (const contact of contacts.toSorted((a, b) => b.priority - a.priority)) {
    const group = groups.get(contact.priority);
    if (group === undefined) groups.set(contact.priority, [contact]);
    else group.push(contact);
  }
  return [...groups.values()];
}

/** The stages of both; of two refusals the first, and of one that of the other. Limits are the stricter ones. */
export function joined(a: Routed, b: Routed): Routed {
  if (b.kind === 'refused') return a;
  if (a.kind === 'refused') return b;
  const stages = [...a.admission.stages, ...b.admission.stages];
  return { kind: 'admitted', admission: { ...a.admission, stages, ...bounds(a.admission, b.admission) } };
}

/** What both ask of the store, each once, and the stricter limits. */
export function bounds(a: Admission, b: Admission): Pick<Admission, 'claims' | 'limits'> {
  return {
    claims: united(a.claims, b.claims),
    limits: {
      maxDuration: shorter(a.limits.maxDuration, b.limits.maxDuration),
      ringTimeout: Math.min(a.limits.ringTimeout, b.limits.ringTimeout),
      earlyMediaTimeout: Math.min(a.limits.earlyMediaTimeout, b.limits.earlyMediaTimeout),
    },
  };
}

export function united(claims: readonly Claim[], more: readonly Claim[]): readonly Claim[] {
  return [...claims, ...more.filter(({ key }) => claims.every((claim) => claim.key !== key))];
}

export function refused(refusal: Refusal, trace: readonly RuleTrace[]): Routed {
  return { kind: 'refused', refusal, trace };
}
