// How leg B's INVITE looks to a target: Request-URI, From, To, asserted identity (RFC 3325). Hosts are those of the
// side that will read them, so that neither side learns where the other one lives.
import { essentialsOf } from '../../sip/message/header-fields.ts';
import type { Headers } from '../../sip/message/headers.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { formatNameAddr, type NameAddr, parseNameAddr } from '../../sip/message/name-addr.ts';
import { formatUri, noParameters, type Uri } from '../../sip/message/uri.ts';
import type { Destination, Identity } from '../../sip/user-agent/session.ts';
import { anonymousAddress, privacyOf } from '../headers/privacy.ts';
import { signedIdentity } from '../headers/signed-identity.ts';
import type { Peer, ReachableContact } from './directory.ts';
import type { OutgoingNumbers } from './number-rules.ts';
import { retargetingFields } from './retargeting.ts';
import type { Target } from './target.ts';

/** What the INVITE of leg A says, once normalised. */
export interface Origin {
  readonly request: SipRequest;
  readonly identity: Identity;
  readonly canonical: string;
  /** The domain of ours that the call belongs to. */
  readonly domain: string;
  /** The Request-URI was a sips URI: it leaves over TLS, as one (RFC 5630 §3.2). */
  readonly sips: boolean;
  /** The caller's asserted identity is believed. */
  readonly trusted: boolean;
  /** What crosses from leg A. */
  readonly headers: Headers;
}

export const maxDisplayNameLength = 128;

/** Whom the call comes from, as it is written before rules of the next peer touch it. */
export function callerUser(origin: Origin): string {
  return callerOf(origin).user;
}

/** A PBX or a trunk, with the numbers that its rules make. */
export function peerTarget(peer: Peer, origin: Origin, numbers: WrittenNumbers = asDialled(origin)): Target {
  const caller = shownAs(callerOf(origin), numbers.caller);
  const host = homeOf(origin, peer);
  const signed = signedIdentity(origin.request, peer.signedIdentity, caller.hidden);
  const isShown = peer.kind === 'pbx' ? !caller.anonymous : !caller.hidden;
  const shown = isShown ? nameAddr(caller.displayName, caller.user, host) : anonymousAddress;
  let { headers } = origin;
  for (const [name, value] of signed?.fields ?? []) headers = headers.append(name, value);
  if (peer.trusted) headers = toldToTrusted(headers, origin, caller, host);
  const scheme = origin.sips && isSecure(peer.destination) ? 'sips' : peer.scheme;
  return {
    party: { kind: peer.kind, name: peer.name },
    peer: { kind: peer.kind, name: peer.name },
    followTarget: peer.kind === 'pbx',
    destination: peer.destination,
    requestUri: `${scheme}:${escapeUser(numbers.called)}@${peer.hostPort}`,
    from: signed?.from ?? shown,
    to: signed?.to ?? nameAddr(undefined, numbers.called, peer.identityHost),
    contactUser: isShown ? caller.user : undefined,
    headers,
    credentials: peer.credentials,
    media: peer.media,
    // A trunk's are added by admission, which knows what is dialled.
    claims: [],
  };
}

/** One registered contact of a user. A phone is told who calls by From only, and not that where the caller hides (RFC 3325 §7). */
export function userTarget(aor: string, contact: ReachableContact, origin: Origin): Target {
  const caller = callerOf(origin);
  return {
    party: { kind: 'user', name: aor },
    peer: contact.identity,
    followTarget: false,
    destination: contact.destination,
    requestUri: contact.uri,
    from: caller.hidden ? anonymousAddress : nameAddr(caller.displayName, caller.user, origin.domain),
    to: nameAddr(undefined, origin.canonical, origin.domain),
    contactUser: caller.hidden ? undefined : caller.user,
    headers: contact.path.reduce((headers, hop) => headers.append('Route', hop), origin.headers),
    credentials: undefined,
    media: contact.media,
    claims: [],
  };
}

