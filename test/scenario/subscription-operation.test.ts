// Subscriptions as operators see and end them, and the hops that what is asked and told in them has left (RFC 5393).
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import {
  PbxSubscription,
  PhoneSubscription,
  subscribe,
  subscribing,
  unsubscribe,
} from '../support/scenario-subscriptions.ts';

const on = { tables: subscribing };

describe('the list of subscriptions', () => {
  test('tells whose they are, what is watched, and how long they last', async () => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), {
      expires: 600,
      event: 'dialog;id=7',
      uri: 'sip:600@pbx.test',
    });
    const waiting = { user: 'alice@pbx.test', event: 'dialog;id=7', resource: 'sip:600@pbx.test' };
    expect(s.subscriptions.list()).toMatchObject([{ ...waiting, expiresAt: undefined }]);
    const pbx = PbxSubscription.take(s);
    await pbx.accept(500);
    own.take(200);
    await pbx.notify('active;expires=500', { event: 'dialog;id=7' });
    await own.told();
    s.pbx.takeResponse(200, 'NOTIFY');
    await s.advance(100_000);
    const [listed] = s.subscriptions.list();
    expect((listed?.expiresAt ?? 0) - s.scheduler.clock.wall()).toBe(400_000);
    expect(listed?.id).toMatch(/^[0-9a-f]{16}$/);
    await unsubscribe(s, own, pbx, 'dialog;id=7');
    expect(s.subscriptions.list()).toEqual([]);
    await s.finish();
  });

  test.each([
    { reason: 'probation', told: /^terminated;reason=probation;retry-after=1[0-9]$/ },
    { reason: 'rejected', told: /^terminated;reason=rejected$/ },
  ] as const)('ends one for $reason on both sides, and no other', async ({ reason, told }) => {
    const s = new Scenario(on);
    const first = await subscribe(s, s.phone('alice'));
    const second = await subscribe(s, s.phone('bob'));
    const id = s.subscriptions.list().find(({ user }) => user === 'alice@pbx.test')?.id ?? '';
    expect(s.subscriptions.end('none', reason)).toBeUndefined();
    expect(s.subscriptions.end(id, reason)).toBe('alice@pbx.test');
    await s.settle();
    expect((await first.own.told()).headers.get('Subscription-State')).toMatch(told);
    await first.pbx.accept(0, s.pbx.takeRequest('SUBSCRIBE'));
    await first.pbx.notify('terminated');
    s.pbx.takeResponse(200, 'NOTIFY');
    expect(s.subscriptions.list()).toMatchObject([{ user: 'bob@pbx.test' }]);
    await unsubscribe(s, second.own, second.pbx);
    await s.finish();
  });
});

describe('Max-Forwards', () => {
  test('of a refresh, of its end and of a NOTIFY is counted down from side to side', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await own.subscribe({ expires: 600, maxForwards: 12 });
    const refresh = s.pbx.takeRequest('SUBSCRIBE');
    expect(refresh.headers.all('Max-Forwards')).toEqual(['11']);
    await pbx.accept(600, refresh);
    own.take(200);
    await pbx.notify('active', { maxForwards: 5 });
    expect((await own.told()).headers.all('Max-Forwards')).toEqual(['4']);
    s.pbx.takeResponse(200, 'NOTIFY');
    await own.subscribe({ expires: 0, maxForwards: 3 });
    const last = s.pbx.takeRequest('SUBSCRIBE');
    expect(last.headers.all('Max-Forwards')).toEqual(['2']);
    await pbx.accept(0, last);
    own.take(200);
    await pbx.notify('terminated;reason=timeout');
    await own.told();
    s.pbx.takeResponse(200, 'NOTIFY');
    await s.finish();
  });

  test('of 0 is 483 to either, and the subscription goes on', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await own.subscribe({ expires: 600, maxForwards: 0 });
    own.take(483);
    s.pbx.expectNothing();
    await pbx.notify('active', { maxForwards: 0 });
    s.pbx.takeResponse(483, 'NOTIFY');
    own.phone.expectNothing();
    expect(s.subscriptions.active).toBe(1);
    await unsubscribe(s, own, pbx);
    await s.finish();
  });

  test('of 0 on a NOTIFY that ends it is 483, and it ends all the same', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await pbx.notify('terminated;reason=noresource', { maxForwards: 0 });
    s.pbx.takeResponse(483, 'NOTIFY');
    expect((await own.told()).headers.get('Subscription-State')).toBe('terminated;reason=noresource');
    await s.finish();
  });
});

describe('an emergency number', () => {
  const numbers = '[numbers]\ncountry = "GB"\nextensions = ["6xx"]\n';
  const deny = '[[rule]]\nname = "calls-only"\naction = "deny"\nclasses = ["emergency"]\n';

  test('that is subscribed to meets the rules for its number: only calls are exempt (RFC 5031)', async () => {
    const s = new Scenario({ tables: `${numbers}${deny}${subscribing}` });
    const own = await PhoneSubscription.ask(s.phone('alice'), { uri: 'sip:999@pbx.test' });
    own.take(403);
    s.pbx.expectNothing();
    expect(await s.metrics.text()).toContain('sbc_subscription_refusals_total{reason="rule-denied"} 1');
    expect(s.alerts).toEqual([]);
    await s.finish();
  });
});
