// May a user who proved its password do this from there? Asked of every authenticated request; an emergency call is never asked.
import type { Refusal, RuleTrace } from './verdict.ts';

/** What a user is held to beyond the password. */
export interface AccessTerms {
  /** Zones that it may register and call from; none named: from everywhere. */
  readonly zones: readonly string[];
}

/** What is known of where a request came from. */
export interface AccessFacts {
  /** For people: `198.51.100.7 over phones`. */
  readonly from: string;
  /** The zones that it came from. */
  readonly zones: readonly string[];
}

/** A refusal of these alone. */
export interface AccessRefusal extends Refusal {
  readonly code: 'zone-denied';
}

/** Undefined when it may. Notes each question that was asked. */
export function accessRefusal(
  user: string,
  terms: AccessTerms,
  facts: AccessFacts | undefined,
  trace: RuleTrace[],
): AccessRefusal | undefined {
  if (terms.zones.length === 0) return undefined;
  const allowed = terms.zones.join(', ');
  const input = facts === undefined ? 'from nowhere known' : `${facts.from}, in ${facts.zones.join(', ') || 'no zone'}`;
  const zone = facts?.zones.find((name) => terms.zones.includes(name));
  if (zone !== undefined) {
    trace.push({ rule: 'zone', input, answer: `allow: ${zone}` });
    return undefined;
  }
  trace.push({ rule: 'zone', input, answer: `deny: only from ${allowed}` });
  const detail = `${user} may come from ${allowed} only, and came ${facts === undefined ? input : `from ${input}`}`;
  return { code: 'zone-denied', status: 403, text: 'Not allowed', detail };
}
