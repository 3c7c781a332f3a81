// A 2xx of ours to an INVITE that may not leave yet: it would overtake a description that the caller has not acknowledged (RFC 3262 §3).
// Until it leaves the INVITE may still fail.
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import type { ServerTransaction } from '../transaction/transaction-user.ts';
import type { CallerDialog } from './caller-dialog.ts';

export class HeldAnswer {
  readonly #transaction: ServerTransaction;
  readonly #early: CallerDialog;
  readonly #toTag: string;

  constructor(transaction: ServerTransaction, early: CallerDialog, toTag: string) {
    this.#transaction = transaction;
    this.#early = early;
    this.#toTag = toTag;
  }

  get request(): SipRequest {
    return this.#transaction.request;
  }

  /** `onSilent`: the caller never acknowledged it. One of the two is called, maybe at once. */
  whenAcknowledged(send: () => void, onSilent: () => void): void {
    this.#early.whenAcknowledged(send, onSilent);
  }

  /** The 2xx is on its way: what a PRACK offers comes too late for an early dialog. */
  onPrack(request: SipRequest, answer: (response: SipResponse) => void): void {
    this.#early.acknowledge(request, answer, () => answer(responseTo(request, 488)));
  }

  /** The INVITE fails after all. */
  refuse(status: number): void {
    this.#transaction.respond(responseTo(this.request, status, { toTag: this.#toTag }));
  }

  stop(): void {
    this.#early.stop();
  }
}
