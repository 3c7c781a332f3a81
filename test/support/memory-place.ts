// What outlives a process that has no disk: another one of the same program finds it, as in tests. It applies the same writes as a
// database does.
import type { EpochMillis } from '../../src/core/clock.ts';
import type { Notice } from '../../src/observe/alerts/notice.ts';
import type { BanRecord, BanTarget } from '../../src/policy/bans.ts';
import type { DeviceRecord } from '../../src/policy/devices.ts';
import type { KnownValue } from '../../src/policy/fraud/fraud-store.ts';
import type { Hold } from '../../src/policy/fraud/holds.ts';
import type { BindingRecord } from '../../src/registration/location.ts';
import type { KeptNonces } from '../../src/sip/auth/kept-nonces.ts';
import type { KeptBudget, OpenLease } from '../../src/store/budget-ledger.ts';
import { earlierFlowId } from '../../src/store/earlier-run.ts';
import type { LoadedState } from '../../src/store/loaded-state.ts';
import { mostKnown } from '../../src/store/most-known.ts';
import type { StoreWrite } from '../../src/store/store-write.ts';
import type { Stores } from '../../src/store/stores.ts';
import { writtenStores } from '../../src/store/written-stores.ts';

export class MemoryPlace {
  readonly #calls = new Map<string, string>();
  readonly #subscriptions = new Map<string, string>();
  readonly #bindings = new Map<string, { readonly run: string; readonly bindings: readonly BindingRecord[] }>();
  readonly #budgets = new Map<string, KeptBudget>();
  readonly #leases = new Map<string, OpenLease>();
  readonly #bans = new Map<string, BanRecord>();
  readonly #devices = new Map<string, DeviceRecord>();
  #nonces: KeptNonces | undefined;
  readonly #holds = new Map<string, Hold>();
  #known = new Map<string, KnownValue>();
  readonly alerts: Notice[] = [];

  /** The stores of the next process, whose run has that name. */
  open(run: string, now: EpochMillis): Stores {
    const write = (one: StoreWrite): void => this.#write(run, structuredClone(one));
    const sink = { put: write, durable: (one: StoreWrite) => Promise.resolve(write(one)) };
    return {
      ...writtenStores(run, this.#load(run, now), sink),
      figures: { waiting: () => 0, lost: () => 0, failures: () => 0, restarts: () => 0 },
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }

  #load(run: string, now: EpochMillis): LoadedState {
    const calls = Array.from(this.#calls, ([id, document]) => ({ id, document }));
    const isOpen = ({ until }: { readonly until: EpochMillis | undefined }): boolean =>
      until === undefined || until > now;
    const nonces = this.#nonces;
    this.#nonces = undefined;
    return structuredClone({
      calls: { calls: calls.toSorted((a, b) => (a.id < b.id ? -1 : 1)), unreadable: [] },
      subscriptions: Array.from(this.#subscriptions, ([id, document]) => ({ id, document })).toSorted((a, b) =>
        a.id < b.id ? -1 : 1,
      ),
      bindings: [...this.#bindings.values()].flatMap((own) =>
        own.bindings.map((one) => {
          const isLive = own.run === run || one.datagram !== undefined;
          return isLive ? one : { ...one, flowId: earlierFlowId(own.run, one.flowId) };
        }),
      ),
      budgets: {
        budgets: [...this.#budgets.values()].filter(isOpen),
        leases: [...this.#leases.values()].filter(isOpen),
      },
      bans: [...this.#bans.values()],
      devices: [...this.#devices.values()],
      nonces,
      holds: [...this.#holds.values()].filter(isOpen).toSorted((a, b) => a.since - b.since),
      known: [...this.#known.values()].toSorted((a, b) => a.at - b.at),
    });
  }

  #write(run: string, write: StoreWrite): void {
    switch (write.kind) {
      case 'call':
        this.#calls.set(write.id, write.document);
        break;
      case 'call-gone':
        this.#calls.delete(write.id);
        break;
      case 'subscription':
        this.#subscriptions.set(write.id, write.document);
        break;
      case 'subscription-gone':
        this.#subscriptions.delete(write.id);
        break;
      case 'bindings':
        if (write.bindings.length === 0) this.#bindings.delete(write.aor);
        else this.#bindings.set(write.aor, { run, bindings: write.bindings });
        break;
      case 'lease': {
        const { owner, at } = write;
        for (const lease of write.leases) this.#leases.set(`${owner} ${lease.key}`, { owner, at, ...lease });
        break;
      }
      case 'spent':
        for (const one of write.spent) this.#spend(write.owner, one);
        break;
      case 'ban':
        this.#bans.set(banKey(write.record), write.record);
        break;
      case 'ban-lifted':
        this.#bans.delete(banKey(write.target));
        break;
      case 'device':
        this.#devices.set(write.record.id, write.record);
        break;
      case 'device-gone':
        this.#devices.delete(write.id);
        break;
      case 'nonces':
        this.#nonces = write.nonces;
        break;
      case 'hold':
        this.#holds.set(holdKey(write.hold), write.hold);
        break;
      case 'hold-gone':
        this.#holds.delete(holdKey(write.hold));
        break;
      case 'known':
        this.#learn(write.values, write.oldest);
        break;
      case 'alert':
        this.alerts.push(write.notice);
        break;
      default:
        write satisfies never;
    }
  }

  #spend(owner: string, { key, used, until }: KeptBudget): void {
    this.#leases.delete(`${owner} ${key}`);
    const before = this.#budgets.get(key)?.used ?? 0;
    if (used > 0) this.#budgets.set(key, { key, used: before + used, until });
  }

  #learn(values: readonly KnownValue[], oldest: EpochMillis): void {
    for (const one of values) this.#known.set(`${one.of} ${one.value} ${one.subject}`, one);
    const known = [...this.#known].filter(([, { at }]) => at >= oldest).toSorted(([, a], [, b]) => a.at - b.at);
    this.#known = new Map(known.slice(-mostKnown));
  }
}

function banKey({ source, account }: BanTarget): string {
  return `${source} ${account ?? ''}`;
}

function holdKey({ subject, action, of }: Hold): string {
  return `${action} ${of ?? ''} ${subject}`;
}
