// What connect asks about the people and peers of this site. `compose` builds it from the configuration, the user
// database and the registrar; b2bua never sees any of these.
import type { AccessFacts } from '../../policy/access.ts';
import type { SecondFactor } from '../../policy/device.ts';
import type { PartyFacts } from '../../policy/policy-engine.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import type { Uri } from '../../sip/message/uri.ts';
import type { ChallengeAnswerer, Destination, Flow, Identity } from '../../sip/user-agent/session.ts';
import type { SignedIdentityPolicy } from '../headers/signed-identity.ts';
import type { MethodPolicy } from './method-policy.ts';
import type { PeerNumbers } from './number-rules.ts';
import type { RouteVia } from './router.ts';
import type { MediaTerms } from './target.ts';

/** A PBX or a trunk: a peer that is configured, not registered. */
export interface Peer {
  readonly kind: 'pbx' | 'trunk';
  readonly name: string;
  readonly facts: PartyFacts;
  /** How numbers are written towards it. */
  readonly numbers: PeerNumbers;
  readonly destination: Destination;
  /** The peer's URI without a user part: `sip:10.0.0.5:5060`. */
  readonly hostPort: string;
  readonly scheme: 'sip' | 'sips';
  /** Host of From and To towards it; a domain of ours for a PBX, the trunk's own host for a trunk. */
  readonly identityHost: string;
  /** Whether it may see and send asserted identity (RFC 3325 §5). */
  readonly trusted: boolean;
  readonly signedIdentity: SignedIdentityPolicy;
  /** A call to a sips URI may reach it without TLS: its network is trusted (RFC 5630 §3.2). */
  readonly takesSipsWithoutTls: boolean;
  readonly media: MediaTerms;
  readonly credentials: ChallengeAnswerer | undefined;
  /** False while its pings fail; one that is not pinged is always up. */
  isUp(): boolean;
}

/** A contact under which a user is reachable now. */
export interface ReachableContact {
  /** The user that registered it. */
  readonly identity: Identity;
  /** Its Contact URI as it registered. */
  readonly uri: string;
  /** Proxies on the way to it, as Route values (RFC 3327 §5.3). */
  readonly path: readonly string[];
  /** Its q, 0 to 1 (RFC 3261 §20.10): those of a lower one ring later. */
  readonly priority: number;
  readonly destination: Destination;
  readonly media: MediaTerms;
}

/** `aor` is undefined when no phone is registered under it any more. */
export interface TokenMeaning {
  readonly aor: string | undefined;
}

/** What a route leads to that is configured, not registered. */
export type PeerVia = Exclude<RouteVia, { readonly kind: 'users' }>;

export interface Directory {
  /** The domain that a Request-URI belongs to: its host where that is a domain of ours, else the first domain. */
  domainOf(uri: Uri): string;
  /** Limits of whoever was proven to call. Rejects when the store cannot answer. */
  factsOf(identity: Identity): Promise<PartyFacts>;
  peer(kind: 'pbx' | 'trunk', name: string): Peer | undefined;
  /** The peers that a route leads to, in the order of trying: one, or those of a group as priority and weight draw them. */
  peersOf(via: PeerVia): readonly Peer[];
  /** Whether `user` is our Contact at a trunk that we register with: whom it calls is in To then. */
  isTrunkContact(trunk: string, user: string): boolean;
  /** Whom one of our tokens stands for at a PBX that we register users with. Undefined when it is no token of ours. */
  registeredAor(pbx: string, user: string): TokenMeaning | undefined;
  /** Undefined when there is no such user. Rejects when the store cannot answer. */
  user(aor: string): Promise<PartyFacts | undefined>;
  /** `here`: phones of this node alone; else other nodes of the site that hold more of them are contacts too. */
  contacts(aor: string, where?: 'here'): Promise<readonly ReachableContact[]>;
  /** The name of another node of this site, which has admitted what it sends; undefined: it is none. */
  nodeOf(identity: Identity): string | undefined;
  /** Whether an asserted identity that this party sends is believed. */
  trustsIdentityOf(identity: Identity): boolean;
  /** Whether it may put another dialog of its own in the place of one that rings at it (RFC 3891). */
  mayPickUp(identity: Identity): boolean;
  /** Whether a host is a domain of ours or an outside name of this node. */
  isOurs(host: string): boolean;
  /** What policy is told of where a request came from. */
  accessOf(asking: {
    readonly request: SipRequest;
    readonly flow: Flow;
    readonly aor: string;
    readonly factor: SecondFactor;
  }): AccessFacts;
  /** What is served beside calls. */
  methodPolicy(): MethodPolicy;
  /** Media terms of the leg that an INVITE came in on, from whom it was proven to come. */
  mediaOf(flow: Flow, identity: Identity): MediaTerms;
}
