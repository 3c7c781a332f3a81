// What belongs to a 2xx to an INVITE in a dialog, both ways: ours is sent until its ACK comes (RFC 3261 §13.3.1.4), theirs gets
// an ACK each time that it comes (§13.2.2.4).
import type { Timer } from '../../core/scheduler.ts';
import { AnswerRepeater } from '../dialog/answer-repeater.ts';
import type { Dialog } from '../dialog/dialog.ts';
import { essentialsOf } from '../message/header-fields.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { Destination } from '../transport/transport.ts';
import type { UserAgentGround } from './ground.ts';
import type { Body } from './session.ts';

interface Waiting {
  readonly sequence: number;
  readonly repeat: Timer;
  readonly onAcked: (() => void) | undefined;
}

/** Our 2xx that waits for its ACK. */
export class UnackedAnswer {
  readonly #ground: UserAgentGround;
  readonly #onNeverAcked: () => void;
  #waiting: Waiting | undefined;

  constructor(ground: UserAgentGround, onNeverAcked: () => void) {
    this.#ground = ground;
    this.#onNeverAcked = onNeverAcked;
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** `onAcked`: its ACK is there. */
  send(sequence: number, send: () => void, onAcked?: () => void): void {
    const repeater = new AnswerRepeater(this.#ground.timers);
    const again = (): void => {
      const delay = repeater.next();
      if (delay === undefined) {
        this.#waiting = undefined;
        this.#onNeverAcked();
        return;
      }
      this.#waiting = { sequence, repeat: this.#ground.scheduler.after(delay, again), onAcked };
      send();
    };
    again();
  }

  /** False when this ACK is not the one that is waited for. */
  acked(ack: SipRequest): boolean {
    if (essentialsOf(ack).cseq.sequence !== this.#waiting?.sequence) return false;
    const { onAcked } = this.#waiting;
    this.stop();
    onAcked?.();
    return true;
  }

  stop(): void {
    this.#waiting?.repeat.cancel();
    this.#waiting = undefined;
  }
}

/** The ACK of a 2xx, and where it goes. */
export interface SentAck {
  readonly ack: SipRequest;
  readonly hop: Destination;
}

/** Our ACKs to the peer's 2xx. */
export class OwedAcks {
  readonly #ground: UserAgentGround;
  readonly #session: { readonly dialog: Dialog; readonly destination: Destination };
  /** The last one, for 2xx that come again; with the sequence of the INVITE it belongs to. */
  #last: { readonly sequence: number; readonly ack: SipRequest } | undefined;
  /** The INVITE of ours whose 2xx waits for our ACK. */
  #owed: number | undefined;

  constructor(ground: UserAgentGround, session: { readonly dialog: Dialog; readonly destination: Destination }) {
    this.#ground = ground;
    this.#session = session;
  }

  owe(sequence: number): void {
    this.#owed = sequence;
  }

  /** Does nothing when none is owed. */
  pay(body?: Body): void {
    if (this.#owed === undefined) return;
    this.#send(this.#owed, body);
    this.#owed = undefined;
  }

  /** The ACK of the INVITE of that sequence number: as it was sent, else as it would have been. */
  of(sequence: number): SipRequest {
    return this.#last?.sequence === sequence ? this.#last.ack : this.#session.dialog.ack(sequence);
  }

  /** A 2xx that came again is acknowledged again; one that comes when the session `isEnding`, for the first time. */
  again(response: SipResponse, isEnding: boolean): void {
    const { sequence } = essentialsOf(response).cseq;
    if (this.#last?.sequence === sequence) this.#ground.layer.sendAck(this.#last.ack, this.#session.destination);
    else if (isEnding) this.#send(sequence);
  }

  #send(sequence: number, body?: Body): void {
    const ack = this.#session.dialog.ack(sequence, { body });
    this.#last = { sequence, ack };
    this.#ground.layer.sendAck(ack, this.#session.destination);
  }
}
