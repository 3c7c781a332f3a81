// What an INVITE with Replaces asks for (RFC 3891 §3): a dialog that exactly matches, of whoever sends it. Anybody else learns no more
// than that there is none.
import type { Refusal } from '../policy/verdict.ts';
import type { SipRequest } from '../sip/message/message.ts';
import { parseReplaces } from '../sip/message/replaces.ts';
import type { CallMaker, Identity, Session } from '../sip/user-agent/session.ts';
import type { AdmissionOutcome } from './admission-parts.ts';
import type { ReplacedHalf } from './replaced-half.ts';
import type { StandingLeg } from './standing-admission.ts';

/** The call that loses a half, and the leg that goes on. */
export interface Replaced {
  readonly leg: StandingLeg;
  readonly half: ReplacedHalf;
}

/** A PBX may transfer to a dialog of its own, which we do not know: the call goes to that PBX or nowhere. */
export function passedOn(outcome: AdmissionOutcome, request: SipRequest, pbx: string): AdmissionOutcome {
  if (outcome.kind === 'refused') return outcome;
  const value = request.headers.get('Replaces') ?? '';
  const stages = outcome.admission.stages.map((stage) =>
    stage.flatMap((target) => {
      const isIt = !('sdp' in target) && target.peer.kind === 'pbx' && target.peer.name === pbx;
      return isIt ? [{ ...target, headers: target.headers.append('Replaces', value) }] : [];
    }),
  );
  const { admission } = outcome;
  if (stages.every((stage) => stage.length === 0)) return { kind: 'refused', refusal: unknown, trace: admission.trace };
  return { kind: 'admitted', admission: { ...admission, stages } };
}

export type Replacement =
  | { readonly kind: 'none' }
  /** There is no such dialog here. */
  | { readonly kind: 'unknown'; readonly refusal: Refusal }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'matched'; readonly replaced: Replaced };

/** `busy`: another one is about to take the leg. */
export type Taking = Replaced | 'ending' | 'busy' | undefined;

/** `take` reserves the half beside that session, in a call other than `by`, for the call that the INVITE begins. */
export function replacementOf(
  request: SipRequest,
  identity: Identity,
  userAgent: Pick<CallMaker, 'sessionOf'>,
  take: (session: Session) => Taking,
): Replacement {
  const values = request.headers.all('Replaces');
  if (values.length === 0) return { kind: 'none' };
  const replaces = parseReplaces(values[0] ?? '');
  if (values.length > 1 || replaces === undefined || request.headers.has('Join')) {
    return refused(400, 'Bad Replaces', 'expected one Replaces with both tags, and no Join');
  }
  const session = userAgent.sessionOf(replaces.callId, replaces.toTag, replaces.fromTag, identity);
  if (session === undefined) return { kind: 'unknown', refusal: unknown };
  // §3: it may be replaced only while it rings, and it has been answered.
  if (replaces.isEarlyOnly) return refused(486, 'Answered already', 'early-only, and the dialog is confirmed');
  const taking = take(session);
  if (taking === undefined) return { kind: 'unknown', refusal: unknown };
  if (taking === 'ending') return refused(603, 'Call is over', 'the call of that dialog is ending');
  if (taking === 'busy') return refused(491, 'Request pending', 'another transfer of that call is in progress');
  return { kind: 'matched', replaced: taking };
}

function refused(status: number, text: string, detail: string): Replacement {
  return { kind: 'refused', refusal: { code: 'not-replaceable', status, text, detail } };
}

const unknown: Refusal = {
  code: 'not-replaceable',
  status: 481,
  text: 'No such dialog',
  detail: 'no confirmed dialog of the sender matches Replaces',
};
