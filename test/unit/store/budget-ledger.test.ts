// Reservations whose budgets are kept in SQLite: the same promises as in memory, and what a restart finds.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { BudgetClaim, Claim } from '../../../src/policy/verdict.ts';
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

describe('after a restart', () => {
  const refusal = { code: 'minutes-used', status: 486, text: 'Call time used up', detail: '' } as const;
  const day = (clock: FakeClock): BudgetClaim => ({
    kind: 'budget',
    key: 'limit:abroad:user:alice:2026-01-05',
    cap: 10 * minute,
    wanted: 120 * minute,
    until: clock.wall() + 2 * 86_400_000,
    refusal,
  });

  function processOn(file: string, clock: FakeClock): { store: MemoryReservationStore; die: () => void } {
    const database = StateDatabase.open(file);
    return {
      store: new MemoryReservationStore(clock, new SqliteBudgetLedger(database)),
      die: () => database.close(),
    };
  }

  test('minutes that were used are used', async () => {
    const [file, clock] = [freshFile(), new FakeClock()];
    const claim = day(clock);
    const first = processOn(file, clock);
    expect(await first.store.reserve('call-1', [claim])).toEqual({ kind: 'granted', longest: 10 * minute });
    await first.store.release('call-1', undefined, 7 * minute);
    first.die();
    const second = processOn(file, clock);
    expect(await second.store.reserve('call-2', [claim])).toEqual({ kind: 'granted', longest: 3 * minute });
    await second.store.release('call-2', undefined, 3 * minute);
    second.die();
    const third = processOn(file, clock);
    expect(await third.store.reserve('call-3', [claim])).toMatchObject({ kind: 'full', held: 10 * minute });
    third.die();
  });

  test('a call that ended with the process has used the time since its lease, no more than that', async () => {
    const [file, clock] = [freshFile(), new FakeClock()];
    const claim = day(clock);
    const first = processOn(file, clock);
    await first.store.reserve('call-1', [claim]);
    clock.move(4 * minute);
    first.die();
    const second = processOn(file, clock);
    expect(second.store.held()).toBe(0);
    expect(await second.store.reserve('call-2', [claim])).toEqual({ kind: 'granted', longest: 6 * minute });
    clock.move(60 * minute);
    second.die();
    const third = processOn(file, clock);
    expect(await third.store.reserve('call-3', [claim])).toMatchObject({ kind: 'full', held: 10 * minute });
    third.die();
  });

  test('a day that is over is forgotten', async () => {
    const [file, clock] = [freshFile(), new FakeClock()];
    const first = processOn(file, clock);
    await first.store.reserve('call-1', [day(clock)]);
    await first.store.release('call-1', undefined, 7 * minute);
    first.die();
    clock.move(3 * 86_400_000);
    processOn(file, clock).die();
    const database = StateDatabase.open(file);
    expect(database.prepare('SELECT count(*) AS n FROM budget').get()).toMatchObject({ n: 0 });
    database.close();
  });
});

test('what cannot be written is not granted, and takes nothing', async () => {
  const clock = new FakeClock();
  const database = StateDatabase.open(freshFile());
  const store = new MemoryReservationStore(clock, new SqliteBudgetLedger(database));
  database.close();
  const refusal = { code: 'minutes-used', status: 486, text: 'Call time used up', detail: '' } as const;
  const claims: readonly Claim[] = [
    { kind: 'slot', key: 'total', cap: 1, refusal },
    { kind: 'budget', key: 'day', cap: minute, wanted: minute, until: clock.wall() + minute, refusal },
  ];
  await expect(store.reserve('call-1', claims)).rejects.toThrow();
  expect(store.held()).toBe(0);
  expect(await store.reserve('call-2', claims.slice(0, 1))).toEqual({ kind: 'granted' });
});
