// Keeps the session timer of one dialog (RFC 4028): refreshes in time where that is ours, and tells when nobody did.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { Timer } from '../../core/scheduler.ts';
import {
  isTooShort,
  minimumHeaders,
  type SessionTimer,
  type SessionTimerTerms,
  timerAnswer,
  timerAnswerHeaders,
  timerDelays,
  timerOf,
  timerRequest,
} from '../dialog/session-timer.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import type { UserAgentGround } from './ground.ts';

export interface RefreshingDialog {
  /** Half of the interval is over. */
  refresh(): void;
  /** The interval is nearly over. */
  expire(): void;
}

export class SessionRefresh {
  readonly #ground: UserAgentGround;
  readonly #dialog: RefreshingDialog;
  #timer: SessionTimer | undefined;
  #startedAt: EpochMillis | undefined;
  #refresh: Timer | undefined;
  #expiry: Timer | undefined;

  /** `startedAt`: when the timer was agreed on, by an earlier process. */
  constructor(
    ground: UserAgentGround,
    dialog: RefreshingDialog,
    timer: SessionTimer | undefined,
    startedAt?: EpochMillis,
  ) {
    this.#ground = ground;
    this.#dialog = dialog;
    if (timer !== undefined) this.#start(timer, startedAt);
  }

  get startedAt(): EpochMillis | undefined {
    return this.#startedAt;
  }

  get timer(): SessionTimer | undefined {
    return this.#timer;
  }

  /** What an INVITE or UPDATE of ours in the dialog carries. */
  get requestHeaders(): Headers {
    return timerRequest(this.#ground.sessionTimers(), this.#timer);
  }

  /** The 422 to a request that asks for too short an interval (§9). */
  refusal(request: SipRequest): SipResponse | undefined {
    const short = tooShort(request, this.#ground.sessionTimers());
    return short === undefined ? undefined : responseTo(request, short.status, { headers: short.headers });
  }

  /** Takes up what our 2xx to that request settles, and returns its headers. */
  answering(request: SipRequest): Headers {
    const timer = timerAnswer(request, this.#ground.sessionTimers());
    this.#settle(timer);
    return timer === undefined ? Headers.empty : timerAnswerHeaders(timer);
  }

  /** The peer's 2xx to an INVITE or UPDATE of ours. */
  answered(response: SipResponse): void {
    // Who was not asked for one decides nothing.
    const isAsked = this.#ground.sessionTimers() !== undefined || this.#timer !== undefined;
    this.#settle(isAsked ? timerOf(response) : undefined);
  }

  stop(): void {
    this.#refresh?.cancel();
    this.#expiry?.cancel();
  }

  #settle(timer: SessionTimer | undefined): void {
    this.stop();
    this.#timer = timer;
    if (timer !== undefined) this.#start(timer);
  }

  #start(timer: SessionTimer, startedAt = this.#ground.scheduler.clock.wall()): void {
    this.#timer = timer;
    this.#startedAt = startedAt;
    const { refresh, expiry } = timerDelays(timer);
    const { scheduler } = this.#ground;
    const age = Math.max(0, scheduler.clock.wall() - startedAt);
    // What fell due while no process ran is late, not over: the peer is asked before the session is given up.
    const due = age === 0 ? 0 : resumedSlack;
    this.#refresh =
      refresh === undefined ? undefined : scheduler.after(Math.max(due, refresh - age), () => this.#dialog.refresh());
    this.#expiry = scheduler.after(Math.max(2 * due, expiry - age), () => this.#dialog.expire());
  }
}

/** A session of an earlier process is not refreshed sooner than this after it was resumed, nor given up sooner than twice this. */
const resumedSlack: Millis = 5_000;

/** The 422 to a request that asks for too short an interval. */
export function tooShort(
  request: SipRequest,
  terms: SessionTimerTerms | undefined,
): { readonly status: number; readonly headers: Headers } | undefined {
  if (terms === undefined || !isTooShort(request, terms)) return undefined;
  return { status: 422, headers: minimumHeaders(terms) };
}
