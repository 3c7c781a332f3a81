// What a session of an earlier process has to say to a peer whose connection ended with that process: it waits for the peer to come
// back over another one (RFC 5626 §5.3), and fails where the peer does not.
import type { Millis } from '../../core/clock.ts';
import type { Timer } from '../../core/scheduler.ts';
import type { Destination } from '../transport/transport.ts';
import type { UserAgentGround } from './ground.ts';

/** A phone that lost its connection is back within this, or its share of the call is given up. */
export const returnPatience: Millis = 60_000;

export class PeerReturn {
  readonly #ground: UserAgentGround;
  readonly #isResumed: boolean;
  #unsent: { readonly sends: (() => void)[]; readonly deadline: Timer } | undefined;

  /** Without `isResumed` nothing ever waits. */
  constructor(ground: UserAgentGround, isResumed: boolean) {
    this.#ground = ground;
    this.#isResumed = isResumed;
  }

  whenReachable(destination: Destination, send: () => void): void {
    const { transport, scheduler } = this.#ground;
    const isAwaited = this.#isResumed && destination.kind === 'flow' && !transport.isAlive(destination.flow);
    if (!isAwaited) {
      send();
      return;
    }
    this.#unsent ??= { sends: [], deadline: scheduler.after(returnPatience, () => this.sendAll()) };
    this.#unsent.sends.push(send);
  }

  /** The peer is back, or is not awaited any longer. */
  sendAll(): void {
    const unsent = this.#unsent;
    this.forget();
    for (const send of unsent?.sends ?? []) send();
  }

  forget(): void {
    this.#unsent?.deadline.cancel();
    this.#unsent = undefined;
  }
}
