// May a user who proved its password do this from there, and with that device? Asked of every authenticated request; an emergency call
// is never asked.
import type { SecondFactor } from './device.ts';
import type { DeviceStanding } from './devices.ts';
import type { Refusal, RuleTrace } from './verdict.ts';

/** What a user is held to beyond the password. */
export interface AccessTerms {
  /** Zones that it may register and call from; none named: from everywhere. */
  readonly zones: readonly string[];
  readonly secondFactor: SecondFactor;
}

/** What is known of where a request came from. */
export interface AccessFacts {
  /** For people: `198.51.100.7 over phones`. */
  readonly from: string;
  /** The zones that it came from. */
  readonly zones: readonly string[];
  /** `certified`: a client certificate of the user stands for it. `not-asked`: the question is about no device. */
  readonly device?:
    | { readonly standing: DeviceStanding | 'certified' | 'not-asked'; readonly text: string }
    | undefined;
}

/** A refusal of these alone. */
export interface AccessRefusal extends Refusal {
  readonly code: 'zone-denied' | 'device-denied';
}

/** Undefined when it may. Notes each question that was asked. */
export function accessRefusal(
  user: string,
  terms: AccessTerms,
  facts: AccessFacts | undefined,
  trace: RuleTrace[],
): AccessRefusal | undefined {
  return zoneRefusal(user, terms, facts, trace) ?? deviceRefusal(user, terms, facts, trace);
}

function zoneRefusal(
  user: string,
  { zones }: AccessTerms,
  facts: AccessFacts | undefined,
  trace: RuleTrace[],
): AccessRefusal | undefined {
  if (zones.length === 0) return undefined;
  const allowed = zones.join(', ');
  const input = facts === undefined ? 'from nowhere known' : `${facts.from}, in ${facts.zones.join(', ') || 'no zone'}`;
  const zone = facts?.zones.find((name) => zones.includes(name));
  if (zone !== undefined) {
    trace.push({ rule: 'zone', input, answer: `allow: ${zone}` });
    return undefined;
  }
  trace.push({ rule: 'zone', input, answer: `deny: only from ${allowed}` });
  const detail = `${user} may come from ${allowed} only, and came ${facts === undefined ? input : `from ${input}`}`;
  return { code: 'zone-denied', status: 403, text: 'Not allowed', detail };
}

function deviceRefusal(
  user: string,
  { secondFactor }: AccessTerms,
  facts: AccessFacts | undefined,
  trace: RuleTrace[],
): AccessRefusal | undefined {
  if (secondFactor === 'off') return undefined;
  const { standing, text } = facts?.device ?? { standing: 'unknown', text: 'no device known' };
  const isAllowed = standing === 'approved' || standing === 'certified' || standing === 'not-asked';
  trace.push({ rule: 'device', input: text, answer: `${isAllowed ? 'allow' : 'deny'}: ${standing}` });
  if (isAllowed) return undefined;
  const detail = `${user} uses a device that is ${standing}: ${text}`;
  return { code: 'device-denied', status: 403, text: 'Device not approved', detail };
}
