// A media worker that does what the test orders: it stands still, throws, or goes on. The order is one word of shared memory, which
// it takes when it reads it.
import { getEnvironmentData } from 'node:worker_threads';

const orders = { none: 0, standStill: 1, throwError: 2 } as const;

const order: unknown = getEnvironmentData('order');
if (!(order instanceof SharedArrayBuffer)) throw new Error('an order is expected');
const word = new Int32Array(order);
const now = performance.now.bind(performance);
let taken: number = orders.none;
// The loop asks for the time once a batch, and its handlers do, which catch what is thrown: it is thrown again until it gets out.
performance.now = () => {
  if (taken === orders.none) taken = Atomics.exchange(word, 0, orders.none);
  if (taken === orders.throwError) throw new Error('by order');
  for (let spins = 0; taken === orders.standStill; spins += 1) if (spins < 0) return spins;
  return now();
};
await import('../../../src/media/worker/worker-main.ts');
