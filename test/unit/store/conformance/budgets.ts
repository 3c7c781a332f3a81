// What every ledger of budgets promises (`store/budget-ledger.ts`), under the store that counts.
import { describe, expect, test } from 'vitest';
import type { BudgetClaim } from '../../../../src/policy/verdict.ts';
import { MemoryReservationStore } from '../../../../src/store/memory/reservation-store.ts';
import type { FakeClock } from '../../../support/fake-time.ts';
import { type MakePlace, Processes } from './place.ts';

const minute = 60_000;
const refusal = { code: 'minutes-used', status: 486, text: 'Call time used up', detail: '' } as const;

function day(clock: FakeClock): BudgetClaim {
  return {
    kind: 'budget',
    key: 'limit:abroad:user:alice:2026-01-05',
    cap: 10 * minute,
    wanted: 6 * minute,
    until: clock.wall() + 2 * 86_400_000,
    refusal,
  };
}

export function describeBudgets(name: string, make: MakePlace): void {
  describe(`budgets ${name}`, () => {
    const start = async (processes: Processes, goesOn: readonly string[] = []): Promise<MemoryReservationStore> => {
      const store = new MemoryReservationStore(processes.clock, (await processes.next()).budgets);
      store.settleEarlier((owner) => goesOn.includes(owner));
      return store;
    };

    test('that were used are used for the next process', async () => {
      const processes = new Processes(make);
      const claim = day(processes.clock);
      const first = await start(processes);
      expect(await first.reserve('call-1', [claim])).toEqual({ kind: 'granted', longest: 6 * minute });
      await first.release('call-1', undefined, 5 * minute);
      await first.reserve('call-2', [claim]);
      await first.release('call-2', undefined, 2 * minute);
      const second = await start(processes);
      expect(await second.reserve('call-3', [claim])).toEqual({ kind: 'granted', longest: 3 * minute });
    });

    test('are charged for a call that ended with its process: the time since its lease, the lease at most', async () => {
      const processes = new Processes(make);
      const claim = day(processes.clock);
      await (await start(processes)).reserve('call-1', [claim]);
      processes.clock.move(4 * minute);
      const second = await start(processes);
      expect(second.held()).toBe(0);
      expect(await second.reserve('call-2', [claim])).toEqual({ kind: 'granted', longest: 6 * minute });
      processes.clock.move(60 * minute);
      const third = await start(processes);
      expect(await third.reserve('call-3', [claim])).toMatchObject({ kind: 'full', held: 10 * minute });
    });

    test('stay leased to a call that goes on, and are charged at its end for all that it talked', async () => {
      const processes = new Processes(make);
      const claim = day(processes.clock);
      await (await start(processes)).reserve('call-1', [claim]);
      processes.clock.move(2 * minute);
      const second = await start(processes, ['call-1']);
      expect(second.held()).toBe(1);
      expect(await second.reserve('call-2', [claim])).toEqual({ kind: 'granted', longest: 4 * minute });
      await second.release('call-2', undefined, 0);
      processes.clock.move(minute);
      await second.release('call-1', undefined, 3 * minute);
      const third = await start(processes);
      expect(await third.reserve('call-3', [{ ...claim, wanted: 60 * minute }])).toEqual({
        kind: 'granted',
        longest: 7 * minute,
      });
    });

    test('of a period that is over are forgotten', async () => {
      const processes = new Processes(make);
      const claim = day(processes.clock);
      const first = await start(processes);
      await first.reserve('call-1', [claim]);
      await first.reserve('call-2', [claim]);
      await first.release('call-1', undefined, 6 * minute);
      processes.clock.move(3 * 86_400_000);
      const { budgets } = await processes.next();
      expect(budgets.load(processes.clock.wall())).toEqual({ budgets: [], leases: [] });
    });

    test('are returned by whoever never talked, for the next process too', async () => {
      const processes = new Processes(make);
      const claim = day(processes.clock);
      const first = await start(processes);
      await first.reserve('call-1', [claim]);
      await first.release('call-1');
      expect(await (await start(processes)).reserve('call-2', [{ ...claim, wanted: 60 * minute }])).toEqual({
        kind: 'granted',
        longest: 10 * minute,
      });
    });
  });
}
