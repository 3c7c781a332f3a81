import { expect, test } from 'vitest';
import type { StoreWrite } from '../../../src/store/store-write.ts';
import { WrittenFraudStore } from '../../../src/store/written-fraud-store.ts';

test('what fraud detection knows is bounded in memory: the oldest goes, however it is written', () => {
  const written: StoreWrite[] = [];
  const sink = { put: (write: StoreWrite) => void written.push(write), durable: () => Promise.resolve() };
  const store = new WrittenFraudStore({ holds: [], known: [] }, sink, 3);
  const value = (at: number) => ({ subject: 'user:alice@pbx.test', of: 'source', value: `192.0.2.${at}`, at }) as const;
  store.learn([1, 2, 3].map(value), 0);
  store.learn([4, 5].map(value), 0);
  expect(store.known().map(({ at }) => at)).toEqual([3, 4, 5]);
  expect(written).toHaveLength(2);
});
