// What every store of reservations promises (policy/reservations.ts), as one suite: for the store in memory, on disk, shared.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ReservationStore, ReserveOutcome } from '../../src/policy/reservations.ts';
import type { Claim } from '../../src/policy/verdict.ts';
import type { FakeClock } from './fake-time.ts';
import { runBudgets, timedEvent } from './reservation-budgets.ts';

export interface OpenedStore {
  readonly store: ReservationStore;
  readonly clock: FakeClock;
  close(): void | Promise<void>;
}

/** `events` in all are run in random orders; the store is opened anew for each test and each order. */
export function describeReservationStore(
  name: string,
  open: () => OpenedStore | Promise<OpenedStore>,
  events: number,
): void {
  describe(`reservations ${name}`, () => {
    let opened: OpenedStore;
    let store: ReservationStore;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });

    afterEach(() => opened.close());

    test('are granted up to the cap, and then refused with the claim that was full', async () => {
      const claim = claimOf('user:alice', 2);
      expect(await store.reserve('call-1', [claim])).toEqual({ kind: 'granted' });
      expect(await store.reserve('call-2', [claim])).toEqual({ kind: 'granted' });
      expect(await store.reserve('call-3', [claim])).toEqual({ kind: 'full', claim, held: 2 });
      expect(store.held()).toBe(2);
    });

    test('are all granted or none: a refusal takes nothing, whatever stands before the full one', async () => {
      await store.reserve('call-1', [claimOf('trunk:carrier', 1)]);
      const outcome = await store.reserve('call-2', [
        claimOf('user:alice', 5),
        claimOf('trunk:carrier', 1),
        claimOf('total', 9),
      ]);
      expect(outcome).toMatchObject({ kind: 'full', claim: { key: 'trunk:carrier' }, held: 1 });
      expect(store.held()).toBe(1);
      for (const call of ['a', 'b', 'c', 'd', 'e']) {
        expect(await store.reserve(call, [claimOf('user:alice', 5)])).toEqual({ kind: 'granted' });
      }
    });

    test('of one owner count once for a key, however often it asks', async () => {
      const claim = claimOf('user:alice', 1);
      expect(await store.reserve('call-1', [claim, claim])).toEqual({ kind: 'granted' });
      expect(await store.reserve('call-1', [claim])).toEqual({ kind: 'granted' });
      expect(store.held()).toBe(1);
      await store.release('call-1');
      expect(store.held()).toBe(0);
    });

    test('are returned by key, or all at once, and a second time is nothing', async () => {
      await store.reserve('call-1', [claimOf('user:alice', 1), claimOf('total', 9)]);
      await store.reserve('call-1', [claimOf('trunk:carrier', 1)]);
      await store.release('call-1', ['trunk:carrier', 'trunk:unknown']);
      await store.release('call-1', ['trunk:carrier']);
      expect(store.held()).toBe(2);
      expect(await store.reserve('call-2', [claimOf('trunk:carrier', 1)])).toEqual({ kind: 'granted' });
      await store.release('call-1');
      await store.release('call-1');
      await store.release('call-9');
      expect(store.held()).toBe(1);
      expect(await store.reserve('call-3', [claimOf('user:alice', 1)])).toEqual({ kind: 'granted' });
    });

    test('of one owner are not returned by another', async () => {
      await store.reserve('call-1', [claimOf('user:alice', 1)]);
      await store.release('call-2', ['user:alice']);
      expect(await store.reserve('call-2', [claimOf('user:alice', 1)])).toMatchObject({ kind: 'full' });
    });

    test('that are still being made are ended by a release', async () => {
      const reserving = store.reserve('call-1', [claimOf('user:alice', 1)]);
      const releasing = store.release('call-1');
      await Promise.all([reserving, releasing]);
      expect(store.held()).toBe(0);
      expect(await store.reserve('call-2', [claimOf('user:alice', 1)])).toEqual({ kind: 'granted' });
    });

    test('follow a cap that a reload lowered: nothing is taken away, nothing new is granted above it', async () => {
      for (const call of ['a', 'b', 'c']) await store.reserve(call, [claimOf('user:alice', 5)]);
      expect(await store.reserve('d', [claimOf('user:alice', 2)])).toMatchObject({ kind: 'full', held: 3 });
      expect(store.held()).toBe(3);
    });

    test('have keys of their own, even those that objects inherit', async () => {
      for (const key of ['__proto__', 'constructor', 'hasOwnProperty']) {
        expect(await store.reserve('call-1', [claimOf(key, 1)])).toEqual({ kind: 'granted' });
        expect(await store.reserve('call-2', [claimOf(key, 1)])).toMatchObject({ kind: 'full', held: 1 });
      }
      expect(store.held()).toBe(3);
    });

    test(
      `in ${events} events of any order are never negative, never above a cap, and never left over`,
      async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(event, { minLength: eventsInOrder, maxLength: eventsInOrder }), async (order) => {
            const own = await open();
            try {
              await runOrder(own.store, order);
            } finally {
              await own.close();
            }
          }),
          { numRuns: Math.ceil(events / eventsInOrder), endOnFailure: true },
        );
      },
      patience,
    );

    test(
      `of rates and talking time are what a plain count says, in ${events} events of any order`,
      async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(timedEvent, { minLength: eventsInOrder, maxLength: eventsInOrder }),
            async (order) => {
              const own = await open();
              try {
                await runBudgets(own.store, own.clock, order);
              } finally {
                await own.close();
              }
            },
          ),
          { numRuns: Math.ceil(events / eventsInOrder), endOnFailure: true },
        );
      },
      patience,
    );
  });
}

