// Registrations of all nodes: each with the node whose flow it stands on. What this node's phones registered is kept here too, so that
// they are found while the shared store is away, and written there again when it is back.
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { BindingRecord, LocationStore } from '../../registration/location.ts';
import { earlierFlowId, flowIdOfNode } from '../earlier-run.ts';
import type { SharedBinding, SharedStore } from './shared-store.ts';

export interface SharedLocationsParts {
  readonly node: string;
  readonly run: string;
  readonly store: Pick<SharedStore, 'bindings' | 'allBindings' | 'changeBindings'>;
  readonly link: { readonly isUp: boolean; doubt(): void };
  /** What this node's own phones registered. */
  readonly own: LocationStore;
  readonly logger: Logger;
}

/** AoRs whose changes the store does not have; beyond that the oldest change is forgotten, and expires there by itself. */
export const mostUntold = 100_000;

export class SharedLocations implements LocationStore {
  readonly #parts: SharedLocationsParts;
  /** As the store has them. */
  readonly #shared = new WeakMap<BindingRecord, SharedBinding>();
  /** Removed while the store was away, by AoR. */
  readonly #untold = new Map<string, readonly SharedBinding[]>();

  constructor(parts: SharedLocationsParts) {
    this.#parts = parts;
  }

  async find(aor: string): Promise<readonly BindingRecord[]> {
    const { store, link, own, logger } = this.#parts;
    if (!link.isUp) return own.find(aor);
    try {
      return (await store.bindings(aor)).map((binding) => this.#read(binding));
    } catch (thrown) {
      link.doubt();
      logger.warn('bindings-not-shared', { aor, error: messageOf(thrown) });
      return own.find(aor);
    }
  }

  async save(aor: string, bindings: readonly BindingRecord[], before: readonly BindingRecord[] = []): Promise<void> {
    const { store, link, own, logger } = this.#parts;
    await own.save(
      aor,
      bindings.filter(({ node }) => node === undefined),
    );
    const put = bindings.filter((binding) => !before.includes(binding));
    const keys = new Set(bindings.map(({ key }) => key));
    const remove = before.filter(({ key }) => !keys.has(key)).map((binding) => this.#write(binding));
    if (!link.isUp) {
      this.#tellLater(aor, remove);
      return;
    }
    try {
      await store.changeBindings(aor, put, remove);
    } catch (thrown) {
      this.#tellLater(aor, remove);
      link.doubt();
      logger.warn('bindings-not-shared', { aor, error: messageOf(thrown) });
    }
  }

  async all(): Promise<readonly BindingRecord[]> {
    const { store, link, own, logger } = this.#parts;
    if (!link.isUp) return own.all();
    try {
      return (await store.allBindings()).map((binding) => this.#read(binding));
    } catch (thrown) {
      link.doubt();
      logger.warn('bindings-not-shared', { error: messageOf(thrown) });
      return own.all();
    }
  }

  /** The store is back, and may have lost everything: it learns what this node knows. Rejects as the store does. */
  async tell(): Promise<void> {
    const { store, own } = this.#parts;
    const untold = new Map(this.#untold);
    const bindings = Map.groupBy(await own.all(), ({ aor }) => aor);
    const aors = new Set([...bindings.keys(), ...untold.keys()]);
    await Promise.all(
      Array.from(aors, async (aor) => {
        const remove = untold.get(aor) ?? [];
        await store.changeBindings(aor, bindings.get(aor) ?? [], remove);
        if (this.#untold.get(aor) === remove) this.#untold.delete(aor);
      }),
    );
  }

  #read(binding: SharedBinding): BindingRecord {
    const { node, run, record } = binding;
    const read =
      node === this.#parts.node
        ? this.#own(binding)
        : { ...record, node, flowId: flowIdOfNode(node, run, record.flowId) };
    this.#shared.set(read, binding);
    return read;
  }

  #own({ run, record }: SharedBinding): BindingRecord {
    // Where a phone is that is reached by datagrams does not end with a process.
    return run === this.#parts.run || record.datagram !== undefined
      ? record
      : { ...record, flowId: earlierFlowId(run, record.flowId) };
  }

  #write(record: BindingRecord): SharedBinding {
    const { node, run } = this.#parts;
    return this.#shared.get(record) ?? { node, run, record };
  }

  #tellLater(aor: string, removed: readonly SharedBinding[]): void {
    if (removed.length === 0) return;
    this.#untold.set(aor, [...(this.#untold.get(aor) ?? []), ...removed]);
    const [oldest] = this.#untold.keys();
    if (this.#untold.size > mostUntold && oldest !== undefined) this.#untold.delete(oldest);
  }
}
