// What a call begins with.
import type { Random } from '../../core/random.ts';
import type { SdpLeg } from '../../media/sdp/sdp-leg.ts';
import type { Body } from '../../sip/user-agent/session.ts';
import type { MediaTerms, Party } from '../routing/target.ts';
import type { CallHalf } from './call-half.ts';

export interface CallOptions {
  readonly id: string;
  readonly caller: Party;
  /** The Request-URI's user part as it came. */
  readonly dialled: string;
  /** What media must be on the caller's leg. */
  readonly media: MediaTerms;
  readonly offer: Body | undefined;
  /** A leg that another call had before: its description goes on. */
  readonly sdp?: SdpLeg | undefined;
  /** The call that a transfer made this one of. */
  readonly transferOf?: string | undefined;
  /** The call of another node that this one is the other half of. */
  readonly halfOf?: CallHalf | undefined;
  /** The caller acknowledges provisionals that describe media (RFC 3262). */
  readonly callerAcknowledges?: boolean;
  readonly random: Random;
}
