// What is kept of an INVITE whose 2xx is acknowledged (timer L of RFC 6026 §8.7, begun anew with the ACK): copies of it are dropped, and
// a further ACK is its user's. A busy process has thousands of them, so that nothing of the call may hang on one.
import type { Timer } from '../../core/scheduler.ts';
import type { SipRequest } from '../message/message.ts';
import type { Flow } from '../transport/transport.ts';
import { lifetime, lingerSlack } from './timers.ts';
import type { TransactionGround } from './transaction-ground.ts';
import type { ServerInput } from './transaction-machine.ts';

export interface AcknowledgedInviteOptions {
  readonly key: string;
  readonly originKey: string | undefined;
  readonly flow: Flow;
  readonly ground: Pick<TransactionGround, 'scheduler' | 'timers' | 'lingering'>;
  readonly onAck: (ack: SipRequest, flow: Flow) => void;
  /** It is over: nothing may lead to it any more. */
  readonly onGone: (invite: AcknowledgedInvite) => void;
}

export class AcknowledgedInvite {
  readonly key: string;
  readonly originKey: string | undefined;
  readonly flow: Flow;
  readonly #lingering: TransactionGround['lingering'];
  readonly #onAck: AcknowledgedInviteOptions['onAck'];
  readonly #onGone: AcknowledgedInviteOptions['onGone'];
  readonly #timer: Timer;

  constructor({ key, originKey, flow, ground, onAck, onGone }: AcknowledgedInviteOptions) {
    this.key = key;
    this.originKey = originKey;
    this.flow = flow;
    this.#onAck = onAck;
    this.#onGone = onGone;
    this.#lingering = ground.lingering;
    this.#lingering.count += 1;
    this.#timer = ground.scheduler.after(lifetime(ground.timers), () => this.end(), lingerSlack);
  }

  handle(input: ServerInput, flow: Flow): void {
    if (input.type === 'request' && input.request.method === 'ACK') this.#onAck(input.request, flow);
  }

  end(): void {
    this.#timer.cancel();
    this.#lingering.count -= 1;
    this.#onGone(this);
  }
}
