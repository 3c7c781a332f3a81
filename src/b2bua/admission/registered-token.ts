// Whom a peer calls by what we registered with it: a PBX (mode `forward`) by our Contact, or by our Path that came back as Route (RFC 3327 §5.3); a
// trunk by our Contact.
import { ok } from '../../core/result.ts';
import { essentialsOf, routes } from '../../sip/message/header-fields.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { parseUri } from '../../sip/message/uri.ts';
import type { Identity } from '../../sip/user-agent/session.ts';
import type { Directory, TokenMeaning } from '../routing/directory.ts';

export interface AskedByToken extends TokenMeaning {
  /** By our Path, and it passes on the call of somebody else: we are on its way to a phone (RFC 5626 §5.3). */
  readonly isOfProxy: boolean;
}

/** Undefined where nobody is asked for in that way. */
export function askedByToken(
  request: SipRequest,
  identity: Identity,
  directory: Pick<Directory, 'registeredAor'>,
): AskedByToken | undefined {
  if (identity.kind !== 'pbx') return undefined;
  const way = routes(request.headers);
  const [first] = way.ok ? way.value : [];
  const target = parseUri(request.uri);
  for (const [uri, isPath] of [
    [target.ok ? target.value : undefined, false],
    [first?.uri, true],
  ] as const) {
    if (uri?.scheme !== 'sip' && uri?.scheme !== 'sips') continue;
    const meaning = directory.registeredAor(identity.name, uri.user ?? '');
    if (meaning !== undefined) return { ...meaning, isOfProxy: isPath && request.headers.values('Via').length > 1 };
  }
  return undefined;
}

/** What was dialled. A trunk that we register with may send to our Contact, which is a token: the number is in To. */
export function dialledUri(
  request: SipRequest,
  identity: Identity,
  directory: Pick<Directory, 'isTrunkContact'>,
): ReturnType<typeof parseUri> {
  const uri = parseUri(request.uri);
  if (!uri.ok || identity.kind !== 'trunk' || (uri.value.scheme !== 'sip' && uri.value.scheme !== 'sips')) return uri;
  const isOurs = directory.isTrunkContact(identity.name, uri.value.user ?? '');
  return isOurs ? ok(essentialsOf(request).to.uri) : uri;
}
