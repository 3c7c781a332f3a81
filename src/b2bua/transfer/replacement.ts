// What an INVITE with Replaces asks for (RFC 3891 §3): a dialog that exactly matches, of whoever sends it. Anybody else learns no more
// than that there is none.
import type { Refusal } from '../../policy/verdict.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { parseReplaces, type Replaces } from '../../sip/message/replaces.ts';
import type { CallMaker, Identity, Session } from '../../sip/user-agent/session.ts';
import type { AdmissionOutcome } from '../admission/admission-parts.ts';
import type { ElsewhereDialog } from '../admission/elsewhere-admission.ts';
import type { StandingLeg } from '../admission/standing-admission.ts';
import type { ForeignDialog } from './replaced-dialog.ts';
import type { ReplacedHalf } from './replaced-half.ts';

/** The call that loses a half, and the leg that goes on. */
export interface Replaced {
  readonly leg: StandingLeg;
  readonly half: ReplacedHalf;
}

/** The dialog is one of that PBX's, which we do not know: the call goes to that PBX or nowhere. */
export function passedOn(outcome: AdmissionOutcome, { pbx, replaces }: ForeignDialog): AdmissionOutcome {
  if (outcome.kind === 'refused') return outcome;
  const stages = outcome.admission.stages.map((stage) =>
    stage.flatMap((target) => {
      const isIt = !('sdp' in target) && target.peer.kind === 'pbx' && target.peer.name === pbx;
      return isIt ? [{ ...target, headers: target.headers.append('Replaces', replaces) }] : [];
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
  /** It is a PBX's, which is asked. */
  | { readonly kind: 'foreign'; readonly dialog: ForeignDialog }
  /** It is another node's, which is asked. */
  | { readonly kind: 'elsewhere'; readonly dialog: ElsewhereDialog }
  /** `asker`: whose dialog it is. */
  | { readonly kind: 'matched'; readonly replaced: Replaced; readonly asker: Identity };

/** `busy`: another one is about to take the leg. */
export type Taking = Replaced | 'ending' | 'busy' | undefined;

/** The one dialog that an INVITE asks to replace; `none`: it has no such wish, `bad`: it cannot be read. */
export function replacesIn({ headers }: SipRequest): Replaces | 'none' | 'bad' {
  const values = headers.all('Replaces');
  if (values.length === 0) return 'none';
  const replaces = parseReplaces(values[0] ?? '');
  return values.length > 1 || headers.has('Join') ? 'bad' : (replaces ?? 'bad');
}

/**
 * `asker`: who wants it replaced. `take` reserves the half beside that session, in a call other than `by`, for the call that the INVITE begins.
 * `foreign` and `elsewhere`: whose else the dialog may be.
 */
export function replacementOf(
  request: SipRequest,
  asker: Identity,
  userAgent: Pick<CallMaker, 'sessionOf'>,
  {
    take,
    foreign,
    elsewhere,
  }: {
    readonly take: (session: Session) => Taking;
    readonly foreign: (replaces: Replaces) => ForeignDialog | undefined;
    readonly elsewhere: (replaces: Replaces) => ElsewhereDialog | undefined;
  },
): Replacement {
  const replaces = replacesIn(request);
  if (replaces === 'none') return { kind: 'none' };
  if (replaces === 'bad') return refused(400, 'Bad Replaces', 'expected one Replaces with both tags, and no Join');
  const session = userAgent.sessionOf(replaces.callId, replaces.toTag, replaces.fromTag, asker);
  if (session === undefined) {
    const dialog = foreign(replaces);
    if (dialog !== undefined) return { kind: 'foreign', dialog };
    const other = elsewhere(replaces);
    return other === undefined ? { kind: 'unknown', refusal: unknown } : { kind: 'elsewhere', dialog: other };
  }
  // §3: it may be replaced only while it rings, and it has been answered.
  if (replaces.isEarlyOnly) return refused(486, 'Answered already', 'early-only, and the dialog is confirmed');
  const taking = take(session);
  if (taking === undefined) return { kind: 'unknown', refusal: unknown };
  if (taking === 'ending') return refused(603, 'Call is over', 'the call of that dialog is ending');
  if (taking === 'busy') return refused(491, 'Request pending', 'another transfer of that call is in progress');
  return { kind: 'matched', replaced: taking, asker };
}

function refused(status: number, text: string, detail: string): Replacement {
  return { kind: 'refused', refusal: { code: 'not-replaceable', status, text, detail } };
}

const unknown: Refusal = {
  code: 'not-replaceable',
  status: 481,
  text: 'No such dialog',
  detail: 'no dialog of the sender that may be replaced matches Replaces',
};
