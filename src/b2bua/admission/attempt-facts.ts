// What policy is told of a call, whoever it goes to.
import type { AccessFacts } from '../../policy/access.ts';
import type { AttemptFacts, PartyFacts } from '../../policy/policy-engine.ts';
import type { ReadNumber } from '../../policy/site-numbers.ts';
import type { Origin } from '../routing/target-builder.ts';
import type { AdmissionParts, WayIn } from './admission-parts.ts';
import { chargeOf, redirectCharge } from './charging.ts';
import { callerIdOf } from './read-number.ts';

export type Attempted = Omit<AttemptFacts, 'callee'> & {
  readonly id: string | undefined;
  /** What a PBX is given by which its own call may be told to be this one's. */
  readonly token: string | undefined;
};

export async function attemptFacts(
  { charges, directory, circumstances, numbers }: AdmissionParts,
  way: WayIn,
  number: ReadNumber,
  origin: Pick<Origin, 'request' | 'identity' | 'domain'>,
  caller: PartyFacts,
): Promise<Attempted> {
  const { call: id, charged, from, at } = way;
  const { request, identity } = origin;
  const charge =
    charged === undefined
      ? identity.kind === 'pbx'
        ? await chargeOf(id, origin, charges, directory)
        : undefined
      : await redirectCharge(charged, way.diverter, origin, charges, directory);
  const callerId = callerIdOf(request, identity, numbers);
  // Who redirects a call to itself was reached where it may be.
  const isAsked = charged !== undefined || from === 'asked';
  const held = isAsked ? { ...caller, access: undefined } : caller;
  const factor = held.access?.secondFactor ?? 'off';
  const access = accessOf();
  const token = charged === undefined && identity.kind === 'user' ? id : way.token;
  return { id, token, caller: held, call: { number, callerId, charge, access, ...circumstances.now(at) } };

  function accessOf(): AccessFacts | undefined {
    if (from === undefined || from === 'asked') return undefined;
    return 'facts' in from ? from.facts : directory.accessOf({ request, flow: from.flow, aor: caller.name, factor });
  }
}
