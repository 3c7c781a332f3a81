// Several nodes on one shared store, in a fake one and in Redis: leases of nodes that die, takeovers, and what is told to others.
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { BudgetClaim, Claim, RateClaim } from '../../../../src/policy/verdict.ts';
import type { BindingRecord } from '../../../../src/registration/location.ts';
import { SharedReservations } from '../../../../src/store/shared/shared-reservations.ts';
import type { SharedStore } from '../../../../src/store/shared/shared-store.ts';
import { FakeSharedState, FakeSharedStore } from '../../../support/fake-shared-store.ts';
import { FakeClock } from '../../../support/fake-time.ts';
import { redisIsMissing } from '../../../support/redis-server.ts';
import { TestRedis } from '../redis/redis.ts';

interface Site {
  readonly clock: FakeClock;
  open(node: string, run?: string, machine?: string): Promise<SharedStore>;
  close(): void;
}

const lease = 10_000;
const takeover = 1_000;
const minute = 60_000;

function fakeSite(): Site {
  const state = new FakeSharedState();
  const clock = new FakeClock();
  return {
    clock,
    open: (node, run = `run-${node}`, machine = run) =>
      Promise.resolve(new FakeSharedStore({ state, node, run, machine, now: () => clock.wall(), lease, takeover })),
    close: () => {},
  };
}

