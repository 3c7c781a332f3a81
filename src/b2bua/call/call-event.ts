// The alphabet of a call: what can happen to it, and what it asks for. `call.ts` is the machine, `b2bua.ts` carries it out.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { EndpointRemote, EndpointSpec, MediaReport, OpenedEndpoint } from '../../media/plane/messages.ts';
import type { ReadNumber } from '../../policy/site-numbers.ts';
import type { CallLimits, Claim, Refusal, RuleTrace } from '../../policy/verdict.ts';
import type { Headers } from '../../sip/message/headers.ts';
import type { Uri } from '../../sip/message/uri.ts';
import type { Body, CallFailure, Identity, OfferMethod, SessionEnd } from '../../sip/user-agent/session.ts';
import type { Callee, Stages } from '../routing/target.ts';
import type { CallRecord } from './call-record.ts';

/** `a` is the caller's leg; `b1`, `b2` … are the attempts in the order they were begun. */
export type LegId = 'a' | `b${number}`;

export interface Instant {
  readonly now: Millis;
  readonly wall: EpochMillis;
}

/** Ring: the whole time until an answer. Stage: until the phones of the next q are called. Early media: since the first SDP before an answer. Duration: since the answer. */
export type CallTimer = 'ring' | 'stage' | 'early-media' | 'duration';

export interface Admission<T extends Callee = Callee> {
  readonly stages: Stages<T>;
  readonly claims: readonly Claim[];
  readonly limits: CallLimits;
  /** The number that was decided on, when the target is one. */
  readonly canonical: string | undefined;
  /** Its country and classes. */
  readonly number?: ReadNumber;
  /** How many redirects may be followed; none when absent. */
  readonly redirects?: number;
  /** Of the phones of a user: how long those of one q ring before those of the next. Absent: the stages are ways to one callee. */
  readonly stageTimeout?: Millis;
  /** The call whose half it goes on with (RFC 3891). */
  readonly replaces?: string;
  /** Who pays: `user:alice@pbx.test`. */
  readonly payer?: string;
  /** Of a redirect: what a PBX is told, so that its own call is told to be the other half. */
  readonly token?: string;
  readonly trace: readonly RuleTrace[];
}

export type CallInput =
  | { readonly type: 'started' }
  | { readonly type: 'admitted'; readonly admission: Admission }
  | { readonly type: 'refused'; readonly refusal: Refusal; readonly trace: readonly RuleTrace[] }
  /** `longest`: how long the budgets of the claims let the call last. */
  | {
      readonly type: 'reserved';
      readonly leg: LegId;
      readonly claims: readonly Claim[];
      readonly longest?: Millis | undefined;
    }
  | { readonly type: 'reservation-refused'; readonly leg: LegId; readonly refusal: Refusal }
  | { readonly type: 'media-opened'; readonly leg: LegId; readonly endpoints: readonly OpenedEndpoint[] }
  | { readonly type: 'media-refused'; readonly leg: LegId; readonly detail: string }
  | { readonly type: 'media-failed'; readonly detail: string }
  | { readonly type: 'media-timeout' }
  | { readonly type: 'media-lost'; readonly detail: string }
  | { readonly type: 'keying-failed'; readonly detail: string }
  | { readonly type: 'media-closed'; readonly report: MediaReport }
  | {
      readonly type: 'provisional';
      readonly leg: LegId;
      readonly earlyId: string;
      readonly status: number;
      readonly body: Body | undefined;
      /** It must arrive, and is acknowledged (RFC 3262): an answer in it stands. */
      readonly isReliable: boolean;
    }
  | { readonly type: 'answered'; readonly leg: LegId; readonly earlyId: string; readonly body: Body | undefined }
  /** The caller's PRACK of the offer that it was made in that early dialog. */
  | { readonly type: 'early-answer'; readonly dialog: number; readonly body: Body | undefined }
  | { readonly type: 'attempt-failed'; readonly leg: LegId; readonly failure: CallFailure }
  /** Where that attempt's 3xx may lead. */
  | {
      readonly type: 'redirected';
      readonly leg: LegId;
      readonly admissions: readonly Admission[];
      readonly trace: readonly RuleTrace[];
    }
  /** An INVITE with Replaces takes the place of that attempt, which rings (RFC 3891). Answered by `accept-` or `reject-pick-up`. */
  | { readonly type: 'picked-up'; readonly leg: LegId; readonly body: Body | undefined }
  | { readonly type: 'pick-up-cancelled' }
  | { readonly type: 'cancelled'; readonly reason?: string | undefined }
  | { readonly type: 'caller-flow-lost' }
  /** It acknowledges none of our provisionals, which it said that it would (RFC 3262 §3). */
  | { readonly type: 'caller-silent' }
  | { readonly type: 'leg-ended'; readonly leg: LegId; readonly cause: SessionEnd; readonly reason: string | undefined }
  | { readonly type: 'acked'; readonly leg: LegId; readonly body: Body | undefined }
  /** `dialog`: it came in that early dialog, by the number of the caller's or the id of the callee's (UPDATE, PRACK). */
  | {
      readonly type: 'reinvited';
      readonly leg: LegId;
      /** INVITE when absent. */
      readonly method?: OfferMethod;
      readonly dialog?: string;
      readonly body: Body | undefined;
    }
  | { readonly type: 'reinvite-cancelled'; readonly leg: LegId }
  /** Its session timer wants a re-INVITE that changes nothing. */
  | { readonly type: 'refresh-due'; readonly leg: LegId }
  | { readonly type: 'reinvite-answered'; readonly leg: LegId; readonly body: Body | undefined }
  | { readonly type: 'reinvite-failed'; readonly leg: LegId; readonly failure: CallFailure }
  | { readonly type: 'timer'; readonly timer: CallTimer }
  | { readonly type: 'end'; readonly cause: 'operator' | 'draining' | 'internal' | 'transferred' | 'fraud' | 'lost' };

