// Where leg B of a call may go. The router makes targets; the call tries them, stage by stage.
import type { SdpLeg, SdpPolicy } from '../../media/sdp/sdp-leg.ts';
import type { Claim } from '../../policy/verdict.ts';
import type { Headers } from '../../sip/message/headers.ts';
import type { ChallengeAnswerer, Destination, Identity } from '../../sip/user-agent/session.ts';

/** Where media of one leg lives: the address that a worker binds and the one that SDP shows. */
export interface MediaAddress {
  readonly bind: string;
  readonly advertise: string;
}

/** What media must be on one leg: its address and what its network demands. */
export interface MediaTerms {
  readonly address: MediaAddress;
  readonly sdp: SdpPolicy;
}

/** Who a leg speaks with, as records and metrics name it. */
export interface Party {
  readonly kind: 'user' | 'trunk' | 'pbx' | 'anonymous';
  /** `alice@pbx.test`, or the configured name of the trunk or PBX. */
  readonly name: string;
}

/** One place that leg B can be sent to: a contact of a user, a trunk, a PBX. */
export interface Target {
  readonly party: Party;
  /** Who its requests must be proven to come from. */
  readonly peer: Identity;
  /** It stands inside: requests in the dialog follow its Contact. */
  readonly followTarget: boolean;
  readonly destination: Destination;
  readonly requestUri: string;
  readonly from: string;
  readonly to: string;
  readonly contactUser: string | undefined;
  /** What crosses to this target: asserted identity, allow-listed headers, Max-Forwards. */
  readonly headers: Headers;
  readonly credentials: ChallengeAnswerer | undefined;
  readonly media: MediaTerms;
  /** Slots that this attempt takes beyond those of the call (its trunk). */
  readonly claims: readonly Claim[];
}

/** A leg of another call: it is re-INVITEd where a target is invited, and its description goes on. */
export interface StandingTarget extends Pick<Target, 'party' | 'media' | 'claims'> {
  readonly sdp: SdpLeg;
}

export type Callee = Target | StandingTarget;

/** Targets in the order of trying: those of one stage in parallel, the stages one after the other. */
export type Stages<T extends Callee = Target> = readonly (readonly T[])[];
