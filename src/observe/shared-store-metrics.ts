// Whether the store that nodes share is there, and which nodes are.
import { Counter, Gauge, type Registry } from 'prom-client';

export interface SharedStoreFigures {
  readonly isUp: boolean;
  /** How often it was lost since the start. */
  readonly lostTimes: number;
  /** Nodes that were alive when it was asked last. */
  readonly nodes: readonly string[];
}

export function registerSharedStoreMetrics(registry: Registry, read: () => SharedStoreFigures | undefined): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: (figures: SharedStoreFigures) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const figures = read();
        // A node that stands alone has nothing to tell.
        if (figures === undefined) this.remove();
        else this.set(value(figures));
      },
    });
  };
  gauge('sbc_shared_store_up', 'Whether the store that nodes share answers.', ({ isUp }) => (isUp ? 1 : 0));
  gauge('sbc_cluster_nodes', 'Nodes of the site that are alive.', ({ nodes }) => nodes.length);
  new Counter({
    name: 'sbc_shared_store_losses_total',
    help: 'Times that the store that nodes share was lost.',
    registers,
    collect() {
      this.reset();
      this.inc(read()?.lostTimes ?? 0);
    },
  });
}