describe.each([
  ['a fake store', undefined],
  ['Redis', redisIsMissing()],
] as const)('nodes on %s', (name, missing) => {
  const redis = name === 'Redis' && missing === undefined ? new TestRedis() : undefined;

  function newSite(): Site {
    if (redis === undefined) return fakeSite();
    const clock = new FakeClock();
    const prefix = redis.newPrefix();
    const opened: { close(): void }[] = [];
    return {
      clock,
      open: async (node, run = `run-${node}`, machine = run) => {
        const one = await redis.open({ prefix, node, run, machine, lease, takeover, clock });
        opened.push(one);
        return one.store;
      },
      close: () => {
        for (const one of opened) one.close();
      },
    };
  }

  async function withSite(work: (site: Site) => Promise<void>): Promise<void> {
    const site = newSite();
    try {
      await work(site);
    } finally {
      site.close();
    }
  }

  const on = missing === undefined ? test : test.skip;

  on('count the same caps: what one holds the other one does not get', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      expect(await one.reserve('a', [claimOf('user:alice', 2)])).toMatchObject({ kind: 'granted' });
      expect(await two.reserve('b', [claimOf('user:alice', 2)])).toMatchObject({ kind: 'granted' });
      expect(await one.reserve('c', [claimOf('user:alice', 2)])).toMatchObject({ kind: 'full', held: 2 });
      await two.release('b', ['user:alice'], 0);
      expect(await one.reserve('c', [claimOf('user:alice', 2)])).toMatchObject({ kind: 'granted' });
    }),
  );

  on('that are silent for their lease give their slots back, and not before', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      await one.reserve('a', [claimOf('user:alice', 1)]);
      site.clock.move(lease - 1);
      await two.beat(undefined);
      expect(await two.reserve('b', [claimOf('user:alice', 1)])).toMatchObject({ kind: 'full' });
      site.clock.move(2);
      await two.beat(undefined);
      expect(await two.reserve('b', [claimOf('user:alice', 1)])).toMatchObject({ kind: 'granted' });
    }),
  );

  on('that beat keep them', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      await one.reserve('a', [claimOf('user:alice', 1)]);
      for (let passed = 0; passed < 3 * lease; passed += lease / 2) {
        site.clock.move(lease / 2);
        expect((await one.beat(undefined)).nodes).toContain('one');
        await two.beat(undefined);
      }
      expect(await two.reserve('b', [claimOf('user:alice', 1)])).toMatchObject({ kind: 'full' });
    }),
  );

  on('that were only cut off assert what they hold when they are back, even above the cap', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      await one.reserve('a', [claimOf('user:alice', 1)]);
      site.clock.move(lease + 1);
      await two.beat(undefined);
      await two.reserve('b', [claimOf('user:alice', 1)]);
      const held = [{ owner: 'a', key: 'user:alice', held: { kind: 'slot' } }] as const;
      await one.reassert({ held, undecided: [], settled: [], isSuccessor: false });
      expect(await two.reserve('c', [claimOf('user:alice', 2)])).toMatchObject({ kind: 'full', held: 2 });
      await one.release('a', ['user:alice'], 0);
      expect(await two.reserve('c', [claimOf('user:alice', 2)])).toMatchObject({ kind: 'granted' });
    }),
  );

  on('give up what they do not name when they say what they hold, and leave alone what was not answered yet', () =>
    withSite(async (site) => {
      const one = await site.open('one');
      for (const call of ['gone', 'asked', 'held']) await one.reserve(call, [claimOf('user:alice', 9)]);
      const held = [{ owner: 'held', key: 'user:alice', held: { kind: 'slot' } }] as const;
      const undecided = [{ owner: 'asked', key: 'user:alice' }];
      await one.reassert({ held, undecided, settled: [], isSuccessor: false });
      expect((await one.held()).map(({ owner }) => owner).toSorted()).toEqual(['asked', 'held']);
      expect(await one.reserve('next', [claimOf('user:alice', 2)])).toMatchObject({ kind: 'full', held: 2 });
    }),
  );

  on(
    'share the talking time of a budget, and what a dead one leased counts as used for as long as it may have talked',
    () =>
      withSite(async (site) => {
        const [one, two] = [await site.open('one'), await site.open('two')];
        const budget = budgetOf(10 * minute, 6 * minute);
        expect(await one.reserve('a', [budget])).toMatchObject({ leases: [{ held: { lease: 6 * minute } }] });
        expect(await two.reserve('b', [budget])).toMatchObject({ leases: [{ held: { lease: 4 * minute } }] });
        await two.release('b', ['day'], minute);
        site.clock.move(2 * minute);
        await two.beat(undefined);
        // One minute of b, two of a that are past; a does not live any more.
        expect(await two.reserve('c', [budget])).toMatchObject({ leases: [{ held: { lease: 6 * minute } }] });
        expect(await two.reserve('d', [budget])).toMatchObject({ leases: [{ held: { lease: minute } }] });
        expect(await two.reserve('e', [budget])).toMatchObject({ kind: 'full', held: 10 * minute });
      }),
  );

  on('share rates', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      const rate: RateClaim = { ...claimOf('calls', 2), kind: 'rate', window: minute };
      await one.reserve('a', [rate]);
      site.clock.move(minute / 2);
      await two.reserve('b', [rate]);
      expect(await two.reserve('c', [rate])).toMatchObject({ kind: 'full', held: 2 });
      site.clock.move(minute / 2);
      expect(await one.reserve('c', [rate])).toMatchObject({ kind: 'granted' });
    }),
  );

  on('are one process each: the next one waits for the time of a takeover, and the one before is fenced off then', () =>
    withSite(async (site) => {
      const first = await site.open('pair', 'run-1');
      const standby = await site.open('pair', 'run-2');
      expect(await first.own('when-free')).toBe(true);
      expect(await standby.own('when-free')).toBe(false);
      site.clock.move(takeover - 1);
      expect((await first.beat(undefined)).isOwner).toBe(true);
      site.clock.move(takeover - 1);
      expect(await standby.own('when-free')).toBe(false);
      site.clock.move(1);
      expect(await standby.own('when-free')).toBe(true);
      expect((await first.beat(undefined)).isOwner).toBe(false);
      await expect(first.reserve('a', [claimOf('user:alice', 1)])).rejects.toMatchObject({ code: 'not-owner' });
      await expect(first.writeCalls([{ id: 'a', document: 'x' }], [])).rejects.toMatchObject({ code: 'not-owner' });
      expect(await standby.calls()).toEqual([]);
    }),
  );

  on('are taken at once by who is told to, and free at once after an orderly end', () =>
    withSite(async (site) => {
      const first = await site.open('pair', 'run-1');
      const second = await site.open('pair', 'run-2');
      await first.own('when-free');
      await first.reserve('a', [claimOf('user:alice', 1)]);
      expect(await second.own('at-once')).toBe(true);
      expect((await first.beat(undefined)).isOwner).toBe(false);
      await second.disown();
      expect(await first.own('when-free')).toBe(true);
      expect(await first.held()).toEqual([]);
    }),
  );

  on('are the node again at once on the machine that was it last, and nowhere else', () =>
    withSite(async (site) => {
      const crashed = await site.open('pair', 'run-1', 'here');
      await crashed.own('at-once');
      await crashed.beat(undefined);
      expect(await (await site.open('pair', 'run-2', 'there')).own('again')).toBe(false);
      const next = await site.open('pair', 'run-3', 'here');
      expect(await next.own('again')).toBe(true);
      expect((await next.beat(undefined)).isOwner).toBe(true);
      const other = await site.open('pair', 'run-4', 'there');
      await other.own('at-once');
      expect(await (await site.open('pair', 'run-5', 'here')).own('again')).toBe(false);
    }),
  );

  on('tell each other, once, and not what was told before they came', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      await one.tell('ban', '1');
      const first = await two.beat(undefined);
      expect(first.events).toEqual([]);
      await one.tell('ban', '2');
      await two.tell('ban', 'own');
      const second = await two.beat(first.cursor);
      expect(second.events).toEqual([{ node: 'one', kind: 'ban', body: '2' }]);
      expect((await two.beat(second.cursor)).events).toEqual([]);
      expect(second.hasMissed).toBe(false);
    }),
  );

  on('know where a phone is registered; one that moved is found at its new node only', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      await one.changeBindings('alice@pbx.test', [binding('phone', 'flow-1', 1)], []);
      await one.changeBindings('alice@pbx.test', [binding('desk', 'flow-2', 1)], []);
      await two.changeBindings('alice@pbx.test', [binding('phone', 'flow-1', 2)], []);
      const found = await one.bindings('alice@pbx.test');
      expect(found.map(({ node, record }) => `${record.key} at ${node}`).toSorted()).toEqual([
        'desk at one',
        'phone at two',
      ]);
      expect(await two.allBindings()).toHaveLength(2);
    }),
  );

  on('remove a binding only as they knew it', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      await one.changeBindings('alice@pbx.test', [binding('phone', 'flow-1', 1)], []);
      const known = await one.bindings('alice@pbx.test');
      await two.changeBindings('alice@pbx.test', [binding('phone', 'flow-1', 2)], []);
      await one.changeBindings('alice@pbx.test', [], known);
      expect(await one.bindings('alice@pbx.test')).toMatchObject([{ node: 'two' }]);
      await two.changeBindings('alice@pbx.test', [], await two.bindings('alice@pbx.test'));
      expect(await one.bindings('alice@pbx.test')).toEqual([]);
      expect(await one.allBindings()).toEqual([]);
    }),
  );

  on('keep calls for the process that is the node next, and bans for all', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      await one.writeCalls(
        [
          { id: 'b', document: 'B' },
          { id: 'a', document: 'A' },
        ],
        [],
      );
      await one.writeCalls([{ id: 'a', document: 'A2' }], ['b', 'never']);
      expect(await (await site.open('one', 'run-2')).calls()).toEqual([{ id: 'a', document: 'A2' }]);
      expect(await two.calls()).toEqual([]);
      const ban = { source: '192.0.2.1', account: undefined, reason: 'malformed', until: 5, times: 1 } as const;
      await one.keepBan(ban);
      await one.keepBan({ ...ban, account: 'alice', times: 2 });
      expect((await two.bans()).map(({ account, times }) => [account, times]).toSorted()).toEqual(
        [
          ['alice', 2],
          [undefined, 1],
        ].toSorted(),
      );
      await two.forgetBan({ source: '192.0.2.1' });
      expect(await one.bans()).toMatchObject([{ account: 'alice' }]);
    }),
  );

  on('have the secret that the first of them offered', () =>
    withSite(async (site) => {
      const [one, two] = [await site.open('one'), await site.open('two')];
      expect(await one.secret('nonces', 'x')).toBe('x');
      expect(await two.secret('nonces', 'y')).toBe('x');
    }),
  );
});

