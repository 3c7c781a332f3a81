// One node of a site as a whole: what it tells the others, hears of them, and does about a store that goes and comes.
import { describe, expect, test } from 'vitest';
import { readFraudEvent, readHold } from '../../../../src/compose/nodes/node-events.ts';
import { siteKeys } from '../../../../src/compose/nodes/shared-secrets.ts';
import { SharedSite, type SharedSiteUser } from '../../../../src/compose/nodes/shared-site.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { Alert } from '../../../../src/policy/alert.ts';
import { SealingWriter } from '../../../../src/store/shared/call-writer.ts';
import { FakeSharedState, FakeSharedStore } from '../../../support/fake-shared-store.ts';
import { FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';
import { MemoryPlace } from '../../../support/memory-place.ts';
import { scenarioConfig } from '../../../support/scenario-config.ts';

const keys = siteKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`, 'SITE_KEY');
const heartbeat = 250;

class TestNode {
  readonly heard: (readonly unknown[])[] = [];
  readonly alerts: Alert[] = [];
  readonly site: SharedSite;
  replaced = 0;

  private constructor(site: (node: TestNode) => SharedSite) {
    this.site = site(this);
  }

  static open(state: FakeSharedState, scheduler: FakeScheduler, name: string, more = ''): TestNode {
    const own = new MemoryPlace().open(`run-${name}`, scheduler.clock.wall());
    const config = scenarioConfig({
      tables: `[store]\nurl = "redis://10.0.0.7"\nkey_env = "K"\n${more}\n[cluster]\nnode = "${name}"`,
    });
    const run = `run-${name}`;
    const store = new FakeSharedStore({ state, node: name, run, now: () => scheduler.clock.wall() });
    return new TestNode(
      (node) =>
        new SharedSite({
          config,
          store,
          writer: new SealingWriter({ store, keys, random: new SeededRandom() }),
          keys,
          run,
          own,
          scheduler,
          logger: silentLogger,
          onAlert: (alert) => node.alerts.push(alert),
          onReplaced: () => {
            node.replaced += 1;
          },
        }),
    );
  }

  async begin(): Promise<void> {
    const note =
      (kind: string) =>
      (...what: readonly unknown[]): void =>
        void this.heard.push([kind, ...what]);
    const user: SharedSiteUser = {
      banned: note('banned'),
      banLifted: note('ban-lifted'),
      keepAnew: note('keep-anew'),
      counted: note('counted'),
      held: note('held'),
      holdLifted: note('hold-lifted'),
      deviceDecided: note('device-decided'),
      deviceForgotten: note('device-forgotten'),
    };
    expect(await this.site.begin()).toBe(true);
    this.site.attach(user);
  }
}

async function pass(scheduler: FakeScheduler, millis: number): Promise<void> {
  for (let left = millis; left > 0; left -= heartbeat) {
    scheduler.advance(Math.min(left, heartbeat));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function twoNodes(more = ''): Promise<{
  readonly state: FakeSharedState;
  readonly scheduler: FakeScheduler;
  readonly one: TestNode;
  readonly two: TestNode;
}> {
  const state = new FakeSharedState();
  const scheduler = new FakeScheduler();
  const [one, two] = [TestNode.open(state, scheduler, 'one', more), TestNode.open(state, scheduler, 'two', more)];
  await one.begin();
  await two.begin();
  return { state, scheduler, one, two };
}

const ban = { source: '192.0.2.9', account: undefined, reason: 'malformed', until: 9e12, times: 1 } as const;
const hold = {
  subject: 'user:alice@pbx.test',
  action: 'refuse',
  of: undefined,
  rule: 'r',
  since: 1,
  until: 9e12,
} as const;
const device = {
  id: '0123456789abcdef',
  aor: 'alice@pbx.test',
  description: 'a phone',
  state: 'approved',
  source: '192.0.2.1',
  firstAt: 1,
  decidedAt: 2,
  decidedBy: 'admin',
} as const;
const call = {
  id: 'c',
  subject: 'user:alice@pbx.test',
  number: '600',
  country: undefined,
  classes: [],
  isOutOfHours: false,
};

describe('nodes of a site', () => {
  test('hear of each other within a heartbeat: bans, what fraud detection counts and holds, devices', async () => {
    const { scheduler, one, two } = await twoNodes();
    one.site.stores.bans.keep(ban);
    one.site.stores.bans.forget(ban);
    one.site.others.counted({ type: 'attempted', at: 1, call, admitted: true });
    one.site.others.held(hold);
    one.site.others.lifted(hold.subject);
    one.site.others.decided(device);
    one.site.others.forgotten(device);
    await pass(scheduler, 2 * heartbeat);
    const kinds = ['banned', 'ban-lifted', 'counted', 'held', 'hold-lifted', 'device-decided', 'device-forgotten'];
    expect(two.heard.map(([kind]) => kind)).toEqual(kinds);
    expect(two.heard).toContainEqual(['device-decided', device]);
    expect(two.heard).toContainEqual(['device-forgotten', device.id]);
    expect(two.heard).toContainEqual(['banned', ban]);
    expect(two.heard).toContainEqual(['hold-lifted', hold.subject]);
    expect(one.heard).toEqual([]);
  });

  test('know who is alive', async () => {
    const { scheduler, one, two } = await twoNodes();
    await pass(scheduler, heartbeat);
    expect([one.site.isNodeAlive('two'), one.site.isNodeAlive('three')]).toEqual([true, false]);
    await two.site.close();
    await pass(scheduler, heartbeat);
    expect(one.site.isNodeAlive('two')).toBe(false);
  });

  test('read nothing into what they cannot read', async () => {
    const { state, scheduler, two } = await twoNodes();
    state.events.push({ node: 'one', kind: 'fraud', body: '{"type":"attempted"}' });
    state.events.push({ node: 'one', kind: 'ban', body: 'no JSON' });
    state.events.push({ node: 'one', kind: 'of a later version', body: '{}' });
    await pass(scheduler, heartbeat);
    expect(two.heard).toEqual([]);
    expect(two.site.link.isUp).toBe(true);
  });
});

describe('a store that goes and comes', () => {
  test('is an alert each time, refuses calls by "refuse" meanwhile, and has calls kept anew', async () => {
    const { state, scheduler, one } = await twoNodes();
    expect([one.alerts, one.site.refusesCalls]).toEqual([[], false]);
    state.isAway = true;
    await pass(scheduler, 3 * heartbeat);
    expect(one.site.refusesCalls).toBe(true);
    state.isAway = false;
    state.bans.set(ban.source, ban);
    await pass(scheduler, 2 * heartbeat);
    expect(one.site.refusesCalls).toBe(false);
    expect(one.alerts).toEqual([
      { kind: 'store-lost', node: 'one', newCalls: 'refuse' },
      { kind: 'store-back', node: 'one' },
    ]);
    expect(one.heard).toEqual([['banned', ban], ['keep-anew']]);
  });

  test('refuses nothing by "local"', async () => {
    const { state, scheduler, one } = await twoNodes('on_store_loss = "local"');
    state.isAway = true;
    await pass(scheduler, 3 * heartbeat);
    expect(one.site.refusesCalls).toBe(false);
    expect(one.alerts).toEqual([{ kind: 'store-lost', node: 'one', newCalls: 'local' }]);
  });

  test('hands the node over to another process of its machine, unless that is not wanted any more when all is written', async () => {
    for (const isWanted of [true, false]) {
      const { state, scheduler, one } = await twoNodes();
      await one.site.handOver(() => isWanted);
      const next = new FakeSharedStore({ state, node: 'one', run: 'next', now: () => scheduler.clock.wall() });
      await next.own('at-once');
      await pass(scheduler, 2 * heartbeat);
      expect(one.replaced).toBe(isWanted ? 0 : 1);
    }
  });

  test('that is away at the start is no obstacle', async () => {
    const state = new FakeSharedState();
    const scheduler = new FakeScheduler();
    state.isAway = true;
    const node = TestNode.open(state, scheduler, 'one');
    await node.begin();
    expect(node.site.stores.calls.load()).toEqual({ calls: [], unreadable: [] });
    state.isAway = false;
    await pass(scheduler, 2 * heartbeat);
    expect(node.alerts.map(({ kind }) => kind)).toEqual(['store-lost', 'store-back']);
  });
});

describe('what other nodes say', () => {
  test.each(['{}', '[]', '{"type":"known","at":1}', '{"type":"ended","at":1,"duration":"x"}'])(
    'is no event: %s',
    (json) => {
      expect(() => readFraudEvent(json)).toThrow('expected an event of fraud detection');
    },
  );

  test('is read as it was said', () => {
    const event = { type: 'registered', at: 1, subject: 'user:a@b', source: '192.0.2.1', country: 'GB' } as const;
    expect(readFraudEvent(JSON.stringify(event))).toEqual(event);
    expect(readHold(JSON.stringify(hold))).toMatchObject({ subject: hold.subject, action: 'refuse' });
  });
});