export function isSecure(destination: Destination): boolean {
  return destination.kind === 'flow' ? destination.flow.secure : destination.transport === 'tls';
}

/** Who calls, whether it wants to be hidden further on (RFC 3325 §5, §7), and who forwarded the call. */
function toldToTrusted(headers: Headers, { request, trusted }: Origin, caller: Caller, host: string): Headers {
  let told = headers;
  if (caller.asserted !== undefined) {
    told = told.append('P-Asserted-Identity', nameAddr(caller.displayName, caller.asserted, host));
  }
  const { header } = privacyOf(request);
  if (header !== undefined) told = told.append('Privacy', header);
  if (trusted) for (const [name, value] of retargetingFields(request, host)) told = told.append(name, value);
  return told;
}

interface Caller {
  readonly displayName: string | undefined;
  /** What From shows. */
  readonly user: string;
  /** The authenticated user, or whom a trusted peer names. Undefined where nobody vouches for what From claims (RFC 3325 §5). */
  readonly asserted: string | undefined;
  /** Untrusted readers must not learn who it is. */
  readonly hidden: boolean;
  /** It left its name out of From. */
  readonly anonymous: boolean;
}

type WrittenNumbers = Pick<OutgoingNumbers, 'called' | 'caller'>;

function asDialled(origin: Origin): WrittenNumbers {
  return { called: origin.canonical, caller: callerUser(origin) };
}

/** The caller under the number that the peer is shown; without one it is hidden, from a PBX too. */
function shownAs(caller: Caller, number: string | undefined): Caller {
  if (number === undefined) return { ...caller, displayName: undefined, hidden: true, anonymous: true };
  return { ...caller, user: number, asserted: caller.asserted === undefined ? undefined : number };
}

/** A PBX is told the domain that a user belongs to: a namesake in another one is somebody else. */
function homeOf({ identity }: Origin, peer: Peer): string {
  return identity.kind === 'user' && peer.kind === 'pbx' ? identity.domain : peer.identityHost;
}

function callerOf({ request, identity, trusted }: Origin): Caller {
  const { from } = essentialsOf(request);
  const { hidesCaller: hidden, isAnonymous: anonymous } = privacyOf(request);
  if (identity.kind === 'user') {
    const shown = anonymous ? undefined : displayName(from);
    return { displayName: shown, user: identity.name, asserted: identity.name, hidden, anonymous };
  }
  const vouched = trusted ? (assertedBy(request) ?? (anonymous ? undefined : from)) : undefined;
  const claimed = vouched ?? from;
  const user = userOf(claimed.uri) ?? 'anonymous';
  const asserted = vouched === undefined ? undefined : user;
  return { displayName: displayName(claimed), user, asserted, hidden, anonymous };
}

/** The first P-Asserted-Identity, from a peer that may assert one. */
function assertedBy(request: SipRequest): NameAddr | undefined {
  const value = request.headers.values('P-Asserted-Identity')[0];
  const parsed = value === undefined ? undefined : parseNameAddr(value);
  return parsed?.ok === true ? parsed.value : undefined;
}

function displayName(address: NameAddr): string | undefined {
  return address.displayName?.slice(0, maxDisplayNameLength);
}

function userOf(uri: Uri): string | undefined {
  if (uri.scheme === 'tel') return uri.number;
  return uri.scheme === 'other' ? undefined : uri.user;
}

function nameAddr(name: string | undefined, user: string, host: string): string {
  const uri: Uri = { scheme: 'sip', user, host, parameters: noParameters };
  return formatNameAddr({ ...(name === undefined ? {} : { displayName: name }), uri, parameters: noParameters });
}

function escapeUser(user: string): string {
  const uri = formatUri({ scheme: 'sip', user, host: 'h', parameters: noParameters });
  return uri.slice('sip:'.length, uri.length - '@h'.length);
}
