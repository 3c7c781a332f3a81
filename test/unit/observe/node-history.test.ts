import { describe, expect, test } from 'vitest';
import type { CallRecord } from '../../../src/b2bua/call/call-record.ts';
import { historySteps, type NodeCounts, NodeHistory, sampleOf } from '../../../src/observe/node-history.ts';
import { mostRecentCalls, RecentCalls } from '../../../src/observe/recent-calls.ts';
import { FakeScheduler } from '../../support/fake-time.ts';

const counts: NodeCounts = {
  calls: 2,
  begun: 10,
  refused: 1,
  packets: 1_000,
  dropped: 0,
  mos: 4,
  loss: 0,
  registrations: 5,
  ran: 500,
  lag: 1,
};

/** A history whose node counts more with each look. */
function growing(): { history: NodeHistory; scheduler: FakeScheduler; fail: () => void; failures: unknown[] } {
  const scheduler = new FakeScheduler();
  const failures: unknown[] = [];
  let looks = 0;
  let fails = false;
  const history = new NodeHistory({
    counts: () => {
      looks += 1;
      const grown = {
        ...counts,
        begun: 10 * looks,
        packets: 1_000 * looks,
        ran: 5_000 * looks,
        mos: looks % 2 === 0 ? 4 : Number.NaN,
      };
      return fails ? Promise.reject(new Error('no worker')) : Promise.resolve(grown);
    },
    scheduler,
    onFailure: (thrown) => failures.push(thrown),
  });
  const fail = (): void => {
    fails = true;
  };
  return { history, scheduler, fail, failures };
}

async function advance(scheduler: FakeScheduler, steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    scheduler.advance(historySteps.hour);
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe('the history of a node', () => {
  test('has rates from the second look on, and gaps where nothing is known', async () => {
    const { history, scheduler } = growing();
    await advance(scheduler, 1);
    expect(history.view('hour')).toMatchObject({ step: 10_000, endsAt: undefined, columns: { calls: [] } });
    await advance(scheduler, 2);
    const { endsAt, columns } = history.view('hour');
    expect(endsAt).toBe(scheduler.clock.wall());
    expect(columns).toMatchObject({
      calls: [2, 2],
      begun: [60, 60],
      packets: [100, 100],
      processors: [0.5, 0.5],
      mos: [4, null],
    });
    history.close();
    expect(scheduler.pending).toBe(0);
  });

  test('keeps an hour in steps of ten seconds and a day in means of five minutes, in memory that does not grow', async () => {
    const { history, scheduler } = growing();
    await advance(scheduler, 8_641 + 60);
    expect(history.view('hour').columns.calls).toHaveLength(360);
    const { columns, step } = history.view('day');
    expect(step).toBe(300_000);
    expect(columns.calls).toHaveLength(288);
    expect(columns.mos.every((value) => value === 4)).toBe(true);
    history.close();
  });

  test('leaves a look out that fails, and goes on', async () => {
    const { history, scheduler, fail, failures } = growing();
    await advance(scheduler, 2);
    fail();
    await advance(scheduler, 2);
    expect(failures).toHaveLength(2);
    expect(history.view('hour').columns.calls).toHaveLength(1);
    history.close();
  });

  test('never has a rate below nothing, when what was counted begins anew', () => {
    expect(sampleOf(counts, { ...counts, packets: 0 }, 10_000).packets).toBe(0);
  });
});

test('the calls that were over last are kept, the newest first, and no more than fit', () => {
  const recent = new RecentCalls();
  const record: CallRecord = {
    callId: 'c0',
    transferOf: undefined,
    caller: { kind: 'user', name: 'alice@pbx.test' },
    callee: undefined,
    dialled: '600',
    canonical: undefined,
    startedAt: 1,
    ringingAt: undefined,
    answeredAt: undefined,
    endedAt: 2,
    duration: 0,
    cause: 'refused',
    status: 403,
    refusal: { code: 'user-cap', detail: 'x' },
    trace: [],
    attempts: [],
    media: [],
  };
  for (let index = 0; index < mostRecentCalls + 5; index += 1) recent.add({ ...record, callId: `c${index}` });
  const kept = recent.list();
  expect(kept).toHaveLength(mostRecentCalls);
  expect(kept[0]).toMatchObject({ id: `c${mostRecentCalls + 4}`, refusal: 'user-cap', status: 403, mos: undefined });
});