export type CallOutput =
  /** Normalise, route and decide; answered by `admitted` or `refused`. */
  | { readonly type: 'admit' }
  /** Answered by `reserved` or `reservation-refused`. Leg `a` holds the claims of the whole call. */
  | { readonly type: 'reserve'; readonly leg: LegId; readonly claims: readonly Claim[] }
  /** May the call go there, as one of whoever redirects it? Answered by `redirected`. */
  | {
      readonly type: 'redirect';
      readonly leg: LegId;
      readonly to: readonly Uri[];
      readonly by: Identity;
      /** Whom its answer names as who forwards the call. */
      readonly diverter: string | undefined;
      /** Its share of the branches that the call may have; undefined: it has the default. */
      readonly breadth: string | undefined;
    }
  /** The call goes where a redirect led, as policy let it. */
  | { readonly type: 'follow'; readonly admission: Admission }
  /** Gives slots back: those of one leg, or everything when `claims` is absent. */
  | { readonly type: 'release'; readonly claims?: readonly Claim[]; readonly used?: Millis }
  /** Answered by `media-opened` or `media-refused`. */
  | { readonly type: 'open-media'; readonly leg: LegId; readonly specs: readonly EndpointSpec[] }
  | { readonly type: 'set-remote'; readonly endpoint: number; readonly remote: EndpointRemote }
  | { readonly type: 'join'; readonly a: number; readonly b: number }
  | { readonly type: 'close-endpoints'; readonly endpoints: readonly number[] }
  | { readonly type: 'pause-media-timeout'; readonly paused: boolean }
  /** Answered by `media-closed`, at once when no media was ever opened. */
  | { readonly type: 'close-media' }
  /** Answered by `provisional` …, then `answered` or `attempt-failed` exactly once. */
  | {
      readonly type: 'invite';
      readonly leg: LegId;
      readonly target: Callee;
      readonly body: Body | undefined;
      /** Provisionals may be sent so that they must arrive. Where we make no offer, one with SDP waits for `prack`. */
      readonly isReliable: boolean;
    }
  /** Our answer to the offer that the callee made in a provisional of that early dialog. */
  | { readonly type: 'prack'; readonly leg: LegId; readonly dialog: string; readonly body: Body }
  | { readonly type: 'cancel'; readonly leg: LegId; readonly headers: Headers }
  /** `dialog`: which early dialog of the caller's; each has a To-tag of its own. */
  | {
      readonly type: 'progress';
      readonly status: number;
      readonly body: Body | undefined;
      readonly dialog: number;
      /** The body is an offer; answered by `early-answer`. */
      readonly isOffer?: true;
    }
  | { readonly type: 'answer'; readonly body: Body | undefined; readonly dialog: number }
  | { readonly type: 'reject'; readonly status: number; readonly headers: Headers }
  /** The INVITE that picks up is answered, and is that leg. */
  | { readonly type: 'accept-pick-up'; readonly leg: LegId; readonly body: Body }
  | { readonly type: 'reject-pick-up'; readonly status: number }
  | { readonly type: 'ack'; readonly leg: LegId; readonly body: Body | undefined }
  | { readonly type: 'bye'; readonly leg: LegId; readonly headers: Headers }
  /** `method` is used where the peer takes it. Answered by `reinvite-answered` or `reinvite-failed`. */
  | {
      readonly type: 'reinvite';
      readonly leg: LegId;
      readonly method: OfferMethod;
      /** As in `reinvited`. */
      readonly dialog?: string;
      readonly body: Body | undefined;
    }
  /** Answered as `reinvite` is. */
  | { readonly type: 'cancel-reinvite'; readonly leg: LegId }
  | { readonly type: 'accept-reinvite'; readonly leg: LegId; readonly body: Body | undefined }
  | { readonly type: 'reject-reinvite'; readonly leg: LegId; readonly status: number }
  | { readonly type: 'start'; readonly timer: CallTimer; readonly delay: Millis }
  | { readonly type: 'stop'; readonly timer: CallTimer }
  /** A milestone for logs and metrics. */
  | {
      readonly type: 'tell';
      readonly event: 'ringing' | 'answered' | 'attempt-failed' | 'ending';
      readonly detail: string;
    }
  /** The last output: exactly one record for each attempt at a call; the machine is done. */
  | { readonly type: 'ended'; readonly record: CallRecord };
