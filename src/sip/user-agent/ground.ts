// What every part of the user agent stands on: transactions below, the clock, and the book of dialogs that all share.
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import { type Random, token } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { SessionTimerTerms } from '../dialog/session-timer.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import type { SipTimers } from '../transaction/timers.ts';
import type { TransactionLayer } from '../transaction/transaction-layer.ts';
import type { HopLocator } from '../transport/hop-locator.ts';
import type { Destination, Flow, SipTransport } from '../transport/transport.ts';
import type { FlowWatch } from './flow-watch.ts';
import type { Identity } from './session.ts';

/** What a dialog's requests are handed to: the session, or the call that is still being set up. */
export interface DialogParty {
  /** Who the other end was proven to be. */
  readonly peer: Identity;
  /** The flow that its requests are expected on. */
  readonly flow: Flow | undefined;
  /** What each message of ours in the dialog carries; the user agent puts it on answers. */
  readonly carried: Headers;
  onRequest(request: SipRequest, answer: (response: SipResponse) => void): void;
  onAck(ack: SipRequest): void;
  /** `request` is one that `onRequest` got and that has no final answer yet. */
  onCancel(request: SipRequest): void;
  /** The peer proved itself on another flow: requests to it go there from now on (RFC 5626 §5.3). */
  rehome(flow: Flow): void;
}

export interface UserAgentGround {
  readonly layer: TransactionLayer;
  readonly transport: SipTransport;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** What our tags begin with, so that others of this machine know whose dialog they are of. */
  readonly mark: string;
  readonly logger: Logger;
  readonly timers: SipTimers;
  /** Timer C as it is at the moment. */
  readonly timerC: () => Millis;
  /** What is asked of each session, and stood (RFC 4028); undefined: nothing is known of session timers. */
  readonly sessionTimers: () => SessionTimerTerms | undefined;
  /** Where next hops are (RFC 3263). */
  readonly locator: HopLocator;
  /** By `dialogKey`. */
  readonly dialogs: Map<string, DialogParty>;
  readonly flowWatch: FlowWatch;
  /** INVITEs of ours without a final answer, by `halfDialogKey`. */
  readonly invites: Map<string, RingingInvite>;
}

/** An INVITE of ours, as far as others may take its place. */
export interface RingingInvite {
  readonly id: string;
  readonly peer: Identity;
  /** It has heard of an early dialog with that To-tag. */
  rings(remoteTag: string): boolean;
}

/** A fresh tag of ours. */
export function newTag({ mark, random }: Pick<UserAgentGround, 'mark' | 'random'>): string {
  return mark + token(random, tagBytes);
}

/** Bytes of randomness in our tags and Call-IDs. */
const tagBytes = 8;
export const callIdBytes = 16;

/** Seconds of Retry-After for a second INVITE while one is open (§14.2): 0 to this. */
const overlapRetrySeconds = 10;

/** The answer to an INVITE while another one of the same dialog is open (§14.2). */
export function overlapping(request: SipRequest, random: Random): SipResponse {
  const seconds = String(random.below(overlapRetrySeconds + 1));
  return responseTo(request, 500, { headers: Headers.of(['Retry-After', seconds]) });
}

/** Where requests of a dialog go: its flow while that lives, else the next hop that the call went to. */
export function destinationOf(flow: Flow | undefined, fallback: Destination, transport: SipTransport): Destination {
  return flow !== undefined && transport.isAlive(flow) ? { kind: 'flow', flow } : fallback;
}
