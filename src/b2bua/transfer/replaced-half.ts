// The half of a call that goes on when an INVITE with Replaces takes the place of its other one (RFC 3891), as leg B of the call that
// the INVITE begins: it is re-INVITEd, not invited. Until its answer it belongs to the call that it is in.
import { Headers } from '../../sip/message/headers.ts';
import type { SipResponse } from '../../sip/message/message.ts';
import type {
  Body,
  CallFailure,
  OutgoingCall,
  OutgoingCallHandlers,
  ReinviteHandlers,
  Session,
} from '../../sip/user-agent/session.ts';

/** Whoever is about to take the leg that stays. */
export interface LegTaker {
  /** The other leg of its call is gone. */
  orphan(): void;
  remainingEnded(): void;
}

export class ReplacedHalf implements OutgoingCall, LegTaker {
  readonly id: string;
  readonly callId: string;
  readonly #session: Session;
  /** Once: whether the leg is the new call's, or stays where it is. */
  readonly #onDone: (isTaken: boolean) => void;
  #state: 'standing' | 'asking' | 'over' = 'standing';
  #handlers: OutgoingCallHandlers | undefined;
  #isCancelled = false;
  /** The half that was to be replaced is gone already. */
  #isOrphaned = false;

  constructor(session: Session, onDone: (isTaken: boolean) => void) {
    this.id = session.id;
    this.callId = session.callId;
    this.#session = session;
    this.#onDone = onDone;
  }

  /** In the place of an INVITE. */
  invite(body: Body | undefined, handlers: OutgoingCallHandlers): void {
    if (this.#state !== 'standing') {
      handlers.onFailed(gone);
      return;
    }
    this.#state = 'asking';
    this.#handlers = handlers;
    this.#session.reinvite(body, {
      onAnswered: (response) => this.#answered(response, handlers),
      onFailed: (failure) => this.#failed(failure),
    });
  }

  cancel(): void {
    if (this.#state !== 'asking') {
      this.drop();
      return;
    }
    this.#isCancelled = true;
    this.#session.cancelReinvite();
  }

  /** There is no early dialog with a leg that stands already. */
  update(_earlyId: string, _body: Body, handlers: ReinviteHandlers): void {
    handlers.onFailed({ status: 488, cause: 'response' });
  }

  /** It is asked by a re-INVITE, which has no provisionals that must arrive. */
  prack(): void {}

  /** The new call is over; a leg that it has not taken stays where it is. */
  drop(): void {
    if (this.#state === 'standing') this.#release();
  }

  orphan(): void {
    this.#isOrphaned = true;
    this.#session.handOver({
      onReinvite: (reinvite) => reinvite.reject(491),
      onAck: () => {},
      onEnded: () => this.remainingEnded(),
    });
  }

  remainingEnded(): void {
    if (this.#state === 'over') return;
    this.#isOrphaned = false;
    this.#release();
    this.#handlers?.onFailed(gone);
  }

  #answered(response: SipResponse, handlers: OutgoingCallHandlers): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    if (this.#isCancelled) {
      // It has the media of a call that is no more, and the call before cannot be put together again.
      this.#session.handOver(nobody);
      this.#onDone(true);
      this.#session.bye(released);
      handlers.onFailed({ status: 487, cause: 'cancelled' });
      return;
    }
    this.#session.handOver(handlers.session);
    this.#onDone(true);
    handlers.onAnswered(this.#session, response, '');
  }

  #failed(failure: CallFailure): void {
    if (this.#state === 'over') return;
    this.#release();
    this.#handlers?.onFailed(failure);
  }

  #release(): void {
    this.#state = 'over';
    this.#onDone(false);
    if (this.#isOrphaned) this.#session.bye(released);
  }
}

const gone: CallFailure = { status: 480, cause: 'response' };
const released = Headers.of(['Reason', 'Q.850;cause=41;text="Transfer failed"']);
const nobody = { onReinvite: () => {}, onAck: () => {}, onEnded: () => {} };
