// What is left of a request of ours that is over for whoever sent it, so that copies of its answer are no strays: of an INVITE until timer M
// (RFC 6026 §8.4), of others until timer K (RFC 3261 §17.1.2.2). A busy process has thousands of them, so that nothing of the call
// may hang on one.
import type { Millis } from '../../core/clock.ts';
import type { Timer } from '../../core/scheduler.ts';
import type { SipResponse } from '../message/message.ts';
import type { Flow } from '../transport/transport.ts';
import { lingerSlack } from './timers.ts';
import type { TransactionGround } from './transaction-ground.ts';
import type { ClientInput } from './transaction-machine.ts';

/** Hears of each 2xx that comes yet. */
export type LateAnswerHandler = (response: SipResponse, flow: Flow) => void;

export interface SettledClientOptions {
  readonly key: string;
  readonly wait: Millis;
  readonly ground: Pick<TransactionGround, 'scheduler' | 'lingering' | 'callUser'>;
  /** Absent: all that comes is dropped. */
  readonly onLate: LateAnswerHandler | undefined;
  /** It is over: nothing may lead to it any more. */
  readonly onGone: (client: SettledClient) => void;
}

export class SettledClient {
  readonly key: string;
  readonly #ground: SettledClientOptions['ground'];
  readonly #onLate: LateAnswerHandler | undefined;
  readonly #onGone: SettledClientOptions['onGone'];
  readonly #timer: Timer;

  constructor({ key, wait, ground, onLate, onGone }: SettledClientOptions) {
    this.key = key;
    this.#ground = ground;
    this.#onLate = onLate;
    this.#onGone = onGone;
    ground.lingering.count += 1;
    this.#timer = ground.scheduler.after(wait, () => this.end(), lingerSlack);
  }

  handle(input: ClientInput, flow: Flow | undefined): void {
    const onLate = this.#onLate;
    if (input.type !== 'response' || flow === undefined || onLate === undefined) return;
    const { response } = input;
    if (response.status >= 200 && response.status < 300) this.#ground.callUser(() => onLate(response, flow));
  }

  end(): void {
    this.#timer.cancel();
    this.#ground.lingering.count -= 1;
    this.#onGone(this);
  }
}
