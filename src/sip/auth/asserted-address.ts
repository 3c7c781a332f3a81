// One identity: whoever proved a password may only register and call as that user (RFC 3261 §10.3 step 4, §22.1), or as an
// address of record that is configured as this user's alias.
import { essentialsOf } from '../message/header-fields.ts';
import type { SipRequest } from '../message/message.ts';
import type { SipUri, Uri } from '../message/uri.ts';

/** A SIP domain of ours: users are `name@name-of-the-domain`. */
export interface AuthDomain {
  /** In lower case, as are the aliases. */
  readonly name: string;
  readonly realm: string;
  /** Other hosts that mean the same domain in an address: the listener's own name or address, for phones that use it. */
  readonly aliases: readonly string[];
}

/** Whose address the request claims: To in a REGISTER, else From. */
export function claimedUri(request: SipRequest): Uri {
  const { from, to } = essentialsOf(request);
  return request.method === 'REGISTER' ? to.uri : from.uri;
}

export function isHostOf(domain: AuthDomain, host: string): boolean {
  return domain.name === host || domain.aliases.includes(host);
}

/**
 * Whether user `name` of `domain` may send this request. Inside a dialog From is what the dialog began with and not looked at:
 * the dialog knows whose it is (a REGISTER is never inside one). Outside, an anonymous From (RFC 3323 §4.1.1.3) claims nobody's address.
 */
export function mayClaim(
  request: SipRequest,
  name: string,
  domain: AuthDomain,
  aliases: readonly string[] = [],
): boolean {
  const isRegister = request.method === 'REGISTER';
  if (essentialsOf(request).toTag !== undefined && !isRegister) return true;
  const uri = claimedUri(request);
  if (uri.scheme === 'tel') return aliases.includes(uri.number);
  if (uri.scheme === 'other') return false;
  if (uri.host === anonymousHost && !isRegister) return true;
  if (uri.user === undefined) return false;
  return isAddressOf(uri, name, domain) || aliases.includes(`${uri.user}@${canonicalHost(uri, domain)}`);
}

const anonymousHost = 'anonymous.invalid';

function isAddressOf(uri: SipUri, name: string, domain: AuthDomain): boolean {
  return uri.user === name && isHostOf(domain, uri.host);
}

function canonicalHost(uri: SipUri, domain: AuthDomain): string {
  return isHostOf(domain, uri.host) ? domain.name : uri.host;
}
