// How what should outlive the process is getting there.
import { Counter, Gauge, type Registry } from 'prom-client';

export interface StoreFigures {
  /** Writes that are not acknowledged. */
  waiting(): number;
  /** Writes that were given up. */
  lost(): number;
  /** Batches that could not be written when they were tried. */
  failures(): number;
  /** Times that whoever keeps it was lost and started again. */
  restarts(): number;
}

export function registerStoreMetrics(registry: Registry, figures: StoreFigures): void {
  const registers = [registry];
  new Gauge({
    name: 'sbc_store_writes_waiting',
    help: 'Changes that the store has not acknowledged.',
    registers,
    collect() {
      this.set(figures.waiting());
    },
  });
  const total = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  total('sbc_store_writes_lost_total', 'Changes that the store will not keep.', () => figures.lost());
  total('sbc_store_failures_total', 'Batches that could not be written when they were tried.', () =>
    figures.failures(),
  );
  total('sbc_store_restarts_total', 'Times that the store was lost and started again.', () => figures.restarts());
}