/** `PORTCULLIS_LONG=1`: the long form. */
export const conformanceEvents = process.env['PORTCULLIS_LONG'] === '1' ? 1_000_000 : 50_000;
const patience = conformanceEvents > 50_000 ? 1_800_000 : 120_000;
const eventsInOrder = 500;
/** Caps by key: small, so that they are reached all the time. */
const caps = new Map([
  ['user:alice', 1],
  ['user:bob', 2],
  ['trunk:carrier', 3],
  ['total', 4],
]);
const keys = fc.subarray([...caps.keys()]);
const owner = fc.constantFrom('call-1', 'call-2', 'call-3', 'call-4', 'call-5', 'call-6');
const event = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('reserve' as const), owner, keys: fc.shuffledSubarray([...caps.keys()]) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('release-keys' as const), owner, keys }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('release' as const), owner, keys: fc.constant([]) }) },
  // The call ends while the store is still asked.
  { weight: 1, arbitrary: fc.record({ type: fc.constant('overtaken' as const), owner, keys }) },
);

interface StoreEvent {
  readonly type: 'reserve' | 'release-keys' | 'release' | 'overtaken';
  readonly owner: string;
  readonly keys: readonly string[];
}

async function runOrder(store: ReservationStore, order: readonly StoreEvent[]): Promise<void> {
  /** Owners by key, as they must be. */
  const model = new Map<string, Set<string>>([...caps.keys()].map((key) => [key, new Set<string>()]));
  const holders = (key: string): Set<string> => model.get(key) ?? new Set();
  const total = (): number => [...model.values()].reduce((sum, owners) => sum + owners.size, 0);
  for (const step of order) {
    const claims = step.keys.map((key) => claimOf(key, caps.get(key) ?? 0));
    switch (step.type) {
      case 'reserve':
        checkReserve(step.owner, claims, await store.reserve(step.owner, claims), holders);
        break;
      case 'release-keys':
        await store.release(step.owner, step.keys);
        for (const key of step.keys) holders(key).delete(step.owner);
        break;
      case 'release':
        await store.release(step.owner);
        for (const key of caps.keys()) holders(key).delete(step.owner);
        break;
      case 'overtaken':
        await Promise.all([store.reserve(step.owner, claims), store.release(step.owner)]);
        for (const key of caps.keys()) holders(key).delete(step.owner);
        break;
      default:
        step.type satisfies never;
    }
    expect(store.held()).toBe(total());
  }
  await Promise.all(order.map((step) => store.release(step.owner)));
  expect(store.held()).toBe(0);
  const all = [...caps].map(([key, cap]) => claimOf(key, cap));
  expect(await store.reserve('last', all)).toEqual({ kind: 'granted' });
}

function checkReserve(
  caller: string,
  claims: readonly Claim[],
  outcome: ReserveOutcome,
  holders: (key: string) => Set<string>,
): void {
  const full = claims.find(({ key, cap }) => !holders(key).has(caller) && holders(key).size >= cap);
  if (full === undefined) {
    expect(outcome).toEqual({ kind: 'granted' });
    for (const { key } of claims) holders(key).add(caller);
  } else {
    expect(outcome).toEqual({ kind: 'full', claim: full, held: holders(full.key).size });
  }
}

function claimOf(key: string, cap: number): Claim {
  return {
    kind: 'slot',
    key,
    cap,
    refusal: { code: 'user-cap', status: 486, text: 'Concurrent call limit reached', detail: key },
  };
}
