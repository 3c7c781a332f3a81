// Applies writes to the tables, and reads all that they hold at the start. Whoever calls it waits for the disk: the thread of the store, and
// a process that serves nobody yet.
import type { EpochMillis } from '../../core/clock.ts';
import type { LoadedState } from '../loaded-state.ts';
import type { StoreWrite } from '../store-write.ts';
import type { Unwritable } from '../thread/store-protocol.ts';
import type { WriteBatch } from '../write-behind.ts';
import type { State } from './state.ts';

export class StateKeeper {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** Throws when it cannot be read. */
  async load(now: EpochMillis): Promise<LoadedState> {
    const { calls, subscriptions, locations, budgets, bans, devices, nonces, fraud, applied } = this.#state;
    applied.begin();
    return {
      calls: calls.load(),
      subscriptions: subscriptions.load(),
      bindings: await locations.all(),
      budgets: budgets.load(now),
      bans: bans.load(),
      devices: devices.load(),
      nonces: nonces.load(),
      holds: fraud.holds(now),
      known: fraud.known(),
    };
  }

  /** All of it or nothing, which it throws. Returns what can never be written. A batch that was applied is not applied again. */
  apply(batch: WriteBatch): readonly Unwritable[] {
    return this.#state.applied.apply(batch, (write) => this.#write(write));
  }

  #write(write: StoreWrite): void {
    const { calls, subscriptions, locations, budgets, bans, devices, nonces, fraud, alerts } = this.#state;
    switch (write.kind) {
      case 'call':
        calls.write([write], []);
        break;
      case 'call-gone':
        calls.write([], [write.id]);
        break;
      case 'subscription':
        subscriptions.write([write], []);
        break;
      case 'subscription-gone':
        subscriptions.write([], [write.id]);
        break;
      case 'bindings':
        locations.write(write.aor, write.bindings);
        break;
      case 'lease':
        budgets.write(write.owner, write.leases, write.at);
        break;
      case 'spent':
        budgets.settle(write.owner, write.spent);
        break;
      case 'ban':
        bans.keep(write.record);
        break;
      case 'ban-lifted':
        bans.forget(write.target);
        break;
      case 'device':
        devices.keep(write.record);
        break;
      case 'device-gone':
        devices.forget(write.id);
        break;
      case 'nonces':
        nonces.keep(write.nonces);
        break;
      case 'hold':
        fraud.keep(write.hold);
        break;
      case 'hold-gone':
        fraud.forget(write.hold);
        break;
      case 'known':
        fraud.learn(write.values, write.oldest);
        break;
      case 'alert':
        alerts.keep(write.notice);
        break;
      default:
        write satisfies never;
    }
  }
}
