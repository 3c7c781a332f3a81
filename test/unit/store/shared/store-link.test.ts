import { describe, expect, test } from 'vitest';
import { SbcError } from '../../../../src/core/errors.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { NodeEvent } from '../../../../src/store/shared/shared-store.ts';
import { StoreLink } from '../../../../src/store/shared/store-link.ts';
import { FakeSharedState, FakeSharedStore } from '../../../support/fake-shared-store.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

const interval = 250;

interface Made {
  readonly state: FakeSharedState;
  readonly store: FakeSharedStore;
  readonly other: FakeSharedStore;
  readonly link: StoreLink;
  readonly told: string[];
  readonly events: NodeEvent[];
  failsReturn: boolean;
  pass(millis: number): Promise<void>;
}

function linkOf(): Made {
  const scheduler = new FakeScheduler();
  const state = new FakeSharedState();
  const now = (): number => scheduler.clock.wall();
  const place = { state, node: 'one', machine: 'here', now };
  const store = new FakeSharedStore({ ...place, run: 'run-1' });
  const other = new FakeSharedStore({ ...place, run: 'run-2' });
  const told: string[] = [];
  const events: NodeEvent[] = [];
  const made: Made = {
    state,
    store,
    other,
    told,
    events,
    failsReturn: false,
    link: new StoreLink({
      store,
      interval,
      scheduler,
      logger: silentLogger,
      events: {
        onReturn: () => {
          told.push('return');
          return made.failsReturn ? Promise.reject(new SbcError('store-lost', 'gone')) : Promise.resolve();
        },
        onChanged: (isUp) => void told.push(isUp ? 'up' : 'lost'),
        onEvents: (heard) => void events.push(...heard),
        onReplaced: () => void told.push('replaced'),
      },
    }),
    pass: async (millis: number) => {
      for (let left = millis; left > 0; left -= interval) {
        scheduler.advance(Math.min(left, interval));
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
  return made;
}

describe('the link to the shared store', () => {
  test('is up once a beat was answered and the store was told', async () => {
    const { link, told } = linkOf();
    expect(link.isUp).toBe(false);
    await link.start();
    expect(link.isUp).toBe(true);
    expect(told).toEqual(['return', 'up']);
    expect(link.nodes).toEqual(['one']);
  });

  test('is lost after two beats that fail, told once, and back with all that was missed', async () => {
    const { link, told, state, pass } = linkOf();
    await link.start();
    state.isAway = true;
    await pass(interval);
    expect(link.isUp).toBe(true);
    await pass(10 * interval);
    expect(link.isUp).toBe(false);
    state.isAway = false;
    await pass(interval);
    expect(told).toEqual(['return', 'up', 'lost', 'return', 'up']);
    expect(link.lostTimes).toBe(1);
  });

  test('is lost at once when the connection goes', async () => {
    const { link, told } = linkOf();
    await link.start();
    link.disconnected();
    expect(link.isUp).toBe(false);
    expect(told.at(-1)).toBe('lost');
  });

  test('that starts without the store says so, and goes on asking', async () => {
    const { link, told, state, pass } = linkOf();
    state.isAway = true;
    await link.start();
    expect(told).toEqual(['lost']);
    state.isAway = false;
    await pass(interval);
    expect(told).toEqual(['lost', 'return', 'up']);
  });

  test('tells the store again after a doubt, without being lost', async () => {
    const { link, told, pass } = linkOf();
    await link.start();
    link.doubt();
    await pass(interval);
    expect(told).toEqual(['return', 'up', 'return']);
    await pass(4 * interval);
    expect(told).toHaveLength(3);
  });

  test('is not lost by one answer that is late while it is told again', async () => {
    const made = linkOf();
    await made.link.start();
    made.link.doubt();
    made.failsReturn = true;
    await made.pass(interval);
    expect([made.link.isUp, made.told.includes('lost')]).toEqual([true, false]);
    await made.pass(interval);
    expect(made.link.isUp).toBe(false);
  });

  test('is not up while the store cannot be told', async () => {
    const made = linkOf();
    made.failsReturn = true;
    await made.link.start();
    expect(made.link.isUp).toBe(false);
    made.failsReturn = false;
    await made.pass(interval);
    expect(made.link.isUp).toBe(true);
  });

  test('tells of what other nodes said', async () => {
    const { link, state, events, pass } = linkOf();
    await link.start();
    state.events.push({ node: 'two', kind: 'ban', body: '{}' });
    await pass(interval);
    expect(events).toEqual([{ node: 'two', kind: 'ban', body: '{}' }]);
  });

  test('ends when another process is the node, and beats no more', async () => {
    const { link, told, other, pass } = linkOf();
    await link.start();
    await other.own('at-once');
    await pass(4 * interval);
    expect(told).toEqual(['return', 'up', 'replaced']);
    expect((await other.beat(undefined)).isOwner).toBe(true);
  });

  test('does not end for a successor on its machine, and is the node again when that one has ended', async () => {
    const { link, told, other, store, pass } = linkOf();
    await link.start();
    link.hold();
    await other.own('at-once');
    await pass(2 * interval);
    expect(told).toEqual(['return', 'up']);
    await expect(store.writeCalls([], [])).rejects.toMatchObject({ code: 'not-owner' });
    await link.carryOn();
    // What the other one said of its calls is said again.
    expect(told).toEqual(['return', 'up', 'return']);
    await expect(store.writeCalls([], [])).resolves.toBeUndefined();
    await pass(4 * interval);
    expect(told).toHaveLength(3);
  });

  test('is the node again at once where the successor was it, and ended, between two beats', async () => {
    const { link, told, other, store, pass } = linkOf();
    await link.start();
    link.hold();
    await other.own('at-once');
    await link.carryOn();
    await expect(store.writeCalls([], [])).resolves.toBeUndefined();
    await pass(4 * interval);
    expect(told).toEqual(['return', 'up', 'return']);
  });

  test('goes on beating for a successor that has not become the node, and tells nothing anew after it', async () => {
    const { link, told, state, pass } = linkOf();
    await link.start();
    const before = state.node('one').owner?.until ?? 0;
    link.hold();
    await pass(4 * interval);
    expect(state.node('one').owner?.until).toBeGreaterThan(before);
    await link.carryOn();
    await pass(interval);
    expect(told).toEqual(['return', 'up']);
  });

  test('has been replaced when another machine became the node meanwhile', async () => {
    const { link, told, state, pass } = linkOf();
    const elsewhere = new FakeSharedStore({
      state,
      node: 'one',
      run: 'run-3',
      machine: 'elsewhere',
      now: () => Number.MAX_SAFE_INTEGER,
    });
    await link.start();
    link.hold();
    await elsewhere.own('at-once');
    await pass(interval);
    expect(told).not.toContain('replaced');
    await link.carryOn();
    expect(told.at(-1)).toBe('replaced');
  });
});
