// The stores as they stand in memory: read there, and each change put into a queue of writes (`write-behind.ts`). Nothing here waits but a
// lease, which is granted once it is written.
import type { AlertJournal } from '../observe/alerts/alerts.ts';
import type { BanStore } from '../policy/bans.ts';
import type { DeviceStore } from '../policy/devices.ts';
import type { BindingRecord, LocationStore } from '../registration/location.ts';
import type { NonceStore } from '../sip/auth/kept-nonces.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import type { CallStore } from './call-store.ts';
import type { LoadedState } from './loaded-state.ts';
import type { WriteSink } from './store-write.ts';
import type { Stores } from './stores.ts';
import type { SubscriptionStore } from './subscription-store.ts';
import { WrittenFraudStore } from './written-fraud-store.ts';

export function writtenStores(
  run: string,
  state: LoadedState,
  sink: WriteSink,
): Omit<Stores, 'figures' | 'flush' | 'close'> {
  const { budgets, bans, devices, nonces } = state;
  return {
    calls: writtenCalls(run, state, sink),
    subscriptions: {
      load: () => state.subscriptions,
      write: (put, remove) => {
        for (const { id, document } of put) sink.put({ kind: 'subscription', id, document });
        for (const id of remove) sink.put({ kind: 'subscription-gone', id });
      },
    } satisfies SubscriptionStore,
    locations: new WrittenLocationStore(state.bindings, sink),
    budgets: {
      load: () => budgets,
      lease: (owner, leases, at) => sink.durable({ kind: 'lease', owner, leases, at }),
      settle: (owner, spent) => sink.put({ kind: 'spent', owner, spent }),
    } satisfies BudgetLedger,
    bans: {
      load: () => bans,
      keep: (record) => sink.put({ kind: 'ban', record }),
      forget: ({ source, account }) => sink.put({ kind: 'ban-lifted', target: { source, account } }),
    } satisfies BanStore,
    devices: {
      load: () => devices,
      keep: (record) => sink.put({ kind: 'device', record }),
      forget: (id) => sink.put({ kind: 'device-gone', id }),
    } satisfies DeviceStore,
    nonces: { load: () => nonces, keep: (kept) => sink.put({ kind: 'nonces', nonces: kept }) } satisfies NonceStore,
    fraud: new WrittenFraudStore(state, sink),
    alerts: { keep: (notice) => sink.put({ kind: 'alert', notice }) } satisfies AlertJournal,
  };
}

function writtenCalls(run: string, { calls }: LoadedState, sink: WriteSink): CallStore {
  return {
    run,
    load: () => calls,
    write: (put, remove) => {
      for (const { id, document } of put) sink.put({ kind: 'call', id, document });
      for (const id of remove) sink.put({ kind: 'call-gone', id });
    },
  };
}

class WrittenLocationStore implements LocationStore {
  readonly #sink: WriteSink;
  readonly #bindings = new Map<string, readonly BindingRecord[]>();

  constructor(bindings: readonly BindingRecord[], sink: WriteSink) {
    this.#sink = sink;
    for (const [aor, own] of Map.groupBy(bindings, (one) => one.aor)) this.#bindings.set(aor, own);
  }

  find(aor: string): Promise<readonly BindingRecord[]> {
    return Promise.resolve(this.#bindings.get(aor) ?? []);
  }

  save(aor: string, bindings: readonly BindingRecord[]): Promise<void> {
    if (bindings.length === 0) this.#bindings.delete(aor);
    else this.#bindings.set(aor, bindings);
    this.#sink.put({ kind: 'bindings', aor, bindings });
    return Promise.resolve();
  }

  all(): Promise<readonly BindingRecord[]> {
    return Promise.resolve([...this.#bindings.values()].flat());
  }
}
