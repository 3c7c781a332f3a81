// Reservations whose budgets are kept in SQLite: the same promises as in memory. What a restart finds is in conformance/budgets.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Claim } from '../../../src/policy/verdict.ts';
import { MemoryReservationStore } from '../../../src/store/memory/reservation-store.ts';
import { SqliteBudgetLedger } from '../../../src/store/sqlite/budget-ledger.ts';
import { StateDatabase } from '../../../src/store/sqlite/database.ts';
import { FakeClock } from '../../support/fake-time.ts';
import { conformanceEvents, describeReservationStore } from '../../support/reservation-conformance.ts';

const minute = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'pc-budgets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

function freshFile(): string {
  files += 1;
  return join(folder, `${files}.db`);
}

// One file for all orders; its tables are emptied, which is what another file costs a second for.
const shared = StateDatabase.open(freshFile());
afterAll(() => shared.close());

describeReservationStore(
  'with budgets in SQLite',
  () => {
    shared.prepare('DELETE FROM budget').run();
    shared.prepare('DELETE FROM budget_lease').run();
    const clock = new FakeClock();
    return { store: new MemoryReservationStore(clock, new SqliteBudgetLedger(shared)), clock, close: () => {} };
  },
  conformanceEvents,
);

test('what cannot be written is not granted, and takes nothing', async () => {
  const clock = new FakeClock();
  const database = StateDatabase.open(freshFile());
  const store = new MemoryReservationStore(clock, new SqliteBudgetLedger(database));
  database.close();
  const refusal = { code: 'minutes-used', status: 486, text: 'Call time used up', detail: '' } as const;
  const claims: readonly Claim[] = [
    { kind: 'slot', key: 'total', cap: 1, refusal },
    { kind: 'rate', key: 'rate', cap: 1, window: minute, refusal },
    { kind: 'budget', key: 'day', cap: minute, wanted: minute, until: clock.wall() + minute, refusal },
  ];
  await expect(store.reserve('call-1', claims)).rejects.toThrow();
  expect(store.held()).toBe(0);
  expect(await store.reserve('call-2', claims.slice(0, 2))).toEqual({ kind: 'granted' });
});

test('what the call held before stays its own when more cannot be written, and others were refused nothing that is free', async () => {
  const clock = new FakeClock();
  let isFull = false;
  const writing: string[] = [];
  const store = new MemoryReservationStore(clock, {
    load: () => ({ budgets: [], leases: [] }),
    lease: async (owner) => {
      writing.push(`lease ${owner}`);
      if (isFull) throw new Error('the disk is full');
    },
    settle: (owner, spent) => writing.push(`settle ${owner} ${spent.map(({ used }) => used).join(' ')}`),
  });
  const refusal = { code: 'minutes-used', status: 486, text: 'Call time used up', detail: '' } as const;
  const slot: Claim = { kind: 'slot', key: 'total', cap: 1, refusal };
  const budget: Claim = {
    kind: 'budget',
    key: 'day',
    cap: minute,
    wanted: minute,
    until: clock.wall() + minute,
    refusal,
  };
  await store.reserve('call-1', [slot]);
  isFull = true;
  await expect(store.reserve('call-1', [slot, budget])).rejects.toThrow('the disk is full');
  expect(store.slotsOf('call-1')).toEqual(['total']);
  isFull = false;
  expect(await store.reserve('call-2', [budget])).toEqual({ kind: 'granted', longest: minute });
  // What was not granted may have been written all the same: it is settled.
  expect(writing).toEqual(['lease call-1', 'settle call-1 0', 'lease call-2']);
});
