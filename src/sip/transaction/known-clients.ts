// The client transactions of a layer, by the key that finds them. One that is over for its user makes room for the little that is kept of it.
import type { Millis } from '../../core/clock.ts';
import type { RunningClient } from './running-client.ts';
import { type LateAnswerHandler, SettledClient } from './settled-client.ts';
import type { TransactionGround } from './transaction-ground.ts';

export type KnownClient = RunningClient | SettledClient;

export class KnownClients {
  readonly #ground: TransactionGround;
  readonly #byKey = new Map<string, KnownClient>();

  constructor(ground: TransactionGround) {
    this.#ground = ground;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get all(): readonly KnownClient[] {
    return [...this.#byKey.values()];
  }

  get(key: string): KnownClient | undefined {
    return this.#byKey.get(key);
  }

  add(client: KnownClient): void {
    this.#byKey.set(client.key, client);
  }

  readonly remove = ({ key }: KnownClient): void => {
    this.#byKey.delete(key);
  };

  readonly settle = ({ key }: RunningClient, wait: Millis, onLate?: LateAnswerHandler): void => {
    this.add(new SettledClient({ key, wait, ground: this.#ground, onLate, onGone: this.remove }));
  };
}
