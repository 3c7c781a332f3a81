// Caps over all nodes: what every store of reservations promises, and what only leases on a shared one do.
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { Claim } from '../../../../src/policy/verdict.ts';
import { SharedReservations } from '../../../../src/store/shared/shared-reservations.ts';
import type { SharedStore } from '../../../../src/store/shared/shared-store.ts';
import { FakeSharedState, FakeSharedStore } from '../../../support/fake-shared-store.ts';
import { FakeClock } from '../../../support/fake-time.ts';
import { redisIsMissing } from '../../../support/redis-server.ts';
import { describeReservationStore } from '../../../support/reservation-conformance.ts';
import { TestRedis } from './redis.ts';

const link = { isUp: true, doubt: () => {} };

function reservations(store: SharedStore, clock: FakeClock): SharedReservations {
  return new SharedReservations({ store, link, onLoss: 'refuse', isOwn: () => false, clock, logger: silentLogger });
}

describeReservationStore(
  'shared by nodes, in a fake store',
  () => {
    const clock = new FakeClock();
    const store = new FakeSharedStore({
      state: new FakeSharedState(),
      node: 'one',
      run: 'run-1',
      now: () => clock.wall(),
    });
    return { store: reservations(store, clock), clock, close: () => {} };
  },
  10_000,
);

describe.skipIf(redisIsMissing() !== undefined)('with a real Redis', () => {
  const redis = new TestRedis();

  describeReservationStore(
    'shared by nodes, in Redis',
    async () => {
      const clock = new FakeClock();
      const { store, close } = await redis.open({ clock });
      return { store: reservations(store, clock), clock, close };
    },
    4_000,
  );

  test('a cap holds whatever order two nodes ask in, and each slot is given once', async () => {
    const prefix = redis.newPrefix();
    const one = await redis.open({ prefix, node: 'one' });
    const two = await redis.open({ prefix, node: 'two' });
    const claim = claimOf('user:alice', 7);
    const asked = Array.from({ length: 60 }, (_, at) => {
      const { store } = at % 2 === 0 ? one : two;
      return store.reserve(`call-${at}`, [claimOf('total', 50), claim]);
    });
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter(({ kind }) => kind === 'granted')).toHaveLength(7);
    expect(outcomes.filter((outcome) => outcome.kind === 'full' && outcome.held === 7)).toHaveLength(53);
    one.close();
    two.close();
  });
});

function claimOf(key: string, cap: number): Claim {
  return { kind: 'slot', key, cap, refusal: { code: 'user-cap', status: 486, text: 'full', detail: key } };
}
