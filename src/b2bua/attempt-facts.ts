// What policy is told of a call, whoever it goes to.
import type { AttemptFacts, PartyFacts } from '../policy/policy-engine.ts';
import type { ReadNumber } from '../policy/site-numbers.ts';
import type { AdmissionParts, WayIn } from './admission-parts.ts';
import { chargeOf } from './charging.ts';
import { callerIdOf } from './read-number.ts';
import type { Origin } from './target-builder.ts';

export type Attempted = Omit<AttemptFacts, 'callee'> & { readonly id: string | undefined };

export async function attemptFacts(
  { charges, directory, circumstances, numbers }: AdmissionParts,
  { call: id, charged, from, at }: WayIn,
  number: ReadNumber,
  origin: Pick<Origin, 'request' | 'identity' | 'domain'>,
  caller: PartyFacts,
): Promise<Attempted> {
  const { request, identity } = origin;
  const charge = identity.kind === 'pbx' ? await chargeOf(id, origin, charges, directory) : undefined;
  const callerId = callerIdOf(request, identity, numbers);
  // Who redirects a call to itself was reached where it may be.
  const held = charged === undefined ? caller : { ...caller, access: undefined };
  const factor = held.access?.secondFactor ?? 'off';
  const access =
    from === undefined || 'facts' in from
      ? from?.facts
      : directory.accessOf({ request, flow: from.flow, aor: caller.name, factor });
  return { id, caller: held, call: { number, callerId, charge, access, ...circumstances.now(at) } };
}
