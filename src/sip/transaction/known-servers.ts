// The server transactions of a layer, by the key that finds them, and the origins of their requests, by which a copy is told that came
// another way (RFC 3261 §8.2.2.2). One whose 2xx is acknowledged makes room for the little that is kept of it.
import { ownText } from '../../core/own-text.ts';
import type { SipRequest } from '../message/message.ts';
import type { Flow } from '../transport/transport.ts';
import { AcknowledgedInvite } from './acknowledged-invite.ts';
import type { RunningServer } from './running-server.ts';
import type { TransactionGround } from './transaction-ground.ts';

export type KnownServer = RunningServer | AcknowledgedInvite;

export class KnownServers {
  readonly #ground: TransactionGround;
  /** A further ACK to a 2xx. */
  readonly #onAck: (ack: SipRequest, flow: Flow) => void;
  readonly #byKey = new Map<string, KnownServer>();
  /** Of requests outside a dialog. */
  readonly #origins = new Set<string>();

  constructor(ground: TransactionGround, onAck: (ack: SipRequest, flow: Flow) => void) {
    this.#ground = ground;
    this.#onAck = onAck;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get all(): readonly KnownServer[] {
    return [...this.#byKey.values()];
  }

  get(key: string): KnownServer | undefined {
    return this.#byKey.get(key);
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  hasOrigin(origin: string): boolean {
    return this.#origins.has(origin);
  }

  add(server: KnownServer): void {
    this.#byKey.set(server.key, server);
    if (server.originKey !== undefined) this.#origins.add(server.originKey);
  }

  readonly remove = ({ key, originKey }: KnownServer): void => {
    this.#byKey.delete(key);
    if (originKey !== undefined) this.#origins.delete(originKey);
  };

  readonly acknowledge = ({ key, originKey, flow }: RunningServer): void => {
    const place = {
      key: ownText(key),
      originKey: originKey === undefined ? undefined : ownText(originKey),
      flow,
      ground: this.#ground,
    };
    this.add(new AcknowledgedInvite({ ...place, onAck: this.#onAck, onGone: this.remove }));
  };
}
