import { expect, test } from 'vitest';
import { collectWhenSettled, settledAfter, settlesWithin } from '../../../src/core/settling.ts';
import { FakeScheduler } from '../../support/fake-time.ts';

function settling(): {
  readonly scheduler: FakeScheduler;
  readonly collected: () => number;
  isIdle: boolean;
  close(): void;
} {
  const scheduler = new FakeScheduler();
  let times = 0;
  const state = { scheduler, collected: () => times, isIdle: true, close: () => watch.close() };
  const watch = collectWhenSettled(
    scheduler,
    () => state.isIdle,
    () => {
      times += 1;
    },
  );
  return state;
}

test('a process that has settled collects once, and not before', () => {
  const { scheduler, collected } = settling();
  scheduler.advance(settledAfter - 1);
  expect(collected()).toBe(0);
  scheduler.advance(10 * settledAfter);
  expect(collected()).toBe(1);
  expect(scheduler.pending).toBe(0);
});

test('one with calls waits until a look finds none', () => {
  const state = settling();
  state.isIdle = false;
  state.scheduler.advance(5 * settledAfter);
  expect(state.collected()).toBe(0);
  state.isIdle = true;
  state.scheduler.advance(settledAfter);
  expect(state.collected()).toBe(1);
});

test('one that finds no moment for it in its first minutes is left alone afterwards', () => {
  const state = settling();
  state.isIdle = false;
  state.scheduler.advance(settlesWithin);
  state.isIdle = true;
  state.scheduler.advance(10 * settlesWithin);
  expect(state.collected()).toBe(0);
  expect(state.scheduler.pending).toBe(0);
});

test('one that ends does not collect any more', () => {
  const { scheduler, collected, close } = settling();
  close();
  scheduler.advance(2 * settledAfter);
  expect(collected()).toBe(0);
});
