// What every store promises, of those that nodes share: in a fake one, and in a real Redis.
import { describe } from 'vitest';
import { FakeSharedState, FakeSharedStore } from '../../../support/fake-shared-store.ts';
import { redisIsMissing } from '../../../support/redis-server.ts';
import { describeStores } from '../conformance/stores.ts';
import { TestRedis } from '../redis/redis.ts';
import { SharedPlace } from './shared-place.ts';

describeStores('shared by nodes, in a fake store', () => {
  const state = new FakeSharedState();
  return new SharedPlace((node, run, clock) => {
    const store = new FakeSharedStore({ state, node, run, now: () => clock.wall() });
    return Promise.resolve({ store, close: () => {} });
  });
});

describe.skipIf(redisIsMissing() !== undefined)('with a real Redis', () => {
  const redis = new TestRedis();

  describeStores('shared by nodes, in Redis', () => {
    const prefix = redis.newPrefix();
    return new SharedPlace((node, run, clock) => redis.open({ prefix, node, run, clock }));
  });
});
