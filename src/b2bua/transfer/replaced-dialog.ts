// Which dialog a Replaces means that is none of its sender's with us (RFC 3891 §3): one that a PBX told the user of in a notification, or
// one of ours that rings and whose other side is a PBX. Either is one of that PBX's, which is asked to replace it, and decides. Or it is one of its
// sender's with another node of the site, which is asked on its behalf.
import { Headers } from '../../sip/message/headers.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { formatReplaces, type Replaces } from '../../sip/message/replaces.ts';
import type { Identity, IncomingCall } from '../../sip/user-agent/session.ts';
import type { ElsewhereDialog } from '../admission/elsewhere-admission.ts';

/** The PBX to ask, and its own name for the dialog as Replaces. */
export interface ForeignDialog {
  readonly pbx: string;
  readonly replaces: string;
}

/** Names the user on whose behalf a node asks another one. Read of those alone, and passed on to nobody else. */
export const onBehalfHeader = 'X-Sbc-On-Behalf';

/** `nodeOfTag`: the node whose tag it is; undefined where it is this one, or nobody's. */
export function elsewhereDialog(
  replaces: Replaces,
  asker: Identity,
  nodeOfTag: (tag: string) => ElsewhereDialog['contactOf'] | undefined,
): ElsewhereDialog | undefined {
  const contactOf = asker.kind === 'user' ? nodeOfTag(replaces.toTag) : undefined;
  if (contactOf === undefined || asker.kind !== 'user') return undefined;
  return { contactOf, headers: Headers.of(['Replaces', formatReplaces(replaces)], [onBehalfHeader, asker.aor]) };
}

/** The user that another node asks for; undefined where it names none. */
export function onBehalfOf({ headers }: SipRequest): Identity | undefined {
  const aor = headers.get(onBehalfHeader) ?? '';
  const at = aor.lastIndexOf('@');
  return at > 0 ? { kind: 'user', aor, name: aor.slice(0, at), domain: aor.slice(at + 1) } : undefined;
}

/** `toldOf`: what a user was told a dialog's Call-ID is. */
export function toldDialog(
  replaces: Replaces,
  identity: Identity,
  toldOf: (aor: string, callId: string) => { readonly pbx: string; readonly callId: string } | undefined,
): ForeignDialog | undefined {
  const told = identity.kind === 'user' ? toldOf(identity.aor, replaces.callId) : undefined;
  return told && { pbx: told.pbx, replaces: formatReplaces({ ...replaces, callId: told.callId }) };
}

/** `caller`: the INVITE of the call of which that dialog is an attempt. */
export function callerDialog({ isEarlyOnly }: Replaces, caller: IncomingCall | undefined): ForeignDialog | undefined {
  if (caller?.identity.kind !== 'pbx' || caller.dialog === undefined) return undefined;
  const { callId, localTag, remoteTag } = caller.dialog;
  // As the PBX sees it: our tag is its peer's.
  const replaces = formatReplaces({ callId, toTag: remoteTag, fromTag: localTag, isEarlyOnly });
  return { pbx: caller.identity.name, replaces };
}
