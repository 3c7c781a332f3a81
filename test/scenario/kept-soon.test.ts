// When a call is worth writing down for the process that comes after this one.
import { expect, test } from 'vitest';
import { keepSoon } from '../../src/compose/keeping/call-keeper.ts';
import type { CallStore } from '../../src/store/call-store.ts';
import { MemoryPlace } from '../support/memory-place.ts';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp } from '../support/scenario-calls.ts';

/** An SBC, and how often a call was written down. */
function started(): { readonly s: Scenario; readonly written: () => number } {
  const { calls, locations } = new MemoryPlace().open('run-1', 0);
  let written = 0;
  const counting: CallStore = {
    run: calls.run,
    load: () => calls.load(),
    write: (put, remove) => {
      written += put.length;
      calls.write(put, remove);
    },
  };
  return { s: new Scenario({ state: { calls: counting, locations } }), written: () => written };
}

test('a call is written down soon after it was answered, once', async () => {
  const { s, written } = started();
  const call = await connect(s);
  await s.advance(keepSoon);
  expect(written()).toBe(1);
  await s.advance(keepSoon);
  expect(written()).toBe(1);
  await hangUp(call);
  await s.finish();
});

// Shortly before whoever keeps calls may look at those of the first one's time.
test.each([keepSoon / 2 - 1, keepSoon - 1])(
  'one that is over at once is not written %i ms after another',
  async (after) => {
    const { s, written } = started();
    await hangUp(await connect(s));
    await s.advance(after);
    const second = await connect(s);
    await s.advance(1);
    expect(written()).toBe(0);
    await hangUp(second);
    await s.advance(2 * keepSoon);
    expect(written()).toBe(0);
    await s.finish();
  },
);

test('one that goes on is kept in time though others come all the while', async () => {
  const { s, written } = started();
  await hangUp(await connect(s));
  await s.advance(keepSoon / 4);
  const standing = await connect(s);
  for (let passed = 0; passed < keepSoon; passed += keepSoon / 5) {
    await hangUp(await connect(s));
    await s.advance(keepSoon / 5);
  }
  expect(written()).toBe(1);
  await hangUp(standing);
  await s.finish();
});

test('one that another process had for a moment is written down again by the one that goes on with it', async () => {
  const { s, written } = started();
  const call = await connect(s);
  await s.advance(keepSoon);
  s.keeper.hold();
  const before = written();
  s.keeper.carryOn();
  expect(written()).toBe(before + 1);
  await hangUp(call);
  await s.finish();
});
