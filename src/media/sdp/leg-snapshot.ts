// Everything that a leg knows of its SDP as one plain record: it survives JSON, and `SdpLeg.restore` goes on from it.
// It holds keys, so whoever stores it seals it.
import type { AgreedLine } from './agreed-line.ts';
import type { OfferedLine } from './receive-answer.ts';
import type { ReceivedLine } from './receive-offer.ts';
import type { SdpPolicy } from './sdp-policy.ts';
import type { SessionDescription } from './session-description.ts';

export interface SdpLegSnapshot extends SdpLegState {
  readonly v: 1;
}

export interface SdpLegState {
  /** What the leg was made with: a live call keeps the terms that it was admitted under. */
  readonly policy: SdpPolicy;
  readonly sessionId: string;
  /** The address in our o= line, once one was sent. */
  readonly originAddress?: string | undefined;
  readonly highestVersion: number;
  /** The body that went out last, agreed to or not. */
  readonly sent?: SentBody | undefined;
  readonly committedBody?: SentBody | undefined;
  /** The m-lines in force; empty before the first commit. */
  readonly committed: readonly AgreedLine[];
  /** What the peer described in the exchange in force. */
  readonly committedRemote?: SessionDescription | undefined;
  readonly exchange?: Exchange | undefined;
}

export interface SentBody {
  readonly version: number;
  readonly text: string;
}

/** An offer, and once its answer is there, what both agree on. */
export type Exchange =
  | {
      readonly role: 'answerer';
      readonly remote: SessionDescription;
      readonly received: readonly ReceivedLine[];
      readonly agreed?: readonly AgreedLine[] | undefined;
    }
  | {
      readonly role: 'offerer';
      readonly remote?: SessionDescription | undefined;
      readonly offered: readonly OfferedLine[];
      readonly agreed?: readonly AgreedLine[] | undefined;
    };
