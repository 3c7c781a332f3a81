// The transfer that one call may have in progress: who referred, who stays, and what becomes of either when it hangs up.
import { type Random, token } from '../core/random.ts';
import type { SdpLeg } from '../media/sdp/sdp-leg.ts';
import { essentialsOf } from '../sip/message/header-fields.ts';
import { Headers } from '../sip/message/headers.ts';
import type { SipRequest } from '../sip/message/message.ts';
import type { Identity, IncomingDialogRequest, Session } from '../sip/user-agent/session.ts';
import type { RepeatedSetups } from './admission/repeated-setups.ts';
import type { LegId } from './call/call-event.ts';
import { statusReason } from './call/reason.ts';
import type { CallPaths } from './call-paths.ts';
import { readRefer } from './transfer/refer.ts';
import { ReferProgress } from './transfer/refer-progress.ts';
import { type LegTaker, ReplacedHalf } from './transfer/replaced-half.ts';
import type { Replacement } from './transfer/replacement.ts';
import { Transfer } from './transfer/transfer.ts';

/** What makes calls of transfers: the B2BUA. */
export interface TransferHost {
  /** False while it drains: no new call begins, whoever asks for it. */
  readonly isOpen: boolean;
  /** Which ways the calls that run have come. */
  readonly paths: CallPaths;
  /** Those that are being set up. */
  readonly setups: RepeatedSetups;
  begin(transfer: Transfer, from: TransferOrigin): void;
  /** What an INVITE with Replaces finds; `from` is the call that it comes out of. */
  replacement(request: SipRequest, identity: Identity, from: string | undefined): Replacement;
}

/** What a call that a transfer makes has from the call before it. */
export interface TransferOrigin {
  readonly call: string;
  /** Which the referrer is at; undefined while its flow is lost. */
  readonly listener: string | undefined;
  /** The description of the leg that stays goes on; nothing is agreed in it yet. */
  readonly sdp: SdpLeg;
}

export interface Referral {
  readonly incoming: IncomingDialogRequest;
  readonly referrer: { readonly leg: LegId; readonly session: Session; readonly identity: Identity };
  readonly remaining: { readonly leg: LegId; readonly session: Session };
  readonly origin: TransferOrigin;
  readonly isOurs: (host: string) => boolean;
  /** The leg that stays belongs to the new call now. */
  readonly onTransferred: (leg: LegId) => void;
}

export class CallTransfer {
  readonly #host: TransferHost;
  readonly #random: Random;
  #running: { readonly taker: LegTaker; readonly referrer: LegId; readonly remaining: LegId } | undefined;
  /** REFERs so far: all but the first have their own event id. */
  #count = 0;

  constructor(host: TransferHost, random: Random) {
    this.#host = host;
    this.#random = random;
  }

  refer({ incoming, referrer, remaining, origin, isOurs, onTransferred }: Referral): void {
    const { request } = incoming;
    const { flow } = remaining.session;
    const refer = readRefer(request, isOurs);
    if (!refer.ok) {
      incoming.respond(refer.error.status, { headers: statusReason(refer.error.status, refer.error.text) });
    } else if (!this.#host.isOpen) {
      incoming.respond(503, { headers: Headers.of(['Retry-After', String(5 + this.#random.below(10))]) });
    } else if (this.#running !== undefined || flow === undefined) {
      incoming.respond(491);
    } else {
      const { invite, wantsProgress } = refer.value;
      incoming.respond(202, { headers: wantsProgress ? Headers.empty : Headers.of(['Refer-Sub', 'false']) });
      this.#count += 1;
      const event = this.#count === 1 ? undefined : essentialsOf(request).cseq.sequence;
      const progress = new ReferProgress(referrer.session, event, wantsProgress);
      progress.tell(100, false);
      const transfer = new Transfer({
        id: token(this.#random, 8),
        request: invite,
        identity: referrer.identity,
        flow,
        session: remaining.session,
        progress,
        onDone: () => {
          this.#running = undefined;
          onTransferred(remaining.leg);
        },
        onFailed: () => {
          this.#running = undefined;
        },
      });
      this.#running = { taker: transfer, referrer: referrer.leg, remaining: remaining.leg };
      this.#host.begin(transfer, origin);
    }
  }

  /** Somebody is about to take the place of `replaced`, beside whom `remaining` goes on. Undefined: another transfer is in progress. */
  replace(
    replaced: LegId,
    remaining: { readonly leg: LegId; readonly session: Session },
    onTransferred: (leg: LegId) => void,
  ): ReplacedHalf | undefined {
    if (this.#running !== undefined) return undefined;
    const taker = new ReplacedHalf(remaining.session, (isTaken) => {
      this.#running = undefined;
      if (isTaken) onTransferred(remaining.leg);
    });
    this.#running = { taker, referrer: replaced, remaining: remaining.leg };
    return taker;
  }

  /** A leg of the call is gone. The leg that is returned waits for the target alone, and is this call's no more. */
  legEnded(leg: LegId): LegId | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    if (leg === running.remaining) running.taker.remainingEnded();
    if (leg !== running.referrer) return undefined;
    running.taker.orphan();
    return running.remaining;
  }
}
