// Which dialog a Replaces means that is none of its sender's with us (RFC 3891 §3): one that a PBX told the user of in a notification, or
// one of ours that rings and whose other side is a PBX. Either is one of that PBX's, which is asked to replace it, and decides.
import { formatReplaces, type Replaces } from '../../sip/message/replaces.ts';
import type { Identity, IncomingCall } from '../../sip/user-agent/session.ts';

/** The PBX to ask, and its own name for the dialog as Replaces. */
export interface ForeignDialog {
  readonly pbx: string;
  readonly replaces: string;
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
