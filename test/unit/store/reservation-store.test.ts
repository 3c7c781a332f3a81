import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReservationStore } from '../../../src/policy/reservations.ts';
import type { Claim } from '../../../src/policy/verdict.ts';
import { MemoryReservationStore } from '../../../src/store/memory/reservation-store.ts';
import { FakeClock } from '../../support/fake-time.ts';

function claim(key: string, cap: number): Claim {
  return { kind: 'slot', key, cap, refusal: { code: 'user-cap', status: 486, text: 'full', detail: key } };
}

const stores: readonly (readonly [string, () => ReservationStore])[] = [
  ['memory', () => new MemoryReservationStore(new FakeClock())],
];

describe.each(stores)('the %s reservation store', (_name, open) => {
  test('grants up to the cap and names the claim that was full', async () => {
    const store = open();
    const full = claim('user:alice', 2);
    expect(await store.reserve('call-1', [full])).toEqual({ kind: 'granted' });
    expect(await store.reserve('call-2', [full])).toEqual({ kind: 'granted' });
    expect(await store.reserve('call-3', [full])).toEqual({ kind: 'full', claim: full, held: 2 });
    expect(store.held()).toBe(2);
  });

  test('takes nothing when one of several claims is full', async () => {
    const store = open();
    await store.reserve('call-1', [claim('trunk:t', 1)]);
    const outcome = await store.reserve('call-2', [claim('user:alice', 1), claim('trunk:t', 1), claim('total', 9)]);
    expect(outcome).toMatchObject({ kind: 'full', claim: { key: 'trunk:t' }, held: 1 });
    expect(store.held()).toBe(1);
    expect(await store.reserve('call-3', [claim('user:alice', 1)])).toEqual({ kind: 'granted' });
  });

  test('counts a key once for one owner, however often it is claimed', async () => {
    const store = open();
    await store.reserve('call-1', [claim('user:alice', 1), claim('user:alice', 1)]);
    expect(await store.reserve('call-1', [claim('user:alice', 1)])).toEqual({ kind: 'granted' });
    expect(store.held()).toBe(1);
    await store.release('call-1', ['user:alice']);
    expect(store.held()).toBe(0);
  });

  test('returns named keys, or all of them, and each once', async () => {
    const store = open();
    await store.reserve('call-1', [claim('user:alice', 2), claim('total', 2)]);
    await store.reserve('call-2', [claim('user:alice', 2), claim('total', 2)]);
    await store.release('call-1', ['total', 'trunk:never']);
    await store.release('call-1', ['total']);
    expect(store.held()).toBe(3);
    await store.release('call-1');
    await store.release('call-1');
    await store.release('call-9');
    expect(store.held()).toBe(2);
  });

  test('never holds more of a key than its cap, and nothing once all owners released', async () => {
    const owners = fc.constantFrom('a', 'b', 'c', 'd');
    const keys = fc.constantFrom('x', 'y', 'z');
    const step = fc.record({ owner: owners, take: fc.boolean(), keys: fc.array(keys, { minLength: 1, maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const store = open();
        const held = new Set<string>();
        for (const { owner, take, keys: wanted } of steps) {
          if (take) {
            const outcome = await store.reserve(
              owner,
              wanted.map((key) => claim(key, 2)),
            );
            if (outcome.kind === 'granted') for (const key of wanted) held.add(`${owner} ${key}`);
          } else {
            await store.release(owner, wanted);
            for (const key of wanted) held.delete(`${owner} ${key}`);
          }
          expect(store.held()).toBe(held.size);
          for (const key of ['x', 'y', 'z']) {
            expect([...held].filter((slot) => slot.endsWith(` ${key}`)).length).toBeLessThanOrEqual(2);
          }
        }
        for (const owner of ['a', 'b', 'c', 'd']) await store.release(owner);
        expect(store.held()).toBe(0);
      }),
    );
  });
});