describe('while the shared store is away', () => {
  function node(onLoss: 'refuse' | 'local'): {
    readonly state: FakeSharedState;
    readonly store: FakeSharedStore;
    readonly link: { isUp: boolean; isDoubtful: boolean; doubt(): void };
    readonly reservations: SharedReservations;
    readonly clock: FakeClock;
  } {
    const clock = new FakeClock();
    const state = new FakeSharedState();
    const store = new FakeSharedStore({ state, node: 'one', run: 'run-1', now: () => clock.wall() });
    const link = {
      isUp: true,
      isDoubtful: false,
      doubt: () => {
        link.isDoubtful = true;
      },
    };
    const isOwn = (key: string): boolean => key === 'total';
    const reservations = new SharedReservations({ store, link, onLoss, isOwn, clock, logger: silentLogger });
    reservations.settleEarlier(() => false);
    return { state, store, link, reservations, clock };
  }

  test('calls are refused by "refuse", and what claims nothing of others goes on', async () => {
    const { link, reservations } = node('refuse');
    link.isUp = false;
    const refused = reservations.reserve('a', [claimOf('total', 9), claimOf('user:alice', 1)]);
    await expect(refused).rejects.toMatchObject({ code: 'store-lost' });
    expect(reservations.held()).toBe(0);
    expect(await reservations.reserve('emergency', [claimOf('total', 9)])).toEqual({ kind: 'granted' });
    expect(reservations.held()).toBe(1);
  });

  test('calls are counted by this node alone by "local", and told when it is back', async () => {
    const { state, store, link, reservations } = node('local');
    link.isUp = false;
    state.isAway = true;
    expect(await reservations.reserve('a', [claimOf('user:alice', 1)])).toEqual({ kind: 'granted' });
    expect(await reservations.reserve('b', [claimOf('user:alice', 1)])).toMatchObject({ kind: 'full', held: 1 });
    state.isAway = false;
    link.isUp = true;
    await reservations.tell();
    expect(await store.held()).toEqual([{ owner: 'a', key: 'user:alice', held: { kind: 'slot' } }]);
  });

  test('what was granted and its answer lost is counted once, or given back', async () => {
    for (const onLoss of ['local', 'refuse'] as const) {
      const { store, link, reservations } = node(onLoss);
      store.losesAnswers = true;
      const asked = reservations.reserve('a', [claimOf('user:alice', 1)]);
      if (onLoss === 'local') expect(await asked).toEqual({ kind: 'granted' });
      else await expect(asked).rejects.toMatchObject({ code: 'store-lost' });
      expect(link.isDoubtful).toBe(true);
      store.losesAnswers = false;
      await reservations.tell();
      expect(await store.held()).toHaveLength(onLoss === 'local' ? 1 : 0);
    }
  });

  test('talking time that ends meanwhile is charged once, whether the store knew of the lease or not', async () => {
    const { state, store, link, reservations } = node('local');
    const budget = budgetOf(60 * minute, 10 * minute);
    await reservations.tell();
    await reservations.reserve('known', [budget]);
    link.isUp = false;
    state.isAway = true;
    await reservations.reserve('local', [budget]);
    await reservations.release('known', undefined, 3 * minute);
    await reservations.release('local', undefined, 4 * minute);
    link.isUp = true;
    state.isAway = false;
    await reservations.tell();
    await reservations.tell();
    expect(state.used.get('day')).toBe(7 * minute);
    expect(await store.held()).toEqual([]);
  });

  test('a store that forgot everything learns of all that is held', async () => {
    const { state, store, reservations } = node('refuse');
    await reservations.tell();
    await reservations.reserve('a', [claimOf('user:alice', 3), claimOf('total', 9), budgetOf(minute * 9, minute)]);
    state.forget();
    await reservations.tell();
    expect((await store.held()).map(({ key }) => key).toSorted()).toEqual(['day', 'user:alice']);
  });

  test('a successor keeps what goes on, the talking time that it had leased too, and gives up the rest', async () => {
    const { state, clock } = node('refuse');
    const store = new FakeSharedStore({ state, node: 'one', run: 'run-1', now: () => clock.wall() });
    const budget = budgetOf(60 * minute, 10 * minute);
    for (const call of ['goes-on', 'ended']) await store.reserve(call, [claimOf('user:alice', 9), budget]);
    clock.move(2 * minute);
    const link = { isUp: true, doubt: () => {} };
    const next = new SharedReservations({
      store,
      link,
      onLoss: 'refuse',
      isOwn: () => false,
      clock,
      logger: silentLogger,
    });
    next.restore({ v: 1, owners: [{ owner: 'goes-on', keys: ['user:alice'] }] });
    await next.tell();
    expect(await store.held()).toHaveLength(4);
    next.settleEarlier((owner) => owner === 'goes-on');
    await next.tell();
    expect((await store.held()).map(({ owner }) => owner)).toEqual(['goes-on', 'goes-on']);
    expect(next.held()).toBe(2);
    expect(state.used.get('day')).toBe(2 * minute);
    await next.release('goes-on', undefined, 5 * minute);
    expect(state.used.get('day')).toBe(7 * minute);
  });
});

function claimOf(key: string, cap: number): Extract<Claim, { kind: 'slot' }> {
  return { kind: 'slot', key, cap, refusal: { code: 'user-cap', status: 486, text: 'full', detail: key } };
}

function budgetOf(cap: number, wanted: number): BudgetClaim {
  return { ...claimOf('day', cap), kind: 'budget', wanted, until: Date.UTC(2100, 0, 1) };
}

function binding(key: string, flowId: string, sequence: number): BindingRecord {
  return {
    v: 3,
    aor: 'alice@pbx.test',
    contact: `sip:${key}@192.0.2.1`,
    key,
    callId: 'registration',
    sequence,
    priority: 1,
    expiresAt: Date.UTC(2100, 0, 1),
    flowId,
    listener: 'phones',
    userAgent: undefined,
    datagram: undefined,
    path: [],
  };
}
