// Calls, registrations and bans of one node in the store that nodes share: what is there, and what is not lost while it is away.
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { BindingRecord } from '../../../../src/registration/location.ts';
import { type KeyRing, parseKeyFile } from '../../../../src/sip/auth/sealing.ts';
import { MemoryLocationStore } from '../../../../src/store/memory/location-store.ts';
import { SealingWriter } from '../../../../src/store/shared/call-writer.ts';
import { SharedBans } from '../../../../src/store/shared/shared-bans.ts';
import { gatheredFor, SharedCalls } from '../../../../src/store/shared/shared-calls.ts';
import { SharedLocations } from '../../../../src/store/shared/shared-locations.ts';
import { FakeSharedState, FakeSharedStore } from '../../../support/fake-shared-store.ts';
import { FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';
import { MemoryBanStore } from '../../../support/memory-ban-store.ts';

const aor = 'alice@pbx.test';

class Node {
  readonly scheduler = new FakeScheduler();
  readonly link = {
    isUp: true,
    doubts: 0,
    doubt: () => {
      this.link.doubts += 1;
    },
  };
  readonly store: FakeSharedStore;
  readonly troubles: string[] = [];
  readonly own = new MemoryLocationStore();
  readonly ownBans = new MemoryBanStore();
  readonly calls: SharedCalls;
  readonly locations: SharedLocations;
  readonly bans: SharedBans;

  constructor(state: FakeSharedState, node: string, run = `run-${node}`, keys = ring(7)) {
    const { link, scheduler } = this;
    const logger = silentLogger;
    this.store = new FakeSharedStore({ state, node, run, now: () => scheduler.clock.wall() });
    const { store } = this;
    const writer = new SealingWriter({ store, keys, random: new SeededRandom() });
    const onTrouble = (detail: string): void => void this.troubles.push(detail);
    this.calls = new SharedCalls({ run, store, writer, link, keys, onTrouble, scheduler, logger });
    this.locations = new SharedLocations({ node, run, store, link, own: this.own, logger });
    this.bans = new SharedBans({ store, link, own: this.ownBans, logger });
  }

  async settle(): Promise<void> {
    this.scheduler.advance(gatheredFor);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('calls in the shared store', () => {
  test('are read by the next process of the node, sealed under the key of the site', async () => {
    const state = new FakeSharedState();
    const first = new Node(state, 'one', 'run-1');
    first.calls.write(
      [
        { id: 'b', document: 'keys: B' },
        { id: 'a', document: 'A' },
      ],
      [],
    );
    first.calls.write([{ id: 'a', document: 'A2' }], ['c']);
    await first.settle();
    expect(JSON.stringify([...state.node('one').calls])).not.toContain('keys: B');
    state.node('one').owner = undefined;
    const next = new Node(state, 'one', 'run-2');
    await next.calls.fetch();
    expect(next.calls.load()).toEqual({
      calls: [
        { id: 'a', document: 'A2' },
        { id: 'b', document: 'keys: B' },
      ],
      unreadable: [],
    });
    const stranger = new Node(state, 'one', 'run-3', ring(8));
    await stranger.calls.fetch();
    expect(stranger.calls.load()).toEqual({ calls: [], unreadable: ['a', 'b'] });
  });

  test('go together when they come within 50 ms, and at once when they are asked for', async () => {
    const { calls, scheduler, store } = new Node(new FakeSharedState(), 'one');
    const written: string[][] = [];
    const write = store.writeCalls.bind(store);
    store.writeCalls = (put, remove) => {
      written.push([...put.map(({ id }) => id), ...remove.map((id) => `-${id}`)]);
      return write(put, remove);
    };
    calls.write([{ id: 'a', document: 'A' }], []);
    scheduler.advance(gatheredFor - 1);
    calls.write([{ id: 'b', document: 'B' }], ['a']);
    expect(written).toEqual([]);
    scheduler.advance(1);
    expect(written).toEqual([['b', '-a']]);
    calls.write([{ id: 'c', document: 'C' }], []);
    await calls.flush();
    expect(written).toHaveLength(2);
    expect(calls.waiting).toBe(0);
  });

  test('wait while the store is away, the last state of each, and go there when it is back', async () => {
    const state = new FakeSharedState();
    const { calls, link, settle, store } = withSettle(new Node(state, 'one'));
    link.isUp = false;
    calls.write(
      [
        { id: 'a', document: 'A' },
        { id: 'b', document: 'B' },
      ],
      [],
    );
    calls.write([{ id: 'a', document: 'A2' }], ['b']);
    await settle();
    expect(calls.waiting).toBe(2);
    link.isUp = true;
    calls.returned();
    await settle();
    expect(calls.waiting).toBe(0);
    expect(await store.calls()).toMatchObject([{ id: 'a' }]);
  });

  test('that the store does not take, though it answers, are told of once until it does', async () => {
    const { calls, settle, troubles, store } = withSettle(new Node(new FakeSharedState(), 'one'));
    const write = store.writeCalls.bind(store);
    const refuses = (): Promise<void> => Promise.reject(new Error('no permission'));
    calls.write([{ id: 'a', document: 'A' }], []);
    for (const takes of [false, false, false, true, false, false]) {
      store.writeCalls = takes ? write : refuses;
      if (takes) calls.write([{ id: 'b', document: 'B' }], []);
      calls.returned();
      await settle();
      calls.write([{ id: 'c', document: 'C' }], []);
    }
    expect(troubles).toEqual(['no permission', 'no permission']);
  });

  test('that may not have arrived wait too, and newer ones are not overwritten by them', async () => {
    const state = new FakeSharedState();
    const { calls, link, settle, store } = withSettle(new Node(state, 'one'));
    state.isAway = true;
    calls.write([{ id: 'a', document: 'A' }], []);
    await settle();
    expect(link.doubts).toBe(1);
    calls.write([], ['a']);
    state.isAway = false;
    calls.returned();
    await settle();
    expect(await store.calls()).toEqual([]);
  });
});

describe('registrations in the shared store', () => {
  test('name the node whose flow they stand on', async () => {
    const state = new FakeSharedState();
    const [one, two] = [new Node(state, 'one'), new Node(state, 'two')];
    await one.locations.save(aor, [binding('phone', 'flow-1')]);
    expect(await one.locations.find(aor)).toEqual([binding('phone', 'flow-1')]);
    expect(await two.locations.find(aor)).toEqual([{ ...binding('phone', 'node:one:run-one:flow-1'), node: 'one' }]);
    expect(await two.locations.all()).toHaveLength(1);
  });

  test('of an earlier process of the node stand on flows that no live one has', async () => {
    const state = new FakeSharedState();
    await new Node(state, 'one', 'run-1').locations.save(aor, [binding('phone', 'flow-1')]);
    const [found] = await new Node(state, 'one', 'run-2').locations.find(aor);
    expect(found).toMatchObject({ flowId: 'earlier-run:run-1:flow-1' });
    expect(found?.node).toBeUndefined();
  });

  test('made at two nodes at once are both there: each changes only what it knew', async () => {
    const state = new FakeSharedState();
    const [one, two] = [new Node(state, 'one'), new Node(state, 'two')];
    const before = await one.locations.find(aor);
    await two.locations.save(aor, [binding('desk', 'flow-9')], await two.locations.find(aor));
    await one.locations.save(aor, [...before, binding('phone', 'flow-1')], before);
    expect((await one.locations.find(aor)).map(({ key }) => key).toSorted()).toEqual(['desk', 'phone']);
    const both = await one.locations.find(aor);
    await one.locations.save(
      aor,
      both.filter(({ key }) => key !== 'desk'),
      both,
    );
    expect((await two.locations.find(aor)).map(({ key }) => key)).toEqual(['phone']);
  });

  test('are found and made without the store, and there again when it is back, even when it has forgotten all', async () => {
    const state = new FakeSharedState();
    const { locations, link } = new Node(state, 'one');
    await locations.save('bob@pbx.test', [{ ...binding('old', 'flow-0'), aor: 'bob@pbx.test' }]);
    await locations.save(aor, [binding('gone', 'flow-5')]);
    link.isUp = false;
    const before = await locations.find(aor);
    await locations.save(aor, [binding('phone', 'flow-1')], before);
    expect((await locations.find(aor)).map(({ key }) => key)).toEqual(['phone']);
    link.isUp = true;
    await locations.tell();
    expect((await locations.find(aor)).map(({ key }) => key)).toEqual(['phone']);
    state.forget();
    await locations.tell();
    expect((await locations.all()).map(({ key }) => key).toSorted()).toEqual(['old', 'phone']);
  });

  test('are served from what the node knows when the store does not answer', async () => {
    const state = new FakeSharedState();
    const { locations, link } = new Node(state, 'one');
    await locations.save(aor, [binding('phone', 'flow-1')]);
    state.isAway = true;
    expect(await locations.find(aor)).toHaveLength(1);
    await locations.save(aor, [], await locations.find(aor));
    expect(link.doubts).toBe(3);
    state.isAway = false;
    await locations.tell();
    expect(await locations.find(aor)).toEqual([]);
  });
});

describe('bans in the shared store', () => {
  const ban = { source: '192.0.2.9', account: undefined, reason: 'malformed', until: 9, times: 1 } as const;

  test('are told to the other nodes, and lifted there too', async () => {
    const state = new FakeSharedState();
    const [one, two] = [new Node(state, 'one'), new Node(state, 'two')];
    one.bans.keep(ban);
    await one.settle();
    expect(await two.bans.fetch()).toEqual([ban]);
    expect(two.bans.load()).toEqual([ban]);
    one.bans.forget(ban);
    await one.settle();
    expect(state.events.map(({ kind }) => kind)).toEqual(['ban', 'ban-lifted']);
    expect(await two.bans.fetch()).toEqual([]);
    expect(one.bans.load()).toEqual([]);
  });

  test('of a time without the store are told when it is back', async () => {
    const state = new FakeSharedState();
    const { bans, link, settle, store } = withSettle(new Node(state, 'one'));
    link.isUp = false;
    bans.keep(ban);
    bans.keep({ ...ban, until: 99, times: 2 });
    await settle();
    expect(await store.bans()).toEqual([]);
    await bans.tell();
    await bans.tell();
    expect(await store.bans()).toMatchObject([{ until: 99 }]);
    expect(state.events).toHaveLength(1);
  });
});

function withSettle(
  node: Node,
): Pick<Node, 'calls' | 'link' | 'store' | 'bans' | 'troubles'> & { settle(): Promise<void> } {
  const { calls, link, store, bans, troubles } = node;
  return { calls, link, store, bans, troubles, settle: () => node.settle() };
}

function ring(byte: number): KeyRing {
  const parsed = parseKeyFile(`k1:${Buffer.alloc(32, byte).toString('base64')}`);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function binding(key: string, flowId: string): BindingRecord {
  return {
    v: 3,
    aor,
    contact: `sip:${key}@192.0.2.1`,
    key,
    callId: 'registration',
    sequence: 1,
    priority: 1,
    expiresAt: Date.UTC(2100, 0, 1),
    flowId,
    listener: 'phones',
    userAgent: undefined,
    datagram: undefined,
    path: [],
  };
}
