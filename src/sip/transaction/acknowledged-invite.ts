// What is kept of an INVITE whose 2xx is acknowledged (timer L of RFC 6026 §8.7, begun anew with the ACK): copies of it are dropped, and
// a further ACK is its user's. A busy process has thousands of them, so that nothing of the call may hang on one.
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { SipRequest } from '../message/message.ts';
import type { Flow } from '../transport/transport.ts';
import { lifetime, type SipTimers } from './timers.ts';
import type { ServerInput } from './transaction-machine.ts';

export interface AcknowledgedInviteOptions {
  readonly key: string;
  readonly originKey: string | undefined;
  readonly flow: Flow;
  readonly scheduler: Scheduler;
  readonly timers: SipTimers;
  readonly onAck: (ack: SipRequest, flow: Flow) => void;
  /** It is over: nothing may lead to it any more. */
  readonly onGone: (invite: AcknowledgedInvite) => void;
}

export class AcknowledgedInvite {
  readonly key: string;
  readonly originKey: string | undefined;
  readonly flow: Flow;
  readonly #onAck: AcknowledgedInviteOptions['onAck'];
  readonly #onGone: AcknowledgedInviteOptions['onGone'];
  readonly #timer: Timer;

  constructor({ key, originKey, flow, scheduler, timers, onAck, onGone }: AcknowledgedInviteOptions) {
    this.key = key;
    this.originKey = originKey;
    this.flow = flow;
    this.#onAck = onAck;
    this.#onGone = onGone;
    this.#timer = scheduler.after(lifetime(timers), () => this.end());
  }

  get isLingering(): true {
    return true;
  }

  handle(input: ServerInput, flow: Flow): void {
    if (input.type === 'request' && input.request.method === 'ACK') this.#onAck(input.request, flow);
  }

  end(): void {
    this.#timer.cancel();
    this.#onGone(this);
  }
}
