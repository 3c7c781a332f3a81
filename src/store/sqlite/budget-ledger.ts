// Budgets in the database, so that a restart gives nobody a day's minutes anew.
import type { EpochMillis } from '../../core/clock.ts';
import type { BudgetLedger, KeptBudget, KeptLease, LoadedBudgets } from '../budget-ledger.ts';
import type { StateDatabase } from './database.ts';
import { number, text } from './row.ts';

export class SqliteBudgetLedger implements BudgetLedger {
  readonly #database: StateDatabase;
  readonly #trim;
  readonly #trimLeases;
  readonly #load;
  readonly #loadLeases;
  readonly #lease;
  readonly #end;
  readonly #spend;

  constructor(database: StateDatabase) {
    this.#database = database;
    this.#trim = database.prepare('DELETE FROM budget WHERE until <= ?');
    this.#trimLeases = database.prepare('DELETE FROM budget_lease WHERE until <= ?');
    this.#load = database.prepare('SELECT key, used, until FROM budget');
    this.#loadLeases = database.prepare('SELECT owner, key, lease, until, leased_at FROM budget_lease');
    this.#lease = database.prepare(
      'INSERT OR REPLACE INTO budget_lease (owner, key, lease, until, leased_at) VALUES (?, ?, ?, ?, ?)',
    );
    this.#end = database.prepare('DELETE FROM budget_lease WHERE owner = ? AND key = ?');
    this.#spend = database.prepare(`
      INSERT INTO budget (key, used, until) VALUES (?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET used = used + excluded.used`);
  }

  load(now: EpochMillis): LoadedBudgets {
    return this.#database.transaction(() => {
      this.#trim.run(Math.round(now));
      this.#trimLeases.run(Math.round(now));
      const budgets = this.#load.all().map((row) => ({
        key: text(row, 'key'),
        used: number(row, 'used'),
        until: number(row, 'until'),
      }));
      const leases = this.#loadLeases.all().map((row) => ({
        owner: text(row, 'owner'),
        key: text(row, 'key'),
        lease: number(row, 'lease'),
        until: number(row, 'until'),
        at: number(row, 'leased_at'),
      }));
      return { budgets, leases };
    });
  }

  async lease(owner: string, leases: readonly KeptLease[], at: EpochMillis): Promise<void> {
    this.write(owner, leases, at);
  }

  /** As `lease`, at once. */
  write(owner: string, leases: readonly KeptLease[], at: EpochMillis): void {
    this.#database.transaction(() => {
      for (const { key, lease, until } of leases) {
        this.#lease.run(owner, key, Math.round(lease), Math.round(until), Math.round(at));
      }
    });
  }

  settle(owner: string, spent: readonly KeptBudget[]): void {
    this.#database.transaction(() => {
      for (const { key, used, until } of spent) {
        this.#end.run(owner, key);
        if (used > 0) this.#spend.run(key, Math.round(used), Math.round(until));
      }
    });
  }
}
